"""Inventories as people read them: how far one is, where to look next, what was found otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, db
from biobank.core.errors import NotFound
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.quality import rules
from biobank.quality.models import Inventory, InventoryLine
from biobank.samples.models import Sample
from biobank.samples.reading import by_keys
from biobank.storage import places
from biobank.storage.models import Container
from biobank.storage.places import Step


@dataclass(frozen=True)
class Counts:
    """How far an inventory is, and how right the record was so far."""

    lines: int
    by_outcome: Mapping[str, int]

    @property
    def checked(self) -> int:
        return sum(self.by_outcome.values())

    @property
    def accuracy(self) -> float | None:
        return rules.accuracy(self.by_outcome.get("right", 0), self.checked)


@dataclass(frozen=True)
class Stop:
    """One place to look at."""

    line: InventoryLine
    sample: Sample
    path: Sequence[Step]
    """The way to it; the last step has its position."""


def counts_of(inventories: Sequence[Inventory]) -> dict[int, Counts]:
    """Inventory key -> how far it is; one query."""
    query = (
        select(InventoryLine.inventory_id, InventoryLine.outcome, func.count())
        .where(InventoryLine.inventory_id.in_([each.id for each in inventories]))
        .group_by(InventoryLine.inventory_id, InventoryLine.outcome)
    )
    found: dict[int, dict[str | None, int]] = {each.id: {} for each in inventories}
    for key, outcome, count in db.session.execute(query):
        found[key][outcome] = count
    return {
        key: Counts(sum(counted.values()), {name: count for name, count in counted.items() if name})
        for key, counted in found.items()
    }


def waiting(inventory: Inventory, limit: int = 30) -> list[Stop]:
    """Places that nobody has looked at, in walking order."""
    query = select(InventoryLine).where(
        InventoryLine.inventory_id == inventory.id, InventoryLine.outcome.is_(None)
    )
    return stops(db.session.scalars(query.order_by(InventoryLine.id).limit(limit)).all())


def otherwise(inventory: Inventory, limit: int = 500) -> list[Stop]:
    """Places at which the record was not right."""
    query = select(InventoryLine).where(
        InventoryLine.inventory_id == inventory.id, InventoryLine.outcome.is_not(None),
        InventoryLine.outcome != "right",
    )  # fmt: skip
    return stops(db.session.scalars(query.order_by(InventoryLine.id).limit(limit)).all())


def stops(lines: Sequence[InventoryLine]) -> list[Stop]:
    """Lines with what is looked for, and the way to where it should stand."""
    samples = by_keys(line.sample_id for line in lines)
    ids = sorted({line.container_id for line in lines})
    boxes = {row.id: row for row in db.session.scalars(select(Container).where(Container.id.in_(ids)))}
    paths = places.path_of(ids)
    return [
        Stop(line, samples[line.sample_id], [*paths.get(line.container_id, []), _step(boxes[line.container_id], line)])
        for line in lines
    ]  # fmt: skip


def _step(box: Container, line: InventoryLine) -> Step:
    return Step(box.code, box.name, box.kind, line.position)


def find_inventory(key: int, by: Actor) -> Inventory:
    """raises NotFound, also for another site's"""
    found = db.session.get(Inventory, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("inventory_unknown", inventory=key)
    return found


def find_line(inventory: Inventory, key: int) -> InventoryLine:
    """raises NotFound"""
    found = db.session.get(InventoryLine, key) if 0 < key <= MAX_INTEGER else None
    if found is None or found.inventory_id != inventory.id:
        raise NotFound("inventory_line_unknown", inventory=inventory.id, line=key)
    return found


def list_inventories(by: Actor, *, after: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[Inventory]:
    """The newest first, a page at a time."""
    query = select(Inventory)
    if by.site_id is not None:
        query = query.where(Inventory.site_id == by.site_id)
    return page_of(query, Inventory.id, after=after, limit=limit)
