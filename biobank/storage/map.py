"""What stands in a container: every place with its occupant. Reads in a constant number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, union_all

from biobank.consent.rules import Standing
from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.core.times import When
from biobank.samples import holds, uses
from biobank.samples.models import Sample
from biobank.storage import claims, containers, places, rules
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement, PositionClaim
from biobank.storage.places import Step
from biobank.storage.rules import ContainerKind, Position


@dataclass(frozen=True)
class Occupant:
    """A sample or a container in a place. Of `sample` and `container` one is None."""

    position: str | None
    since: datetime
    sample: Sample | None = None
    container: Container | None = None
    held: bool = False
    standing: Standing | None = None
    """Of a sample: its consent in one colour and one reason."""
    used: int = 0
    """Of a container: how many things stand in it."""

    @property
    def code(self) -> str:
        found = self.sample or self.container
        return found.code if found is not None else ""


@dataclass(frozen=True)
class ContainerMap:
    """A container, the way to it, and what stands in it, in the order of its places (of arrival, without places)."""

    container: Container
    kind: ContainerKind
    path: Sequence[Step]
    occupants: Sequence[Occupant]
    by_position: dict[str, Occupant] = field(default_factory=dict)
    claims: Mapping[str, PositionClaim] = field(default_factory=dict)
    """Place -> what it is kept for: reserved or blocked, and free."""
    kept: frozenset[str] = frozenset()
    """The places among these that are not the reader's to fill."""
    at: datetime | None = None
    """The instant that is shown, when it is not now."""

    @property
    def places(self) -> Sequence[Position]:
        return rules.positions(self.kind)

    @property
    def overlaps(self) -> Sequence[Occupant]:
        """Who is told to have stood, at the instant shown, in a place that another one had too."""
        return [
            occupant for occupant in self.occupants
            if occupant.position is not None and self.by_position[occupant.position] is not occupant
        ]  # fmt: skip

    @property
    def used(self) -> int:
        return len(self.occupants)

    @property
    def free(self) -> int:
        return self.kind.capacity - self.used

    @property
    def next_free(self) -> str | None:
        """The first free place that waits for nobody else, None when full or without places."""
        found = rules.first_free(self.kind, self.by_position.keys() | self.kept)
        return found.text if found else None

    def next_free_after(self, position: str) -> str | None:
        """The first free place after one, going round; None when full or without places."""
        order = [place.text for place in self.places]
        start = order.index(position) + 1 if position in order else 0
        gone = self.by_position.keys() | self.kept
        return next((text for text in order[start:] + order[:start] if text not in gone), None)


def what_is_in(container: Container, by: Actor | None = None) -> ContainerMap:
    """The map of a container, with the consent of what stands in it; a fixed number of queries, whatever it holds.

    by  whose own reservations are theirs to fill; without, they are kept like all others
    """
    kind = kind_of(container)
    occupants = _in_order(kind, _occupants(container))
    kept = claims.open_claims([container.id]).get(container.id, {})
    mine = by.key if by is not None else None
    return ContainerMap(
        container=container,
        kind=kind,
        path=places.path_of([container.id]).get(container.id, []),
        occupants=occupants,
        by_position={occupant.position: occupant for occupant in occupants if occupant.position is not None},
        claims=kept,
        kept=frozenset(
            text for text, claim in kept.items()
            if claim.kind == "blocked" or claim.plan_id is not None or claim.for_key != mine
        ),
    )  # fmt: skip


def what_was_in(container: Container, instant: datetime) -> ContainerMap:
    """The map of a container as it was at an instant, by when things happened, as it is known now.

    Where two are told to have stood in one place at once, because times were told afterwards, `by_position` has the one
    that came later; `occupants` has both. Nothing is said of consent and holds, which are of today.
    """
    kind = kind_of(container)
    query = (
        select(Placement.position, Placement.placed_at, Sample, Container)
        .outerjoin(Sample, Sample.id == Placement.sample_id)
        .outerjoin(Container, Container.id == Placement.child_id)
        .where(Placement.id.in_(_there_at([container.id], instant)))
        .order_by(Placement.placed_at, Placement.id)
    )
    rows: list[Any] = list(db.session.execute(query))
    used = _used_at([child.id for _, _, _, child in rows if child is not None], instant)
    occupants = [
        Occupant(position, since, sample, child, used=used.get(child.id, 0) if child is not None else 0)
        for position, since, sample, child in rows
    ]
    return ContainerMap(
        container=container,
        kind=kind,
        path=places.path_at(container.id, instant),
        occupants=_in_order(kind, occupants),
        by_position={occupant.position: occupant for occupant in occupants if occupant.position is not None},
        at=instant,
    )


