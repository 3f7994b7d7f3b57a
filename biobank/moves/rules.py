"""Where everything in a failing freezer goes: facts in, plan out. Pure: no database, no clock.

Cold comes before order, and order before few steps: a tube goes where it is as cold as before, then where it may
stand, then with its whole rack, its whole box, or alone. Only what has no such place is offered a warmer one, and that
is said.
"""

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from biobank.core.vocabularies import storage_temperatures


class Fit(IntEnum):
    """How the temperature of a place suits what comes."""

    SAME = 0
    COLDER = 1
    """For what is frozen anyway."""
    DOUBTFUL = 2
    """Warmer, or frozen where it was not, or nobody knows."""


@dataclass(frozen=True)
class Rule:
    """What one container on the way down accepts. Nothing in a list: everything."""

    studies: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    def accepts(self, study: str, type_: str) -> bool:
        return not (self.studies and study not in self.studies) and not (
            self.types and type_ not in self.types
        )


@dataclass(frozen=True)
class Tube:
    """A sample that stands in the failing freezer.

    movable  False: an empty tube, which goes where its box goes and is not looked after alone
    """

    id: int
    vessel: str
    study: str
    type: str
    position: str | None = None
    movable: bool = True


@dataclass(frozen=True)
class Load:
    """A container below the failing one, with what stands in it.

    fixed  it is built in: only what stands in it is carried
    """

    id: int
    kind: str
    position: str | None = None
    fixed: bool = False
    inside: tuple["Load", ...] = ()
    tubes: tuple[Tube, ...] = ()


@dataclass(frozen=True)
class Room:
    """A container elsewhere in which there are free places.

    free   canonical positions, in the order in which it is filled
    loose  how many things more go in, where it has no positions
    rules  of itself and of everything it stands in
    order  where it lies on the way through the bank
    """

    id: int
    holds: frozenset[str]
    free: tuple[str, ...] = ()
    loose: int = 0
    fit: Fit = Fit.SAME
    rules: tuple[Rule, ...] = ()
    order: int = 0


@dataclass(frozen=True)
class Move:
    """One thing from one place to another. Of `tube` and `box` one is None."""

    tube: int | None
    box: int | None
    from_id: int
    from_position: str | None
    to_id: int
    to_position: str | None
    fit: Fit = Fit.SAME
    accepted: bool = True
    """False: some container on the way to its new place does not take such samples."""


@dataclass(frozen=True)
class Plan:
    """What goes where, and which tubes find no place."""

    moves: tuple[Move, ...] = ()
    left: tuple[int, ...] = ()


def fit(now: str | None, then: str | None) -> Fit:
    """How a storage temperature suits what is kept at another one; both as internal keys, None where unknown.

    Colder is as good for what is frozen: nothing is thawed. What was never frozen is not to be frozen.
    """
    if now is None or now == then:
        return Fit.SAME
    known = {
        each.key: each.high_c for each in storage_temperatures() if each.high_c is not None
    }  # warm to cold
    scale = list(known)
    if then not in scale or now not in scale or known[now] > 0:
        return Fit.DOUBTFUL
    return Fit.COLDER if scale.index(then) > scale.index(now) else Fit.DOUBTFUL


def evacuate(load: Load, rooms: Iterable[Room]) -> Plan:
    """Where everything that stands in `load` goes.

    rooms    none of them `load` or below it
    returns  a plan in which no place is given twice; its `left` names every movable tube that finds none
    """
    return _Evacuation(load, rooms).plan()


def tubes_of(load: Load) -> Iterator[Tube]:
    """Every tube in it, at any depth."""
    yield from load.tubes
    for inside in load.inside:
        yield from tubes_of(inside)


