"""How the files of each reader are laid out: data in config/scanners/*.toml, and what people taught us. Pure.

A layout names the columns by their headings, in any order, or by their place where there is no heading. A mapping, made
on a page and kept for a site, says the same by the number of the column; its signature is what the files of that
reader have in common.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from biobank.racks.sheets import Row, Sheet
from biobank.racks.wells import COLUMN_MAJOR, ROW_MAJOR, Words

NUMBERINGS = (ROW_MAJOR, COLUMN_MAJOR)
ROLES = ("position", "row", "column", "code", "rack", "date", "time")
#: A heading stands among the first rows that hold anything.
DEEPEST_HEADING = 30
PLACE = re.compile(
    r"[A-Za-z]{1,2}\s*[-,]?\s*\d{1,3}|\d{1,3}\s*[-,]?\s*[A-Za-z]|[A-Za-z]\s*[-,]\s*[A-Za-z]|\d{1,3}"
)


@dataclass(frozen=True)
class Layout:
    """One file of config/scanners, or one mapping that was taught.

    columns     role -> the headings it may have, folded, the likelier first
    cells       instead: the roles of the cells where there is no heading
    above       rack, tubes -> what the first cell of a line above the heading says, folded
    rack_above  the line above the heading is the rack's code
    last        tried after all others
    """

    key: str
    label: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cells: tuple[str, ...] = ()
    above: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rack_above: bool = False
    last: bool = False


@dataclass(frozen=True)
class Scanners:
    """Everything config/scanners says."""

    layouts: tuple[Layout, ...]
    words: Words


@dataclass(frozen=True)
class Taught:
    """What somebody said of an unknown layout: which column is what, counted from 0.

    heading    the row of the heading among those that hold anything, from 0; None without one
    skip       rows to leave out at the beginning, where there is no heading
    numbering  how places told by a number alone are counted
    """

    name: str
    columns: Mapping[str, int]
    heading: int | None = None
    skip: int = 0
    numbering: str = ROW_MAJOR
    delimiter: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "columns": dict(self.columns), "heading": self.heading, "skip": self.skip, "numbering": self.numbering,
            "delimiter": self.delimiter,
        }  # fmt: skip

    @classmethod
    def from_json(cls, name: str, kept: Mapping[str, Any]) -> "Taught":
        return cls(name, kept["columns"], kept["heading"], kept["skip"], kept["numbering"], kept["delimiter"])

    @property
    def first_row(self) -> int:
        """The first row of wells among those that hold anything."""
        return self.skip if self.heading is None else self.heading + 1


def load(folder: Path) -> Scanners:
    """Every layout, the readers' own before the plain ones. raises ValueError naming the file and what is wrong"""
    words = Words.of((), ())
    layouts = []
    for path in sorted(folder.glob("*.toml")):
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            if path.stem == "words":
                words = Words.of(_texts(table, "empty"), _texts(table, "unread"))
            else:
                layouts.append(_layout(path.stem, table))
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
    return Scanners(tuple(sorted(layouts, key=lambda layout: layout.last)), words)


def heading_of(sheet: Sheet, layout: Layout) -> tuple[int, dict[str, int]] | None:
    """Where the heading of a layout stands among the rows, and which column is what; None where it has none."""
    for at, row in enumerate(sheet.rows[:DEEPEST_HEADING]):
        found = _columns(row, layout)
        if "code" in found and ("position" in found or {"row", "column"} <= found.keys()):
            return at, found
    return None


def signature(sheet: Sheet, taught: Taught) -> str:
    """SHA-256 of what the files of that reader have in common: the delimiter, and the heading or the shape of a row."""
    if taught.heading is not None:
        return _hash("heading", sheet.delimiter, *_heading_cells(sheet.rows[taught.heading]))
    return _hash("rows", sheet.delimiter, str(taught.skip), *_shape(sheet.rows[taught.first_row]))


def signatures(sheet: Sheet) -> Iterator[str]:
    """Every signature that a mapping made of such a sheet could have, those with a heading first."""
    for row in sheet.rows[:DEEPEST_HEADING]:
        yield _hash("heading", sheet.delimiter, *_heading_cells(row))
    for skip, row in enumerate(sheet.rows[:DEEPEST_HEADING]):
        yield _hash("rows", sheet.delimiter, str(skip), *_shape(row))


def fold_heading(text: str) -> str:
    """Letters and digits alone, without case: "Rack ID" and "RackID" are one."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _columns(row: Row, layout: Layout) -> dict[str, int]:
    """Role -> column; the first of the headings that a role may have. A heading that stands twice counts for none."""
    folded = [fold_heading(cell) for cell in row.cells]
    found: dict[str, int] = {}
    for role, names in layout.columns.items():
        name = next((name for name in names if folded.count(name) == 1), None)
        if name is not None and folded.index(name) not in found.values():
            found[role] = folded.index(name)
    return found


def _heading_cells(row: Row) -> Sequence[str]:
    return [fold_heading(cell) for cell in row.cells[: row.filled]]


def _shape(row: Row) -> Sequence[str]:
    """What each cell looks like: a place, a number, a text or nothing."""
    return [
        "" if not cell else "place" if PLACE.fullmatch(cell) else "number" if cell.isdigit() else "text"
        for cell in row.cells[: row.filled]
    ]


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _layout(key: str, table: Mapping[str, Any]) -> Layout:
    if unknown := sorted(set(table) - {"label", "columns", "cells", "above", "rack_above", "last"}):
        raise ValueError(f"{unknown[0]} is no known key")
    if not isinstance(table.get("label"), str):
        raise ValueError("label must be a text")
    cells = tuple(_texts(table, "cells")) if "cells" in table else ()
    columns = {role: tuple(map(fold_heading, names)) for role, names in table.get("columns", {}).items()}
    if strange := sorted({*columns, *cells} - set(ROLES)):
        raise ValueError(f"{strange[0]} is none of {', '.join(ROLES)}")
    if bool(cells) == bool(columns):
        raise ValueError("either columns or cells must be given")
    above = {what: tuple(map(fold_heading, names)) for what, names in table.get("above", {}).items()}
    if strange := sorted(set(above) - {"rack", "tubes"}):
        raise ValueError(f"above.{strange[0]} is neither rack nor tubes")
    return Layout(
        key, table["label"], columns, cells, above, bool(table.get("rack_above")), bool(table.get("last"))
    )


def _texts(table: Mapping[str, Any], name: str) -> list[str]:
    value = table.get(name)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{name} must be a list of texts")
    return value
