"""Where everything in a failing freezer goes: facts in, plan out. Pure: no database, no clock.

Cold comes before order, and order before few steps: a tube goes where it is as cold as before, then where it may
stand, then with its whole rack, its whole box, or alone. Only what has no such place is offered a warmer one, and that
is said. Which boxes are opened for single tubes, and which families stand together or apart in them, is decided as it
is where places are suggested.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from biobank.moves.giving import Places
from biobank.moves.rules import Fit, Load, Move, Plan, Room, Tube


def evacuate(load: Load, rooms: Iterable[Room]) -> Plan:
    """Where everything that stands in `load` goes.

    rooms    none of them `load` or below it
    returns  a plan in which no place is given twice; its `left` names every movable tube that finds none
    """
    return _Evacuation(load, rooms).plan()


@dataclass
class _Cargo:
    """A container below the failing one, on its way to be planned."""

    load: Load
    above: "_Cargo | None"
    inside: list["_Cargo"]
    tubes: int
    """At any depth, the empty ones among them."""
    height: int
    kinds: frozenset[tuple[str, str]]
    """Studies and types in it, at any depth."""
    families: frozenset[int]
    waiting: list[Tube] = field(default_factory=list)
    """Directly in it, still without a place."""
    moved: bool = False
    broken: bool = False
    """Something in it goes elsewhere: it is not carried as a whole any more."""


#: A tube without a place yet, and what it stands in.
_Waiting = tuple[Tube, _Cargo]

#: In this order places are looked for: the warmest that will do, and whether what containers accept binds.
ROUNDS = ((Fit.COLDER, True), (Fit.COLDER, False), (Fit.DOUBTFUL, True), (Fit.DOUBTFUL, False))


class _Evacuation:
    def __init__(self, load: Load, rooms: Iterable[Room]) -> None:
        self.places = Places(rooms)
        self.moves: list[Move] = []
        self.root = _cargo(load, None)

    def plan(self) -> Plan:
        for worst, strict in ROUNDS:
            self._whole(worst, strict)
            self._alone(worst, strict)
        left = [tube.id for cargo in self._standing() for tube in cargo.waiting]
        return Plan(tuple(self.moves), tuple(left))

    def _standing(self, start: _Cargo | None = None) -> Iterator[_Cargo]:
        """What is not carried away with something it stands in, from the top."""
        cargo = start or self.root
        if cargo.moved:
            return
        yield cargo
        for inside in cargo.inside:
            yield from self._standing(inside)

    def _whole(self, worst: Fit, strict: bool) -> None:
        """Racks before boxes, and of each the fullest first: few hands save many tubes."""
        queue = [(0, 0, self.root.load.id, self.root)]
        while queue:
            *_, cargo = heapq.heappop(queue)
            if not cargo.tubes:
                continue  # nothing to save
            whole = cargo.above is not None and not (cargo.load.fixed or cargo.broken)
            if whole and self._carry(cargo, worst, strict):
                continue
            for inside in cargo.inside:
                if not inside.moved:
                    heapq.heappush(queue, (-inside.height, -inside.tubes, inside.load.id, inside))

    def _carry(self, cargo: _Cargo, worst: Fit, strict: bool) -> bool:
        load = cargo.load
        found = self.places.holding(load.kind, worst)
        if strict:
            found = [key for key in found if self.places.accept(key, cargo.kinds)]
        if not found:
            return False
        assert cargo.above is not None  # noqa: S101  the failing container itself is never carried
        like = cargo.above.load.kind
        best = min(found, key=lambda key: self._nearest(key, cargo.families, like))
        (position,) = self.places.take(best)
        accepted = self.places.accept(best, cargo.kinds) and self.places.parts(best, cargo.families)
        self.moves.append(
            Move(None, load.id, cargo.above.load.id, load.position, best, position, self.places.room(best).fit,
                 accepted)
        )  # fmt: skip
        self.places.note(best, cargo.kinds, cargo.families)
        cargo.moved = True
        _break(cargo.above)
        return True

    def _nearest(self, key: int, families: Iterable[int], like: str) -> tuple[int, bool, bool, int, int]:
        """As cold first; where no family comes to its own that is kept apart; in something of the kind it stood in (a
        rack of a shelf on a shelf); what takes few kinds of things before what takes many; then along the way."""
        room = self.places.room(key)
        return room.fit, not self.places.parts(key, families), room.kind != like, len(room.holds), room.order

    def _alone(self, worst: Fit, strict: bool) -> None:
        """Box by box, so that what stood together is put away together; where families are kept together or apart,
        all that is alike at once, so that those of one family meet from wherever they stood."""
        standing = list(self._standing())
        for some in [standing] if self.places.ask_families else [[cargo] for cargo in standing]:
            for alike in _alike([(tube, cargo) for cargo in some for tube in cargo.waiting]):
                self._spread(alike, worst, strict)

    def _spread(self, tubes: Sequence[_Waiting], worst: Fit, strict: bool) -> None:
        """Tubes of one kind into boxes, the coldest first."""
        first, _cargo = tubes[0]
        kind = (first.study, first.type)
        for able in self.places.able(first.vessel, kind, worst, strict=strict):
            families = [tube.family for tube, _cargo in tubes]
            for boxes in (self.places.likely(able, kind, families), able.keys):
                families = [tube.family for tube, _cargo in tubes]
                fitted = self.places.fit(families, list(boxes), kind, strict=strict)
                for key, numbers in fitted.into.items():
                    self._move([tubes[number] for number in numbers], key, kind)
                tubes = [tubes[number] for number in fitted.left]
                if not tubes:
                    return

    def _move(self, tubes: Sequence[_Waiting], key: int, kind: tuple[str, str]) -> None:
        room, accepted = self.places.room(key), self.places.accept(key, [kind])
        for (tube, cargo), position in zip(tubes, self.places.take(key, len(tubes)), strict=True):
            alone = self.places.parts(key, [tube.family])
            self.moves.append(
                Move(tube.id, None, cargo.load.id, tube.position, key, position, room.fit, accepted and alone)
            )
            self.places.note(key, [kind], [tube.family])
        gone = {tube.id for tube, _cargo in tubes}
        for cargo in {cargo.load.id: cargo for _tube, cargo in tubes}.values():
            cargo.waiting = [tube for tube in cargo.waiting if tube.id not in gone]
            _break(cargo)


def _cargo(load: Load, above: _Cargo | None) -> _Cargo:
    cargo = _Cargo(load, above, [], 0, 0, frozenset(), frozenset())
    cargo.inside = [_cargo(inside, cargo) for inside in load.inside]
    cargo.waiting = [tube for tube in load.tubes if tube.movable]
    cargo.tubes = len(load.tubes) + sum(inside.tubes for inside in cargo.inside)
    cargo.height = 1 + max((inside.height for inside in cargo.inside), default=0)
    own = frozenset((tube.study, tube.type) for tube in load.tubes)
    cargo.kinds = own.union(*(inside.kinds for inside in cargo.inside))
    known = frozenset(tube.family for tube in load.tubes if tube.family is not None)
    cargo.families = known.union(*(inside.families for inside in cargo.inside))
    return cargo


def _break(cargo: _Cargo | None) -> None:
    while cargo is not None and not cargo.broken:
        cargo.broken = True
        cargo = cargo.above


def _alike(tubes: Sequence[_Waiting]) -> list[list[_Waiting]]:
    """Tubes that may stand in the same places, the largest group first."""
    groups: dict[tuple[str, str, str], list[_Waiting]] = {}
    for tube, cargo in tubes:
        groups.setdefault((tube.vessel, tube.study, tube.type), []).append((tube, cargo))
    return sorted(groups.values(), key=len, reverse=True)
