"""What a container is and where something can stand in it. Pure: kinds are read from config/containers.toml.

A place has one canonical text: row letters and a column of two digits on a grid (`B07`), a number of two digits, or
as many as are needed, elsewhere (`07`). That text is what the database keeps; everything people and readers write
("b7", "B,7", "B-7", or the number 16 of a 9 × 9 box) is turned into it here.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

from biobank.core.errors import RuleViolation

# The internal keys of config/vocabularies/miabis_storage_temperature.csv.
TEMPERATURES = frozenset({"RT", "2to10", "-35to-18", "-85to-60", "lt-135", "LN", "Other"})
ORDERS = ("row-major", "column-major")


@dataclass(frozen=True)
class ContainerKind:
    """One table of containers.toml.

    rows, columns    of a grid; numbered places are as many rows of one column; 0 × 0 without places
    numbered         places are told by a number alone
    capacity         how many things stand in it at most
    letter_columns   its columns carry letters on the lid, so "B-B" is B02
    across           of numbered places, how many stand side by side in a picture; 1: they lie one above the other
    fixed            built into what it stands in: nobody carries it, only what stands in it
    """

    key: str
    label: str
    rows: int
    columns: int
    numbered: bool
    capacity: int
    holds: frozenset[str]
    order: str = "row-major"
    letter_columns: bool = False
    storage: bool = False
    temperature: str | None = None
    across: int = 1
    fixed: bool = False

    @property
    def positioned(self) -> bool:
        """Has it places, or only room?"""
        return self.rows > 0


@dataclass(frozen=True)
class Position:
    """One place: row and column from 1, top left first; `slot` is its number in the kind's order; `text` canonical."""

    row: int
    column: int
    slot: int
    text: str


@dataclass(frozen=True)
class Grid:
    """A container as its map draws it: what is written along both sides, and the places row by row."""

    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    cells: tuple[tuple[Position, ...], ...]


def load_kinds(path: Path) -> Mapping[str, ContainerKind]:
    """Every kind by its key.

    raises  ValueError naming the file, the kind and the key that is wrong
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        vessels = tables.pop("vessels", None)
        if not _are_names(vessels):
            raise ValueError("vessels must be a list of names")
        known = {*vessels, *tables}
        return MappingProxyType({key: _kind(key, table, known, vessels) for key, table in tables.items()})
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error


def positions(kind: ContainerKind) -> tuple[Position, ...]:
    """Every place, in the order in which it is filled; none where things stand without places."""
    return tuple(_places(kind).values())


def parse_position(text: str, kind: ContainerKind) -> Position:
    """The place that is meant: "B07", "b7", "B,7", "B-7" or a number counted in the kind's order.

    raises  RuleViolation when it cannot be read, lies outside, or the kind has no places
    """
    if not kind.positioned:
        raise RuleViolation("container_has_no_positions", kind=kind.label)
    places = positions(kind)
    shown: dict[str, Any] = {
        "position": text.strip()[:40],
        "kind": kind.label,
        "first": places[0].text,
        "last": places[-1].text,
    }
    wanted = _row_and_column(text.strip(), kind)
    if wanted is None:
        raise RuleViolation("position_unreadable", **shown)
    row, column = wanted
    if not (1 <= row <= kind.rows and 1 <= column <= kind.columns):
        raise RuleViolation("position_outside", **shown)
    return _places(kind)[_text(kind, row, column)]


def may_stand(kind: ContainerKind, thing: str) -> bool:
    """May a container of that kind, or a sample in that vessel, stand in this kind?"""
    return thing in kind.holds


def require_fit(kind: ContainerKind, thing: str) -> None:
    """Raise RuleViolation `does_not_fit` unless it may stand there."""
    if not may_stand(kind, thing):
        raise RuleViolation("does_not_fit", thing=thing, kind=kind.label, holds=", ".join(sorted(kind.holds)))


def first_free(kind: ContainerKind, taken: Collection[str]) -> Position | None:
    """The first place in order whose canonical text is not among `taken`; None when full or without places."""
    occupied = frozenset(taken)
    return next((place for text, place in _places(kind).items() if text not in occupied), None)


@lru_cache(maxsize=64)
def grid(kind: ContainerKind) -> Grid:
    """The shape of the map. Row 0 is "A", column 0 is "1"; numbered places stand in one column."""
    cells = tuple(
        tuple(_places(kind)[_text(kind, row, column)] for column in range(1, kind.columns + 1))
        for row in range(1, kind.rows + 1)
    )
    if kind.numbered:
        return Grid(tuple(cell.text for (cell,) in cells), ("",), cells)
    columns = range(1, kind.columns + 1)
    return Grid(
        tuple(letters(row) for row in range(1, kind.rows + 1)),
        tuple(letters(column) if kind.letter_columns else str(column) for column in columns),
        cells,
    )


def letters(number: int) -> str:
    """1 is A, 26 is Z, 27 is AA."""
    text = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


@lru_cache(maxsize=64)
def _places(kind: ContainerKind) -> Mapping[str, Position]:
    """Canonical text -> place, in order."""
    places = {}
    for slot in range(1, kind.rows * kind.columns + 1):
        row, column = _at_slot(kind, slot)
        text = _text(kind, row, column)
        places[text] = Position(row, column, slot, text)
    return MappingProxyType(places)


def _at_slot(kind: ContainerKind, slot: int) -> tuple[int, int]:
    if kind.order == "column-major":
        column, row = divmod(slot - 1, kind.rows)
    else:
        row, column = divmod(slot - 1, kind.columns)
    return row + 1, column + 1


def _text(kind: ContainerKind, row: int, column: int) -> str:
    if kind.numbered:
        return str(row).zfill(max(2, len(str(kind.rows))))
    return letters(row) + str(column).zfill(max(2, len(str(kind.columns))))


_NUMBER = re.compile(r"[0-9]{1,6}")
_LETTERS_AND_NUMBER = re.compile(r"([A-Za-z]{1,6})(?:\s*[-,]\s*|\s*)([0-9]{1,6})")
# Without the mark between them, "BB" could as well be the 54th row.
_LETTERS_TWICE = re.compile(r"([A-Za-z]{1,6})\s*[-,]\s*([A-Za-z]{1,6})")


def _row_and_column(text: str, kind: ContainerKind) -> tuple[int, int] | None:
    """What is written, wherever it lies; None when this kind's places are not written so."""
    if _NUMBER.fullmatch(text):
        return _at_slot(kind, int(text))
    if kind.numbered:
        return None
    if match := _LETTERS_AND_NUMBER.fullmatch(text):
        return _ordinal(match[1]), int(match[2])
    if kind.letter_columns and (match := _LETTERS_TWICE.fullmatch(text)):
        return _ordinal(match[1]), _ordinal(match[2])
    return None


