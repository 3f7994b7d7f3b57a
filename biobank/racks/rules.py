"""What a reading of a rack says against the record: place by place. Pure.

A place is *present* where the tube that should stand there was read, *new* where a tube comes that stood nowhere,
*moved* where it stood somewhere else, *missing* where something should stand and nothing, or something else, was read.
*Unread* keeps what stood there, and so does a place that the file does not name at all.
*Duplicate*, *unknown* and *error* cannot be carried out.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from biobank.core.errors import Reason
from biobank.racks.place_rules import opposite, places_of
from biobank.racks.wells import EMPTY, UNREAD, RackReading, WellRead, with_zeros
from biobank.storage import rules as storage
from biobank.storage.rules import ContainerKind

#: More than this part of the codes must stand right once the rack is turned, before somebody is told so.
TURNED = 0.8


class State(StrEnum):
    NEW = "new"
    PRESENT = "present"
    MOVED = "moved"
    MISSING = "missing"
    UNREAD = "unread"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    ERROR = "error"


#: Nothing is carried out while there is one of these. Unknown tubes may be left out, when somebody says so.
OBSTACLES = (State.DUPLICATE, State.UNKNOWN, State.ERROR)


@dataclass(frozen=True)
class Stand:
    """Where a tube stands: the key and the code of the container, its name, and the position in it."""

    container_id: int
    container: str
    name: str
    position: str | None


@dataclass(frozen=True)
class Tube:
    """A sample that a code stands for.

    stand    None: it stands nowhere
    problem  why it cannot be placed in this rack at all
    """

    sample_id: int
    code: str
    type: str = ""
    stand: Stand | None = None
    problem: Reason | None = None


@dataclass(frozen=True)
class Entry:
    """One place of the difference.

    read     the code that was read; None where none was
    tube     the sample that the code stands for, or that is missing
    was      the sample that stood here until now, where it is another one than `tube`
    leaves   `was`, or the missing tube, was not read anywhere in this rack: it is taken out
    line     of the file; 0: typed by hand, or not in the file
    """

    position: str
    state: State
    read: str | None = None
    tube: Tube | None = None
    came_from: Stand | None = None
    was: Tube | None = None
    leaves: bool = False
    reason: Reason | None = None
    line: int = 0
    foreign: bool = False

    @property
    def unlisted(self) -> bool:
        """The file does not name the place, and a tube should stand there."""
        reason = self.reason
        return self.state is State.UNREAD and reason is not None and reason.code == "rack_place_unlisted"

    @property
    def gone(self) -> Tube | None:
        """The tube that is taken out from here, if any."""
        if not self.leaves:
            return None
        return self.tube if self.state is State.MISSING else self.was


@dataclass(frozen=True)
class Difference:
    """Everything that differs, in the order of the places; `looks_turned` when it fits better the other way round."""

    entries: tuple[Entry, ...]
    turned: bool = False
    looks_turned: bool = False
    remarks: tuple[Reason, ...] = field(default=())

    def of(self, *states: State) -> list[Entry]:
        return [entry for entry in self.entries if entry.state in states]

    @property
    def counts(self) -> dict[str, int]:
        """State -> number of places, for all states."""
        found = Counter(entry.state for entry in self.entries)
        return {state.value: found[state] for state in State}

    @property
    def to_place(self) -> dict[str, int]:
        """Position -> sample key, of what comes here."""
        return {
            entry.position: entry.tube.sample_id
            for entry in self.of(State.NEW, State.MOVED)
            if entry.tube is not None
        }

    @property
    def to_take_out(self) -> dict[str, Tube]:
        """Position -> the tube that is not there any more."""
        return {entry.position: gone for entry in self.entries if (gone := entry.gone) is not None}

    @property
    def unlisted(self) -> list[Entry]:
        """Where a tube should stand, and the file says nothing."""
        return [entry for entry in self.entries if entry.unlisted]

    def emptied(self) -> "Difference":
        """The same, once somebody has said that what the file does not name is empty."""
        why = Reason("rack_place_said_empty")
        entries = tuple(
            replace(entry, state=State.MISSING, leaves=True, reason=why) if entry.unlisted else entry
            for entry in self.entries
        )
        return replace(self, entries=entries)

    @property
    def changes(self) -> bool:
        """Is there anything to carry out?"""
        return bool(self.to_place or self.to_take_out)

    @property
    def digest(self) -> str:
        """What carrying it out would do, in short: two differences of one digest do the same."""
        told = [str(self.turned)]
        for entry in self.entries:
            stand = entry.came_from
            told.append(
                "|".join(
                    str(part)
                    for part in (
                        entry.position, entry.state, entry.read, entry.tube.sample_id if entry.tube else "",
                        (stand.container_id, stand.position) if stand else "",
                        entry.was.sample_id if entry.was else "", entry.leaves,
                    )
                )
            )  # fmt: skip
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def difference(
    reading: RackReading,
    kind: ContainerKind,
    *,
    container_id: int,
    stands: Mapping[str, Tube],
    known: Mapping[str, Tube | Reason],
    blocked: Mapping[str, Reason] | None = None,
    turned: bool = False,
) -> Difference:
    """What was read, against what should stand there.

    stands   position -> the tube that stands there now
    known    code -> what it stands for, or why that is no tube that could be placed; unknown codes are left out
    blocked  position -> why nothing may be put there
    turned   the rack was read the other way round: take every place for the one opposite
    raises   RuleViolation when the reading cannot be of this rack: places outside, one place twice, another size
    """
    wells = places_of(reading, kind)
    looks_turned = _looks_turned(wells, kind, stands, known)
    if turned:
        wells = {opposite(kind, position).text: well for position, well in wells.items()}
    entries = _Comparison(wells, container_id, stands, known, blocked or {}).entries(kind)
    found = Difference(tuple(entries), turned, looks_turned)
    remarks = _remarks(reading, kind, wells)
    if found.unlisted:
        remarks.append(Reason("rack_places_unlisted", {"count": len(found.unlisted)}))
    return replace(found, remarks=tuple(remarks))


def _looks_turned(
    wells: Mapping[str, WellRead],
    kind: ContainerKind,
    stands: Mapping[str, Tube],
    known: Mapping[str, Tube | Reason],
) -> bool:
    """Would more than 80 % of the tubes that should stand here stand right if it were turned, and more than now?"""
    at = {tube.sample_id: position for position, tube in stands.items()}
    found, straight, round_ = 0, 0, 0
    for position, well in wells.items():
        tube = known.get(well.code or "")
        if isinstance(tube, Tube) and tube.sample_id in at:
            found += 1
            straight += at[tube.sample_id] == position
            round_ += at[tube.sample_id] == opposite(kind, position).text
    return found > 0 and round_ > TURNED * found and round_ > straight


def _remarks(reading: RackReading, kind: ContainerKind, wells: Mapping[str, WellRead]) -> list[Reason]:
    """What is no obstacle, and should be known."""
    found = list(reading.doubts)
    if len(wells) < kind.capacity and any(well.state == EMPTY for well in wells.values()):
        told = {"listed": len(wells), "places": kind.capacity}
        found.append(Reason("rack_lists_fewer", told))
    if any(well.place.isdecimal() for well in reading.wells) and not kind.numbered and kind.rows > 1:
        found.append(Reason("rack_numbers_counted", {"numbering": reading.numbering}))
    return found


class _Comparison:
    """One reading against one rack, place by place."""

    def __init__(
        self,
        wells: Mapping[str, WellRead],
        container_id: int,
        stands: Mapping[str, Tube],
        known: Mapping[str, Tube | Reason],
        blocked: Mapping[str, Reason],
    ) -> None:
        self.wells, self.container_id, self.stands = wells, container_id, stands
        self.known, self.blocked = known, blocked
        #: Sample key -> the places at which it was read: two codes may be on one tube.
        self.seen: dict[int, list[str]] = {}
        self.codes: Counter[str] = Counter(well.code for well in wells.values() if well.code is not None)
        for position, well in wells.items():
            tube = known.get(well.code or "")
            if isinstance(tube, Tube):
                self.seen.setdefault(tube.sample_id, []).append(position)

    def entries(self, kind: ContainerKind) -> list[Entry]:
        found = []
        for place in storage.positions(kind):
            entry = self._entry(place.text)
            if entry is not None:
                found.append(entry)
        return found

    def _entry(self, position: str) -> Entry | None:
        well, stood = self.wells.get(position), self.stands.get(position)
        if well is None or well.state == EMPTY:
            if stood is None or stood.sample_id in self.seen:
                return None  # it was read at another place of this rack, and is told there
            if well is None:  # not read, whatever the reader leaves out of its file
                why = Reason("rack_place_unlisted", _named(stood))
                return Entry(position, State.UNREAD, tube=stood, reason=why)
            why = Reason("rack_place_empty")
            return Entry(position, State.MISSING, tube=stood, leaves=True, reason=why, line=well.line)
        if well.state == UNREAD:
            stays = stood if stood is not None and stood.sample_id not in self.seen else None
            why = Reason("rack_kept" if stays is not None else "rack_not_kept", _named(stays))
            return Entry(position, State.UNREAD, tube=stays, reason=why, line=well.line)
        return self._read(position, well, stood)

    def _read(self, position: str, well: WellRead, stood: Tube | None) -> Entry:
        code = well.code or ""
        known = self.known.get(code)
        tube = known if isinstance(known, Tube) else None
        was = stood if stood is not None and (tube is None or tube.sample_id != stood.sample_id) else None
        entry = Entry(
            position, State.ERROR, read=code, tube=tube, was=was, line=well.line,
            leaves=was is not None and was.sample_id not in self.seen,
        )  # fmt: skip
        places = self.seen.get(tube.sample_id, []) if tube is not None else []
        if self.codes[code] > 1 or len(places) > 1:
            others = ", ".join(each for each in places or self._places(code) if each != position)
            reason = Reason("rack_code_twice", {"code": code, "others": others})
            return replace(entry, state=State.DUPLICATE, reason=reason)
        if known is None:
            return replace(entry, state=State.UNKNOWN, reason=self._unknown(code))
        if tube is None:
            return replace(entry, reason=known if isinstance(known, Reason) else None)
        return self._known(entry, tube)

    def _known(self, entry: Entry, tube: Tube) -> Entry:
        stand = tube.stand
        if stand is not None and (stand.container_id, stand.position) == (self.container_id, entry.position):
            return replace(entry, state=State.PRESENT)
        problem = tube.problem or self.blocked.get(entry.position)
        if problem is not None:
            return replace(entry, reason=problem, came_from=stand)
        if stand is None:
            return replace(entry, state=State.NEW, reason=Reason("rack_stood_nowhere", {"sample": tube.code}))
        told = {"sample": tube.code, "container": stand.name, "position": stand.position or "–"}
        return replace(
            entry, state=State.MOVED, came_from=stand, reason=Reason("rack_came_from", told),
            foreign=stand.container_id != self.container_id,
        )  # fmt: skip

    def _unknown(self, code: str) -> Reason:
        """Nothing here has that code; but perhaps a spreadsheet has dropped the zeros that it began with."""
        for meant in with_zeros([code])[1:]:
            if isinstance(self.known.get(meant), Tube):
                return Reason("rack_code_without_zeros", {"code": code, "meant": meant})
        return Reason("rack_code_unknown", {"code": code})

    def _places(self, code: str) -> list[str]:
        return [position for position, well in self.wells.items() if well.code == code]


def _named(tube: Tube | None) -> dict[str, str]:
    return {"sample": tube.code} if tube is not None else {}
