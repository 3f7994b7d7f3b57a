"""Taking back what a session did: the last act, or all of it, each by the act that reverses it."""

import uuid

from biobank.bench import kept, reversing, sessions
from biobank.bench.kept import Scan
from biobank.bench.models import WorkSession, WorkStep
from biobank.bench.task import Told
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import lock
from biobank.core.errors import BiobankError, Forbidden, Reason, RuleViolation

#: A session is undone as a whole as long as people remember it.
UNDO_HOURS = 48


def undo_last(*, session: WorkSession, by: Actor, scan: Scan | None = None) -> WorkStep:
    """Take the last act of a session back by a reversing act. raises RuleViolation `nothing_to_undo`"""
    (session,) = lock(WorkSession, [session.id])
    _require_may_undo(session, by)
    last = next(iter(kept.done(session)), None)
    if last is None:
        raise RuleViolation("nothing_to_undo")
    return _reverse(session, last, by, scan or _unasked())


def undo_all(*, session: WorkSession, by: Actor) -> int:
    """Take everything a session did back, the last act first: all of it or nothing. returns how many acts"""
    (session,) = lock(WorkSession, [session.id])
    _require_may_undo(session, by)
    done = kept.done(session)
    reversing.lock_all([step.told["undo"] for step in done], by)
    for step in done:
        try:
            _reverse(session, step, by, _unasked())
        except BiobankError as refusal:
            raise RuleViolation(
                "undo_stopped",
                reasons=[Reason(refusal.code, refusal.params), *refusal.reasons],
                read=step.read or step.raw,
            ) from refusal
    if session.closed_at is None:
        sessions.end(session, by)
    return len(done)


def _unasked() -> Scan:
    """Nobody scanned anything: a button of a page did it."""
    return Scan(raw="", key=str(uuid.uuid4()))


def _reverse(session: WorkSession, step: WorkStep, by: Actor, scan: Scan) -> WorkStep:
    """returns the step that tells of it, with what could not be as it was"""
    reasons = reversing.reverse(step.told["undo"], by)
    step.undone_at, step.undone_by = clock.now(), by.key
    if session.closed_at is None:
        session.state = dict(step.told["before"])
    shown = {"reasons": [reason.as_dict() for reason in reasons]} if reasons else None
    told = Told("undone", {"read": step.read or step.raw}, tone="look", shown=shown)
    return kept.keep(session, scan, told)


def _require_may_undo(session: WorkSession, by: Actor) -> None:
    """Who did it takes it back; after that, who may correct the record."""
    if session.actor_key != by.key and not by.may("sample:correct"):
        raise Forbidden("session_of_another")
    if session.closed_at is not None:
        hours = (clock.now() - session.closed_at).total_seconds() / 3600
        if hours > UNDO_HOURS:
            raise RuleViolation("undo_hours_over", hours=UNDO_HOURS)
