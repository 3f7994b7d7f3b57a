"""Where things stand, and stood: reads placements, for many things in one query. Changes nothing."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CTE, ColumnElement, Select, String, and_, cast, literal, null, or_, select

from biobank.core.among import among
from biobank.core.db import chunks, db, fetch
from biobank.storage import kinds
from biobank.storage.models import Container, Placement

#: No chain of containers is longer; a cycle, which the locks prevent, would end here.
DEEPEST = 20
#: Keys in one query: below what both databases take.
_MANY = 5000


class Step(NamedTuple):
    """One container on the way to a thing, and the position in it at which the next one stands."""

    code: str
    name: str
    kind: str
    position: str | None


def current() -> ColumnElement[bool]:
    """Of placements: that they have not ended."""
    return Placement.removed_recorded_at.is_(None)


def valid_at(instant: datetime) -> ColumnElement[bool]:
    """Of placements: that the thing stood there at that instant."""
    return and_(
        Placement.placed_at <= instant, or_(Placement.removed_at.is_(None), Placement.removed_at > instant)
    )


def _above(seed: Any) -> Any:
    """Everything above: from rows (start, container_id, position, depth 0) up to the roots, as
    (start, code, name, kind, position, container_id), the nearest first."""
    chain = seed.cte("chain", recursive=True)
    chain = chain.union_all(
        select(chain.c.start, Placement.container_id, Placement.position, chain.c.depth + 1)
        .join(Placement, Placement.child_id == chain.c.container_id)
        .where(current(), chain.c.depth < DEEPEST)
    )
    return (
        select(chain.c.start, Container.code, Container.name, Container.kind, chain.c.position, Container.id)
        .join(Container, Container.id == chain.c.container_id)
        .order_by(chain.c.start, chain.c.depth)
    )


_NOWHERE = cast(null(), String(10)).label("position")
# Built once: putting such a statement together costs more than running it.
_ABOVE_SAMPLES = _above(
    select(
        Placement.sample_id.label("start"),
        Placement.container_id,
        Placement.position,
        literal(0).label("depth"),
    ).where(among(Placement.sample_id, "ids"), current())
)
_ABOVE_CONTAINERS = _above(
    select(
        Container.id.label("start"), Container.id.label("container_id"), _NOWHERE, literal(0).label("depth")
    ).where(among(Container.id, "ids"))
)


def where_is(sample_ids: Iterable[int]) -> dict[int, list[Step]]:
    """Sample key -> the way to it, from the root down to its box; samples that stand nowhere are left out.

    One query for any number of samples (up to 5000).
    """
    return {
        start: [step for _, step in steps[::-1]]
        for start, steps in _chains(_ABOVE_SAMPLES, sample_ids).items()
    }


def path_of(container_ids: Iterable[int]) -> dict[int, list[Step]]:
    """Container key -> the way from the root down to it, without itself; empty for one that stands nowhere."""
    return {
        start: [step for _, step in steps[:0:-1]]
        for start, steps in _chains(_ABOVE_CONTAINERS, container_ids).items()
    }


def path_at(container_id: int, instant: datetime) -> list[Step]:
    """The way down to a container as it was at an instant, from the root, without itself; one query."""
    chain = (
        select(
            Placement.container_id.label("container_id"),
            Placement.position.label("position"),
            literal(0).label("depth"),
        )
        .where(Placement.child_id == container_id, valid_at(instant))
        .cte("chain", recursive=True)
    )
    chain = chain.union_all(
        select(Placement.container_id, Placement.position, chain.c.depth + 1)
        .join(Placement, Placement.child_id == chain.c.container_id)
        .where(valid_at(instant), chain.c.depth < DEEPEST)
    )
    query = (
        select(Container.code, Container.name, Container.kind, chain.c.position)
        .join(Container, Container.id == chain.c.container_id)
        .order_by(chain.c.depth.desc())
    )
    return [Step(*row) for row in db.session.execute(query)]


def ids_above(container_ids: Iterable[int]) -> dict[int, list[int]]:
    """Container key -> itself and everything it stands in, the nearest first."""
    return {
        start: [key for key, _ in steps] for start, steps in _chains(_ABOVE_CONTAINERS, container_ids).items()
    }


def roots_of(container_ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Container key -> (what it stands in at the very top: itself, where it stands nowhere; its own kind)."""
    return {
        start: (steps[-1][0], steps[0][1].kind)
        for start, steps in _chains(_ABOVE_CONTAINERS, container_ids).items()
    }


def _chains(query: Any, ids: Iterable[int]) -> dict[int, list[tuple[int, Step]]]:
    """Start -> (container key, step), the nearest first."""
    found: dict[int, list[tuple[int, Step]]] = {}
    for chunk in chunks(sorted(set(ids)), _MANY):
        for start, code, name, kind, position, key in fetch(query, {"ids": chunk}):
            found.setdefault(start, []).append((key, Step(code, name, kind, position)))
    return found


def is_stored(sample_ids: Iterable[int]) -> set[int]:
    """Which of these stand, at whatever depth, in a container that counts as storage."""
    storing = kinds.storage_kinds()
    return {key for key, steps in where_is(sample_ids).items() if any(step.kind in storing for step in steps)}


def stored_at(instant: datetime) -> CTE:
    """The keys (column `id`) of the containers that led, at that instant, to a kind that counts as storage: they
    themselves, or something they stood in. A sample that stood in one of them was stored."""
    up = select(Container.id.label("id"), Container.id.label("at")).cte(recursive=True)
    # UNION, not UNION ALL: times told afterwards may let two things have stood in each other for a moment.
    up = up.union(
        select(up.c.id, Placement.container_id)
        .join(Placement, Placement.child_id == up.c.at)
        .where(valid_at(instant))
    )
    root = (
        select(up.c.id)
        .join(Container, Container.id == up.c.at)
        .where(Container.kind.in_(kinds.storage_kinds()))
    )
    return root.distinct().cte()


def stored_samples(instant: datetime) -> Select[Any]:
    """The keys of the samples stored at that instant, as a query to count or to join."""
    stored = stored_at(instant)
    return select(Placement.sample_id).where(
        Placement.sample_id.is_not(None), valid_at(instant), Placement.container_id.in_(select(stored.c.id))
    )
