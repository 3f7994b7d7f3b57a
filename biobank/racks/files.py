"""Reads a rack reader's own file: every layout that is known, told by what stands in it, never by its name. Pure.

A file is read whole or refused: a code that a spreadsheet spoilt, a line that is cut, two racks in one file. Where no
layout fits, the refusal carries the first rows, so that somebody can say which column is what.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from biobank.core.errors import RuleViolation, Unreadable
from biobank.core.times import BANK_ZONE
from biobank.racks import connections, layouts, moments
from biobank.racks.layouts import PLACE, Layout, Scanners, Taught
from biobank.racks.sheets import Content, Row, Sheet, open_content
from biobank.racks.wells import (
    READ,
    RackReading,
    WellRead,
    Words,
    make_well,
    require_rack_code,
    require_zeros,
)

#: The layouts that are code, not data.
LIST, TRAKMATE, ZIATH = "list", "trakmate", "ziath"
LABELS = {LIST: "List of codes", TRAKMATE: "Matrix TrakMate", ZIATH: "Ziath"}


class LayoutUnknown(Unreadable):
    """No layout fits. `sheet` is the file as a table, for somebody to say which column is what."""

    def __init__(self, sheet: Sheet) -> None:
        first = " | ".join(sheet.rows[0].cells)[:80] if sheet.rows else ""
        super().__init__("rack_layout_unknown", rows=len(sheet.rows), first=first)
        self.sheet = sheet


def read_rack(
    content: bytes,
    scanners: Scanners,
    *,
    taught: Mapping[str, Taught] | None = None,
    zone: ZoneInfo = BANK_ZONE,
) -> RackReading:
    """What the file says, well by well.

    taught  signature -> what people said of layouts that were unknown
    zone    whose clock the reader goes by
    raises  Unreadable, WrongKind, TooLarge; LayoutUnknown; RuleViolation for two racks in one file
    """
    opened = open_content(content)
    reading = _special(opened, scanners.words, zone)
    if reading is None:
        reading = _taught(opened, scanners.words, taught or {}, zone) or _table(opened, scanners, zone)
    if reading is None:
        reading = _without_heading(opened, scanners) or _list(opened, scanners.words)
    if reading is None:
        raise LayoutUnknown(best_sheet(opened))
    require_zeros(reading.wells)
    if not reading.wells:
        raise Unreadable("rack_file_no_wells")
    if reading.tubes is not None and len(reading.wells) - reading.count("empty") < reading.tubes:
        counted = len(reading.wells) - reading.count("empty")
        raise Unreadable("rack_tubes_lacking", told=reading.tubes, found=counted)
    return reading


def read_taught(
    sheet: Sheet, taught: Taught, words: Words, *, layout: str, zone: ZoneInfo = BANK_ZONE
) -> RackReading:
    """The same by what somebody said of it. raises as `read_rack`"""
    table = _Table(sheet, taught.first_row, taught.columns, words, zone, numbering=taught.numbering)
    reading = table.read(layout)
    require_zeros(reading.wells)
    if not reading.wells:
        raise Unreadable("rack_file_no_wells")
    return reading


def best_sheet(opened: Content) -> Sheet:
    """The table that the file most likely is: the delimiter that parts the rows into most cells."""
    return max(opened.sheets, key=lambda sheet: sum(row.filled for row in sheet.rows), default=Sheet("", ()))


def sheet_of(content: bytes, delimiter: str) -> Sheet:
    """The file as the table with that delimiter; the likeliest, where it does not have it."""
    opened = open_content(content)
    return next((sheet for sheet in opened.sheets if sheet.delimiter == delimiter), best_sheet(opened))


def _special(opened: Content, words: Words, zone: ZoneInfo) -> RackReading | None:
    """What is no plain table."""
    if opened.text is None:
        return None
    if not opened.sheets:
        return connections.read_ziath(opened.text, words, zone, layout=ZIATH)
    if connections.is_trakmate(opened.text):
        return connections.read_trakmate(opened.text, words, zone, layout=TRAKMATE)
    return None


def _taught(
    opened: Content, words: Words, taught: Mapping[str, Taught], zone: ZoneInfo
) -> RackReading | None:
    if not taught:
        return None
    for sheet in opened.sheets:
        for signature in layouts.signatures(sheet):
            if signature in taught:
                said = taught[signature]
                return read_taught(sheet, said, words, layout=f"taught:{said.name}"[:60], zone=zone)
    return None


def _table(opened: Content, scanners: Scanners, zone: ZoneInfo) -> RackReading | None:
    for layout in scanners.layouts:
        for sheet in opened.sheets:
            if layout.columns and (found := layouts.heading_of(sheet, layout)) is not None:
                at, columns = found
                return _Table(sheet, at + 1, columns, scanners.words, zone).read(layout.key, layout, at)
    return None


def _without_heading(opened: Content, scanners: Scanners) -> RackReading | None:
    """By the layout that fits most rows, the one with more columns where two fit as many."""
    fitting = [
        (found[0], len(layout.cells), found[1], layout, sheet)
        for layout in scanners.layouts
        for sheet in opened.sheets
        if layout.cells and (found := _fits(sheet, layout.cells)) is not None
    ]
    if not fitting:
        return None
    _count, width, first, layout, sheet = max(fitting, key=lambda each: each[:2])
    columns = {role: at for at, role in enumerate(layout.cells)}
    return _Table(sheet, first, columns, scanners.words, BANK_ZONE, width=width).read(layout.key)


def _fits(sheet: Sheet, cells: Sequence[str]) -> tuple[int, int] | None:
    """How many rows have a place in that column and nothing beyond the last, and the first row of wells; None unless
    most rows do. The few that do not are refused by their lines, rather than the whole file as unknown."""
    at = cells.index("position")
    numbers_too = len(cells) == 2  # among three columns, a number alone is as likely something else

    def fits(row: Row) -> bool:
        place = row.cell(at)
        written = bool(PLACE.fullmatch(place)) and (numbers_too or not place.isdigit())
        return written and row.filled <= len(cells) <= len(row.cells)

    fitting = [fits(row) for row in sheet.rows]
    if sum(fitting) * 2 < len(fitting) or not any(fitting):
        return None
    if not numbers_too and not any(row.cell(0) for row in sheet.rows):
        return None
    first = "".join(sheet.rows[0].cells)
    heading = not fitting[0] and len(fitting) > 1 and not any(letter.isdigit() for letter in first)
    return sum(fitting), int(heading)


def _list(opened: Content, words: Words) -> RackReading | None:
    """Codes alone, one after the other, row by row: what a VisionMate sends over the network."""
    for sheet in opened.sheets:
        rows = connections.bare_rows(sheet)
        if rows is None:
            continue
        wells = [
            make_well(str(at), text, words, line=line, numeric=numeric)
            for at, (text, line, numeric) in enumerate(rows, 1)
        ]
        codes = [well.code for well in wells if well.code is not None]
        if any(" " in code for code in codes):
            continue
        if codes and sum(any(c.isdigit() for c in code) for code in codes) * 2 < len(codes):
            continue
        return RackReading(LIST, tuple(wells), whole=len(wells))
    return None


class _Table:
    """A sheet whose columns are known."""

    def __init__(
        self,
        sheet: Sheet,
        first: int,
        columns: Mapping[str, int],
        words: Words,
        zone: ZoneInfo,
        *,
        numbering: str = "row-major",
        width: int | None = None,
    ) -> None:
        self.sheet, self.first, self.columns = sheet, first, columns
        self.words, self.zone, self.numbering, self.width = words, zone, numbering, width
        self.racks: dict[str, int] = {}
        self.times: list[datetime] = []

    def read(self, layout: str, told: Layout | None = None, heading: int | None = None) -> RackReading:
        tubes = None
        if told is not None and heading is not None:
            tubes = self._above(told, heading)
        wells = tuple(self._wells(heading))
        if len(self.racks) > 1:
            (one, _), (other, line) = list(self.racks.items())[:2]
            raise RuleViolation("rack_two_racks", one=one[:40], other=other[:40], line=line)
        return RackReading(
            layout, wells, rack_code=next(iter(self.racks), None), tubes=tubes,
            scanned_at=max(self.times, default=None), numbering=self.numbering,
        )  # fmt: skip

    def _wells(self, heading: int | None) -> Iterator[WellRead]:
        title = self.sheet.rows[heading].cells if heading is not None else None
        for row in self.sheet.rows[self.first :]:
            if row.cells == title:
                raise RuleViolation("rack_two_scans", line=row.number)
            well = self._well(row)
            if well is not None:
                yield well

    def _well(self, row: Row) -> WellRead | None:
        place, at = self._place(row), self.columns["code"]
        if not place and not row.cell(at):
            return None  # a line about something else, or of trailing delimiters
        if self.width is not None and row.filled > self.width:
            raise Unreadable("rack_row_too_long", line=row.number, cells=row.filled, most=self.width)
        if len(row.cells) <= at:
            raise Unreadable("rack_row_cut", line=row.number, cells=len(row.cells), needed=at + 1)
        if not place:
            raise Unreadable("rack_row_without_place", line=row.number, code=row.cell(at)[:40])
        self._note(row)
        return make_well(place, row.cell(at), self.words, line=row.number, numeric=at in row.numbers)

    def _place(self, row: Row) -> str:
        """The place as written, or put together from its row and column. raises Unreadable where the two differ"""
        written = row.cell(self.columns["position"]) if "position" in self.columns else ""
        if not {"row", "column"} <= self.columns.keys():
            return written
        letters, number = row.cell(self.columns["row"]), row.cell(self.columns["column"])
        joined = connections.join_place(letters, number)
        if not written or not joined:
            return written or joined
        if connections.plain_place(written) not in ("", connections.plain_place(joined)):
            raise Unreadable("rack_places_differ", line=row.number, one=written[:20], other=joined[:20])
        return written

    def _note(self, row: Row) -> None:
        """The rack and the time that a row tells."""
        rack = row.cell(self.columns["rack"]) if "rack" in self.columns else ""
        if rack and self.words.state(rack) == READ:
            self.racks.setdefault(require_rack_code(rack), row.number)
        if "date" in self.columns:
            clock = row.cell(self.columns["time"]) if "time" in self.columns else ""
            told = moments.moment(row.cell(self.columns["date"]), clock, self.zone)
            if told is not None:
                self.times.append(told)

    def _above(self, layout: Layout, heading: int) -> int | None:
        """The rack's code and the number of tubes, from the lines above the heading."""
        tubes, rack = None, None
        for row in self.sheet.rows[:heading]:
            name, value = _pair(row)
            folded = layouts.fold_heading(name)
            if folded in layout.above.get("tubes", ()) and value.isdigit():
                tubes = int(value[:6])
            elif folded in layout.above.get("rack", ()):
                rack = rack or value
        if rack is None and layout.rack_above and heading:
            name, value = _pair(self.sheet.rows[heading - 1])
            rack = value or name
        if rack and self.words.state(rack) == READ:
            self.racks[require_rack_code(rack)] = self.sheet.rows[0].number
        return tubes


def _pair(row: Row) -> tuple[str, str]:
    """What a line above the heading names, and what it says: two cells, or one with a colon between."""
    filled = [cell for cell in row.cells if cell]
    if len(filled) >= 2:
        return filled[0].rstrip(":"), filled[1]
    name, mark, value = filled[0].partition(":")
    return (name.strip(), value.strip()) if mark else (filled[0], "")