def _ordinal(text: str) -> int:
    number = 0
    for letter in text.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


_KEYS = {
    "label", "rows", "columns", "order", "places", "across", "capacity", "holds", "storage", "temperature",
    "fixed",
}  # fmt: skip
# No box, cabinet or tank has more; a larger number is a slip of the finger.
_MOST = 10_000


def _kind(key: str, table: Any, known: Collection[str], vessels: Collection[str]) -> ContainerKind:
    def wrong(name: str, why: str) -> ValueError:
        return ValueError(f"[{key}] {name} {why}")

    if not isinstance(table, dict) or not re.fullmatch(r"[a-z][a-z0-9_]*", key) or key in vessels:
        raise ValueError(f"{key} must be a table, named in lower case and unlike any vessel")
    if unknown := sorted(set(table) - _KEYS):
        raise wrong(unknown[0], f"is no known key; known are {', '.join(sorted(_KEYS))}")
    label, holds = table.get("label"), table.get("holds")
    if not isinstance(label, str) or not label:
        raise wrong("label", "must be a text")
    if not _are_names(holds):
        raise wrong("holds", "must be a list of kinds and vessels")
    if strangers := sorted(set(holds) - set(known)):
        raise wrong("holds", f"names {strangers[0]}, which is neither a kind nor a vessel")
    storage, temperature = table.get("storage", False), table.get("temperature")
    fixed = table.get("fixed", False)
    for name, told in (("storage", storage), ("fixed", fixed)):
        if not isinstance(told, bool):
            raise wrong(name, "must be true or false")
    if temperature not in TEMPERATURES and (storage or temperature is not None):
        raise wrong("temperature", f"must be one of {', '.join(sorted(TEMPERATURES))}")
    shape = _shape(table, wrong)
    return ContainerKind(
        key=key,
        label=label,
        holds=frozenset(holds),
        storage=storage,
        temperature=temperature,
        fixed=fixed,
        **shape,
    )


def _shape(table: dict[str, Any], wrong: Any) -> dict[str, Any]:
    given = [name for name in ("rows", "places", "capacity") if name in table]
    if len(given) != 1:
        raise wrong("rows", "and columns, or places, or capacity: exactly one of the three must be given")
    for name in ("columns", "order"):
        if name in table and given != ["rows"]:
            raise wrong(name, "belongs to a grid; there are no rows")
    if "across" in table and given != ["places"]:
        raise wrong("across", "belongs to numbered places; there are none")
    if given != ["rows"]:
        count = table[given[0]]
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST:
            raise wrong(given[0], f"must be a whole number from 1 to {_MOST}")
        numbered, across = given == ["places"], table.get("across", 1)
        if isinstance(across, bool) or not isinstance(across, int) or not 1 <= across <= count:
            raise wrong("across", f"must be a whole number from 1 to {count}")
        shape = {"rows": count * numbered, "columns": int(numbered), "numbered": numbered, "across": across}
        return shape | {"capacity": count}
    rows, columns = _range(table["rows"]), _range(table.get("columns"))
    if rows is None or not rows[1]:
        raise wrong("rows", 'must be letters from A, such as "A-I"')
    if columns is None:
        raise wrong("columns", 'must be numbers from 1 or letters from A, such as "1-9"')
    order = table.get("order", ORDERS[0])
    if order not in ORDERS:
        raise wrong("order", f"must be one of {', '.join(ORDERS)}")
    (height, _), (width, lettered) = rows, columns
    grid_shape = {"rows": height, "columns": width, "numbered": False, "capacity": height * width}
    return {**grid_shape, "order": order, "letter_columns": lettered}


def _range(text: Any) -> tuple[int, bool] | None:
    """How many "A-I" (9, letters) or "1-9" (9, not letters) are; None when it is neither."""
    match = re.fullmatch(r"(?:A-([A-Z]{1,2})|1-([1-9][0-9]?))", text) if isinstance(text, str) else None
    if match is None:
        return None
    return (_ordinal(match[1]), True) if match[1] else (int(match[2]), False)


def _are_names(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)
