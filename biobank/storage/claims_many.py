"""Many places kept at once for a plan of moves: all or none, in as many statements for a thousand as for one.

Each of these acts stands in the record, one entry for each container.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.bulk import insert_rows
from biobank.core.db import Again, chunks, db, fetch
from biobank.storage import places, standing
from biobank.storage.claims import MOST_MINUTES
from biobank.storage.models import Container, Placement, PositionClaim

#: A plan that is being carried out keeps its places anew when so much of their time is over.
RENEWED_AFTER = timedelta(days=1)


def keep_for_plan(
    wanted: Mapping[int, Sequence[str]], *, plan_id: int, by: Actor, why: str | None = None
) -> None:
    """Keep free places for a plan, as long as a reservation can last; `renew_plan` keeps them on.

    wanted  container key -> canonical positions
    raises  Again when one of them was taken or kept since it was found to be free
    """
    if not wanted:
        return
    standing.lock_paths(*wanted)
    for chunk in chunks(sorted(wanted), 5000):
        for query in (_TAKEN, _KEPT):
            for container_id, position in fetch(query, {"ids": list(chunk)}):
                if position in wanted[container_id]:
                    raise Again
    now = clock.now()
    insert_rows(
        PositionClaim,
        [
            {
                "container_id": container_id, "position": position, "kind": "reserved", "for_key": by.key,
                "plan_id": plan_id, "why": why, "made_at": now, "made_by": by.key, "until_at": _until(now),
            }
            for container_id, positions in wanted.items()
            for position in positions
        ],
    )  # fmt: skip
    _tell_kept(wanted, plan_id, _until(now), by, why)


def renew_plan(plan_id: int, by: Actor) -> None:
    """Keep on what is kept for a plan, from now on as long as a reservation can last: an evacuation that takes longer
    loses no place as long as somebody goes on with it. Written once a day, not at every step."""
    now = clock.now()
    due = PositionClaim.until_at < _until(now) - RENEWED_AFTER
    kept = _places_of(plan_id, due)
    if not kept:
        return
    # Who takes a place over whose time is over may come first: then the claim has ended, and the plan is told so.
    db.session.execute(
        update(PositionClaim).where(_open_of(plan_id), due).values(until_at=_until(now)),
        execution_options={"synchronize_session": False},
    )
    _tell_kept(kept, plan_id, _until(now), by, None)


def release_plan(plan_id: int, by: Actor, *also_lock: int) -> None:
    """Give back everything that is still kept for a plan.

    also_lock  keys of containers that are locked in the same breath
    """
    standing.lock_paths(*also_lock, *_places_of(plan_id))
    kept = _places_of(plan_id)
    if not kept:
        return
    db.session.execute(
        update(PositionClaim)
        .where(_open_of(plan_id))
        .values(ended_at=clock.now(), ended_by=by.key, how_ended="released"),
        execution_options={"synchronize_session": False},
    )
    codes = _codes(kept)
    for key, positions in kept.items():
        audit.record(
            by=by, act="positions_released", subject=("container", codes[key]),
            before={"positions": sorted(positions), "plan": plan_id},
        )  # fmt: skip


def _until(now: datetime) -> datetime:
    return now + timedelta(minutes=MOST_MINUTES)


def _tell_kept(
    kept: Mapping[int, Sequence[str]], plan_id: int, until: datetime, by: Actor, why: str | None
) -> None:
    codes = _codes(kept)
    for key, positions in kept.items():
        audit.record(
            by=by, act="positions_reserved", subject=("container", codes[key]), reason=why,
            after={"positions": sorted(positions), "until": until.isoformat(), "plan": plan_id},
        )  # fmt: skip


def _places_of(plan_id: int, *more: ColumnElement[bool]) -> dict[int, list[str]]:
    """Container key -> the places that are kept for a plan."""
    found: dict[int, list[str]] = {}
    query = select(PositionClaim.container_id, PositionClaim.position).where(_open_of(plan_id), *more)
    for key, position in db.session.execute(query):
        found.setdefault(key, []).append(position)
    return found


def _open_of(plan_id: int) -> ColumnElement[bool]:
    return and_(PositionClaim.plan_id == plan_id, PositionClaim.ended_at.is_(None))


def _codes(container_ids: Mapping[int, Any]) -> dict[int, str]:
    found: dict[int, str] = {}
    for chunk in chunks(sorted(container_ids), 5000):
        found |= dict(fetch(_CODES, {"ids": list(chunk)}))
    return found


_CODES = select(Container.id, Container.code).where(among(Container.id, "ids"))
_TAKEN = select(Placement.container_id, Placement.position).where(
    among(Placement.container_id, "ids"), Placement.position.is_not(None), places.current()
)
_KEPT = select(PositionClaim.container_id, PositionClaim.position).where(
    among(PositionClaim.container_id, "ids"), PositionClaim.ended_at.is_(None)
)
