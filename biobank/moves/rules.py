"""What is moved, where there is room, and the way back: the words of a plan. Pure: no database, no clock."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    family   its donor; None: nobody knows
    """

    id: int
    vessel: str
    study: str
    type: str
    position: str | None = None
    movable: bool = True
    family: int | None = None


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

    free      canonical positions, in the order in which it is filled
    loose     how many things more go in, where it has no positions
    rules     of itself and of everything it stands in
    order     where it lies on the way through the bank
    rack      what it stands in: two boxes of one rack are opened by one hand
    kinds     studies and types of what stands in it already
    together  families are kept together in it
    here      families of which some stand in it already
    apart     each container on the way that keeps families apart -> those of which one stands there already
    kind      its own
    """

    id: int
    holds: frozenset[str]
    free: tuple[str, ...] = ()
    loose: int = 0
    fit: Fit = Fit.SAME
    rules: tuple[Rule, ...] = ()
    order: int = 0
    rack: int = 0
    kinds: frozenset[tuple[str, str]] = frozenset()
    together: bool = False
    here: frozenset[int] = frozenset()
    apart: Mapping[int, frozenset[int]] = field(default_factory=dict)
    kind: str = ""


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
    """False: some container on the way to its new place does not take such samples, or keeps families apart of which it
    will hold two."""


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


def tubes_of(load: Load) -> Iterator[Tube]:
    """Every tube in it, at any depth."""
    yield from load.tubes
    for inside in load.inside:
        yield from tubes_of(inside)


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
