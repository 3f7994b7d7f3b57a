"""What a session keeps of its scans: one step each, in order, whatever came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from biobank.bench.models import WorkSession, WorkStep
from biobank.bench.task import Told
from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import BiobankError, Malformed

#: A key longer than this was not made by our pages.
LONGEST_KEY = 36
#: How a text got here: by a scanner, by hand, or by a button that stands for a card.
WAYS = ("scanned", "typed", "pressed")


@dataclass(frozen=True)
class Scan:
    """One scan as it came from a station.

    key       given by the browser: sent twice, it is one scan
    position  the place the screen showed when it was made
    at        when it was made, by the station's clock, if it waited for the line
    how       one of WAYS; None where nobody can tell
    """

    raw: str
    key: str
    position: str | None = None
    at: datetime | None = None
    how: str | None = None


def steps_of(session: WorkSession, limit: int = 200) -> list[WorkStep]:
    """Its scans, the newest first."""
    query = select(WorkStep).where(WorkStep.session_id == session.id).order_by(WorkStep.seq.desc())
    return list(db.session.scalars(query.limit(limit)))


def step_of(session: WorkSession, key: str) -> WorkStep | None:
    """What came of the scan of that key, where it was sent before."""
    query = select(WorkStep).where(WorkStep.session_id == session.id, WorkStep.key == key)
    return db.session.scalars(query).one_or_none()


def step_of_recent(sessions: Iterable[WorkSession], key: str) -> WorkStep | None:
    """The same, for a scan of which nobody said in what session it was made: one sent again may meet the next one."""
    ids = [session.id for session in sessions]
    query = select(WorkStep).where(WorkStep.session_id.in_(ids), WorkStep.key == key)
    return db.session.scalars(query.order_by(WorkStep.id.desc()).limit(1)).one_or_none()


def keep(session: WorkSession, scan: Scan, told: Told, read: str | None = None) -> WorkStep:
    """Write one step.

    read  the code as it was understood
    """
    seq = db.session.scalar(select(func.max(WorkStep.seq)).where(WorkStep.session_id == session.id)) or 0
    now = clock.now()
    step = WorkStep(
        session_id=session.id, seq=seq + 1, key=scan.key, raw=scan.raw.strip()[:256], read=read and read[:256],
        how=scan.how, outcome=told.outcome, act=told.act, told=_as_kept(told), scanned_at=min(scan.at or now, now),
        recorded_at=now,
    )  # fmt: skip
    db.session.add(step)
    db.session.flush()
    return step


def _as_kept(told: Told) -> dict[str, Any]:
    kept: dict[str, Any] = {"code": told.code, "params": told.params, "tone": told.tone}
    if told.shown:
        kept["shown"] = told.shown
    if told.undo:
        kept |= {"undo": told.undo, "before": told.before}
    return kept


def refusal_as_told(refusal: BiobankError, position: str | None) -> Told:
    """A refusal as a step keeps it. The place that the screen showed stays free, and is told."""
    reasons = [{"code": reason.code, "params": dict(reason.params)} for reason in refusal.reasons]
    if isinstance(refusal, Malformed):
        reasons += [{"code": why.code, "params": dict(why.params)} for why in refusal.fields.values()]
    shown: Mapping[str, Any] = {"reasons": reasons} | ({"pointed_at": position} if position else {})
    return Told(refusal.code, dict(refusal.params), tone="no", outcome="refused", shown=dict(shown))


def done(session: WorkSession) -> list[WorkStep]:
    """Acts that stand, the last first."""
    query = (
        select(WorkStep)
        .where(WorkStep.session_id == session.id, WorkStep.outcome == "done", WorkStep.undone_at.is_(None))
        .order_by(WorkStep.seq.desc())
    )
    return list(db.session.scalars(query))


def count_done(session: WorkSession) -> int:
    """How many acts stand."""
    query = select(func.count()).where(
        WorkStep.session_id == session.id, WorkStep.outcome == "done", WorkStep.undone_at.is_(None)
    )
    return db.session.scalar(query) or 0


def refusals(session: WorkSession, limit: int = 10) -> list[WorkStep]:
    """Refused scans that were not put right since: no later scan of the same text was carried out."""
    later = select(WorkStep.id).where(WorkStep.session_id == session.id, WorkStep.outcome != "refused")
    query = (
        select(WorkStep)
        .where(WorkStep.session_id == session.id, WorkStep.outcome == "refused", WorkStep.undone_at.is_(None))
        .order_by(WorkStep.seq.desc())
        .limit(limit)
    )
    found = []
    for step in db.session.scalars(query):
        again = later.where(WorkStep.raw == step.raw, WorkStep.seq > step.seq).limit(1)
        if db.session.scalar(again) is None:
            found.append(step)
    return found
