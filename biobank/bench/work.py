"""Sessions of work: each scan goes to the task that is going on, begins another one, or takes the last act back.

A scan and what came of it are one unit of work. The browser gives each scan a key of its own, so that one sent twice,
because the first answer was lost on the way, is carried out once.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from biobank.bench import carrying, dividing, filling, handling, receiving, reversing, timing
from biobank.bench.heard import Heard, hear
from biobank.bench.models import WorkSession, WorkStep
from biobank.bench.task import Task, Told, Work
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import current_unit, db, lock
from biobank.core.errors import BiobankError, Forbidden, Malformed, NotFound, Reason, RuleViolation
from biobank.racks import readings as racks

#: In the order in which they are asked whether a scan begins them.
TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (receiving.TASK, filling.TASK, dividing.TASK, handling.TASK, carrying.TASK, timing.TASK)
}
#: A key longer than this was not made by our pages.
LONGEST_KEY = 36
#: A session is undone as a whole as long as people remember it.
UNDO_HOURS = 48


@dataclass(frozen=True)
class Heeded:
    """What came of one scan.

    session  None where nothing is going on: the scan asks for a card
    step     None then, too
    """

    session: WorkSession | None
    step: WorkStep | None
    card: bool = False


def current(by: Actor) -> WorkSession | None:
    """The session that this person has open at this station."""
    query = select(WorkSession).where(
        WorkSession.actor_key == by.key,
        WorkSession.station == (by.station or ""),
        WorkSession.closed_at.is_(None),
    )
    return db.session.scalars(query).one_or_none()


def find(key: str, by: Actor) -> WorkSession:
    """A session by its key. raises NotFound, also for another site's"""
    found = db.session.scalars(select(WorkSession).where(WorkSession.key == key[:LONGEST_KEY])).one_or_none()
    if found is None or not by.sees(found.site_id):
        raise NotFound("session_unknown", session=key[:LONGEST_KEY])
    return found


