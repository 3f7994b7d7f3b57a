"""Sessions of work: whose they are, how they begin and end. One person at one station has one open at a time."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from biobank.bench import carrying, dividing, filling, handling, kept, nonconforming, receiving, timing
from biobank.bench.kept import LONGEST_KEY
from biobank.bench.models import WorkSession
from biobank.bench.task import Task, Told, Work
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import Forbidden, Malformed, NotFound, Reason

#: In the order in which they are asked whether a scan begins them.
TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        receiving.TASK, filling.TASK, dividing.TASK, handling.TASK, carrying.TASK, timing.TASK, nonconforming.TASK,
    )
}  # fmt: skip


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


def begin(task: Task, state: dict[str, Any], by: Actor) -> WorkSession:
    """Open one. raises Malformed for who sees every site, where the scan names none"""
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
    require_own(session, by)
    if session.closed_at is None:
        end(session, by)
    return session


def end(session: WorkSession, by: Actor) -> None:
    """The same, for a session whose row is locked."""
    TASKS[session.task].end(Work(state=dict(session.state), by=by, site_id=session.site_id))
    session.closed_at, session.closed_by = clock.now(), by.key
    db.session.flush()


def ending(session: WorkSession, *, cancelled: bool = False) -> Told:
    """What is said at its end: how much was done, and what was left. Whoever cancels has not taken anything back."""
    done, state = kept.count_done(session), session.state
    left = [Reason("finish_question")] if state.get("asked") else []
    unverified = sum(not tube["verified"] for tube in state.get("tubes", ()))
    if unverified:
        left.append(Reason("finish_labels", {"tubes": len(state["tubes"]), "count": unverified}))
    params, shown = {"count": done}, {"reasons": [reason.as_dict() for reason in left]} if left else None
    if cancelled and done:
        return Told("session_cancelled", params, tone="look", shown=shown)
    return Told("session_finished", params, tone="look" if left else "yes", shown=shown)


def require_own(session: WorkSession, by: Actor) -> None:
    """raises Forbidden for somebody else's"""
    if session.actor_key != by.key:
        raise Forbidden("session_of_another")
