"""The places that are free, while a plan of moves gives them away. Pure: no database, no clock."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from biobank.moves.rules import Fit, Room
from biobank.storage import fitting

#: Among so many boxes all are looked at.
_FEW = 60

#: Study and type.
Kind = tuple[str, str]


@dataclass
class Able:
    """Rooms of one temperature with places for a kind of tubes, in order; and those of them in which nothing stands."""

    fit: Fit
    keys: dict[int, None]
    empty: dict[int, None]


class Places:
    """The free places that are left, and what will stand where, once the plan is carried out."""

    def __init__(self, rooms: Iterable[Room]) -> None:
        self._rooms = {room.id: room for room in rooms}
        self._left = {room.id: len(room.free) + room.loose for room in self._rooms.values()}
        self._kinds = {room.id: set(room.kinds) for room in self._rooms.values()}
        self._here = {room.id: set(room.here) for room in self._rooms.values() if room.together}
        self._by_thing: dict[str, list[int]] = {}
        self._by_kind: dict[Kind, set[int]] = {}
        self._by_family: dict[int, set[int]] = {}
        self._busy: set[tuple[int, int]] = set()
        for room in self._rooms.values():
            for thing in room.holds:
                self._by_thing.setdefault(thing, []).append(room.id)
            for kind in room.kinds:
                self._by_kind.setdefault(kind, set()).add(room.id)
            for family in room.here if room.together else ():
                self._by_family.setdefault(family, set()).add(room.id)
            for group, families in room.apart.items():
                self._busy |= {(group, family) for family in families}
        self.ask_families = any(room.together or room.apart for room in self._rooms.values())
        self._able: dict[tuple[str, Kind, bool], list[Able]] = {}

    def room(self, key: int) -> Room:
        return self._rooms[key]

    def take(self, key: int, count: int = 1) -> list[str | None]:
        """Give away the next places; None stands for one without a position."""
        room = self._rooms[key]
        start = len(room.free) + room.loose - self._left[key]
        self._left[key] -= count
        if not self._left[key]:
            for able in self._every_able():
                able.keys.pop(key, None)
                able.empty.pop(key, None)
        return [
            room.free[number] if number < len(room.free) else None for number in range(start, start + count)
        ]

    def holding(self, thing: str, worst: Fit) -> list[int]:
        """Rooms that take such a thing and have a place left, none of them warmer than asked."""
        return [
            key
            for key in self._by_thing.get(thing, ())
            if self._left[key] > 0 and self._rooms[key].fit <= worst
        ]

    def able(self, vessel: str, kind: Kind, worst: Fit, *, strict: bool) -> list[Able]:
        """Where such tubes go in, the coldest first. strict: only where they are accepted"""
        if (vessel, kind, strict) not in self._able:
            levels: dict[Fit, Able] = {}
            for key in self.holding(vessel, Fit.DOUBTFUL):
                if strict and not self.accept(key, [kind]):
                    continue
                level = levels.setdefault(self._rooms[key].fit, Able(self._rooms[key].fit, {}, {}))
                level.keys[key] = None
                if not self._kinds[key]:
                    level.empty[key] = None
            self._able[vessel, kind, strict] = [levels[fit] for fit in sorted(levels)]
        return [able for able in self._able[vessel, kind, strict] if able.fit <= worst and able.keys]

    def accept(self, key: int, kinds: Iterable[Kind]) -> bool:
        """Do it and everything above take samples of these studies and types?"""
        rules = self._rooms[key].rules
        return not rules or all(rule.accepts(*kind) for kind in kinds for rule in rules)

    def parts(self, key: int, families: Iterable[int | None]) -> bool:
        """Would all of these families be alone there, wherever families are kept apart?"""
        apart = self._rooms[key].apart
        return not apart or not any((group, family) in self._busy for group in apart for family in families)

    def note(self, key: int, kinds: Iterable[Kind], families: Iterable[int | None]) -> None:
        """What will stand there."""
        known = {family for family in families if family is not None}
        if not self._kinds[key]:
            for able in self._every_able():
                able.empty.pop(key, None)
        for kind in kinds:
            self._kinds[key].add(kind)
            self._by_kind.setdefault(kind, set()).add(key)
        if key in self._here:
            self._here[key] |= known
            for family in known:
                self._by_family.setdefault(family, set()).add(key)
        self._busy |= {(group, family) for group in self._rooms[key].apart for family in known}

    def likely(self, able: Able, kind: Kind, families: Sequence[int | None]) -> list[int]:
        """Of many boxes with room, those among which `fit` would choose: where alike or kin stand, empty ones, then the
        tightest and the largest gaps. What finds no place among them is looked for in all."""
        if len(able.keys) <= _FEW:
            return list(able.keys)
        near = set(self._by_kind.get(kind, ()))
        near.update(*(self._by_family.get(family, ()) for family in set(families) if family is not None))
        found = sorted(key for key in near if key in able.keys)
        room, asked = sum(self._left[key] for key in found), len(families)
        for key in able.empty:
            if room >= 2 * asked:
                break
            found.append(key)
            room += self._left[key]
        if room < asked:
            gaps = sorted(able.keys, key=self._left.__getitem__)
            tightest = bisect_left(gaps, asked, key=self._left.__getitem__)
            largest = _FEW // 4 + asked // self._left[gaps[-1]]
            found += gaps[tightest : tightest + _FEW // 4] + gaps[-largest:]
        return list(dict.fromkeys(found))

    def fit(
        self, families: Sequence[int | None], keys: Iterable[int], kind: Kind, *, strict: bool
    ) -> fitting.Fitted[int]:
        """Tubes of one kind into these boxes, by the rules by which places are suggested.

        strict  False: what is kept apart is put together rather than left
        """
        boxes = [self._box(self._rooms[key], kind, strict) for key in keys]
        return fitting.fit(families, boxes, busy=frozenset(self._busy) if strict else frozenset())

    def _box(self, room: Room, kind: Kind, strict: bool) -> fitting.Box[int]:
        there = self._kinds[room.id]
        return fitting.Box(
            room.id, room.rack, self._left[room.id], own=kind in there, alien=bool(there) and kind not in there,
            together=room.together, apart=frozenset(room.apart) if strict else frozenset(),
            here=frozenset(self._here.get(room.id, ())),
        )  # fmt: skip

    def _every_able(self) -> Iterable[Able]:
        return (able for levels in self._able.values() for able in levels)
