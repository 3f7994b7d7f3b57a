"""Labels that are to be printed: asked for in the unit of work that made the thing, sent after it, never twice unasked.

waiting   nothing was sent: it is cancelled, or moved to another printer, as somebody likes
sending   a sender is at it
held      the printer has it, and prints it once its trouble is mended; its sender asks again
sent      it came out
failed    somebody must look whether it came out, or it cannot be made
shown     the browser was given it
cancelled not wanted any more
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core import codes as code_table
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.codes import Found, ScannableCode
from biobank.core.db import current_unit, db, fetch, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.patients.models import Patient
from biobank.printing.models import LabelJob
from biobank.printing.printers import printer_of, printers
from biobank.samples.models import Sample, SampleDonor
from biobank.storage.models import Container

MOST_LABELS, MOST_COPIES = 500, 20
#: What has a label, by the kind of its code; a maker's tube code stands for the sample in the tube, one on a box for
#: the container. A number that was allotted before the draw stands for itself.
LABELLED = frozenset({"sample", "tube", "container", "rack", "procedure", "kit", "patient", "allotted"})


def order(
    *,
    codes: Sequence[str],
    by: Actor,
    site_id: int,
    station: str | None = None,
    copies: int = 1,
    design: str | None = None,
) -> list[LabelJob]:
    """Ask for the first label of things. One that was asked for already is not asked for again.

    Those of one patient are a batch: they come out one after the other, in the order of the codes.

    station  whose printer it is; the one the actor stands at unless given
    design   by default the one for each kind of thing
    returns  one job for each code, in order
    raises   NotFound for a code that nobody knows; Malformed for none, or too many
    """
    if not 1 <= len(codes) <= MOST_LABELS:
        raise Malformed({"codes": Reason("labels_out_of_range", {"count": len(codes), "most": MOST_LABELS})})
    found = _found(codes, by)
    if far := next((each for each in found if each.site_id != site_id), None):
        raise NotFound("label_of_unknown", label=far.code[:40])
    _lock(found)
    named = [_number_of(each) for each in found]
    query = select(LabelJob).where(
        LabelJob.code.in_(set(named)), LabelJob.reprint == 0, LabelJob.state != "cancelled"
    )
    jobs = {job.code: job for job in db.session.scalars(query)}
    groups: dict[tuple[int | None, str], list[str]] = {}
    whose = _patients(found)
    for each, code in zip(found, named, strict=True):
        if code not in jobs:
            patient_id = whose(each)
            pool = code if patient_id is None and each.kind in _OF_SAMPLES else ""  # comes out alone
            groups.setdefault((patient_id, pool), []).append(code)
    ask = _asking(site_id, station, copies, design, by)
    for (patient_id, _), wanted in groups.items():
        jobs |= _batch({code: ask(code, patient_id) for code in dict.fromkeys(wanted)})
    return [jobs[code] for code in named]


def reprint(
    *,
    code: str,
    reason: str,
    by: Actor,
    station: str | None = None,
    copies: int = 1,
    design: str | None = None,
) -> LabelJob:
    """Ask for a label once more: counted (R1, R2 …), with its reason, in the record.

    raises  Malformed without a reason; NotFound for a code that nobody knows
    """
    if not reason.strip():
        raise Malformed({"reason": Reason("reprint_reason_needed")})
    found = _found([code], by)
    number = _number_of(found[0])
    _lock(found)  # two people who ask at once get R1 and R2
    count = select(func.max(LabelJob.reprint)).where(LabelJob.code == number)
    before = db.session.scalar(count) or 0
    patient_id = _patients(found)(found[0])
    job = _asking(found[0].site_id, station, copies, design, by)(number, patient_id)
    job.reprint, job.reason = before + 1, reason.strip()
    _batch({number: job})
    told = {"reprint": job.reprint}
    kind = {"tube": "sample", "rack": "container"}.get(found[0].kind, found[0].kind)
    key = record_key(kind, job)
    audit.record(by=by, act="label_reprinted", subject=(kind, key), after=told, reason=job.reason)
    return job


def record_key(kind: str, job: LabelJob) -> str:
    """What the record knows the thing of a label as: of a patient the random key, never the pseudonym."""
    if kind != "patient":
        return job.code
    key = db.session.scalar(select(Patient.subject_key).where(Patient.id == job.patient_id))
    return key or job.code  # whoever was anonymised has no key, and a pseudonym that says nothing


def _asking(
    site_id: int, station: str | None, copies: int, design: str | None, by: Actor
) -> Callable[[str, int | None], LabelJob]:
    """Makes jobs that differ in their code and patient alone."""
    if not 1 <= copies <= MOST_COPIES:
        raise Malformed({"copies": Reason("copies_out_of_range", {"count": copies, "most": MOST_COPIES})})
    where = station if station is not None else by.station
    printer, now = printer_of(where), clock.now()

    def ask(code: str, patient_id: int | None) -> LabelJob:
        return LabelJob(
            site_id=site_id, code=code, patient_id=patient_id, design=design, printer=printer, station=where,
            copies=copies, reprint=0, state="waiting", tries=0, asked_at=now, asked_by=by.key,
        )  # fmt: skip

    return ask


def _batch(asked: dict[str, LabelJob]) -> dict[str, LabelJob]:
    """Write those that come out together."""
    first, *others = asked.values()
    db.session.add(first)
    db.session.flush()
    for job in asked.values():
        job.batch = first.id
    db.session.add_all(others)
    db.session.flush()
    if first.printer is not None:
        _nudge()
    return asked


def _nudge() -> None:
    """Once this unit is written, somebody looks after what waits."""
    from biobank.printing import sending

    after = current_unit().after_commit
    if sending.nudge not in after:
        after.append(sending.nudge)


def _found(codes: Sequence[str], by: Actor) -> list[Found]:
    """What these codes stand for. raises NotFound `label_of_unknown` naming the first that has no label; RuleViolation
    for one that is void"""
    known = {found.code: found for found in code_table.find(codes, by) if found.kind in LABELLED}
    for code in codes:
        if code not in known:
            raise NotFound("label_of_unknown", label=code[:40])
        if known[code].voided:
            raise code_table.refusal_of_void(known[code])
    return [known[code] for code in codes]


def _lock(found: Sequence[Found]) -> None:
    """Two who ask at once for the label of one thing do so one after the other."""
    samples = {each.target_id for each in found if each.kind in _OF_SAMPLES}
    others = {each.code for each in found if each.kind not in _OF_SAMPLES}
    lock(Sample, samples)
    if others:  # whatever has a code has a row here; nobody else locks these
        query = select(ScannableCode.id).where(ScannableCode.code.in_(others)).order_by(ScannableCode.id)
        db.session.execute(query.with_for_update()).all()


_OF_SAMPLES = ("sample", "tube")


def _number_of(found: Found) -> str:
    """The number that stands on the label."""
    if found.kind == "tube":
        return db.session.get_one(Sample, found.target_id).code
    if found.kind == "rack":
        return db.session.get_one(Container, found.target_id).code
    return found.code


_DONORS = select(SampleDonor.sample_id, SampleDonor.patient_id).where(among(SampleDonor.sample_id, "ids"))


def _patients(found: Sequence[Found]) -> Callable[[Found], int | None]:
    """Whose a thing is, where it is one person's."""
    samples = sorted({each.target_id for each in found if each.kind in _OF_SAMPLES})
    donors: dict[int, list[int]] = {}
    for sample_id, patient_id in fetch(_DONORS, {"ids": samples}) if samples else ():
        donors.setdefault(sample_id, []).append(patient_id)

    def whose(each: Found) -> int | None:
        if each.kind == "patient":
            return each.target_id
        known = donors.get(each.target_id, []) if each.kind in _OF_SAMPLES else []
        return known[0] if len(known) == 1 else None

    return whose


