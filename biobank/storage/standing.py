"""One thing and one place, locked and looked at: what must be known before anything is moved.

Locks: the target container with everything above it, then the sample. For a container that is moved, everything above
where it stands now as well, until nothing new turns up. That keeps two things out of one place, a shelf from holding
more than it can, and a box out of itself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, literal, select, union_all, update

from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.samples import rules as life
from biobank.samples.models import CollectionEvent, Sample
from biobank.storage import places
from biobank.storage.models import Container, Placement


@dataclass(frozen=True)
class Thing:
    """What is placed: a sample or a container, its row locked."""

    kind: str
    """sample or container; also what the record calls it."""
    id: int
    code: str
    fits_as: str
    """The vessel, or the kind of container."""


def lock_thing(
    container: Container | None, sample: Sample | None, child: Container | None, by: Actor
) -> Thing:
    """Lock what is placed, and before it where it goes. raises NotFound for what another site hides"""
    if container is not None and not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)
    if sample is not None and child is None:
        if container is not None:
            lock(Container, places.ids_above([container.id])[container.id])
        thing = locked_sample(sample, by)
        site_id = sample.site_id
    elif child is not None and sample is None:
        if not by.sees(child.site_id):
            raise NotFound("container_unknown", container=child.code)
        above = lock_paths(child.id, *([container.id] if container is not None else []))
        if container is not None and child.id in above[container.id]:
            raise RuleViolation("container_in_itself", child=child.code, container=container.code)
        thing = Thing("container", child.id, child.code, child.kind)
        site_id = child.site_id
    else:
        raise TypeError("one of sample and child is placed")
    if container is not None and container.site_id != site_id:
        if thing.kind == "sample":
            raise NotFound("sample_unknown", sample=thing.code)
        raise NotFound("container_unknown", container=thing.code)
    return thing


def locked_sample(sample: Sample, by: Actor) -> Thing:
    """Lock a sample's row, fresh. raises NotFound for another site's"""
    lock(Sample, [sample.id])
    if not by.sees(sample.site_id):
        raise NotFound("sample_unknown", sample=sample.code)
    return Thing("sample", sample.id, sample.code, sample.vessel)


def lock_paths(*container_ids: int) -> dict[int, list[int]]:
    """Lock containers and everything they stand in, until nobody has moved any of them meanwhile.

    returns  container key -> itself and everything above it, the nearest first, as it stands now
    """
    held: set[int] = set()
    while True:
        above = places.ids_above(container_ids)
        wanted = set().union(*above.values())
        if wanted <= held:
            return above
        lock(Container, wanted)
        held |= wanted


def moment(at: When | None, last: Row[Any] | None, sample: Sample | None) -> tuple[When, datetime]:
    """When it happened, and the instant that is kept: never before the placement before, within what is known.

    raises  Malformed for an unknown time; RuleViolation for one to come, before the last placement or the collection
    """
    before = (last.removed_at or last.placed_at) if last is not None else None
    if at is None:  # now; when a clock was put back meanwhile, no earlier than what stands already
        now = clock.now()
        return When.exactly(now), max(now, before or now)
    if at.at is None:
        raise Malformed({"at": Reason("placing_time_needed")})
    zone = clock.zone()
    reasons = [life.act_not_in_future(at, clock.now(), zone)]
    if before is not None and times.surely_before(at, When.exactly(before), zone):
        shown = {"happened": times.show(at, zone), "before": times.show(When.exactly(before), zone)}
        reasons.append(Reason("placed_before_last", shown))
    if sample is not None and sample.collection_event_id is not None:
        event = db.session.get_one(CollectionEvent, sample.collection_event_id)
        reasons.append(life.act_not_before_collection(at, When(event.happened_at, event.precision), zone))
    life.refuse(reasons)
    return at, max(at.at, before or at.at)


def open_placement(
    container: Container, position: str | None, thing: Thing, instant: datetime, by: Actor
) -> Placement:
    placement = Placement(
        container_id=container.id, position=position, sample_id=thing.id if thing.kind == "sample" else None,
        child_id=thing.id if thing.kind == "container" else None, placed_at=instant, placed_recorded_at=clock.now(),
        placed_by=by.key,
    )  # fmt: skip
    db.session.add(placement)
    db.session.flush()
    return placement


def close_placement(placement_id: int, instant: datetime, why: str, by: Actor) -> None:
    ended = update(Placement).where(Placement.id == placement_id)
    db.session.execute(
        ended.values(removed_at=instant, removed_recorded_at=clock.now(), removed_by=by.key, why=why),
        execution_options={"synchronize_session": False},
    )


# --- one look at the place and at where the thing stood last, in one statement

_COLUMNS = (
    Placement.id,
    Placement.container_id,
    Placement.position,
    Placement.placed_at,
    Placement.removed_at,
)
_OCCUPANT = (
    select(
        literal("here").label("what"),
        *_COLUMNS,
        func.coalesce(Sample.code, Container.code).label("container_code"),
    )
    .select_from(Placement)
    .outerjoin(Sample, Sample.id == Placement.sample_id)
    .outerjoin(Container, Container.id == Placement.child_id)
    .where(
        Placement.container_id == bindparam("container_id"),
        Placement.position == bindparam("position"),
        places.current(),
    )
)


def _last(column: Any) -> Any:
    query = (
        select(literal("last").label("what"), *_COLUMNS, Container.code.label("container_code"))
        .join(Container, Container.id == Placement.container_id)
        .where(column == bindparam("thing_id"))
        .order_by(Placement.id.desc())
        .limit(1)
    )
    return select(query.subquery())


_LAST = {"sample": _last(Placement.sample_id), "container": _last(Placement.child_id)}
_LOOK = {kind: union_all(_OCCUPANT, query) for kind, query in _LAST.items()}


def look(
    container: Container | None, position: str | None, thing: Thing
) -> tuple[str | None, Row[Any] | None]:
    """Who stands there (its code), and the last placement of the thing, ended or not. Built once, see places."""
    params = {"thing_id": thing.id}
    if container is None or position is None:
        return None, db.session.execute(_LAST[thing.kind], params).one_or_none()
    rows = db.session.execute(
        _LOOK[thing.kind], params | {"container_id": container.id, "position": position}
    ).all()
    here = next((row for row in rows if row.what == "here"), None)
    last = next((row for row in rows if row.what == "last"), None)
    return here.container_code if here is not None else None, last
