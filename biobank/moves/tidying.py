"""Which nearly empty boxes are emptied into which others. Pure: no database, no clock."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from biobank.moves.rules import Move, Plan, Rule, Tube
from biobank.storage import fitting


@dataclass(frozen=True)
class Box:
    """A box of the container that is tidied up: what stands in it, and its free places in order.

    rack      what it stands in
    together  families are kept together in it
    apart     each container on the way that keeps families apart -> those of which one stands there, besides what
              stands in the boxes that are looked at
    """

    id: int
    kind: str
    tubes: tuple[Tube, ...]
    free: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    temperature: str | None = None
    order: int = 0
    receives_only: bool = False
    """It is too full to be emptied."""
    rack: int = 0
    together: bool = False
    apart: Mapping[int, frozenset[int]] = field(default_factory=dict)


def defragment(boxes: Sequence[Box]) -> Plan:
    """Empty as many boxes as can be into others of the same kind and as cold, with the fewest moves.

    returns  a plan that never fills a box that it empties, and obeys what containers accept
    """
    moves: list[Move] = []
    groups: dict[tuple[str, str | None], list[Box]] = {}
    stock = _Stock(boxes)
    for box in boxes:
        groups.setdefault((box.kind, box.temperature), []).append(box)
    for group in groups.values():
        moves += _emptied(group, stock)
    return Plan(tuple(moves))


def _emptied(boxes: Sequence[Box], stock: "_Stock") -> list[Move]:
    """The emptiest first: each box that is freed costs as few moves as there are tubes in it."""
    sources = sorted(
        (box for box in boxes if box.tubes and not box.receives_only),
        key=lambda box: (len(box.tubes), box.order),
    )
    receiving: set[int] = set()
    moves: list[Move] = []
    emptied: set[int] = set()
    for source in sources:
        if source.id in receiving or not all(tube.movable for tube in source.tubes):
            continue
        targets = [box for box in boxes if box.id != source.id and box.id not in emptied and box.tubes]
        found = _into(source, targets, stock)
        if found is None:
            continue
        stock.carry_out(source, found)
        receiving |= {move.to_id for move in found}
        emptied.add(source.id)
        moves += found
    return moves


def _into(source: Box, targets: Sequence[Box], stock: "_Stock") -> list[Move] | None:
    """Every tube of a box into others, by the rules by which places are suggested; or None."""
    left = {box.id: list(stock.free[box.id]) for box in targets}
    busy = stock.busy_without(source)
    moves = []
    for kind, tubes in _alike(source.tubes).items():
        able = [box for box in targets if left[box.id] and all(rule.accepts(*kind) for rule in box.rules)]
        boxes = [
            fitting.Box(
                box.id, box.rack, len(left[box.id]), own=kind in stock.kinds[box.id],
                alien=kind not in stock.kinds[box.id], together=box.together, apart=frozenset(box.apart),
                here=frozenset(+stock.families[box.id]),
            )
            for box in able
        ]  # fmt: skip
        families = [tube.family for tube in tubes]
        fitted = fitting.fit(families, boxes, busy=busy)
        if fitted.left:
            return None
        for box in able:
            for number in fitted.into.get(box.id, ()):
                tube = tubes[number]
                moves.append(Move(tube.id, None, source.id, tube.position, box.id, left[box.id].pop(0)))
                if tube.family is not None:
                    busy |= {(group, tube.family) for group in box.apart}
    return moves


def _alike(tubes: Sequence[Tube]) -> dict[tuple[str, str], list[Tube]]:
    """Study and type -> tubes."""
    groups: dict[tuple[str, str], list[Tube]] = {}
    for tube in tubes:
        groups.setdefault((tube.study, tube.type), []).append(tube)
    return groups


class _Stock:
    """What stands in the boxes, and what is free in them, while the plan is made."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._boxes = {box.id: box for box in boxes}
        self.free = {box.id: list(box.free) for box in boxes}
        self.kinds = {box.id: set(_alike(box.tubes)) for box in boxes}
        self.families = {box.id: _families(box.tubes) for box in boxes}
        self._elsewhere = frozenset(
            (group, family) for box in boxes for group, families in box.apart.items() for family in families
        )
        self._here = Counter(
            (group, family) for box in boxes for group in box.apart for family in self.families[box.id].elements()
        )  # fmt: skip

    def busy_without(self, source: Box) -> frozenset[tuple[int, int]]:
        """(container, family) of which one stands there, when the tubes of this box are taken out."""
        gone = Counter(
            (group, family) for group in source.apart for family in self.families[source.id].elements()
        )
        return self._elsewhere | frozenset(self._here - gone)

    def carry_out(self, source: Box, moves: Sequence[Move]) -> None:
        tubes = {tube.id: tube for tube in source.tubes}
        for move in moves:
            target, tube = self._boxes[move.to_id], tubes[move.tube or 0]
            self.free[target.id].remove(str(move.to_position))
            self.kinds[target.id].add((tube.study, tube.type))
            if (family := tube.family) is None:
                continue
            for box, more in ((source, -1), (target, 1)):
                self.families[box.id][family] += more
                for group in box.apart:
                    self._here[group, family] += more


def _families(tubes: Sequence[Tube]) -> Counter[int]:
    return Counter(tube.family for tube in tubes if tube.family is not None)