# --- what people do with a job


def show(*, jobs: Sequence[LabelJob], by: Actor) -> list[LabelJob]:
    """The browser is given these labels to print; from now on they count as printed. Those that wait no more are left.

    Whoever looks at the page again, or prints it twice, asks for that by hand.
    """
    given = [job for job in map(_locked, jobs) if job.state == "waiting" and job.printer is None]
    for job in given:
        job.state, job.ended_at = "shown", clock.now()
    db.session.flush()
    return given


def came_out(*, job: LabelJob, by: Actor) -> LabelJob:
    """Somebody looked, and the label is there. raises RuleViolation `label_job_over`"""
    job = _locked(job)
    _require(job, "failed", "held")
    job.state, job.error, job.ended_at = "sent", None, clock.now()
    _tell("label_job_came_out", job, by)
    return job


def send_again(*, job: LabelJob, by: Actor) -> LabelJob:
    """Somebody looked, and the label did not come out: it waits anew. raises RuleViolation `label_job_over`"""
    job = _locked(job)
    _require(job, "failed")
    if job.printer not in printers():
        job.printer = printer_of(job.station)
    _wait_anew(job)
    _tell("label_job_sent_again", job, by)
    return job


def cancel(*, job: LabelJob, by: Actor) -> LabelJob:
    """It is not wanted any more. raises RuleViolation `label_job_over`"""
    job = _locked(job)
    _require(job, "waiting", "failed", "held")
    job.state, job.ended_at = "cancelled", clock.now()
    _tell("label_job_cancelled", job, by)
    return job


