"""What a place in a reader's file means in a rack of some kind, and which kinds of rack a file can be of. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from biobank.core.errors import Reason, RuleViolation
from biobank.racks.wells import COLUMN_MAJOR, READ, RackReading, WellRead
from biobank.storage import rules as storage
from biobank.storage.rules import ContainerKind, Position

#: What a puck has: five places around its middle, eleven around those.
PUCK_PLACES = 16


def is_puck(kind: ContainerKind) -> bool:
    """Sixteen places that are told by a number alone stand in two rings."""
    return kind.numbered and kind.capacity == PUCK_PLACES


def shape_seen(kind: ContainerKind) -> tuple[int, int]:
    """Rows and columns as one looks at it. Numbered places stand side by side as the kind says.

    raises  RuleViolation `rack_picture_no_rows` when they do not fill whole rows
    """
    if not kind.numbered:
        return kind.rows, kind.columns
    rows, rest = divmod(kind.capacity, kind.across)
    if rest:
        raise RuleViolation("rack_picture_no_rows", kind=kind.label)
    return rows, kind.across


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


def fitting(reading: RackReading, kinds: Iterable[ContainerKind]) -> list[ContainerKind]:
    """The kinds of rack that the file can be of: with as many places as it lists first, then the smallest."""
    found = []
    for kind in kinds:
        try:
            listed = len(places_of(reading, kind))
        except RuleViolation:
            continue
        found.append((kind.capacity != listed, kind.capacity, kind.key, kind))
    return [each[-1] for each in sorted(found, key=lambda each: each[:-1])]


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
