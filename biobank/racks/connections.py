"""The layouts that are no plain table: Ziath's JSON, TrakMate's text, and bare lists of codes. Pure."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from biobank.core.errors import RuleViolation, Unreadable
from biobank.racks import moments
from biobank.racks.layouts import PLACE
from biobank.racks.sheets import Sheet
from biobank.racks.wells import (
    EMPTY,
    READ,
    UNREAD,
    RackReading,
    WellRead,
    Words,
    make_well,
    require_rack_code,
)
from biobank.storage.rules import letters

#: Rows and columns of racks that are sold: what a bare block of codes may be.
SHAPES = {(4, 6), (6, 8), (8, 12), (9, 9), (10, 10), (16, 24)}
SIZES = {rows * columns for rows, columns in SHAPES}
#: Fewer codes in one line are no rack.
_LEAST = 4


# --- Ziath


def read_ziath(text: str, words: Words, zone: ZoneInfo, *, layout: str) -> RackReading:
    """What DP5 answers: `tubeBarcode`, or `tubeBarcodes`, with rows and columns from 1.

    raises  Unreadable for other JSON, RuleViolation for several racks
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("rack_json_broken", line=getattr(error, "lineno", 1)) from error
    if isinstance(told, list) and told and all(isinstance(each, dict) for each in told):
        if len(told) > 1 and _wells_of(told[0]) is not None:
            raise RuleViolation("rack_two_scans", line=1)
        told = told[0]
    wells = _wells_of(told)
    if wells is None:
        raise Unreadable("rack_json_strange")
    rack = told.get("containerBarcode")
    known = isinstance(rack, str) and words.state(rack) == READ
    return RackReading(
        layout,
        tuple(_ziath_well(number, each, words) for number, each in enumerate(wells, 1)),
        rack_code=require_rack_code(str(rack).strip()) if known else None,
        scanned_at=_ziath_time(told.get("scanTime"), zone),
    )


def _wells_of(told: Any) -> list[Any] | None:
    if not isinstance(told, Mapping):
        return None
    wells = told.get("tubeBarcode", told.get("tubeBarcodes"))
    return wells if isinstance(wells, list) else None


def _ziath_well(number: int, told: Any, words: Words) -> WellRead:
    if not isinstance(told, Mapping):
        raise Unreadable("rack_json_strange")
    row, column = told.get("row"), told.get("column")
    place = join_place(_plain(row), _plain(column))
    if not place:
        raise Unreadable("rack_row_without_place", line=number, code=str(told.get("barcode"))[:40])
    status, code = str(told.get("decodeStatus", "")).strip().upper(), told.get("barcode")
    if status == "EMPTY":
        return WellRead(place, EMPTY, None, number)
    if status not in ("SUCCESS", "") or code is None or not str(code).strip():
        return WellRead(place, UNREAD, None, number)
    if isinstance(code, bool | float | list | dict):
        raise Unreadable("rack_code_as_number", code=str(code)[:40], place=place, line=number)
    return make_well(place, str(code).strip(), words, line=number, numeric=isinstance(code, int))


def _plain(value: Any) -> str:
    return str(value).strip()[:10] if isinstance(value, int | str) and not isinstance(value, bool) else ""


def _ziath_time(told: Any, zone: ZoneInfo) -> datetime | None:
    if isinstance(told, int | float) and not isinstance(told, bool) and 1e9 < told < 1e13:
        seconds = told / 1000 if told > 1e11 else told
        return datetime.fromtimestamp(seconds, UTC)
    return moments.together(told, zone) if isinstance(told, str) else None


# --- TrakMate

_TRACE = re.compile(r"^\s*Date\s*&\s*time of Trace\s*[=:]\s*(.+?)\s*;?\s*$", re.IGNORECASE | re.MULTILINE)
_BASE = re.compile(r"^\s*Rack Base Name\s*[=:]\s*(.*?)\s*;?\s*$", re.IGNORECASE | re.MULTILINE)
_WELL = re.compile(r"^\s*([^;]*?)\s*;\s*(.*?)\s*;?\s*$")


def is_trakmate(text: str) -> bool:
    """Told by either of its two first lines."""
    start = text[:2000]
    return _TRACE.search(start) is not None or _BASE.search(start) is not None


def read_trakmate(text: str, words: Words, zone: ZoneInfo, *, layout: str) -> RackReading:
    """raises Unreadable at a line that is neither a heading nor a well, RuleViolation for several racks"""
    racks = list(dict.fromkeys(rack for rack in _BASE.findall(text) if rack))
    if len(racks) > 1:
        raise RuleViolation("rack_two_racks", one=racks[0][:40], other=racks[1][:40], line=1)
    times = _TRACE.findall(text)
    if len(times) > 1:
        raise RuleViolation("rack_two_scans", line=1)
    wells = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or _TRACE.match(line) or _BASE.match(line):
            continue
        match = _WELL.match(line)
        if match is None or not match[1]:
            raise Unreadable("rack_row_cut", line=number, cells=1, needed=2)
        wells.append(make_well(match[1], match[2], words, line=number))
    rack = require_rack_code(racks[0]) if racks and words.state(racks[0]) == READ else None
    told = moments.together(times[0], zone) if times else None
    return RackReading(layout, tuple(wells), rack_code=rack, scanned_at=told)


# --- bare lists


def bare_rows(sheet: Sheet) -> list[tuple[str, int, bool]] | None:
    """(text, line, numeric) of each place in turn, where a sheet holds nothing but codes; None where it does not.

    One long line, one column, or a block of the shape of a rack.
    """
    rows = [(list(row.cells), row) for row in sheet.rows]
    if len(rows) > 1 and all(cells and not cells[-1] for cells, _ in rows):
        rows = [(cells[:-1], row) for cells, row in rows]  # every line ends with the delimiter
    elif len(rows) == 1 and rows[0][0][-1] == "":
        rows = [(rows[0][0][:-1], rows[0][1])]
    widths = {len(cells) for cells, _ in rows}
    if len(widths) != 1:
        return None
    width = widths.pop()
    line, column = len(rows) == 1 and width >= _LEAST, width == 1 and len(rows) in SIZES
    if not (line or column or (len(rows), width) in SHAPES):
        return None
    found = [(cell, row.number, at in row.numbers) for cells, row in rows for at, cell in enumerate(cells)]
    return None if any(PLACE.fullmatch(text) for text, _, _ in found) else found


# --- places


def join_place(row: str, column: str) -> str:
    """ "A" and "01" are A01, "1" and "1" as well; blank where one of the two lacks."""
    if not row or not column:
        return ""
    if row.isdecimal() and column.isdecimal() and len(row) < 4:
        return f"{letters(int(row)) or '0'}{column}"
    return f"{row}-{column}" if row.isalpha() and column.isalpha() else f"{row}{column}"


def plain_place(text: str) -> str:
    """A01 and a-1 as "A1", so that two ways to write a place can be compared; blank for anything else."""
    match = re.fullmatch(r"([A-Za-z]{1,2})\s*[-,]?\s*0*(\d{1,3})", text.strip())
    return f"{match[1].upper()}{match[2]}" if match is not None else ""
