"""What stands in a container: every place with its occupant. Reads in a constant number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from biobank.consent.rules import Standing
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import NotFound
from biobank.samples import holds, uses
from biobank.samples.models import Sample
from biobank.storage import containers, places, rules
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement
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

    @property
    def places(self) -> Sequence[Position]:
        return rules.positions(self.kind)

    @property
    def used(self) -> int:
        return len(self.occupants)

    @property
    def free(self) -> int:
        return self.kind.capacity - self.used

    @property
    def next_free(self) -> str | None:
        """The first free place, None when full or without places."""
        found = rules.first_free(self.kind, self.by_position)
        return found.text if found else None

    def next_free_after(self, position: str) -> str | None:
        """The first free place after one, going round; None when full or without places."""
        order = [place.text for place in self.places]
        start = order.index(position) + 1 if position in order else 0
        return next((text for text in order[start:] + order[:start] if text not in self.by_position), None)


def what_is_in(container: Container) -> ContainerMap:
    """The map of a container, with the consent of what stands in it; a fixed number of queries, whatever it holds."""
    kind = kind_of(container)
    occupants = _occupants(container)
    order = {place.text: place.slot for place in rules.positions(kind)}
    occupants.sort(key=lambda occupant: order.get(occupant.position or "", 0))
    return ContainerMap(
        container=container,
        kind=kind,
        path=places.path_of([container.id]).get(container.id, []),
        occupants=occupants,
        by_position={occupant.position: occupant for occupant in occupants if occupant.position is not None},
    )


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


def children_of(container_ids: Sequence[int]) -> dict[int, list[Occupant]]:
    """Container key -> the containers that stand in it directly, with how much each holds; two queries."""
    query = (
        select(Placement.container_id, Placement.position, Placement.placed_at, Container)
        .join(Container, Container.id == Placement.child_id)
        .where(Placement.container_id.in_(container_ids), places.current())
        .order_by(Placement.container_id, Placement.position, Placement.id)
    )
    rows = db.session.execute(query).all()
    used = containers.used_in([child.id for _, _, _, child in rows])
    found: dict[int, list[Occupant]] = {key: [] for key in container_ids}
    for parent_id, position, since, child in rows:
        found[parent_id].append(Occupant(position, since, container=child, used=used[child.id]))
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
