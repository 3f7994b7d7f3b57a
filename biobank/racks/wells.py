"""What was read of a rack, well by well: a code, nothing there, or something that could not be read. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from biobank.core.errors import Reason, Unreadable

READ, EMPTY, UNREAD = "read", "empty", "unread"
#: How a place told by a number alone is counted.
ROW_MAJOR, COLUMN_MAJOR = "row-major", "column-major"
LONGEST_CODE = 100
#: A maker's numbers have so many digits at most; a spreadsheet drops the zeros they begin with.
LONGEST_NUMBER = 12

# What a spreadsheet makes of a long number (1.03E+09), of a number with decimals, and of a cell too narrow or wrong.
_AS_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?[Ee][+-]\d+|\d+[.,]\d+[Ee]\d+|\d{5,}[.,]0+")
_SPOILT = re.compile(r"#+|#(?:N/?A|REF!|VALUE!|NAME\?|NUM!|DIV/0!|NULL!)")


@dataclass(frozen=True)
class Words:
    """What is written instead of a code, folded as `fold` does."""

    empty: frozenset[str]
    unread: frozenset[str]

    @classmethod
    def of(cls, empty: Collection[str], unread: Collection[str]) -> "Words":
        return cls(frozenset(map(fold, empty)), frozenset(map(fold, unread)))

    def state(self, text: str) -> str:
        """read, empty or unread; a blank and a dash are empty."""
        folded = fold(text)
        if not folded or folded in self.empty:
            return EMPTY
        return UNREAD if folded in self.unread else READ


def fold(text: str) -> str:
    """Without case, blanks, underscores and dashes: "NO TUBE" and "no_tube" are one word."""
    return re.sub(r"[\s_\-\u2013\u2014]+", "", text).casefold()


@dataclass(frozen=True)
class WellRead:
    """One well. `place` is the position as it is written in the file, `line` where it stands there (0: typed by hand).

    numeric  a spreadsheet kept the code as a number: zeros at its beginning may be lost
    at       x and y in the picture, where it comes from one
    """

    place: str
    state: str
    code: str | None = None
    line: int = 0
    numeric: bool = False
    at: tuple[int, int] | None = None


@dataclass(frozen=True)
class RackReading:
    """Everything a file or a picture tells of a rack.

    layout      the key of the layout it was recognised as
    rack_code   the rack's own code; None where the file tells none, or the reader could not read it
    scanned_at  when the reader read it; None where the file does not tell both day and time
    numbering   how places told by a number alone are counted
    whole       how many places a bare list tells, one after the other; it fits only a rack of as many places
    tubes       how many tubes the file says there are
    doubts      what somebody should look at before believing the places
    hints       other codes on the rack, one of which may be its own
    size        width and height of the picture, where it comes from one
    below       the picture was taken from below, so its places were read from right to left
    """

    layout: str
    wells: tuple[WellRead, ...]
    rack_code: str | None = None
    scanned_at: datetime | None = None
    numbering: str = ROW_MAJOR
    whole: int | None = None
    tubes: int | None = None
    doubts: tuple[Reason, ...] = field(default=())
    hints: tuple[str, ...] = field(default=())
    size: tuple[int, int] | None = None
    below: bool = False

    @property
    def codes(self) -> list[str]:
        """Every code that was read, in the order of the file."""
        return [well.code for well in self.wells if well.code is not None]

    def count(self, state: str) -> int:
        return sum(well.state == state for well in self.wells)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, from which `from_json` makes the same again."""
        return {
            "layout": self.layout,
            "wells": [
                [w.place, w.state, w.code, w.line, w.numeric, list(w.at) if w.at else None]
                for w in self.wells
            ],
            "rack_code": self.rack_code,
            "scanned_at": self.scanned_at.isoformat() if self.scanned_at else None,
            "numbering": self.numbering,
            "whole": self.whole,
            "tubes": self.tubes,
            "doubts": [doubt.as_dict() for doubt in self.doubts],
            "hints": list(self.hints),
            "size": list(self.size) if self.size else None,
            "below": self.below,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "RackReading":
        wells = tuple(
            WellRead(place, state, code, line, numeric, tuple(at) if at else None)
            for place, state, code, line, numeric, at in kept["wells"]
        )
        told = datetime.fromisoformat(kept["scanned_at"]).astimezone(UTC) if kept["scanned_at"] else None
        return cls(
            layout=kept["layout"],
            wells=wells,
            rack_code=kept["rack_code"],
            scanned_at=told,
            numbering=kept["numbering"],
            whole=kept["whole"],
            tubes=kept["tubes"],
            doubts=tuple(Reason(one["code"], one["params"]) for one in kept["doubts"]),
            hints=tuple(kept["hints"]),
            size=tuple(kept["size"]) if kept["size"] else None,
            below=kept.get("below", False),
        )


def make_well(place: str, text: str, words: Words, *, line: int, numeric: bool = False) -> WellRead:
    """What stands in the cell of a code.

    raises  Unreadable for what cannot be a code any more: a spreadsheet made a number of it
    """
    state = words.state(text)
    if state != READ:
        return WellRead(place, state, None, line)
    if _AS_NUMBER.fullmatch(text):
        raise Unreadable("rack_code_as_number", code=text[:40], place=place[:20], line=line)
    if _SPOILT.fullmatch(text):
        raise Unreadable("rack_code_spoilt", code=text[:40], place=place[:20], line=line)
    if len(text) > LONGEST_CODE:
        raise Unreadable("rack_code_too_long", place=place[:20], line=line, most=LONGEST_CODE)
    if not text.isprintable():
        shown = "".join(letter if letter.isprintable() else "�" for letter in text)
        raise Unreadable("rack_code_unprintable", code=shown[:40], place=place[:20], line=line)
    return WellRead(place, READ, text, line, numeric)


def require_rack_code(code: str) -> str:
    """The rack's own code, whole. raises Unreadable for one that is longer than any is"""
    if len(code) > LONGEST_CODE:
        raise Unreadable("rack_own_code_too_long", rack=code[:40], most=LONGEST_CODE)
    return code


def require_zeros(wells: Sequence[WellRead]) -> None:
    """Codes of one maker are of one length: numbers of several lengths have lost their zeros. raises Unreadable"""
    numeric = [well for well in wells if well.numeric and well.code is not None]
    if not numeric:
        return
    longest = max(
        len(well.code) for well in wells if well.code is not None and (well.numeric or well.code.isdigit())
    )
    cut = next((well for well in numeric if len(well.code or "") < longest), None)
    if cut is not None:
        raise Unreadable("rack_zeros_lost", code=cut.code, place=cut.place[:20], line=cut.line)


def with_zeros(codes: Sequence[str]) -> list[str]:
    """The codes, and what they would be had a spreadsheet dropped the zeros they began with: to be looked up once."""
    meant = [
        code.zfill(digits)
        for code in codes
        if code.isdecimal() and len(code) >= 6
        for digits in range(len(code) + 1, LONGEST_NUMBER + 1)
    ]
    return [*codes, *meant]
