"""Labels that are to be printed: asked for in the unit of work that made the thing, sent after it, never twice unasked.

A job whose printer was not reached waits and is tried again. One of which nobody can tell whether its label came out
(`failed`, or `sending` for long) is left to a person.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core import codes as code_table
from biobank.core.actor import Actor
from biobank.core.codes import Found
from biobank.core.db import Base, current_unit, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.printing.models import LabelJob
from biobank.printing.printers import printer_of, printers
from biobank.samples.models import Sample
from biobank.storage.models import Container

MOST_LABELS, MOST_COPIES = 500, 20
#: What has a label, by the kind of its code; a maker's tube code stands for the sample in the tube.
LABELLED = frozenset({"sample", "tube", "container", "procedure", "kit"})
#: What may be printed once more, or cancelled, by hand.
OPEN = ("waiting", "sending", "failed")


def order(
    *, codes: Sequence[str], by: Actor, site_id: int, station: str | None = None, copies: int = 1
) -> list[LabelJob]:
    """Ask for the first label of things. One that was asked for already is not asked for again.

    station  whose printer it is; the one the actor stands at unless given
    returns  one job for each code, in order
    raises   NotFound for a code that nobody knows; Malformed for none, or too many
    """
    if not 1 <= len(codes) <= MOST_LABELS:
        raise Malformed({"codes": Reason("labels_out_of_range", {"count": len(codes), "most": MOST_LABELS})})
    found = _found(codes, by)
    if far := next((each for each in found if each.site_id != site_id), None):
        raise NotFound("label_of_unknown", label=far.code[:40])
    lock(Sample, [each.target_id for each in found if each.kind in ("sample", "tube")])
    named = [_number_of(each) for each in found]
    wanted = list(dict.fromkeys(named))
    query = select(LabelJob).where(
        LabelJob.code.in_(wanted), LabelJob.reprint == 0, LabelJob.state != "cancelled"
    )
    jobs = {job.code: job for job in db.session.scalars(query)}
    for code in wanted:
        if code not in jobs:
            jobs[code] = _ask(code, site_id, station, copies, by)
    db.session.flush()
    return [jobs[code] for code in named]


def reprint(*, code: str, reason: str, by: Actor, station: str | None = None, copies: int = 1) -> LabelJob:
    """Ask for a label once more: counted (R1, R2 …), with its reason, in the record.

    raises  Malformed without a reason; NotFound for a code that nobody knows
    """
    if not reason.strip():
        raise Malformed({"reason": Reason("reprint_reason_needed")})
    found = _found([code], by)[0]
    number = _number_of(found)
    if found.kind in _LOCKED:  # two people who ask at once get R1 and R2
        lock(_LOCKED[found.kind], [found.target_id])
    count = select(func.max(LabelJob.reprint)).where(LabelJob.code == number)
    job = _ask(number, found.site_id, station, copies, by)
    job.reprint, job.reason = (db.session.scalar(count) or 0) + 1, reason.strip()
    db.session.flush()
    told = {"reprint": job.reprint}
    kind = "sample" if found.kind == "tube" else found.kind
    audit.record(by=by, act="label_reprinted", subject=(kind, number), after=told, reason=job.reason)
    return job


_LOCKED: dict[str, type[Base]] = {"sample": Sample, "tube": Sample, "container": Container}


def _ask(code: str, site_id: int, station: str | None, copies: int, by: Actor) -> LabelJob:
    if not 1 <= copies <= MOST_COPIES:
        raise Malformed({"copies": Reason("copies_out_of_range", {"count": copies, "most": MOST_COPIES})})
    where = station if station is not None else by.station
    job = LabelJob(
        site_id=site_id, code=code, printer=printer_of(where), station=where, copies=copies, reprint=0,
        state="waiting", tries=0, asked_at=clock.now(), asked_by=by.key,
    )  # fmt: skip
    db.session.add(job)
    if job.printer is not None:
        _nudge()
    return job


def _nudge() -> None:
    """Once this unit is written, somebody looks after what waits."""
    from biobank.printing import sending

    after = current_unit().after_commit
    if sending.nudge not in after:
        after.append(sending.nudge)


def _found(codes: Sequence[str], by: Actor) -> list[Found]:
    """What these codes stand for. raises NotFound `label_of_unknown` naming the first that has no label"""
    known = {
        found.code: found
        for found in code_table.find(codes, by)
        if found.kind in LABELLED and not found.voided
    }
    for code in codes:
        if code not in known:
            raise NotFound("label_of_unknown", label=code[:40])
    return [known[code] for code in codes]


def _number_of(found: Found) -> str:
    return db.session.get_one(Sample, found.target_id).code if found.kind == "tube" else found.code


# --- what people do with a job


def show(*, jobs: Sequence[LabelJob], by: Actor) -> list[LabelJob]:
    """The browser is given these labels to print; from now on they count as printed. Those that wait no more are left.

    Whoever looks at the page again, or prints it twice, asks for that by hand.
    """
    given = [job for job in jobs if job.state == "waiting" and job.printer is None]
    for job in given:
        job.state, job.ended_at = "shown", clock.now()
    db.session.flush()
    return given


def cancel(*, job: LabelJob, by: Actor) -> LabelJob:
    """It is not wanted any more. raises RuleViolation `label_job_over`"""
    _require_open(job)
    job.state, job.ended_at = "cancelled", clock.now()
    _tell("label_job_cancelled", job, by)
    return job


def send_again(*, job: LabelJob, by: Actor) -> LabelJob:
    """Somebody looked, and the label did not come out: it waits anew. raises RuleViolation `label_job_over`"""
    _require_open(job)
    job.state, job.error, job.printer = "waiting", None, printer_of(job.station)
    if job.printer is not None:
        _nudge()
    _tell("label_job_sent_again", job, by)
    return job


def _require_open(job: LabelJob) -> None:
    if job.state not in OPEN:
        raise RuleViolation("label_job_over", label=job.code, label_state=job.state)


def _tell(act: str, job: LabelJob, by: Actor) -> None:
    audit.record(by=by, act=act, subject=("label_job", str(job.id)), after={"label": job.code})


# --- reading


def find_job(job_id: int, by: Actor) -> LabelJob:
    """raises NotFound `label_job_unknown`, also for another site's"""
    job = db.session.get(LabelJob, job_id)
    if job is None or not by.sees(job.site_id):
        raise NotFound("label_job_unknown", job=job_id)
    return job


