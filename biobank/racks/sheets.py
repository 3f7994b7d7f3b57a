"""What a reader's file is made of: its bytes become rows of text, told by content, never by name. Pure.

Any of the usual encodings, line ends and delimiters; XLSX, XLS and ODS workbooks. Cells stay text. Where a spreadsheet
kept a number instead of a text, that is remembered: zeros at its beginning may be lost.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from biobank.core.errors import TooLarge, Unreadable, WrongKind
from biobank.core.workbooks import Limits, first_sheet, packed_in

MOST_BYTES = 4_000_000
MOST_ROWS = 5_000
MOST_CELLS = 1_000
#: What a small workbook may unpack to.
_MOST_UNPACKED = 64_000_000
_LIMITS = Limits(megabytes=512, seconds=20, rows=MOST_ROWS, columns=MOST_CELLS)

DELIMITERS = "\t;,"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS = (
    (b"%PDF", "PDF"), (b"{\\rtf", "RTF"), (b"<", "HTML/XML"), (b"\x1f\x8b", "GZIP"), (b"BZh", "BZIP2"),
    (b"\xfd7zXZ\x00", "XZ"), (b"7z\xbc\xaf", "7Z"), (b"SQLite format 3", "SQLite"), (b"\x7fELF", "ELF"),
    (b"MZ\x90", "EXE"),
)  # fmt: skip
#: Readers end what they send with these; some keyboards add a NUL.
_ENDINGS = "\x00\x02\x03\x04\x1a"
_WHITE = " \t\r\n\u00a0\u202f\ufeff\u200b"


@dataclass(frozen=True)
class Row:
    """One row that holds anything: where it stands, counted from 1, and its trimmed cells, as many as were written."""

    number: int
    cells: tuple[str, ...]
    #: Columns, from 0, in which a spreadsheet kept a number.
    numbers: frozenset[int] = frozenset()

    def cell(self, column: int) -> str:
        """What stands there; blank beyond the end."""
        return self.cells[column] if column < len(self.cells) else ""

    @property
    def filled(self) -> int:
        """How many cells there are up to the last that is not blank."""
        return max((at for at, cell in enumerate(self.cells, 1) if cell), default=0)


@dataclass(frozen=True)
class Sheet:
    """A file as a table. `delimiter` is empty for a workbook."""

    delimiter: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Content:
    """A file, opened: a sheet for each delimiter that could be meant, or a workbook; and its text, where it has one."""

    text: str | None
    sheets: tuple[Sheet, ...] = field(default=())


def open_content(content: bytes) -> Content:
    """raises  Unreadable, WrongKind or TooLarge: nothing in it, no text, another kind of file, or far too much"""
    if len(content) > MOST_BYTES:
        raise TooLarge("rack_file_too_large", most_mb=f"{MOST_BYTES / 1_000_000:g}")
    if not content.strip(b" \t\r\n\x00\x03\x04\x1a"):
        raise Unreadable("rack_file_empty")
    if content.startswith((_OLD_OFFICE, b"PK\x03\x04")):
        return Content(None, (Sheet("", tuple(_workbook(content))),))
    for magic, kind in _OTHERS:
        if content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(magic):
            raise WrongKind("rack_file_wrong_kind", found=kind)
    text = decode(content)
    if not text.strip(_WHITE):
        raise Unreadable("rack_file_empty")
    if text.lstrip(_WHITE).startswith(("{", "[")):
        return Content(text)
    sheets = []
    problem: Unreadable | None = None
    for delimiter in DELIMITERS:
        if delimiter in text:
            try:
                sheets.append(Sheet(delimiter, tuple(_rows(text, delimiter))))
            except Unreadable as error:
                problem = error
    if not sheets and problem is not None:
        raise problem
    return Content(text, tuple(sheets) or (Sheet(",", tuple(_rows(text, ","))),))


def decode(content: bytes) -> str:
    """The text, without byte order mark and without what readers send around it. raises Unreadable"""
    marked = next((encoding for mark, encoding in _BOMS if content.startswith(mark)), None)
    encoding = marked or _guess(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if marked is not None or encoding != "utf-8":
            raise Unreadable("rack_file_not_text", offset=error.start) from error
        text = content.decode("cp1252", errors="replace")  # an older Windows: accents of one byte
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip(_ENDINGS + "\ufeff")
    # Between two scans of one connection there may be an ETX as well: it ends a line.
    text = re.sub("[\x02\x03\x04]+\n?", "\n", text).replace("\f", "\n").replace("\v", "\n")
    bad = re.search("[\x00-\x08\x0e-\x1c\x1e\x1f\x7f]", text)
    if bad is not None:
        raise Unreadable("rack_file_not_text", offset=bad.start())
    return text


def _guess(content: bytes) -> str:
    """UTF-16 without a mark shows as a NUL at every other byte."""
    sample = content[:2000]
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    half = len(sample) // 2
    if half >= 2 and odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if half >= 2 and even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    return "utf-8"


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """raises Unreadable where a quote is not closed, or there are too many rows or cells"""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True, skipinitialspace=True)
    kept = 0
    try:
        for raw in reader:
            cells = tuple(_plain(cell) for cell in raw)
            if not any(cells):
                continue
            kept += 1
            if kept > MOST_ROWS or len(cells) > MOST_CELLS:
                raise TooLarge("rack_file_too_long", most=MOST_ROWS)
            yield Row(reader.line_num, cells)
    except csv.Error as error:
        raise Unreadable("rack_file_bad_quoting", line=reader.line_num) from error


def _plain(cell: str) -> str:
    """Without blanks around it, and without what keeps a spreadsheet from taking it for a number."""
    text = cell.strip(_WHITE)
    if len(text) > 3 and text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip(_WHITE)
    return text[1:] if text[:1] == "'" and len(text) > 1 else text


def _workbook(content: bytes) -> Iterator[Row]:
    """The first sheet that holds anything. raises Unreadable, also where the reader of workbooks gives up altogether"""
    if content.startswith(b"PK"):
        _require_workbook(content)
    raw = first_sheet(
        content, _LIMITS, damaged=Unreadable("rack_file_bad_workbook"),
        too_large=TooLarge("rack_file_too_long", most=MOST_ROWS),
    )  # fmt: skip
    rows = list(_typed_rows(raw))
    if not rows:
        raise Unreadable("rack_file_empty")
    yield from rows


def _require_workbook(content: bytes) -> None:
    packed = packed_in(io.BytesIO(content))
    if packed is None:
        raise Unreadable("rack_file_bad_workbook")
    if not any(name.startswith("xl/") or name == "content.xml" for name in packed.names):
        raise WrongKind("rack_file_wrong_kind", found="ZIP")
    if packed.size > _MOST_UNPACKED:
        raise TooLarge("rack_file_too_long", most=MOST_ROWS)


def _typed_rows(raw: Iterable[list[Any]]) -> Iterator[Row]:
    for number, values in enumerate(raw, 1):
        cells = tuple(_text(value) for value in values)
        if any(cells):
            numbers = frozenset(
                at
                for at, value in enumerate(values)
                if isinstance(value, int | float) and not isinstance(value, bool)
            )
            yield Row(number, cells, numbers)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        # A number of more than 15 digits has lost the last ones; it is shown as such and refused where it is a code.
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:E}"
    return _plain(str(value))
