"""How much goes in, how much is in, and when it will be full: per freezer and per kind of box.

The report reads the tallies that every act keeps: it costs as much as there are freezers, whatever stands in them. What
is drawn of a part of a freezer is counted along the index of current placements. The number of statements is fixed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, literal, select

from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import fetch
from biobank.samples.models import Hold
from biobank.storage import containers, kinds, places
from biobank.storage.forecasting import WEEKS, Forecast, Outlook, forecast
from biobank.storage.models import Container, Placement, PositionClaim, StockFlow, StockTally
from biobank.storage.tally_queries import DAYS, below_given, content


@dataclass(frozen=True)
class Fill:
    """What stands in a container at any depth.

    samples   that stand in it, whatever they stand in
    places    for samples, in the boxes that stand in it
    more      places for samples in boxes that could still be put into its racks and drawers
    blocked, reserved    of the free places for samples
    room_for  how many more boxes go into its racks and drawers
    held      samples that may not be used now
    """

    samples: int = 0
    places: int = 0
    more: int = 0
    blocked: int = 0
    reserved: int = 0
    boxes: int = 0
    room_for: int = 0
    held: int = 0

    @property
    def free(self) -> int:
        """Places in boxes that are nobody's."""
        return max(self.places - self.samples - self.blocked - self.reserved, 0)

    @property
    def room(self) -> int:
        """What it holds when every rack is full of boxes and every box of samples."""
        return self.places + self.more

    @property
    def share(self) -> float:
        """How full, from 0 to 1."""
        return min(self.samples / self.room, 1.0) if self.room else 0.0


@dataclass(frozen=True)
class Line:
    """One freezer, or one kind of box, with its outlook. One of `container` and `kind` is None."""

    fill: Fill
    forecast: Forecast
    container: Container | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Report:
    on: date
    freezers: Sequence[Line]
    boxes: Sequence[Line] = field(default_factory=tuple)


def fill_below(container_ids: Iterable[int], *, with_holds: bool = False) -> dict[int, Fill]:
    """Container key -> what stands in it, at any depth: one statement for any number of them."""
    ids = sorted(set(container_ids))
    counted = fetch(_STOCK_AND_HOLDS if with_holds else _STOCK, {"ids": ids}) if ids else ()
    by_start: dict[int, dict[str, Any]] = {key: {} for key in ids}
    for row in counted:
        by_start[row.start][row.kind] = row
    usual = _usual(counted)
    return {key: _fill(rows, usual) for key, rows in by_start.items()}


def report(by: Actor) -> Report:
    """Every freezer, tank and room that the actor sees, and every kind of box in them: four statements, which cost the
    same whatever stands there."""
    roots = containers.roots(by)
    ids = [root.id for root in roots]
    stock = _kept_stock(ids) if ids else []
    today = clock.now().astimezone(UTC).date()
    flows = _flows(ids, today) if ids else {}
    freezers = []
    for root in roots:
        here = {row.kind: row for row in stock if row.start == root.id}
        fill = _fill(here, _usual(here.values()))
        moved = [week for (start, _), week in flows.items() if start == root.id]
        freezers.append(Line(fill, _outlook(fill, fill.free + fill.more, moved, today), container=root))
    boxes = []
    for kind in kinds.tube_kinds():
        fill = _fill_of_kind(kind, [row for row in stock if row.kind == kind])
        moved = [week for (_, of), week in flows.items() if of == kind]
        if fill.boxes:
            boxes.append(Line(fill, _outlook(fill, fill.free, moved, today), kind=kind))
    return Report(times.local_day(clock.now(), clock.zone()), freezers, boxes)


def _outlook(fill: Fill, free: int, moved: Sequence[list[int]], today: date) -> Forecast:
    """moved: for each part of it, what each week added, the oldest first."""
    if not fill.room:
        return Forecast(Outlook.UNCOUNTED if fill.samples else Outlook.BARE)
    weekly = [sum(week) for week in zip(*moved, strict=True)] or [0] * WEEKS
    if fill.samples - sum(weekly) <= 0:  # it was empty before: it is looked back on from its first tube on
        first = next((number for number, count in enumerate(weekly) if count), WEEKS)
        weekly = weekly[first:]
    return forecast(weekly, free=free, today=today)


# --- what stands now


def _fill(rows: Mapping[str, Any], usual: Mapping[str, int]) -> Fill:
    known = kinds.kinds()
    places_ = more = boxes = room_for = 0
    for key, row in rows.items():
        if key in kinds.tube_kinds():
            places_ += row.containers * known[key].capacity
            boxes += row.containers
        elif key in known and key in _rack_kinds():
            slots = max(row.containers * known[key].capacity - int(row.children or 0), 0)
            room_for += slots
            more += slots * usual[key]
    return Fill(
        samples=_sum(rows, "samples"), places=places_, more=more, boxes=boxes, room_for=room_for,
        blocked=_sum(rows, "blocked"), reserved=_sum(rows, "reserved"), held=_sum(rows, "held"),
    )  # fmt: skip


def _fill_of_kind(kind: str, rows: Sequence[Any]) -> Fill:
    boxes = sum(row.containers for row in rows)
    by_place = {str(number): row for number, row in enumerate(rows)}
    return Fill(
        samples=_sum(by_place, "samples"), places=boxes * kinds.kinds()[kind].capacity, boxes=boxes,
        blocked=_sum(by_place, "blocked"), reserved=_sum(by_place, "reserved"),
    )  # fmt: skip