def recent(by: Actor, limit: int = 20) -> list[WorkSession]:
    """The last sessions of this person, the newest first."""
    query = select(WorkSession).where(WorkSession.actor_key == by.key).order_by(WorkSession.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def steps_of(session: WorkSession, limit: int = 200) -> list[WorkStep]:
    """Its scans, the newest first."""
    query = select(WorkStep).where(WorkStep.session_id == session.id).order_by(WorkStep.seq.desc())
    return list(db.session.scalars(query.limit(limit)))


def heed(
    *,
    raw: str,
    key: str,
    by: Actor,
    session_key: str | None = None,
    position: str | None = None,
    scanned_at: datetime | None = None,
) -> Heeded:
    """Carry out one scan at the station.

    key          given by the browser; the same key again gets the same answer
    session_key  the session it was scanned in; the open one unless given
    position     the place the screen showed when it was scanned: it goes there, or it is refused
    scanned_at   by the station's clock, for a scan that waited for the line
    raises       what the act raises; the refusal is kept in the session
    """
    if not key or len(key) > LONGEST_KEY:
        raise Malformed({"key": Reason("scan_key_wrong")})
    session = find(session_key, by) if session_key else current(by)
    if session is not None:
        (session,) = lock(WorkSession, [session.id])
        _require_own(session, by)
        if (known := _step(session, key)) is not None:
            return Heeded(session, known)
    try:
        return _heed(session, raw, key, by, position, scanned_at)
    except BiobankError as refusal:
        if session is not None:
            _keep_refusal(session.id, raw, key, refusal, scanned_at)
        raise


def _heed(
    session: WorkSession | None,
    raw: str,
    key: str,
    by: Actor,
    position: str | None,
    scanned_at: datetime | None,
) -> Heeded:
    if session is not None and session.closed_at is not None:
        raise RuleViolation("session_closed")
    heard = hear(raw, by)
    verb = heard.verb
    if session is not None:
        if verb == "undo":
            return undo_last(session=session, by=by, key=key, raw=raw)
        if verb in ("finish", "cancel") and not TASKS[session.task].wants(session.state, verb):
            return _finish(session, heard, key, by)
        told = _ask(TASKS[session.task], session, heard, by, position, scanned_at)
        if told is not None:
            return Heeded(session, _keep(session, key, heard, told, scanned_at))
    begun = _begin(heard, by)
    if begun is None:
        return _nothing_begins(session, heard)
    if session is not None:
        _close(session, by)
    task, state, told = begun
    session = _open(task, state, by)
    return Heeded(session, _keep(session, key, heard, told, scanned_at))


def _ask(
    task: Task,
    session: WorkSession,
    heard: Heard,
    by: Actor,
    position: str | None,
    scanned_at: datetime | None,
) -> Told | None:
    work = Work(state=dict(session.state), by=by, site_id=session.site_id, position=position, at=scanned_at)
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
    if heard.kind in ("command", "number"):
        raise RuleViolation("scan_out_of_turn", read=heard.text)
    return Heeded(session, None, card=True)


def _open(task: Task, state: dict[str, Any], by: Actor) -> WorkSession:
    site_id = state.pop("site_id", None) or by.site_id
    if site_id is None:
        raise Malformed({"site": Reason("site_needed")})
    session = WorkSession(
        site_id=site_id, key=str(uuid.uuid4()), task=task.name, station=by.station or "", actor_key=by.key,
        state=state, opened_at=clock.now(),
    )  # fmt: skip
    db.session.add(session)
    db.session.flush()
    return session


def close(*, session: WorkSession, by: Actor) -> WorkSession:
    """End a session; what it reserved is free again."""
    (session,) = lock(WorkSession, [session.id])
    _require_own(session, by)
    if session.closed_at is None:
        _close(session, by)
    return session


def _close(session: WorkSession, by: Actor) -> None:
    work = Work(state=dict(session.state), by=by, site_id=session.site_id)
    TASKS[session.task].end(work)
    session.closed_at, session.closed_by = clock.now(), by.key
    db.session.flush()


def _finish(session: WorkSession, heard: Heard, key: str, by: Actor) -> Heeded:
    told = Told("session_finished", {"count": _count_done(session)}, tone="yes")
    step = _keep(session, key, heard, told, None)
    _close(session, by)
    return Heeded(session, step)


def add_rack(*, session: WorkSession, content: bytes, by: Actor) -> WorkStep:
    """The tubes of a rack reader's file become the children of the tube that is being divided.

    raises  RuleViolation when nothing is being divided, or where a tube is in use; as `racks.files` for the file
    """
    (session,) = lock(WorkSession, [session.id])
    _require_own(session, by)
    if session.task != dividing.TASK.name or not session.state["parent"]:
        raise RuleViolation("divide_parent_first")
    reading = racks.read(content, session.site_id, None)
    found = reading.codes if reading is not None else []
    if not found:
        raise RuleViolation("divide_rack_empty")
    task_work = Work(state=dict(session.state), by=by, site_id=session.site_id)
    told = dividing.add_codes(task_work, found)
    session.state = task_work.state
    return _new_step(session, str(uuid.uuid4()), found[-1], None, told, None)


# --- taking back


def undo_last(*, session: WorkSession, by: Actor, key: str | None = None, raw: str = "") -> Heeded:
    """Take the last act of a session back by a reversing act. raises RuleViolation `nothing_to_undo`"""
    (session,) = lock(WorkSession, [session.id])
    _require_may_undo(session, by)
    step = next(iter(_done(session)), None)
    if step is None:
        raise RuleViolation("nothing_to_undo")
    _reverse(session, step, by)
    told = Told("undone", {"read": step.read or step.raw}, tone="look")
    said = _new_step(session, key or str(uuid.uuid4()), raw, None, told, None)
    return Heeded(session, said)


def undo_all(*, session: WorkSession, by: Actor) -> int:
    """Take everything a session did back, the last act first: all of it or nothing. returns how many acts"""
    (session,) = lock(WorkSession, [session.id])
    _require_may_undo(session, by)
    done = _done(session)
    reversing.lock_all([step.told["undo"] for step in done], by)
    for step in done:
        try:
            _reverse(session, step, by)
        except BiobankError as refusal:
            raise RuleViolation(
                "undo_stopped",
                reasons=[Reason(refusal.code, refusal.params), *refusal.reasons],
                read=step.read or step.raw,
            ) from refusal
    if session.closed_at is None:
        _close(session, by)
    return len(done)


def _reverse(session: WorkSession, step: WorkStep, by: Actor) -> None:
    reversing.reverse(step.told["undo"], by)
    step.undone_at, step.undone_by = clock.now(), by.key
    if session.closed_at is None:
        session.state = dict(step.told["before"])
    db.session.flush()


def _done(session: WorkSession) -> list[WorkStep]:
    """Acts that stand and can be taken back, the last first."""
    query = (
        select(WorkStep)
        .where(WorkStep.session_id == session.id, WorkStep.outcome == "done", WorkStep.undone_at.is_(None))
        .order_by(WorkStep.seq.desc())
    )
    return [step for step in db.session.scalars(query) if step.told.get("undo")]


def _count_done(session: WorkSession) -> int:
    query = select(func.count()).where(
        WorkStep.session_id == session.id, WorkStep.outcome == "done", WorkStep.undone_at.is_(None)
    )
    return db.session.scalar(query) or 0


def _require_own(session: WorkSession, by: Actor) -> None:
    if session.actor_key != by.key:
        raise Forbidden("session_of_another")


def _require_may_undo(session: WorkSession, by: Actor) -> None:
    """Who did it takes it back; after that, who may correct the record."""
    if session.actor_key != by.key and not by.may("sample:correct"):
        raise Forbidden("session_of_another")
    if session.closed_at is not None:
        hours = (clock.now() - session.closed_at).total_seconds() / 3600
        if hours > UNDO_HOURS:
            raise RuleViolation("undo_hours_over", hours=UNDO_HOURS)


# --- keeping


def _step(session: WorkSession, key: str) -> WorkStep | None:
    query = select(WorkStep).where(WorkStep.session_id == session.id, WorkStep.key == key)
    return db.session.scalars(query).one_or_none()


def _keep(session: WorkSession, key: str, heard: Heard, told: Told, scanned_at: datetime | None) -> WorkStep:
    return _new_step(session, key, heard.raw, heard.text, told, scanned_at)


def _new_step(
    session: WorkSession, key: str, raw: str, read: str | None, told: Told, scanned_at: datetime | None
) -> WorkStep:
    seq = db.session.scalar(select(func.max(WorkStep.seq)).where(WorkStep.session_id == session.id)) or 0
    now = clock.now()
    kept: dict[str, Any] = {"code": told.code, "params": told.params, "tone": told.tone}
    if told.shown:
        kept["shown"] = told.shown
    if told.undo:
        kept |= {"undo": told.undo, "before": told.before}
    step = WorkStep(
        session_id=session.id, seq=seq + 1, key=key, raw=raw.strip()[:256], read=read and read[:256],
        outcome=told.outcome, act=told.act, told=kept, scanned_at=min(scanned_at or now, now), recorded_at=now,
    )  # fmt: skip
    db.session.add(step)
    db.session.flush()
    return step


def _keep_refusal(
    session_id: int, raw: str, key: str, refusal: BiobankError, scanned_at: datetime | None
) -> None:
    """A scan that came to nothing is shown until the person has seen it, whatever was scanned after it."""
    reasons = [{"code": reason.code, "params": dict(reason.params)} for reason in refusal.reasons]
    params = dict(refusal.params)
    if isinstance(refusal, Malformed):
        reasons += [{"code": why.code, "params": dict(why.params)} for why in refusal.fields.values()]
    told = Told(refusal.code, params, tone="no", outcome="refused", shown={"reasons": reasons})

    def keep() -> None:
        (session,) = lock(WorkSession, [session_id])
        if _step(session, key) is None:
            _new_step(session, key, raw, None, told, scanned_at)
            if session.closed_at is None:
                session.state = TASKS[session.task].refused(dict(session.state), refusal)

    current_unit().after_refusal.append(keep)


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


def sentence(session: WorkSession) -> Reason:
    """What is being built, as a sentence."""
    return TASKS[session.task].sentence(session.state)


@dataclass
class Shown:
    """A session as the station draws it."""

    session: WorkSession
    sentence: Reason
    steps: list[WorkStep] = field(default_factory=list)
    refused: list[WorkStep] = field(default_factory=list)


def shown(session: WorkSession) -> Shown:
    """Everything the station shows of a session, but the picture its task adds."""
    return Shown(session, sentence(session), steps_of(session, 12), refusals(session))
