"""Taking back what was done to one thing in one place: the reversing act, recorded as such. Nothing is removed.

Only the last thing that was done can be taken back; a reservation that a placement used up is not made again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select, update

from biobank.audit import service as audit
from biobank.core.actor import Actor
from biobank.core.db import Again, chunks, db
from biobank.core.errors import NotFound, RuleViolation
from biobank.samples.models import Sample
from biobank.storage import placing
from biobank.storage.models import Container, Placement

#: What a placement keeps that ended because it was a slip of the hand.
UNDONE = "undone"


@dataclass(frozen=True)
class _Thing:
    """A placement, with what stood there; of the two one is None."""

    placement: Placement
    sample: Sample | None
    child: Container | None

    @property
    def code(self) -> str:
        found = self.sample or self.child
        return found.code if found is not None else ""


def undo_placed(placement_id: int, by: Actor) -> Placement:
    """Take back a placement: what was moved there goes back to where it was, what was put there is taken out.

    raises  RuleViolation `undo_not_last` when it was moved since, `position_taken` (with the occupant) when somebody
            stands where it was
    """
    thing = _thing(placement_id, by)
    if thing.placement.removed_at is not None:
        raise RuleViolation("undo_not_last", code=thing.code)
    before = _before(thing)
    if before is not None:
        return _put_back_to(before, thing, by)
    ended = placing.take_out(sample=thing.sample, child=thing.child, why=UNDONE, by=by)
    if ended.id != placement_id:  # somebody moved it between our look and our lock
        raise Again
    return ended


def undo_moved(placement_id: int, by: Actor) -> Placement:
    """Take back a move, by the placement that it made.

    raises  as `undo_placed`, and `undo_not_last` for one that moved nothing
    """
    thing = _thing(placement_id, by)
    if _before(thing) is None:
        raise RuleViolation("undo_not_last", code=thing.code)
    return undo_placed(placement_id, by)


def undo_taken_out(placement_id: int, by: Actor) -> Placement:
    """Take back that something was taken out: it stands there again, and a thaw that was told counts no more.

    raises  RuleViolation `undo_not_last` when it was placed since, `position_taken` (with the occupant)
    """
    thing = _thing(placement_id, by)
    placement = thing.placement
    if placement.removed_at is None or placement.why == "moved" or _last_of(thing) != placement.id:
        raise RuleViolation("undo_not_last", code=thing.code)
    container = db.session.get_one(Container, placement.container_id)
    put = placing.put(
        container=container, position=placement.position, sample=thing.sample, child=thing.child,
        back_from=placement.id, by=by,
    )  # fmt: skip
    if placement.why == "thawed":
        _unthaw(thing, by)
    return put.placement


def containers_of(placement_ids: Iterable[int]) -> set[int]:
    """The containers that taking these back touches, to be locked before any sample: two queries a thousand."""
    found: set[int] = set()
    for chunk in chunks(sorted(set(placement_ids)), 1000):
        rows = db.session.execute(
            select(
                Placement.container_id, Placement.sample_id, Placement.child_id, Placement.placed_at
            ).where(Placement.id.in_(chunk))
        ).all()
        found |= {row.container_id for row in rows} | {row.child_id for row in rows if row.child_id}
        came = select(Placement.container_id).where(
            Placement.why == "moved", Placement.removed_at.in_({row.placed_at for row in rows}),
            Placement.sample_id.in_({row.sample_id for row in rows if row.sample_id})
            | Placement.child_id.in_({row.child_id for row in rows if row.child_id}),
        )  # fmt: skip
        found |= set(db.session.scalars(came))
    return found


def _thing(placement_id: int, by: Actor) -> _Thing:
    placement = db.session.get(Placement, placement_id, populate_existing=True)
    container = db.session.get_one(Container, placement.container_id) if placement is not None else None
    if placement is None or container is None or not by.sees(container.site_id):
        raise NotFound("placement_unknown", placement=placement_id)
    sample = db.session.get(Sample, placement.sample_id) if placement.sample_id is not None else None
    child = db.session.get(Container, placement.child_id) if placement.child_id is not None else None
    return _Thing(placement, sample, child)


def _same_thing(thing: _Thing) -> object:
    if thing.sample is not None:
        return Placement.sample_id == thing.sample.id
    return Placement.child_id == thing.placement.child_id


def _last_of(thing: _Thing) -> int | None:
    return db.session.scalar(select(func.max(Placement.id)).where(_same_thing(thing)))  # type: ignore[arg-type]


def _before(thing: _Thing) -> Placement | None:
    """Where it was moved from; None when it stood nowhere before."""
    query = (
        select(Placement)
        .where(_same_thing(thing), Placement.id < thing.placement.id)  # type: ignore[arg-type]
        .order_by(Placement.id.desc())
        .limit(1)
    )
    before = db.session.scalars(query).one_or_none()
    if before is None or before.why != "moved" or before.removed_at != thing.placement.placed_at:
        return None
    return before


def _put_back_to(before: Placement, thing: _Thing, by: Actor) -> Placement:
    container = db.session.get_one(Container, before.container_id)
    put = placing.put(
        container=container, position=before.position, sample=thing.sample, child=thing.child, by=by
    )
    stood = db.session.get_one(Container, thing.placement.container_id)
    if put.came_from != (stood.code, thing.placement.position):  # somebody moved it before our lock
        raise Again
    return put.placement


def _unthaw(thing: _Thing, by: Actor) -> None:
    """It was not thawed after all: only the minutes out of the cold are counted."""
    db.session.execute(
        update(Placement).where(Placement.id == thing.placement.id).values(why=UNDONE),
        execution_options={"synchronize_session": False},
    )
    subject = ("sample", thing.code)
    audit.record(by=by, act="thaw_undone", subject=subject, before={"why": "thawed"}, after={"why": UNDONE})