class Places:
    """The free places that are left, while a plan gives them away."""

    def __init__(self, rooms: Iterable[Room]) -> None:
        self._rooms = {room.id: room for room in rooms}
        self._used: dict[int, int] = dict.fromkeys(self._rooms, 0)
        self._by_thing: dict[str, list[int]] = {}
        for room in self._rooms.values():
            for thing in room.holds:
                self._by_thing.setdefault(thing, []).append(room.id)

    def room(self, key: int) -> Room:
        return self._rooms[key]

    def free(self, key: int) -> int:
        """How much still goes in."""
        room = self._rooms[key]
        return len(room.free) + room.loose - self._used[key]

    def take(self, key: int, count: int = 1) -> list[str | None]:
        """Give away the next places; None stands for one without a position."""
        room, start = self._rooms[key], self._used[key]
        self._used[key] += count
        return [
            room.free[number] if number < len(room.free) else None for number in range(start, start + count)
        ]

    def holding(self, thing: str, worst: Fit) -> list[int]:
        """Rooms that take such a thing and have a place left, none of them warmer than asked."""
        return [
            key
            for key in self._by_thing.get(thing, ())
            if self.free(key) > 0 and self._rooms[key].fit <= worst
        ]

    def accept(self, key: int, kinds: Iterable[tuple[str, str]]) -> bool:
        """Do it and everything above take samples of these studies and types?"""
        rules = self._rooms[key].rules
        return not rules or all(rule.accepts(*kind) for kind in kinds for rule in rules)


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
    waiting: list[Tube] = field(default_factory=list)
    """Directly in it, still without a place."""
    moved: bool = False
    broken: bool = False
    """Something in it goes elsewhere: it is not carried as a whole any more."""


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
        best = min(found, key=self._nearest)
        (position,) = self.places.take(best)
        assert cargo.above is not None  # noqa: S101  the failing container itself is never carried
        self.moves.append(
            Move(None, load.id, cargo.above.load.id, load.position, best, position, self.places.room(best).fit,
                 self.places.accept(best, cargo.kinds))
        )  # fmt: skip
        cargo.moved = True
        _break(cargo.above)
        return True

    def _nearest(self, key: int) -> tuple[int, int, int]:
        """As cold first; what takes few kinds of things before what takes many; then along the way."""
        room = self.places.room(key)
        return room.fit, len(room.holds), room.order

    def _alone(self, worst: Fit, strict: bool) -> None:
        for cargo in self._standing():
            for alike in _alike(cargo.waiting):
                self._spread(cargo, alike, worst, strict)

    def _spread(self, cargo: _Cargo, tubes: Sequence[Tube], worst: Fit, strict: bool) -> None:
        """Tubes of one kind into as few boxes as can be: the smallest gap that takes them all, else the largest."""
        kind = (tubes[0].study, tubes[0].type)
        found = self.places.holding(tubes[0].vessel, worst)
        if strict:
            found = [key for key in found if self.places.accept(key, [kind])]
        for level in sorted({self.places.room(key).fit for key in found}):
            gaps = sorted(
                (self.places.free(key), -self.places.room(key).order, key)
                for key in found
                if self.places.room(key).fit == level
            )
            while tubes and gaps:
                at = bisect_left(gaps, (len(tubes),))
                free, _order, key = gaps.pop(min(at, len(gaps) - 1))
                now, tubes = tubes[:free], tubes[free:]
                self._move(cargo, now, key, kind)
                if free > len(now):
                    insort(gaps, (free - len(now), _order, key))

    def _move(self, cargo: _Cargo, tubes: Sequence[Tube], key: int, kind: tuple[str, str]) -> None:
        room, accepted = self.places.room(key), self.places.accept(key, [kind])
        for tube, position in zip(tubes, self.places.take(key, len(tubes)), strict=True):
            self.moves.append(
                Move(tube.id, None, cargo.load.id, tube.position, key, position, room.fit, accepted)
            )
        gone = {tube.id for tube in tubes}
        cargo.waiting = [tube for tube in cargo.waiting if tube.id not in gone]
        _break(cargo)


def _cargo(load: Load, above: _Cargo | None) -> _Cargo:
    cargo = _Cargo(load, above, [], 0, 0, frozenset())
    cargo.inside = [_cargo(inside, cargo) for inside in load.inside]
    cargo.waiting = [tube for tube in load.tubes if tube.movable]
    cargo.tubes = len(load.tubes) + sum(inside.tubes for inside in cargo.inside)
    cargo.height = 1 + max((inside.height for inside in cargo.inside), default=0)
    own = frozenset((tube.study, tube.type) for tube in load.tubes)
    cargo.kinds = own.union(*(inside.kinds for inside in cargo.inside))
    return cargo


def _break(cargo: _Cargo | None) -> None:
    while cargo is not None and not cargo.broken:
        cargo.broken = True
        cargo = cargo.above


def _alike(tubes: Sequence[Tube]) -> list[list[Tube]]:
    """Tubes that may stand in the same places, the largest group first."""
    groups: dict[tuple[str, str, str], list[Tube]] = {}
    for tube in tubes:
        groups.setdefault((tube.vessel, tube.study, tube.type), []).append(tube)
    return sorted(groups.values(), key=len, reverse=True)


# --- the way back


@dataclass(frozen=True)
class Back:
    """Something that was moved, where it stood before, and where it stands now."""

    tube: int | None
    box: int | None
    home_id: int
    home_position: str | None
    now_id: int
    now_position: str | None


def bring_back(moved: Sequence[Back], rooms: Iterable[Room]) -> Plan:
    """Everything to where it stood; where that place is taken, to the next free one in the same container.

    rooms    what is free in the containers where things stood
    returns  a plan; its `left` names the tubes that find no place (a box that finds none just stays)
    """
    known = list(rooms)
    free = {room.id: list(room.free) for room in known}
    loose = {room.id: room.loose for room in known}
    found: list[Move] = []
    late: list[Back] = []
    for back in moved:
        if back.home_position is not None and back.home_position in free.get(back.home_id, ()):
            free[back.home_id].remove(back.home_position)
            found.append(_home(back, back.home_position))
        else:
            late.append(back)
    left = []
    for back in late:
        if free.get(back.home_id):
            found.append(_home(back, free[back.home_id].pop(0)))
        elif loose.get(back.home_id):
            loose[back.home_id] -= 1
            found.append(_home(back, None))
        elif back.tube is not None:
            left.append(back.tube)
    return Plan(tuple(found), tuple(left))


def _home(back: Back, position: str | None) -> Move:
    return Move(back.tube, back.box, back.now_id, back.now_position, back.home_id, position)
