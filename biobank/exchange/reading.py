"""Reads a table out of a file whose dialect nobody told us: by its content, never by its name.

Tabs, commas or semicolons; UTF-8 with or without a byte order mark, or UTF-16 with one; any line ends. Cells are
text and stay text, so that a code keeps its zeros. Rows come one at a time: a file of any length takes no memory.
"""

import codecs
import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from biobank.core.errors import Unreadable, WrongKind
from biobank.core.workbooks import Limits, first_sheet, packed_in

DELIMITERS = "\t,;"
LONGEST_LINE = 1_000_000
"""In characters. A longer one is no row of a table, and would fill the memory."""

_BLOCK = 1 << 16
#: A workbook is unpacked as a whole; this is enough for the largest sheet there can be, filled with short cells.
_LIMITS = Limits(megabytes=8_192, seconds=900)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED = ((b"\x1f\x8b", "GZIP"), (b"BZh", "BZIP2"), (b"\xfd7zXZ\x00", "XZ"), (b"7z\xbc\xaf", "7Z"))
_OTHERS = ((b"%PDF", "PDF"), (b"{\\rtf", "RTF"), (b"<", "HTML/XML"), (b"{", "JSON"), (b"[{", "JSON"))
_WHITE = " \t\r\n\u00a0\ufeff"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands, counted as a spreadsheet shows it (the header is a row too), and its cells."""

    file: str
    number: int
    cells: dict[str, str]


class Table:
    """A file opened as a table. `records()` and `rows()` may be walked any number of times."""

    def __init__(self, path: Path, name: str, *, encoding: str, delimiter: str, spreadsheet: bool) -> None:
        self.path = path
        self.name = name
        self.encoding = encoding
        self.delimiter = delimiter
        self.spreadsheet = spreadsheet
        self.header_row, self.header = self._read_header()

    @cached_property
    def sha256(self) -> str:
        """Of the file's bytes: the same file under another name is the same file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Number and trimmed cells of each row under the header that is not blank, as many cells as stand there.

        raises   Unreadable, at the row where it goes wrong
        """
        for number, cells in self._all():
            if number > self.header_row:
                yield number, cells

    def rows(self) -> Iterator[Row]:
        """The same with the cells under their column's name; cells beyond the header are left out."""
        for number, cells in self.records():
            yield Row(self.name, number, dict(zip(self.header, cells, strict=False)))

    def _read_header(self) -> tuple[int, tuple[str, ...]]:
        for number, cells in self._all():
            while cells and not cells[-1]:
                cells.pop()
            return number, tuple(cells)
        raise Unreadable("import_empty_file", file=self.name)

    def _all(self) -> Iterator[tuple[int, list[str]]]:
        found = _spreadsheet_rows(self.path, self.name) if self.spreadsheet else self._text_rows()
        for number, raw in found:
            cells = [cell.strip(_WHITE) for cell in raw]
            if any(cells):
                yield number, cells

    def _text_rows(self) -> Iterator[tuple[int, list[str]]]:
        with self.path.open(encoding=self.encoding, newline="") as file:
            lines = _lines(file, self.path, self.name)
            number = 0
            try:
                for number, cells in enumerate(_split(lines, self.delimiter), 1):
                    yield number, cells
            except csv.Error as error:
                code = "import_cell_too_long" if "limit" in str(error) else "import_bad_quoting"
                raise Unreadable(code, file=self.name, row=number + 1) from error
            except UnicodeError:
                raise _bad_byte(self.path, self.name, self.encoding) from None