def move(*, job: LabelJob, printer: str | None, by: Actor) -> LabelJob:
    """Another printer prints it, or the browser: its own is broken, or prints other labels.

    One of which nobody knows whether it came out is moved by whoever looked that it did not.

    printer  a name of the settings; None: the browser of its station
    raises   RuleViolation `label_job_over`; Malformed, field `printer`
    """
    if printer is not None and printer not in printers():
        known = ", ".join(printers())
        raise Malformed({"printer": Reason("printer_unknown", {"printer": printer[:40], "known": known})})
    job = _locked(job)
    _require(job, "waiting", "failed")
    before, job.printer = job.printer, printer
    _wait_anew(job)
    _tell("label_job_moved", job, by, {"from": before, "to": printer})
    return job


def _locked(job: LabelJob) -> LabelJob:
    """As it stands now: its sender, or another person, may have been first."""
    return db.session.get_one(LabelJob, job.id, with_for_update=True, populate_existing=True)


def _require(job: LabelJob, *states: str) -> None:
    if job.state not in states:
        raise RuleViolation("label_job_over", label=job.code, label_state=job.state)


def _wait_anew(job: LabelJob) -> None:
    """Behind what its printer has begun."""
    job.state, job.error, job.ended_at, job.counted_before, job.claimed_at = "waiting", None, None, None, None
    if job.printer is not None:
        _nudge()


def _tell(act: str, job: LabelJob, by: Actor, more: dict[str, Any] | None = None) -> None:
    of = select(Patient.subject_key).where(Patient.id == job.patient_id, Patient.code == job.code)
    told: dict[str, Any] = {"label": db.session.scalar(of) or job.code} | (more or {})
    audit.record(by=by, act=act, subject=("label_job", str(job.id)), after=told)


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
    by: Actor,
    *,
    state: str | None = None,
    printer: str | None = None,
    code: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[LabelJob]:
    """Jobs of the actor's site, the newest first.

    printer  a name of the settings, or `-` for those of browsers
    code     of one thing alone, as its label says it
    """
    query = _visible(by)
    if state:
        query = query.where(LabelJob.state == state)
    if code:
        query = query.where(LabelJob.code == code)
    if printer:
        query = query.where(LabelJob.printer.is_(None) if printer == "-" else LabelJob.printer == printer)
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
