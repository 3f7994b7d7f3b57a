"""What the lists of quality are about: the samples and containers behind their keys, in a few queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from biobank.core.db import chunks, db
from biobank.quality.models import Inventory, NonConformity
from biobank.samples.models import Sample
from biobank.storage import places
from biobank.storage.models import Container
from biobank.storage.places import Step


@dataclass(frozen=True)
class Subject:
    """What is wrong: of `sample` and `container` one is None; and the way to it."""

    sample: Sample | None
    container: Container | None
    path: Sequence[Step]

    @property
    def code(self) -> str:
        found = self.sample or self.container
        return found.code if found is not None else ""


def subjects_of(items: Sequence[NonConformity]) -> dict[int, Subject]:
    """Key of the item -> what it is about."""
    samples = _by_id(Sample, [item.sample_id for item in items])
    containers = _by_id(Container, [item.container_id for item in items])
    where, paths = places.where_is(samples), places.path_of(containers)
    return {
        item.id: Subject(
            samples.get(item.sample_id), containers.get(item.container_id),
            where.get(item.sample_id or 0) or paths.get(item.container_id or 0) or [],
        )
        for item in items
    }  # fmt: skip


def containers_of(inventories: Sequence[Inventory]) -> dict[int, Container]:
    """Container key -> the container that is looked through."""
    return _by_id(Container, [each.container_id for each in inventories])


def _by_id(model: Any, keys: Sequence[int | None]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for chunk in chunks(sorted({key for key in keys if key is not None}), 2000):
        found |= {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(chunk)))}
    return found
