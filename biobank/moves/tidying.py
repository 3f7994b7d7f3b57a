"""Which nearly empty boxes are emptied into which others. Pure: no database, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from biobank.moves.rules import Move, Plan, Rule, Tube


@dataclass(frozen=True)
class Box:
    """A box of the container that is tidied up: what stands in it, and its free places in order."""

    id: int
    kind: str
    tubes: tuple[Tube, ...]
    free: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    temperature: str | None = None
    order: int = 0
    receives_only: bool = False
    """It is too full to be emptied."""


def defragment(boxes: Sequence[Box]) -> Plan:
    """Empty as many boxes as can be into others of the same kind and as cold, with the fewest moves.

    returns  a plan that never fills a box that it empties, and obeys what containers accept
    """
    moves: list[Move] = []
    groups: dict[tuple[str, str | None], list[Box]] = {}
    for box in boxes:
        groups.setdefault((box.kind, box.temperature), []).append(box)
    for group in groups.values():
        moves += _emptied(group)
    return Plan(tuple(moves))


def _emptied(boxes: Sequence[Box]) -> list[Move]:
    """The emptiest first, into the fullest: each box that is freed costs as few moves as there are tubes in it."""
    free = {box.id: list(box.free) for box in boxes}
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
        targets = [
            box
            for box in boxes
            if box.id != source.id and box.id not in emptied and box.tubes and free[box.id]
        ]
        found = _into(source, sorted(targets, key=lambda box: (len(free[box.id]), box.order)), free)
        if found is None:
            continue
        for move in found:
            free[move.to_id].remove(str(move.to_position))
            receiving.add(move.to_id)
        emptied.add(source.id)
        moves += found
    return moves


def _into(source: Box, targets: Sequence[Box], free: Mapping[int, list[str]]) -> list[Move] | None:
    """Every tube of a box into others, or None."""
    left = {box.id: list(free[box.id]) for box in targets}
    moves = []
    for tube in source.tubes:
        box = next(
            (
                box
                for box in targets
                if left[box.id] and all(rule.accepts(tube.study, tube.type) for rule in box.rules)
            ),
            None,
        )
        if box is None:
            return None
        moves.append(Move(tube.id, None, source.id, tube.position, box.id, left[box.id].pop(0)))
    return moves
