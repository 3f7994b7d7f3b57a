"""Sessions of work: each scan goes to the task that is going on, begins another one, or takes the last act back.

A scan and what came of it are one unit of work. The browser gives each scan a key of its own, so that one sent twice,
because the first answer was lost on the way, is carried out once.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from biobank.bench import commands, dividing, kept, sessions
from biobank.bench.heard import Heard, hear
from biobank.bench.kept import LONGEST_KEY, Scan, refusals, steps_of
from biobank.bench.models import WorkSession, WorkStep
from biobank.bench.sessions import TASKS, close, current, find, recent
from biobank.bench.taking_back import UNDO_HOURS, undo_all, undo_last
from biobank.bench.task import Task, Told, Work
from biobank.core.actor import Actor
from biobank.core.db import current_unit, db, lock
from biobank.core.errors import BiobankError, Malformed, Reason, RuleViolation

__all__ = [
    "TASKS",
    "UNDO_HOURS",
    "Heeded",
    "Shown",
    "add_rack",
    "close",
    "current",
    "find",
    "heed",
    "recent",
    "refusals",
    "sentence",
    "shown",
    "steps_of",
    "undo_all",
    "undo_last",
]


@dataclass(frozen=True)
class Heeded:
    """What came of one scan.

    session  None where nothing is going on: the scan asks for a card
    step     None then, too
    """

    session: WorkSession | None
    step: WorkStep | None
    card: bool = False


def heed(
    *,
    raw: str,
    key: str,
    by: Actor,
    session_key: str | None = None,
    position: str | None = None,
    scanned_at: datetime | None = None,
    how: str | None = None,
) -> Heeded:
    """Carry out one scan at the station.

    key          given by the browser; the same key again gets the same answer
    session_key  the session it was scanned in; the open one unless given
    position     the place the screen showed when it was scanned: it goes there, or it is refused
    scanned_at   by the station's clock, for a scan that waited for the line
    how          scanned, typed or pressed; kept with the step
    raises       what the act raises; the refusal is kept in the session
    """
    if not key or len(key) > LONGEST_KEY:
        raise Malformed({"key": Reason("scan_key_wrong")})
    scan = Scan(raw, key, position, scanned_at, how)
    session = find(session_key, by) if session_key else current(by)
    if session is not None:
        (session,) = lock(WorkSession, [session.id])
        sessions.require_own(session, by)
        if (known := kept.step_of(session, key)) is not None:
            return Heeded(session, known)
    if not session_key and (known := kept.step_of_recent(sessions.recent(by), key)) is not None:
        return Heeded(db.session.get_one(WorkSession, known.session_id), known)
    try:
        return _heed(session, scan, by)
    except BiobankError as refusal:
        if session is not None:
            _keep_refusal(session.id, scan, refusal)
        raise


def _heed(session: WorkSession | None, scan: Scan, by: Actor) -> Heeded:
    if session is not None and session.closed_at is not None:
        raise RuleViolation("session_closed")
    heard = hear(scan.raw, by)
    verb = heard.verb
    if session is not None:
        if verb in ("finish", "cancel") and not TASKS[session.task].wants(session.state, verb):
            return _finish(session, heard, scan, by)
        told = _ask(TASKS[session.task], session, heard, by, scan)
        if told is not None:
            return Heeded(session, kept.keep(session, scan, told, heard.text))
        if verb == "undo":  # nothing was pending: a task drops that first
            return Heeded(session, undo_last(session=session, by=by, scan=scan))
    begun = _begin(heard, by)
    if begun is None:
        return _nothing_begins(session, heard)
    if session is not None:
        sessions.end(session, by)
    task, state, told = begun
    session = sessions.begin(task, state, by)
    return Heeded(session, kept.keep(session, scan, told, heard.text))


def _ask(task: Task, session: WorkSession, heard: Heard, by: Actor, scan: Scan) -> Told | None:
    work = Work(state=dict(session.state), by=by, site_id=session.site_id, position=scan.position, at=scan.at)
    told = task.hear(work, heard)
    if told is not None:
        told.before = dict(session.state)
        session.state = work.state
    return told


def _begin(heard: Heard, by: Actor) -> tuple[Task, dict[str, Any], Told] | None:
    """The first task that this scan begins."""
    for task in TASKS.values():
        if task.begins(heard):
            site_id = getattr(heard.thing, "site_id", None) or by.site_id
            work = Work(state={}, by=by, site_id=site_id or 0)
            told = task.begin(work, heard)
            if told is not None:
                return task, work.state, told
    return None


def _nothing_begins(session: WorkSession | None, heard: Heard) -> Heeded:
    if heard.unknown is not None:
        raise heard.unknown
    if heard.verb in commands.VERBS:
        raise RuleViolation("command_out_of_turn", command=heard.verb)
    if heard.kind in ("command", "number"):
        raise RuleViolation("scan_out_of_turn", read=heard.reason or str(heard.figure))
    return Heeded(session, None, card=True)


def _finish(session: WorkSession, heard: Heard, scan: Scan, by: Actor) -> Heeded:
    told = sessions.ending(session, cancelled=heard.verb == "cancel")
    step = kept.keep(session, scan, told, heard.text)
    sessions.end(session, by)
    return Heeded(session, step)


def _keep_refusal(session_id: int, scan: Scan, refusal: BiobankError) -> None:
    """A scan that came to nothing is shown until the person has seen it, whatever was scanned after it."""
    told = kept.refusal_as_told(refusal, scan.position)

    def keep() -> None:
        (session,) = lock(WorkSession, [session_id])
        if kept.step_of(session, scan.key) is None:
            kept.keep(session, scan, told)
            if session.closed_at is None:
                session.state = TASKS[session.task].refused(dict(session.state), refusal)

    current_unit().after_refusal.append(keep)


def add_rack(*, session: WorkSession, content: bytes, file_name: str, by: Actor) -> WorkStep:
    """The new tubes of a rack reader's file become the children of the tube that is being divided, each in its well.

    raises  RuleViolation when nothing is being divided, or where a tube is in use; as `racks.files` for the file
    """
    (session,) = lock(WorkSession, [session.id])
    sessions.require_own(session, by)
    if session.task != dividing.TASK.name or not session.state["parent"]:
        raise RuleViolation("divide_parent_first")
    task_work = Work(state=dict(session.state), by=by, site_id=session.site_id)
    told = dividing.read_rack(task_work, content, file_name)
    session.state = task_work.state
    return kept.keep(session, Scan(file_name, str(uuid.uuid4())), told)


def sentence(session: WorkSession) -> Reason:
    """What is being built, as a sentence."""
    return TASKS[session.task].sentence(session.state)


@dataclass
class Shown:
    """A session as the station draws it.

    endings  verb that ends it -> what is said then
    """

    session: WorkSession
    sentence: Reason
    endings: dict[str, Told]
    steps: list[WorkStep] = field(default_factory=list)
    refused: list[WorkStep] = field(default_factory=list)


def shown(session: WorkSession) -> Shown:
    """Everything the station shows of a session, but the picture its task adds."""
    endings = {verb: sessions.ending(session, cancelled=verb == "cancel") for verb in ("finish", "cancel")}
    return Shown(session, sentence(session), endings, steps_of(session, 12), refusals(session))
