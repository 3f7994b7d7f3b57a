"""What the front of a freezer looks like: shelves under one another, racks side by side, how full each is, what is
blocked or held. Whatever is drawn, the number of statements is fixed.

A kind whose places lie one above the other (a freezer, a rack with drawers) is drawn two levels deep: a row for each
place, and in it what stands there side by side. Any other kind is drawn as its own places, as many across as it says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from biobank.core.db import db
from biobank.storage import claims, kinds, places, rules
from biobank.storage.capacity import Fill, fill_below
from biobank.storage.layouts import Layout
from biobank.storage.map import ContainerMap
from biobank.storage.models import Container, Placement, PositionClaim
from biobank.storage.rules import ContainerKind

#: A row has no more cells than a finger can tell apart; what has more places is drawn as one cell.
WIDEST = 12
#: What stands in a container without places is drawn in rows of so many.
_IN_A_ROW = 6


@dataclass(frozen=True)
class Cell:
    """A place. container: what stands there, None: nothing; claim: of a free place, blocked or reserved."""

    position: str | None
    container: Container | None = None
    fill: Fill = field(default_factory=Fill)
    claim: str | None = None


@dataclass(frozen=True)
class Row:
    """Cells side by side. Where rows are places too: position, and the container that is this row (None: nothing)."""

    cells: Sequence[Cell]
    position: str | None = None
    container: Container | None = None
    fill: Fill = field(default_factory=Fill)
    claim: str | None = None


@dataclass(frozen=True)
class Scene:
    """stacked: rows are places of their own."""

    rows: Sequence[Row]
    columns: int
    stacked: bool

    @property
    def fill(self) -> Fill:
        return total(row.fill for row in self.rows)


class _Bank:
    """What stands in the containers of the bank, how full they are, and what is kept in them."""

    def inside(self, container_ids: Sequence[int]) -> dict[int, dict[str, Container]]:
        return _children_of(container_ids)

    def fills(self, container_ids: Sequence[int]) -> Mapping[int, Fill]:
        return fill_below(container_ids, with_holds=True)

    def claims(self, container_ids: Sequence[int]) -> Mapping[int, Mapping[str, PositionClaim]]:
        return claims.open_claims(container_ids)


class _Planned(_Bank):
    """The same of a freezer that is only planned: containers are known by their number in the list of all."""

    def __init__(self, layout: Layout) -> None:
        known = kinds.kinds()
        self.below: dict[int, dict[str, Container]] = {}
        self.filled: dict[int, Fill] = {}
        for number in range(len(layout.items) - 1, -1, -1):
            item = layout.items[number]
            holds = self.below.get(number, {}).values()
            own = (
                Fill(places=known[item.kind].capacity, boxes=1) if item.kind in kinds.tube_kinds() else Fill()
            )
            self.filled[number] = total([own, *(self.filled[each.id] for each in holds)])
            if item.parent is not None or not layout.whole:
                here = self.below.setdefault(-1 if item.parent is None else item.parent, {})
                here[item.position or f"#{number}"] = Container(
                    id=number, code="", kind=item.kind, name=item.name
                )

    def inside(self, container_ids: Sequence[int]) -> dict[int, dict[str, Container]]:
        return {key: self.below.get(key, {}) for key in container_ids}

    def fills(self, container_ids: Sequence[int]) -> Mapping[int, Fill]:
        return self.filled

    def claims(self, container_ids: Sequence[int]) -> Mapping[int, Mapping[str, PositionClaim]]:
        return {}


def scene_of(found: ContainerMap) -> Scene | None:
    """The picture of a container that others stand in; None for a box. Four statements at most."""
    children = [each.container for each in found.occupants if each.container is not None]
    positions = [each.position for each in found.occupants if each.container is not None]
    standing = {
        at or f"#{number}": child for number, (at, child) in enumerate(zip(positions, children, strict=True))
    }
    return _scene(found.container.id, found.kind, standing, _Bank())


def planned_scene(layout: Layout, outermost: str) -> Scene | None:
    """The same picture of a freezer that is only planned. outermost: its kind, or that of what would be filled"""
    planned, root = _Planned(layout), 0 if layout.whole else -1
    return _scene(root, kinds.kinds()[outermost], planned.below.get(root, {}), planned)


def _scene(key: int, kind: ContainerKind, standing: Mapping[str, Container], bank: _Bank) -> Scene | None:
    if not kind.holds & set(kinds.kinds()) or not (kind.positioned or standing):
        return None
    if kind.positioned and kind.across == 1:
        return _stacked(key, kind, standing, bank)
    fills = bank.fills([each.id for each in standing.values()])
    claimed = bank.claims([key]).get(key, {})
    spots = [place.text for place in rules.positions(kind)] or list(standing)
    cells = [_cell(text, standing.get(text), fills, claimed) for text in spots]
    across = kind.across if kind.positioned else _IN_A_ROW
    rows = [_row(cells[start : start + across]) for start in range(0, len(cells), across)]
    return Scene(rows, min(across, len(cells)), stacked=False)


def _stacked(key: int, kind: ContainerKind, standing: Mapping[str, Container], bank: _Bank) -> Scene:
    inside = bank.inside([each.id for each in standing.values()])
    claimed = bank.claims([key, *(each.id for each in standing.values())])
    deep = {at for at, each in standing.items() if _drawn_inside(each, inside.get(each.id, {}))}
    shown = [each.id for at, each in standing.items() if at not in deep]
    shown += [child.id for at in deep for child in inside.get(standing[at].id, {}).values()]
    fills = bank.fills(shown)
    rows = []
    for place in rules.positions(kind):
        there = standing.get(place.text)
        if there is None:
            claim = claimed.get(key, {}).get(place.text)
            rows.append(Row((), place.text, claim=claim.kind if claim else None))
        elif place.text not in deep:
            own = fills[there.id]
            rows.append(Row([Cell(place.text, there, own)], place.text, there, own))
        else:
            below = inside.get(there.id, {})
            texts = [spot.text for spot in rules.positions(kinds.kinds()[there.kind])] or list(below)
            cells = [_cell(text, below.get(text), fills, claimed.get(there.id, {})) for text in texts]
            rows.append(Row(cells, place.text, there, total(cell.fill for cell in cells)))
    return Scene(rows, max((len(row.cells) for row in rows), default=0) or 1, stacked=True)


def _drawn_inside(container: Container, below: Mapping[str, Container]) -> bool:
    """Is what stands in it drawn, rather than itself?"""
    kind = kinds.kinds().get(container.kind)
    if kind is None or not kind.holds & set(kinds.kinds()):
        return False
    return kind.capacity <= WIDEST if kind.positioned else 0 < len(below) <= WIDEST


def _row(cells: Sequence[Cell]) -> Row:
    return Row(cells, fill=total(cell.fill for cell in cells))


def _cell(
    text: str, container: Container | None, fills: Mapping[int, Fill], claimed: Mapping[str, PositionClaim]
) -> Cell:
    if container is not None:
        return Cell(None if text.startswith("#") else text, container, fills[container.id])
    claim = claimed.get(text)
    return Cell(text, claim=claim.kind if claim else None)


def total(fills: Iterable[Fill]) -> Fill:
    """Several together."""
    summed = dict.fromkeys(Fill.__dataclass_fields__, 0)
    for fill in fills:
        for name in summed:
            summed[name] += getattr(fill, name)
    return Fill(**summed)


def _children_of(container_ids: Sequence[int]) -> dict[int, dict[str, Container]]:
    """Container key -> place (a number, where there are none) -> the container that stands there; one query."""
    query = (
        select(Placement.container_id, Placement.position, Container)
        .join(Container, Container.id == Placement.child_id)
        .where(Placement.container_id.in_(container_ids), places.current())
        .order_by(Placement.container_id, Placement.id)
    )
    found: dict[int, dict[str, Container]] = {}
    for parent, position, child in db.session.execute(query):
        here = found.setdefault(parent, {})
        here[position or f"#{len(here)}"] = child
    return found


@dataclass(frozen=True)
class Around:
    """Where one can go from a container: what it stands in, and what stands beside it in there."""

    parent: Container | None = None
    before: Container | None = None
    after: Container | None = None


def around(container: Container) -> Around:
    """One query for what it stands in, one for its neighbours."""
    held = select(Placement.container_id).where(Placement.child_id == container.id, places.current())
    parent = db.session.scalars(select(Container).where(Container.id == held.scalar_subquery())).one_or_none()
    if parent is None:
        return Around()
    beside = list(_children_of([parent.id]).get(parent.id, {}).items())
    if all(not key.startswith("#") for key, _ in beside):
        beside.sort(key=lambda each: each[0])
    order = [each for _, each in beside]
    at = next(number for number, each in enumerate(order) if each.id == container.id)
    return Around(parent, order[at - 1] if at > 0 else None, order[at + 1] if at + 1 < len(order) else None)
