"""What a reading of a rack says against the record: place by place, and whether it may be carried out. Pure.

A place is *present* where the tube that should stand there was read, *new* where a tube comes that stood nowhere,
*moved* where it stood somewhere else, *missing* where something should stand and nothing, or something else, was read.
*Unread* keeps what stood there. *Duplicate*, *unknown* and *error* cannot be carried out.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from biobank.core.errors import Reason, RuleViolation
from biobank.racks.wells import COLUMN_MAJOR, EMPTY, READ, UNREAD, RackReading, WellRead
from biobank.storage import rules as storage
from biobank.storage.rules import ContainerKind, Position

#: More than this part of the codes must stand right once the rack is turned, before somebody is told so.
TURNED = 0.8
#: A maker's numbers have so many digits at most; a spreadsheet drops the zeros they begin with.
LONGEST_NUMBER = 12


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
    return Difference(tuple(entries), turned, looks_turned, tuple(_remarks(reading, kind, wells)))


def places_of(reading: RackReading, kind: ContainerKind) -> dict[str, WellRead]:
    """Canonical position -> the well that was read there.

    raises  RuleViolation `rack_needs_places`, `rack_wrong_size`, `rack_place_unreadable`, `rack_place_twice`
    """
    if not kind.positioned:
        raise RuleViolation("rack_needs_places", kind=kind.label)
    if reading.whole is not None and reading.whole != kind.capacity:
        raise RuleViolation("rack_wrong_size", read=reading.whole, places=kind.capacity, kind=kind.label)
    found: dict[str, WellRead] = {}
    outside: list[WellRead] = []
    for well in reading.wells:
        try:
            position = _position(well, kind, reading.numbering)
        except RuleViolation as refusal:
            if refusal.code == "position_outside":
                outside.append(well)
                continue
            raise RuleViolation(
                "rack_place_unreadable", place=well.place[:20], line=well.line, kind=kind.label
            ) from None
        if (first := found.get(position.text)) is not None:
            raise RuleViolation(
                "rack_place_twice",
                position=position.text,
                one=_said(first),
                other=_said(well),
                line=well.line,
            )
        found[position.text] = well
    if outside:
        raise _too_large(reading, kind, outside)
    return found


def _position(well: WellRead, kind: ContainerKind, numbering: str) -> Position:
    """The place of a well; one that is told by a number alone is counted as the file counts, not as the rack does."""
    if well.place.isdecimal() and not kind.numbered and len(well.place) < 7:
        slot = int(well.place)
        if not 1 <= slot <= kind.capacity:
            raise RuleViolation("position_outside")
        if numbering == COLUMN_MAJOR:
            column, row = divmod(slot - 1, kind.rows)
        else:
            row, column = divmod(slot - 1, kind.columns)
        return storage.grid(kind).cells[row][column]
    return storage.parse_position(well.place, kind)


def _too_large(reading: RackReading, kind: ContainerKind, outside: Sequence[WellRead]) -> RuleViolation:
    listed = len(reading.wells)
    places = ", ".join(well.place[:10] for well in outside[:5]) + (" …" if len(outside) > 5 else "")
    told: dict[str, Any] = {"outside": len(outside), "places": places, "kind": kind.label}
    if listed > kind.capacity:
        return RuleViolation(
            "rack_wrong_size", reasons=[Reason("rack_places_outside", told)], read=listed, places=kind.capacity,
            kind=kind.label,
        )  # fmt: skip
    return RuleViolation("rack_places_outside", **told)


def _said(well: WellRead) -> str:
    return well.code or well.state


def opposite(kind: ContainerKind, position: str) -> Position:
    """The place that a place becomes when the rack is turned by 180°."""
    here = storage.parse_position(position, kind)
    return storage.grid(kind).cells[kind.rows - here.row][kind.columns - here.column]


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
            why = Reason("rack_place_unlisted") if well is None else Reason("rack_place_empty")
            line = well.line if well is not None else 0
            return Entry(position, State.MISSING, tube=stood, leaves=True, reason=why, line=line)
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
        if code.isdecimal():
            for digits in range(len(code) + 1, LONGEST_NUMBER + 1):
                meant = self.known.get(code.zfill(digits))
                if isinstance(meant, Tube):
                    return Reason("rack_code_without_zeros", {"code": code, "meant": code.zfill(digits)})
        return Reason("rack_code_unknown", {"code": code})

    def _places(self, code: str) -> list[str]:
        return [position for position, well in self.wells.items() if well.code == code]


def _named(tube: Tube | None) -> dict[str, str]:
    return {"sample": tube.code} if tube is not None else {}


def with_zeros(codes: Sequence[str]) -> list[str]:
    """The codes, and what they would be had a spreadsheet dropped the zeros they began with: to be looked up once."""
    meant = [
        code.zfill(digits)
        for code in codes
        if code.isdecimal() and len(code) >= 6
        for digits in range(len(code) + 1, LONGEST_NUMBER + 1)
    ]
    return [*codes, *meant]


def require_newer(scanned_at: datetime | None, last: datetime | None, *, shown: str, last_shown: str) -> None:
    """Refuse a file that was read before the one that was carried out last."""
    if scanned_at is not None and last is not None and scanned_at < last:
        raise RuleViolation("rack_scan_older", scanned=shown, last=last_shown)


def require_applicable(found: Difference, *, leave_unknown: bool = False, turn_known: bool = False) -> None:
    """Refuse to carry out what is not whole: every place that stands in the way is a reason.

    leave_unknown  tubes that nobody knows are left out
    turn_known     somebody has said which way round the rack was read
    """
    if found.looks_turned and not found.turned and not turn_known:
        raise RuleViolation("rack_looks_turned")
    obstacles = [
        entry for entry in found.of(*OBSTACLES) if not (leave_unknown and entry.state is State.UNKNOWN)
    ]
    if obstacles:
        reasons = [
            Reason("rack_at_place", {"position": entry.position, "state": entry.state.value})
            if entry.reason is None
            else entry.reason
            for entry in obstacles
        ]
        places = ", ".join(entry.position for entry in obstacles[:10]) + (" …" if len(obstacles) > 10 else "")
        raise RuleViolation("rack_not_whole", reasons=reasons, count=len(obstacles), places=places)


def type_in(reading: RackReading, typed: Mapping[str, str], kind: ContainerKind) -> RackReading:
    """The reading with codes that people typed for wells that could not be read.

    typed   canonical position -> code
    raises  RuleViolation for a well that was read, or is not there
    """
    places = places_of(reading, kind)
    for position in typed:
        well = places.get(position)
        if well is None or well.state == READ:
            raise RuleViolation("rack_not_unread", position=position)
    by_place = {places[position].place: code for position, code in typed.items()}
    wells = tuple(
        replace(well, state=READ, code=by_place[well.place], line=0) if well.place in by_place else well
        for well in reading.wells
    )
    return replace(reading, wells=wells)