def _sum(rows: Mapping[str, Any], name: str) -> int:
    # PostgreSQL adds whole numbers up to decimals.
    return sum(int(getattr(row, name, 0) or 0) for row in rows.values())


def _rack_kinds() -> frozenset[str]:
    """Kinds that hold boxes and nothing else: a free place in one is room for a box."""
    boxes = set(kinds.tube_kinds())
    known = kinds.kinds()
    return frozenset(key for key, kind in known.items() if kind.positioned and kind.holds <= boxes)


def _usual(rows: Iterable[Any]) -> dict[str, int]:
    """Rack kind -> how many samples go into the box that is mostly put there: of the boxes counted, the kind there is
    most of; where none is counted, the middle one of those that fit."""
    counted: dict[str, int] = {}
    for row in rows:
        counted[row.kind] = counted.get(row.kind, 0) + row.containers
    found = {}
    for key in _rack_kinds():
        fitting = sorted(kinds.kinds()[key].holds)
        there = [kind for kind in fitting if counted.get(kind)]
        if there:
            found[key] = kinds.kinds()[max(there, key=lambda kind: counted[kind])].capacity
        else:
            sizes = sorted(kinds.kinds()[kind].capacity for kind in fitting)
            found[key] = sizes[len(sizes) // 2]
    return found


class _Stock(NamedTuple):
    """Of one kind in one root: what is kept of it."""

    start: int
    kind: str
    containers: int
    samples: int
    children: int
    blocked: int
    reserved: int


def _kept_stock(ids: Sequence[int]) -> list[_Stock]:
    """What the tallies say, with the places that are reserved or blocked: as many as there are, however many stand."""
    claimed: dict[tuple[int, str, str], int] = {}
    for row in fetch(_CLAIMED):
        claimed[row.root, row.kind, row.claim] = int(row.places)
    return [
        _Stock(
            row.root_id, row.kind, row.containers, row.samples, row.children,
            claimed.get((row.root_id, row.kind, "blocked"), 0), claimed.get((row.root_id, row.kind, "reserved"), 0),
        )
        for row in fetch(_TALLIES, {"ids": list(ids)})
    ]  # fmt: skip


_TALLIES = select(
    StockTally.root_id, StockTally.kind, StockTally.containers, StockTally.samples, StockTally.children
).where(among(StockTally.root_id, "ids"))


def _claims_by_root() -> Any:
    """(root, kind, claim, places): from the open claims up."""
    up = (
        select(
            PositionClaim.container_id.label("start"), PositionClaim.container_id.label("at"),
            literal(0).label("depth"),
        )
        .where(PositionClaim.ended_at.is_(None))
        .distinct()
        .cte("up", recursive=True)
    )  # fmt: skip
    up = up.union_all(
        select(up.c.start, Placement.container_id, up.c.depth + 1)
        .join(Placement, Placement.child_id == up.c.at)
        .where(places.current(), up.c.depth < places.DEEPEST)
    )
    at_top = ~select(Placement.id).where(Placement.child_id == up.c.at, places.current()).exists()
    return (
        select(
            up.c.at.label("root"),
            Container.kind,
            PositionClaim.kind.label("claim"),
            func.count().label("places"),
        )
        .join(Container, Container.id == up.c.start)
        .join(PositionClaim, PositionClaim.container_id == up.c.start)
        .where(at_top, PositionClaim.ended_at.is_(None))
        .group_by(up.c.at, Container.kind, PositionClaim.kind)
    )


_CLAIMED = _claims_by_root()


def _stock(with_holds: bool) -> Any:
    tree = below_given()

    def claims(kind: str) -> Any:
        at = (PositionClaim.container_id == tree.c.id, PositionClaim.ended_at.is_(None))
        return select(func.count()).where(*at, PositionClaim.kind == kind).scalar_subquery()

    held: Any = literal(0)
    if with_holds:
        held = (
            select(func.count(Hold.sample_id.distinct()))
            .join(Placement, Placement.sample_id == Hold.sample_id)
            .where(Placement.container_id == tree.c.id, places.current(), Hold.released_at.is_(None))
            .scalar_subquery()
        )
    return content(
        tree,
        func.sum(claims("blocked")).label("blocked"),
        func.sum(claims("reserved")).label("reserved"),
        func.sum(held).label("held"),
    )


# Built once: putting such a statement together costs more than running it on a small bank.
_STOCK, _STOCK_AND_HOLDS = _stock(False), _stock(True)


# --- how fast it fills


_FLOWS = select(StockFlow.root_id, StockFlow.kind, StockFlow.day, StockFlow.net).where(
    among(StockFlow.root_id, "ids"), StockFlow.day > bindparam("since")
)


def _flows(ids: Sequence[int], today: date) -> dict[tuple[int, str], list[int]]:
    """(start, kind) -> how many more samples each of the weeks up to today brought, the oldest first."""
    found: dict[tuple[int, str], list[int]] = {}
    for row in fetch(_FLOWS, {"ids": list(ids), "since": today - timedelta(days=DAYS)}):
        week = WEEKS - 1 - max((today - row.day).days, 0) // 7
        found.setdefault((row.root_id, row.kind), [0] * WEEKS)[week] += row.net
    return found
