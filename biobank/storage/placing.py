"""Putting a sample or a container into its place, moving it, taking it out, putting it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select

from biobank.audit import service as audit
from biobank.core.actor import Actor
from biobank.core.db import Again, db
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.times import When
from biobank.samples import rules as life
from biobank.samples.models import Sample
from biobank.storage import accepting, claims, cold, freezing, places, rules, standing, temperatures
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement, PositionClaim
from biobank.storage.rules import ContainerKind


@dataclass(frozen=True)
class Placed:
    """What came of it. `came_from` is where it stood until then, as (container's code, position); None: nowhere.
    `warned`: what a person should look at all the same, such as a temperature that it is not usually kept at."""

    placement: Placement
    came_from: tuple[str, str | None] | None
    warned: tuple[Reason, ...] = ()


def place(
    *,
    container: Container,
    by: Actor,
    position: str | None = None,
    sample: Sample | None = None,
    child: Container | None = None,
    at: When | None = None,
) -> Placement:
    """Put a sample or a container there; where it stands elsewhere, move it.

    position  as anybody writes it; None only where things stand without places
    raises    NotFound for what another site hides; RuleViolation when the place is taken (`occupant` says by whom),
              does not exist or does not take such a thing, when nothing more goes in, when the sample is not in our
              hands, or when the time is to come or lies before the placement before
    """
    return put(container=container, position=position, sample=sample, child=child, by=by, at=at).placement


def put(
    *,
    container: Container,
    by: Actor,
    position: str | None = None,
    sample: Sample | None = None,
    child: Container | None = None,
    at: When | None = None,
    next_free: bool = False,
    back_from: int | None = None,
    plan_id: int | None = None,
    confirm_lapsed: bool = False,
) -> Placed:
    """`place`, telling also where it came from.

    next_free       take the first free place from `position` on, or from the start: none that waits for somebody else
    back_from       put back: the placement it was last taken from; when there is a later one, the work is run again
    plan_id         the plan of moves that is carried out: what is kept for it may be used, and what containers accept
                    was looked at when it was made
    confirm_lapsed  true: the actor knows that the time of their reservation is over, and that the place is still free
    """
    kind = kind_of(container)
    wanted = _wanted(kind, container, position, next_free)
    thing = standing.lock_thing(container, sample, child, by)
    rules.require_fit(kind, thing.fits_as)
    if sample is not None:
        life.next_status(sample.status, life.Act.MOVE)
    start = wanted
    if next_free and kind.positioned:
        wanted = _next_free(kind, container, wanted, by, plan_id)
    occupant, last, claim_id = standing.look(container, wanted, thing)
    if back_from is not None and (last is None or last.id != back_from):
        raise Again
    stood = last if last is not None and last.removed_at is None else None
    if stood is not None and (stood.container_id, stood.position) == (container.id, wanted):
        return Placed(db.session.get_one(Placement, stood.id), (container.code, wanted))
    _require_room(kind, container, wanted, occupant, stood, by)
    # A plan told of its exceptions before anybody set out.
    warned = _require_accepted(thing, sample, stood) if plan_id is None else ()
    if claim_id is not None:
        claim = db.session.get_one(PositionClaim, claim_id, populate_existing=True)
        found_by_us = next_free and wanted != start
        claims.use(container, claim, by, plan_id=plan_id, confirm_lapsed=confirm_lapsed or found_by_us)
    happened, instant = standing.moment(at, last, sample)
    if stood is not None:
        standing.close_placement(stood, thing, instant, "moved", by)
    placement = standing.open_placement(container, wanted, thing, instant, by)
    act = "put_back" if back_from is not None else "moved" if stood is not None else "placed"
    audit.record(
        by=by, act=act, subject=(thing.kind, thing.code), before=told(stood),
        after={"container": container.code, "position": wanted} | _told_of(warned), happened=happened,
    )  # fmt: skip
    if back_from is None:
        freezing.note(thing, sample, by, happened)
    return Placed(placement, (stood.container_code, stood.position) if stood is not None else None, warned)


def take_out(
    *,
    by: Actor,
    sample: Sample | None = None,
    child: Container | None = None,
    why: str = "taken_out",
    reason: str | None = None,
    at: When | None = None,
) -> Placement:
    """Take a sample or a container out of its place; it stands nowhere until it is placed again.

    why      what the placement keeps: taken_out, picked, lost …; thawed counts as a thaw, and asks its limits
    returns  the placement that ended
    raises   RuleViolation `stands_nowhere`, or for a time to come or before it was placed; `too_many_thaws` … as
             `cold.require_bears_thaw`
    """
    thing = standing.lock_thing(None, sample, child, by)
    if why == cold.THAWED:
        if sample is None:
            raise TypeError("tubes are thawed one by one; a box is taken out")
        cold.require_bears_thaw([sample])
    ended = end_placement(thing, why=why, by=by, at=at, reason=reason)
    if ended is None:
        raise RuleViolation("stands_nowhere", code=thing.code)
    return db.session.get_one(Placement, ended.id, populate_existing=True)


def thaw(*, sample: Sample, by: Actor, at: When | None = None, reason: str | None = None) -> Placement:
    """Take a sample out to thaw it: it counts as thawed once more. raises as `take_out`"""
    return take_out(sample=sample, why=cold.THAWED, reason=reason, by=by, at=at)


def end_placement(
    thing: standing.Thing,
    *,
    why: str,
    by: Actor,
    at: When | None,
    reason: str | None = None,
    record: bool = True,
) -> Row[Any] | None:
    """End the current placement of a thing whose row is locked.

    returns  what it was (id, container_id, position, container_code …), None when the thing stands nowhere
    record  False: the caller records what became of the thing, and from where
    """
    last = standing.look(None, None, thing).last
    if last is None or last.removed_at is not None:
        return None
    happened, instant = standing.moment(at, last, None)
    standing.close_placement(last, thing, instant, why, by)
    if record:
        audit.record(by=by, act="taken_out", subject=(thing.kind, thing.code), before=told(last),
                     after={"why": why}, reason=reason, happened=happened)  # fmt: skip
    return last


def put_back(
    *, by: Actor, sample: Sample | None = None, child: Container | None = None, at: When | None = None
) -> Placement:
    """Put it back where it last stood.

    raises  RuleViolation `position_taken` (with the occupant), `stands_already` or `stood_nowhere`
    """
    code, found = _where_last(sample, child)
    if found is None:
        raise RuleViolation("stood_nowhere", code=code)
    if found.removed_at is None:
        raise RuleViolation(
            "stands_already", code=code, container=found.container_code, position=found.position or "–"
        )
    container = db.session.get_one(Container, found.container_id)
    return put(container=container, position=found.position, sample=sample, child=child, by=by, at=at,
               back_from=found.id).placement  # fmt: skip


def _wanted(kind: ContainerKind, container: Container, position: str | None, next_free: bool) -> str | None:
    """The canonical place that is asked for; None where there are none, or any will do."""
    if position:
        return rules.parse_position(position, kind).text
    if kind.positioned and not next_free:
        raise Malformed(
            {"position": Reason("position_needed", {"container": container.code, "kind": kind.label})}
        )
    return None


def _next_free(
    kind: ContainerKind, container: Container, start: str | None, by: Actor, plan_id: int | None
) -> str:
    """The first place from `start` on, else from the beginning, that is free and waits for nobody else. Where there is
    none, the first one that waited for somebody whose time is over.

    raises  RuleViolation when there is none; `reservation_lapsed` when the place pointed at was one's own, and is lost
    """
    taken, kept, overdue = claims.survey(container.id, by, plan_id)
    if start in taken:
        _tell_lapsed(container, start, by)
    for not_these in (taken | kept | overdue, taken | kept):
        if found := _first_from(kind, start, not_these):
            return found
    raise RuleViolation("container_full", container=container.code, capacity=kind.capacity)


def _first_from(kind: ContainerKind, start: str | None, not_these: set[str]) -> str | None:
    order = [place.text for place in rules.positions(kind)]
    first = order.index(start) if start is not None else 0
    return next((text for text in order[first:] + order[:first] if text not in not_these), None)


def _tell_lapsed(container: Container, position: str, by: Actor) -> None:
    """Who comes to a place that they had reserved and lost is told so, and who stands there now."""
    query = (
        select(func.coalesce(Sample.code, Container.code))
        .select_from(Placement)
        .outerjoin(Sample, Sample.id == Placement.sample_id)
        .outerjoin(Container, Container.id == Placement.child_id)
        .where(Placement.container_id == container.id, Placement.position == position, places.current())
    )
    if lapsed := claims.lapsed_to(container, position, by, db.session.scalar(query) or "–"):
        raise lapsed


def _require_accepted(
    thing: standing.Thing, sample: Sample | None, stood: Row[Any] | None
) -> tuple[Reason, ...]:
    """What comes in must be accepted all the way up, and is told where it stands too warm or too cold. Asks the
    database only where there is a rule."""
    if sample is not None and stood is not None and thing.above and stood.container_id == thing.above[0].id:
        return ()  # it changes its place in the same box
    binding = accepting.binding(each for each in thing.above if each.id not in thing.stood_in)
    decides = temperatures.decided_by(thing.above)
    colder = decides is not None and decides[0].id not in thing.stood_in
    facts: Sequence[accepting.Facts] = ()
    if sample is None and (binding or colder):
        facts = accepting.facts_below(thing.id)
    elif sample is not None and binding:
        facts = accepting.facts_of([sample])
    accepting.require_accepts(binding, facts)
    if not colder:
        return ()
    alike = [(sample.code, sample.type)] if sample is not None else [(each.code, each.type) for each in facts]
    return temperatures.faults(thing.above, alike)


def _told_of(warned: Sequence[Reason]) -> dict[str, Any]:
    """What was warned of, as the record keeps it."""
    return {"warned": sorted({reason.code for reason in warned})} if warned else {}


def _require_room(
    kind: ContainerKind,
    container: Container,
    wanted: str | None,
    occupant: str | None,
    stood: Row[Any] | None,
    by: Actor,
) -> None:
    if occupant is not None and wanted is not None:
        if lapsed := claims.lapsed_to(container, wanted, by, occupant):
            raise lapsed
        raise RuleViolation("position_taken", container=container.code, position=wanted, occupant=occupant)
    if kind.positioned or (stood is not None and stood.container_id == container.id):
        return
    query = select(func.count()).where(Placement.container_id == container.id, places.current())
    if (db.session.scalar(query) or 0) >= kind.capacity:
        raise RuleViolation("container_full", container=container.code, capacity=kind.capacity)


def told(stood: Row[Any] | None) -> dict[str, Any]:
    """A placement as the record tells it."""
    return {"container": stood.container_code, "position": stood.position} if stood is not None else {}


def _where_last(sample: Sample | None, child: Container | None) -> tuple[str, Row[Any] | None]:
    if sample is not None and child is None:
        thing = standing.Thing("sample", sample.id, sample.code, sample.vessel)
    elif child is not None and sample is None:
        thing = standing.Thing("container", child.id, child.code, child.kind)
    else:
        raise TypeError("one of sample and child is put back")
    return thing.code, standing.look(None, None, thing).last