def open_table(path: Path, name: str | None = None, *, spreadsheets: bool = False) -> Table:
    """Open a file as a table, whatever its name promises.

    name           what to call it in messages; the file's own name when not given
    spreadsheets   whether an XLSX, XLS or ODS workbook will do (its first sheet that holds anything)
    raises         Unreadable: nothing in it, no text, or a byte out of place; WrongKind: another kind of file
    """
    name = name or path.name
    with path.open("rb") as file:
        start = file.read(_BLOCK)
    if not start.strip():
        raise Unreadable("import_empty_file", file=name)
    workbook = _workbook(path, start)
    if workbook and not spreadsheets:
        raise WrongKind("import_is_spreadsheet", file=name, found=workbook)
    if not workbook:
        _refuse_other_kinds(name, start)
    encoding = next((encoding for mark, encoding in _BOMS if start.startswith(mark)), "utf-8")
    delimiter = "" if workbook else _delimiter(path, name, encoding)
    return Table(path, name, encoding=encoding, delimiter=delimiter, spreadsheet=bool(workbook))


def _workbook(path: Path, start: bytes) -> str | None:
    """XLSX, XLS or ODS; None when it is none of them."""
    if start.startswith(_OLD_OFFICE):
        return "XLS"
    if start.startswith(b"PK\x03\x04"):
        packed = packed_in(path)
        if packed is not None and any(inner.startswith("xl/") for inner in packed.names):
            return "XLSX"
        if packed is not None and "content.xml" in packed.names:
            return "ODS"
    return None


def _refuse_other_kinds(name: str, start: bytes) -> None:
    if start.startswith(b"PK\x03\x04"):
        raise WrongKind("import_is_packed", file=name, found="ZIP")
    if start[257:262] == b"ustar":
        raise WrongKind("import_is_packed", file=name, found="TAR")
    for magic, kind in _PACKED:
        if start.startswith(magic):
            raise WrongKind("import_is_packed", file=name, found=kind)
    bare = start.removeprefix(codecs.BOM_UTF8).lstrip()
    for magic, kind in _OTHERS:
        if bare.startswith(magic):
            raise WrongKind("import_is_no_table", file=name, found=kind)


def _delimiter(path: Path, name: str, encoding: str) -> str:
    """The mark that parts the first line that holds anything into most cells."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            line = next((line for line in _lines(file, path, name) if line.strip(_WHITE)), "")
    except UnicodeError:
        raise _bad_byte(path, name, encoding) from None
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count)


def _lines(file: TextIO, path: Path, name: str) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
            raise Unreadable("import_line_too_long", file=name, row=number, most=LONGEST_LINE)
        if "\0" in line:
            raise Unreadable("import_nul_byte", file=name, row=number, offset=_offset_of_nul(path))
        yield line


def _split(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    if delimiter != "\t":
        yield from csv.reader(lines, delimiter=delimiter, strict=True)
        return
    # Not the csv reader: in tables with tabs a quote is a character like any other, and a lone one would swallow
    # the rest of the file. Only a cell that is quoted whole is taken out of its quotes.
    for line in lines:
        cells = line.rstrip("\r\n").split("\t")
        yield [_unquoted(cell) for cell in cells] if '"' in line else cells


def _unquoted(cell: str) -> str:
    bare = cell.strip(" ")
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        return bare[1:-1].replace('""', '"')
    return cell


def _spreadsheet_rows(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    damaged = Unreadable("import_bad_workbook", file=name)
    for number, cells in enumerate(first_sheet(path, _LIMITS, damaged=damaged, too_large=damaged), 1):
        yield number, [_cell_text(cell) for cell in cells]


def _cell_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _bad_byte(path: Path, name: str, encoding: str) -> Unreadable:
    """Find the first byte that is no text; only asked once decoding has failed somewhere in the file."""
    decoder = codecs.getincrementaldecoder(encoding)()
    read, row, offset = 0, 1, 0
    with path.open("rb") as file:
        block = b"start"
        while block:
            block = file.read(_BLOCK)
            held = len(decoder.getstate()[0])  # the bytes of a character that the last block cut in two
            try:
                row += decoder.decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                offset = read - held + error.start
                row += error.object[: error.start].count(b"\n")
                break
            read += len(block)
    return Unreadable(
        "import_not_text", file=name, row=row, offset=offset, encoding=encoding.removesuffix("-sig").upper()
    )


def _offset_of_nul(path: Path) -> int:
    read = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if (at := block.find(b"\0")) >= 0:
                return read + at
            read += len(block)
    return read
