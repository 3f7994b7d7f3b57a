"""Which boxes to open for so many tubes: the fewest, then those of one rack, then those that are nearly full. Pure."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

Family = TypeVar("Family", bound=Hashable)


@dataclass
class Box(Generic[Family]):
    """A box with room.

    key       of the container
    rack      of what it stands in: two boxes of one rack are opened by one hand
    free      how many go in
    own       tubes of the same study and type stand in it already
    alien     others stand in it, of another study or type
    together  families are kept together in it
    apart     in each of these groups of boxes (a box, a rack, a freezer), of each family there is one tube at most
    here      families of which some stand in it now
    """

    key: int
    rack: int
    free: int
    own: bool = False
    alien: bool = False
    together: bool = False
    apart: frozenset[int] = frozenset()
    here: frozenset[Family] = frozenset()


@dataclass
class Fitted(Generic[Family]):
    """box key -> numbers of the tubes that go in, in the order they were given; and what found no place."""

    into: dict[int, list[int]] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)


def fit(
    families: Sequence[Family | None],
    boxes: Sequence[Box[Family]],
    *,
    busy: frozenset[tuple[int, Family]] = frozenset(),
) -> Fitted[Family]:
    """Find a box for each tube.

    families  whose each tube is, in the order of the tubes; None: nobody knows
    busy      (group, family) of which one stands there already, for groups that keep families apart
    """
    if any(box.apart for box in boxes):
        return _apart(families, boxes, set(busy))
    # Boxes where others stand are opened only for what finds no room elsewhere.
    clean = [box for box in boxes if not box.alien]
    enough = sum(box.free for box in clean) >= len(families)
    fitted: Fitted[Family] = Fitted()
    pool = [replace(box) for box in (clean if enough else boxes)]
    fitted.left = _fill(families, list(range(len(families))), pool, fitted)
    return fitted


def _fill(
    families: Sequence[Family | None], waiting: list[int], boxes: list[Box[Family]], fitted: Fitted[Family]
) -> list[int]:
    """Put them into the fewest boxes; families that are kept together first go to where some of them are."""
    for box in boxes:
        if box.together and box.here:
            kin = [number for number in waiting if families[number] in box.here][: box.free]
            _put(fitted, box, kin)
            waiting = [number for number in waiting if number not in set(kin)]
    chosen = choose(len(waiting), boxes)
    order = _by_family(families, waiting) if any(box.together for box in chosen) else waiting
    for place, box in enumerate(chosen):
        later = sum(other.free for other in chosen[place + 1 :])
        take = _whole_families(families, order, box.free, later) if box.together else box.free
        _put(fitted, box, order[:take])
        order = order[take:]
    return sorted(order)


def _put(fitted: Fitted[Family], box: Box[Family], numbers: Sequence[int]) -> None:
    if numbers:
        fitted.into.setdefault(box.key, []).extend(numbers)
        box.free -= len(numbers)


def choose(count: int, boxes: Sequence[Box[Family]]) -> list[Box[Family]]:
    """The boxes to open for so many: as few as can be; among as few, of one rack; among those, with the least left
    over. All of them, where they do not suffice."""
    able = sorted((box for box in boxes if box.free > 0), key=lambda box: (-box.free, not box.own, box.key))
    if count <= 0 or not able:
        return []
    fewest = _needed(count, able)
    racks: dict[int, list[Box[Family]]] = {}
    for box in able:
        racks.setdefault(box.rack, []).append(box)
    options = [
        pool
        for pool in racks.values()
        if sum(box.free for box in pool) >= count and _needed(count, pool) == fewest
    ]
    picked = [_tightest(count, pool, fewest) for pool in options] or [_tightest(count, able, fewest)]
    best = min(
        picked, key=lambda some: (-sum(box.own for box in some), sum(box.free for box in some), some[0].key)
    )
    return sorted(best, key=lambda box: (box.free, box.key))  # the nearly full first


def _needed(count: int, able: Sequence[Box[Family]]) -> int:
    """How many of these, the largest first, it takes; all, where they do not suffice."""
    room = 0
    for number, box in enumerate(able, start=1):
        room += box.free
        if room >= count:
            return number
    return len(able)


def _tightest(count: int, able: Sequence[Box[Family]], fewest: int) -> list[Box[Family]]:
    """So few boxes with room enough: each exchanged for a fuller one as long as the rest still goes in."""
    chosen = list(able[:fewest])
    for place in range(len(chosen)):
        others = sum(box.free for box in chosen) - chosen[place].free
        enough = [box for box in able if box.free >= count - others and box not in chosen]
        better = min([chosen[place], *enough], key=lambda box: (not box.own, box.free, box.key))
        chosen[place] = better
    return chosen


def _by_family(families: Sequence[Family | None], waiting: Sequence[int]) -> list[int]:
    """Each family's tubes behind one another, in the order in which they first come."""
    first: dict[Family | None, int] = {}
    for number in waiting:
        first.setdefault(families[number], number)
    return sorted(waiting, key=lambda number: (first[families[number]], number))


def _whole_families(families: Sequence[Family | None], order: Sequence[int], free: int, later: int) -> int:
    """How many of the next go in without parting a family, if what is left still finds room behind."""
    most = min(free, len(order))
    if most == len(order) or families[order[most - 1]] != families[order[most]]:
        return most
    cut = most
    while cut > 0 and families[order[cut - 1]] == families[order[most]]:
        cut -= 1
    return cut if cut > 0 and len(order) - cut <= later else most


def _apart(
    families: Sequence[Family | None], boxes: Sequence[Box[Family]], busy: set[tuple[int, Family]]
) -> Fitted[Family]:
    """Where some boxes keep families apart: tube by tube, into the box that is open already if it may go there."""
    fitted: Fitted[Family] = Fitted()
    ranked = sorted(
        (replace(box) for box in boxes), key=lambda box: (box.alien, not box.own, box.free, box.key)
    )
    for number, family in enumerate(families):
        may = [
            box
            for box in ranked
            if box.free > 0 and (family is None or not any((group, family) in busy for group in box.apart))
        ]
        opened = [box for box in may if box.key in fitted.into]
        if not may:
            fitted.left.append(number)
            continue
        box = (opened or may)[0]
        _put(fitted, box, [number])
        if family is not None:
            busy |= {(group, family) for group in box.apart}
    return fitted
