"""Many places kept at once for a plan of moves: all or none, in as many statements for a thousand as for one."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import select, update

from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.bulk import insert_rows
from biobank.core.db import Again, chunks, db, fetch
from biobank.storage import places, standing
from biobank.storage.claims import MOST_MINUTES
from biobank.storage.models import Placement, PositionClaim


def keep_for_plan(
    wanted: Mapping[int, Sequence[str]], *, plan_id: int, by: Actor, why: str | None = None
) -> None:
    """Keep free places for a plan, as long as a reservation can last; the plan itself keeps what it is still there for.

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
                "plan_id": plan_id, "why": why, "made_at": now, "made_by": by.key,
                "until_at": now + timedelta(minutes=MOST_MINUTES),
            }
            for container_id, positions in wanted.items()
            for position in positions
        ],
    )  # fmt: skip


def release_plan(plan_id: int, by: Actor) -> None:
    """Give back everything that is still kept for a plan."""
    query = select(PositionClaim.container_id).where(
        PositionClaim.plan_id == plan_id, PositionClaim.ended_at.is_(None)
    )
    kept = set(db.session.scalars(query))
    if not kept:
        return
    standing.lock_paths(*kept)
    ending = update(PositionClaim).where(PositionClaim.plan_id == plan_id, PositionClaim.ended_at.is_(None))
    db.session.execute(
        ending.values(ended_at=clock.now(), ended_by=by.key, how_ended="released"),
        execution_options={"synchronize_session": False},
    )


_TAKEN = select(Placement.container_id, Placement.position).where(
    among(Placement.container_id, "ids"), Placement.position.is_not(None), places.current()
)
_KEPT = select(PositionClaim.container_id, PositionClaim.position).where(
    among(PositionClaim.container_id, "ids"), PositionClaim.ended_at.is_(None)
)
