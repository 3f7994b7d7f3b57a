"""What a sender writes down: that it alone sends to a printer, which label it sends, and what came of it.

Each is a short unit of work. The row of a printer names its sender until an instant; whoever comes later takes over
what the dead one left. Of a job, `tries` tells one sending from the next: who is late cannot settle another's.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update

from biobank.core import clock
from biobank.core.db import db, is_sqlite
from biobank.core.errors import Reason
from biobank.printing.models import LabelJob, LabelPrinter
from biobank.printing.printers import LONGEST_LEASE, TO_SEND

LOST = "printer_lost_label"
#: How often a printer may say that it lost a label, before somebody looks: its counter may stand still, and the label
#: have come out each time.
MOST_LOST = 5
#: Labels that a sender takes on at once: to put them in order costs the more the more wait.
AT_ONCE = 20


class LeaseLost(Exception):
    """Somebody else sends to this printer now."""


class NotWanted(Exception):
    """The job was cancelled or moved before its label was sent."""


@dataclass(frozen=True)
class Claimed:
    """A job as its sender needs it."""

    id: int
    code: str
    design: str | None
    reprint: int
    copies: int
    state: str
    tries: int
    counted_before: int | None

    @classmethod
    def of(cls, job: LabelJob) -> "Claimed":
        return cls(
            job.id, job.code, job.design, job.reprint, job.copies, job.state, job.tries, job.counted_before
        )


def _now() -> datetime:
    """The clock that all senders share: of several machines, that of the database."""
    return clock.now() if is_sqlite() else db.session.scalars(select(func.clock_timestamp())).one()


# --- one sender a printer


def take(name: str, sender: str, seconds: float) -> bool:
    """Send to this printer alone from now on; False where somebody does already."""
    now = _now()
    free = or_(
        LabelPrinter.sender.is_(None), LabelPrinter.sender == sender, LabelPrinter.until < now,
        LabelPrinter.until > now + timedelta(seconds=LONGEST_LEASE),  # a clock was set back
    )  # fmt: skip
    values = {"sender": sender, "until": now + timedelta(seconds=seconds)}
    if _write(update(LabelPrinter).where(LabelPrinter.name == name, free).values(values)):
        return True
    if db.session.get(LabelPrinter, name) is not None:
        return False
    db.session.add(
        LabelPrinter(name=name, **values)
    )  # two at once: the second unit is run again, and finds it
    db.session.flush()
    return True


def renew(name: str, sender: str, seconds: float) -> None:
    """raises LeaseLost"""
    until = _now() + timedelta(seconds=seconds)
    mine = (LabelPrinter.name == name, LabelPrinter.sender == sender)
    if not _write(update(LabelPrinter).where(*mine).values(until=until)):
        raise LeaseLost(name)


def give_back(name: str, sender: str) -> None:
    mine = (LabelPrinter.name == name, LabelPrinter.sender == sender)
    _write(update(LabelPrinter).where(*mine).values(sender=None, until=None))


def tell(name: str, sender: str, trouble: str | None) -> None:
    """What the printer says of itself; None: it prints."""
    mine = (LabelPrinter.name == name, LabelPrinter.sender == sender)
    _write(update(LabelPrinter).where(*mine).values(trouble=trouble, told_at=_now()))


def told_lately(name: str, seconds: float) -> bool:
    """Was it asked so recently that it cannot have been switched off and on since?"""
    told_at = db.session.scalar(select(LabelPrinter.told_at).where(LabelPrinter.name == name))
    return told_at is not None and timedelta(0) <= _now() - told_at < timedelta(seconds=seconds)


def _write(statement: Any) -> bool:
    done: Any = db.session.execute(statement.execution_options(synchronize_session=False))
    return bool(done.rowcount)


# --- jobs


def with_work(names: Iterable[str]) -> list[str]:
    """Of these printers, those with labels to send or to ask after."""

    def has_work(name: str) -> bool:  # one by one: the first row says it, however many there are
        query = select(LabelJob.id).where(TO_SEND, LabelJob.printer == name).limit(1)
        return db.session.scalar(query) is not None

    return [name for name in sorted(names) if has_work(name)]


def left_over(name: str) -> list[Claimed]:
    """What was sent to this printer, and nobody knows yet what became of it."""
    query = select(LabelJob).where(TO_SEND, LabelJob.printer == name, LabelJob.state.in_(("sending", "held")))
    return [Claimed.of(job) for job in db.session.scalars(query.order_by(LabelJob.id))]


def next_jobs(name: str) -> list[Claimed]:
    """The labels that come out next. A batch that was begun is ended first: labels of two people never mix."""
    query = (
        select(LabelJob)
        .where(TO_SEND, LabelJob.state == "waiting", LabelJob.printer == name)
        .order_by(LabelJob.claimed_at.is_(None), LabelJob.claimed_at, LabelJob.batch, LabelJob.id)
        .limit(AT_ONCE)
    )
    return [Claimed.of(job) for job in db.session.scalars(query)]


def begin(job: Claimed, name: str, sender: str, seconds: float, counted: int | None) -> None:
    """From here on the label may come out. raises LeaseLost, NotWanted"""
    renew(name, sender, seconds)
    row = _locked(job.id)
    if row.state != "waiting" or row.printer != name or row.tries != job.tries:
        raise NotWanted(job.id)
    if row.claimed_at is None:
        same = (TO_SEND, LabelJob.state == "waiting", LabelJob.printer == name, LabelJob.batch == row.batch)
        _write(update(LabelJob).where(*same).values(claimed_at=_now()))
    row.state, row.tries, row.counted_before = "sending", row.tries + 1, counted
    if not _times_lost(row):
        row.error = None


def settle(job: Claimed, tries: int, state: str, error: str | None = None) -> str:
    """What came of a label that was sent. Where a person or another sender was first, theirs stands.

    returns  the state: `failed` instead of `waiting` where it was lost too often
    """
    row = _locked(job.id)
    if row.state not in ("sending", "held") or row.tries != tries:
        return state
    if error == LOST and (times := _times_lost(row) + 1) > 1:
        again = times < MOST_LOST
        state, code = (state, LOST) if again else ("failed", "printer_lost_often")
        error = put_error(code, {"times": times})
    row.state, row.error = state, error
    row.ended_at = clock.now() if state in ("sent", "failed") else None
    if state == "waiting":
        row.counted_before = None
    return state


def _times_lost(row: LabelJob) -> int:
    reason = reason_of(row)
    return int(reason.params.get("times", 1)) if reason is not None and reason.code == LOST else 0


def put_off(job: Claimed, state: str, error: str) -> None:
    """Nothing was sent: it waits on, or failed because no label can be made."""
    row = _locked(job.id)
    if row.state != "waiting" or row.tries != job.tries:
        return
    row.state, row.tries, row.error = state, row.tries + 1, error
    row.ended_at = clock.now() if state == "failed" else None


def lost(known: Iterable[str]) -> list[int]:
    """Labels that were sent to a printer which the settings no longer name."""
    gone = (TO_SEND, LabelJob.state.in_(("sending", "held")), LabelJob.printer.not_in(sorted(known)))
    sent_to = select(LabelPrinter.name).where(
        LabelPrinter.until.between(_now(), _now() + timedelta(seconds=LONGEST_LEASE))
    )
    return list(db.session.scalars(select(LabelJob.id).where(*gone, LabelJob.printer.not_in(sent_to))))


def give_up(job_ids: Iterable[int]) -> None:
    """A person must look what became of these."""
    for job_id in sorted(job_ids):
        row = _locked(job_id)
        if row.state in ("sending", "held"):
            row.state, row.error, row.ended_at = "failed", "printer_unclear", clock.now()


def _locked(job_id: int) -> LabelJob:
    return db.session.get_one(LabelJob, job_id, with_for_update=True, populate_existing=True)


# --- why it did not come out


def put_error(code: str, params: Mapping[str, Any]) -> str:
    """The reason as a job keeps it."""
    return f"{code} {json.dumps(dict(params), default=str, ensure_ascii=False)}" if params else code


def reason_of(job: LabelJob) -> Reason | None:
    """Why a job waits or failed; its sentence is `sentences.of_reason(...)`."""
    if job.error is None:
        return None
    code, _, params = job.error.partition(" ")
    return Reason(code, json.loads(params) if params else {})
