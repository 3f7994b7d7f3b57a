"""One thing and one place, locked and looked at: what must be known before anything is moved.

Locks: the target container with everything above it, then the sample. For a container that is moved, everything above
where it stands now as well, until nothing new turns up. That keeps two things out of one place, a shelf from holding
more than it can, and a box out of itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Row,
    String,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
    update,
)

from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import Again, UTCDateTime, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.samples import rules as life
from biobank.samples.models import CollectionEvent, Sample
from biobank.storage import places, tally
from biobank.storage.models import Container, Placement, PositionClaim


@dataclass(frozen=True)
class Thing:
    """What is placed: a sample or a container, its row locked."""

    kind: str
    """sample or container; also what the record calls it."""
    id: int
    code: str
    fits_as: str
    """The vessel, or the kind of container."""
    above: tuple[Container, ...] = ()
    """Where it goes, and everything that stands in, the nearest first, the rows locked and fresh."""
    stood_in: frozenset[int] = frozenset()
    """Of a container: what it stands in now, at any depth."""
    top: int = 0
    """Of a container: what it stands in now at the very top; itself where it stands nowhere."""


def lock_thing(
    container: Container | None, sample: Sample | None, child: Container | None, by: Actor
) -> Thing:
    """Lock what is placed, and before it where it goes. raises NotFound for what another site hides"""
    if container is not None and not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)
    if sample is not None and child is None:
        above = _lock_above(container) if container is not None else ()
        thing = replace(locked_sample(sample, by), above=above)
        site_id = sample.site_id
    elif child is not None and sample is None:
        if not by.sees(child.site_id):
            raise NotFound("container_unknown", container=child.code)
        paths, rows = _locked_paths(child.id, *([container.id] if container is not None else []))
        if container is not None and child.id in paths[container.id]:
            raise RuleViolation("container_in_itself", child=child.code, container=container.code)
        above = tuple(rows[key] for key in paths[container.id]) if container is not None else ()
        own = paths[child.id]
        thing = Thing("container", child.id, child.code, child.kind, above, frozenset(own[1:]), own[-1])
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


def _lock_above(container: Container) -> tuple[Container, ...]:
    """Lock a container and what it stands in, the nearest first; `look` finds out whether one was moved meanwhile."""
    ids = places.ids_above([container.id])[container.id]
    rows = {row.id: row for row in lock(Container, ids)}
    return tuple(rows[key] for key in ids)


def lock_paths(*container_ids: int) -> dict[int, list[int]]:
    """Lock containers and everything they stand in, until nobody has moved any of them meanwhile.

    returns  container key -> itself and everything above it, the nearest first, as it stands now
    """
    return _locked_paths(*container_ids)[0]


def _locked_paths(*container_ids: int) -> tuple[dict[int, list[int]], dict[int, Container]]:
    """The same, with the rows that are locked."""
    held: dict[int, Container] = {}
    tried: set[int] = set()
    while True:
        above = places.ids_above(container_ids)
        wanted = set().union(*above.values())
        if wanted <= tried:
            return above, held
        held |= {row.id: row for row in lock(Container, wanted)}
        tried |= wanted


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
    if thing.kind == "container":
        tally.container_moved(thing.id, container.id, 1, thing.top)
    else:
        tally.sample_moved(container.id, instant, 1, (thing.above[-1].id, container.kind))
    return placement


def close_placement(stood: Row[Any], thing: Thing, instant: datetime, why: str, by: Actor) -> None:
    """stood: its current placement, as `look` finds it"""
    if thing.kind == "container":
        tally.container_moved(thing.id, stood.container_id, -1, thing.top)
    else:
        tally.sample_moved(stood.container_id, instant, -1)
    ended = update(Placement).where(Placement.id == stood.id)
    db.session.execute(
        ended.values(removed_at=instant, removed_recorded_at=clock.now(), removed_by=by.key, why=why),
        execution_options={"synchronize_session": False},
    )


# --- one look at the place, what is kept there and where the thing stood last, in one statement

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
_CLAIM = select(
    literal("claim").label("what"),
    PositionClaim.id,
    PositionClaim.container_id,
    PositionClaim.position,
    PositionClaim.made_at,
    PositionClaim.until_at,
    cast(null(), String(20)),
).where(
    PositionClaim.container_id == bindparam("container_id"),
    PositionClaim.position == bindparam("position"),
    PositionClaim.ended_at.is_(None),
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


# Where the containers stand that a sample goes into: each a row whose first column is the container that stands there.
_UP = select(
    literal("up").label("what"),
    Placement.child_id,
    Placement.container_id,
    Placement.position,
    Placement.placed_at,
    Placement.removed_at,
    cast(null(), String(20)),
).where(among(Placement.child_id, "above"), places.current())

_LAST = {"sample": _last(Placement.sample_id), "container": _last(Placement.child_id)}
_LOOK = {
    "sample": union_all(_OCCUPANT, _CLAIM, _UP, _LAST["sample"]),
    "container": union_all(_OCCUPANT, _CLAIM, _LAST["container"]),
}

#: Of a container: every place where something stands, and every one that is kept, with what the claim says.
TAKEN: Any = union_all(
    select(
        Placement.position.label("position"),
        cast(null(), String(8)).label("kind"),
        cast(null(), String(64)).label("for_key"),
        cast(null(), UTCDateTime()).label("until_at"),
        cast(null(), BigInteger()).label("plan_id"),
    ).where(
        Placement.container_id == bindparam("container_id"), Placement.position.is_not(None), places.current()
    ),
    select(
        PositionClaim.position,
        PositionClaim.kind,
        PositionClaim.for_key,
        PositionClaim.until_at,
        PositionClaim.plan_id,
    ).where(PositionClaim.container_id == bindparam("container_id"), PositionClaim.ended_at.is_(None)),
)


class Look(NamedTuple):
    """What one finds: who stands there (its code), the last placement of the thing, ended or not, and the key of the
    claim on the place that has not ended."""

    occupant: str | None
    last: Row[Any] | None
    claim_id: int | None


def look(container: Container | None, position: str | None, thing: Thing) -> Look:
    """Look at the place and at the thing. Built once, see places.

    raises  Again when the container was moved while its locks were waited for: what is above it is not what was locked
    """
    params: dict[str, Any] = {"thing_id": thing.id}
    if container is None:
        return Look(None, db.session.execute(_LAST[thing.kind], params).one_or_none(), None)
    params |= {"container_id": container.id, "position": position}
    if thing.kind == "sample":
        params["above"] = [each.id for each in thing.above]
    found: dict[str, Row[Any]] = {}
    up: dict[int, int] = {}
    for row in db.session.execute(_LOOK[thing.kind], params):
        found[row.what] = row
        if row.what == "up":
            up[row.id] = row.container_id
    if thing.kind == "sample" and up != dict(pairwise(params["above"])):
        raise Again
    here, claim = found.get("here"), found.get("claim")
    return Look(
        here.container_code if here is not None else None,
        found.get("last"),
        claim.id if claim is not None else None,
    )