def find_jobs(job_ids: Sequence[int], by: Actor) -> list[LabelJob]:
    """Jobs by their keys, in the order given; what another site hides is left out."""
    rows = {
        job.id: job
        for job in db.session.scalars(select(LabelJob).where(LabelJob.id.in_(list(job_ids)[:MOST_LABELS])))
    }
    return [rows[key] for key in job_ids if key in rows and by.sees(rows[key].site_id)]


def list_jobs(
    by: Actor, *, state: str | None = None, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[LabelJob]:
    """Jobs of the actor's site, the newest first."""
    query = _visible(by)
    if state:
        query = query.where(LabelJob.state == state)
    return page_of(query, LabelJob.id, after=after, limit=limit)


def waiting_here(by: Actor) -> list[LabelJob]:
    """What the browser at hand is to print: asked for at its station, or by its user where it has none."""
    mine: ColumnElement[bool] = (
        LabelJob.station == by.station
        if by.station is not None
        else LabelJob.station.is_(None) & (LabelJob.asked_by == by.key)
    )
    query = _visible(by).where(LabelJob.state == "waiting", LabelJob.printer.is_(None), mine)
    return list(db.session.scalars(query.order_by(LabelJob.id).limit(MOST_LABELS)))


def _visible(by: Actor) -> Select[Any]:
    query = select(LabelJob)
    return query if by.site_id is None else query.where(LabelJob.site_id == by.site_id)


# --- what the sender does with one: each in a unit of work of its own


def claim(passed_over: Sequence[str]) -> LabelJob | None:
    """Take the oldest that waits for a printer; another sender then leaves it alone.

    passed_over  printers that do not answer just now
    """
    names = sorted(set(printers()) - set(passed_over))
    query = (
        select(LabelJob)
        .where(LabelJob.state == "waiting", LabelJob.printer.in_(names))
        .order_by(LabelJob.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    job = db.session.scalar(query) if names else None
    if job is not None:
        job.state, job.tries, job.error = "sending", job.tries + 1, None
    return job


def settle(job_id: int, state: str, error: str | None = None) -> None:
    """What came of it: sent, waiting (not reached, and nothing was printed) or failed (nobody can tell).

    A job that somebody cancelled meanwhile stays as they left it.
    """
    job = db.session.get_one(LabelJob, job_id, with_for_update=True, populate_existing=True)
    if job.state != "sending":
        return
    job.state, job.error = state, error
    job.ended_at = clock.now() if state != "waiting" else None
