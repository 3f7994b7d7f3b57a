"""Taking back what a session did: the last act, or all of it, each by the act that reverses it."""

import uuid
from collections.abc import Mapping
from typing import Any

from biobank.bench import kept, reversing, sessions
from biobank.bench.kept import Scan
from biobank.bench.models import WorkSession, WorkStep
from biobank.bench.task import Told
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import lock
from biobank.core.errors import BiobankError, Forbidden, Reason, RuleViolation
from biobank.samples.reading import find_told
from biobank.storage import places

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
                read=_name(step),
            ) from refusal
    if session.closed_at is None:
        sessions.end(session, by)
    return len(done)


def _unasked() -> Scan:
    """Nobody scanned anything: a button of a page did it."""
    return Scan(raw="", key=str(uuid.uuid4()))


def _reverse(session: WorkSession, step: WorkStep, by: Actor, scan: Scan) -> WorkStep:
    """returns the step that tells of it, with what could not be as it was"""
    reasons = reversing.reverse(step.told["undo"], by) or _so_again(step.told["undo"], by)
    step.undone_at, step.undone_by = clock.now(), by.key
    if session.closed_at is None:  # as it was, but no question is open: the next scan must not answer it
        session.state = {
            name: value for name, value in step.told["before"].items() if name not in ("asked", "back")
        }
    shown = {"code": _name(step), "reasons": [reason.as_dict() for reason in reasons]}
    return kept.keep(session, scan, Told("undone", {"read": _name(step)}, tone="look", shown=shown))


def _name(step: WorkStep) -> str:
    """What the act was done to: a card that confirmed it is not that."""
    shown = step.told.get("shown") or {}
    return step.told.get("undo", {}).get("sample") or shown.get("code") or step.read or step.raw


def _so_again(undo: Mapping[str, Any], by: Actor) -> list[Reason]:
    """Of a tube that was moved or thrown away: that it is here, and where it stands again."""
    if undo["act"] not in ("placed", "taken_out", "discarded") or "sample" not in undo:
        return []
    sample = find_told(undo["sample"], by)
    reasons = [Reason("undone_discard", {"sample": sample.code})] if undo["act"] == "discarded" else []
    path = places.where_is([sample.id]).get(sample.id)
    if not path:
        return [*reasons, Reason("undone_nowhere", {"sample": sample.code})]
    params = {"sample": sample.code, "position": path[-1].position or "–", "container": path[-1].name}
    return [*reasons, Reason("undone_stands", params)]


def _require_may_undo(session: WorkSession, by: Actor) -> None:
    """Who did it takes it back; after that, who may correct the record."""
    if session.actor_key != by.key and not by.may("sample:correct"):
        raise Forbidden("session_of_another")
    last = next(iter(kept.done(session)), None)
    since = session.closed_at or (last.recorded_at if last is not None else None)
    if since is not None and (clock.now() - since).total_seconds() / 3600 > UNDO_HOURS:
        raise RuleViolation("undo_hours_over", hours=UNDO_HOURS)