def instant_of(when: When) -> datetime:
    """The instant that is meant by a time to look back at: of a day or an hour its end, but never after now.

    raises  Malformed for no time at all, or one to come
    """
    zone, now = clock.zone(), clock.now()
    known = times.span(when, zone)
    if known is None or when.at is None:
        raise Malformed({"at": Reason("look_back_at")})
    if times.surely_future(when, now, zone):
        raise Malformed({"at": Reason("happened_in_future", {"happened": times.show(when, zone)})})
    return min(when.at if when.precision == "minute" else known[1] - timedelta(microseconds=1), now)


def _used_at(container_ids: Sequence[int], instant: datetime) -> dict[int, int]:
    query = (
        select(Placement.container_id, func.count())
        .where(Placement.id.in_(_there_at(container_ids, instant)))
        .group_by(Placement.container_id)
    )
    return dict(db.session.execute(query).all()) if container_ids else {}


def _there_at(container_ids: Sequence[int], instant: datetime) -> Any:
    """Keys of the placements that held at an instant: of those that hold still and of those that ended, each with an
    index of its own, so that it costs what stood there and not what the bank holds."""
    here = select(Placement.id).where(
        Placement.container_id.in_(container_ids), Placement.placed_at <= instant
    )
    ended = Placement.removed_recorded_at.is_not(None), Placement.removed_at > instant
    return union_all(here.where(places.current()), here.where(*ended))


def _in_order(kind: ContainerKind, occupants: list[Occupant]) -> list[Occupant]:
    order = {place.text: place.slot for place in rules.positions(kind)}
    return sorted(occupants, key=lambda occupant: order.get(occupant.position or "", 0))


def _occupants(container: Container) -> list[Occupant]:
    query = (
        select(Placement.position, Placement.placed_at, Sample, Container)
        .outerjoin(Sample, Sample.id == Placement.sample_id)
        .outerjoin(Container, Container.id == Placement.child_id)
        .where(Placement.container_id == container.id, places.current())
        .order_by(Placement.id)
    )
    rows: list[Any] = list(db.session.execute(query))  # of sample and container one is None
    samples = [sample for _, _, sample, _ in rows if sample is not None]
    held = holds.open_holds([sample.id for sample in samples])
    standings = uses.standings(samples) if samples else {}
    used = containers.used_in([child.id for _, _, _, child in rows if child is not None])
    found = []
    for position, since, sample, child in rows:
        if sample is not None:
            standing = standings.get(sample.id)
            found.append(Occupant(position, since, sample, held=sample.id in held, standing=standing))
        else:
            found.append(Occupant(position, since, container=child, used=used[child.id]))
    return found


def first_inside(container_ids: Sequence[int], most: int) -> dict[int, list[Container]]:
    """Container key -> the first containers that stand in it directly, by their places; one query for a hundred."""
    found: dict[int, list[Container]] = {key: [] for key in container_ids}
    for chunk in chunks(sorted(set(container_ids)), 100):
        firsts = [
            select(Placement.container_id, Placement.child_id, Placement.position, Placement.id)
            .where(Placement.container_id == key, Placement.child_id.is_not(None), places.current())
            .order_by(Placement.position, Placement.id)
            .limit(most)
            .subquery()
            for key in chunk
        ]
        first = union_all(*(select(each) for each in firsts)).subquery()
        query = (
            select(first.c.container_id, Container)
            .join(Container, Container.id == first.c.child_id)
            .order_by(first.c.container_id, first.c.position, first.c.id)
        )
        for key, child in db.session.execute(query):
            found[key].append(child)
    return found


def occupant_at(container: Container, position: str, by: Actor) -> Occupant:
    """Who stands there. raises NotFound `place_empty`; RuleViolation when there is no such place"""
    place = rules.parse_position(position, kind_of(container)).text
    query = (
        select(Placement.placed_at, Sample, Container)
        .outerjoin(Sample, Sample.id == Placement.sample_id)
        .outerjoin(Container, Container.id == Placement.child_id)
        .where(Placement.container_id == container.id, Placement.position == place, places.current())
    )
    found = db.session.execute(query).one_or_none()
    if found is None or not by.sees(container.site_id):
        raise NotFound("place_empty", container=container.code, position=place)
    since, sample, child = found
    return Occupant(place, since, sample=sample, container=child)
