"""The worklist of differences as people read it. A constant number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, chunks, db
from biobank.core.errors import NotFound
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.quality.models import Discrepancy
from biobank.samples.models import Sample
from biobank.storage import places
from biobank.storage.models import Container
from biobank.storage.places import Step


@dataclass(frozen=True)
class Listed:
    """One difference, with the sample it is about and where each of the two says that it stands."""

    row: Discrepancy
    sample: Sample | None
    container: Container
    path: Sequence[Step]
    """The way to where somebody looked."""
    recorded: Sequence[Step]
    """The way to where the record says it stands now; empty: nowhere."""


def find_discrepancy(key: int, by: Actor) -> Discrepancy:
    """raises NotFound, also for another site's"""
    found = db.session.get(Discrepancy, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("discrepancy_unknown", discrepancy=key)
    return found


def list_open(
    by: Actor, *, kind: str | None = None, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[Discrepancy]:
    """What nobody has settled, the oldest first, a page at a time."""
    query = _of_site(select(Discrepancy).where(Discrepancy.settled_at.is_(None)), by)
    if kind:
        query = query.where(Discrepancy.kind == kind)
    return page_of(query, Discrepancy.id, after=after, limit=limit, newest_first=False)


def count_open(by: Actor) -> int:
    """How many nobody has settled."""
    query = _of_site(select(func.count(Discrepancy.id)).where(Discrepancy.settled_at.is_(None)), by)
    return db.session.scalar(query) or 0


def listed(rows: Sequence[Discrepancy]) -> list[Listed]:
    """A constant number of queries. A code that nobody knew when it was found stays without a sample here."""
    samples = _by_id(Sample, [row.sample_id for row in rows if row.sample_id is not None])
    containers = _by_id(Container, [row.container_id for row in rows])
    paths, where = places.path_of(containers), places.where_is(samples)
    return [
        Listed(
            row, samples.get(row.sample_id), containers[row.container_id], paths.get(row.container_id, []),
            where.get(row.sample_id or 0, []),
        )
        for row in rows
    ]  # fmt: skip


def _by_id(model: Any, keys: Sequence[int]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for chunk in chunks(sorted(set(keys)), 2000):
        found |= {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(chunk)))}
    return found


def _of_site(query: Select[Any], by: Actor) -> Select[Any]:
    return query if by.site_id is None else query.where(Discrepancy.site_id == by.site_id)
