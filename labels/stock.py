"""What a label is printed on and what stands where: read from config/labels/*.toml, refused when it cannot work."""

import itertools
import math
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from labels.errors import LabelError

DESIGNS = Path(__file__).resolve().parent.parent / "config" / "labels"

# What the trade calls 203 dpi is eight dots to the millimetre.
DOTS_PER_MM = {203: 8.0, 300: 300 / 25.4, 600: 600 / 25.4}

# Under this no ink ribbon holds a bar apart from its neighbour for years at -196 °C.
FINEST_MODULE_MM = 0.19

# Where a hand aims the scanner, lower bars are missed.
LOWEST_BARS_MM = 5.0

# Fields that touch do not overlap, whatever 12.8 + 2.8 gives in floating point.
_HAIR_MM = 0.001

CODES = ("code128",)
WORDS = ("number", "line")


@dataclass(frozen=True)
class Stock:
    """The blank label, as bought."""

    width_mm: float
    height_mm: float
    module_mm: float = 0.25
    """The narrowest bar this film and ribbon are trusted with; 0.19 at least."""


@dataclass(frozen=True)
class Field:
    """A rectangle of the label and what goes into it; a code keeps its quiet zones inside."""

    kind: str
    """One of CODES; `number`, the code spelled for people; `line`, the next line of free text."""
    left_mm: float
    top_mm: float
    width_mm: float
    height_mm: float
    widest_module_mm: float = 0.5
    """Codes only: bars grow with the room up to this."""
    smallest_text_mm: float = 1.8
    """Words only: letters shrink to fit down to this size (1.8 mm is 5 points)."""

    @property
    def right_mm(self) -> float:
        return self.left_mm + self.width_mm

    @property
    def bottom_mm(self) -> float:
        return self.top_mm + self.height_mm


@dataclass(frozen=True)
class Design:
    """A stock, the printer's resolution, and the fields."""

    name: str
    dpi: int
    stock: Stock
    fields: tuple[Field, ...]

    def count(self, *kinds: str) -> int:
        return sum(field.kind in kinds for field in self.fields)


def names(folder: Path = DESIGNS) -> list[str]:
    """The designs there are."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load(name: str, folder: Path = DESIGNS) -> Design:
    """Read one design.

    raises  LabelError `label_design_unknown`, or `label_design_wrong` saying what is wrong in the file
    """
    # The name comes from outside: it must never lead out of the folder.
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) or name not in names(folder):
        raise LabelError("label_design_unknown", design=name, known=", ".join(names(folder)))
    try:
        return parse(name, tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LabelError("label_design_wrong", design=name, what=str(error)) from error


def parse(name: str, data: Mapping[str, Any]) -> Design:
    """A design from its plain data, checked whole."""
    try:
        _no_other_keys(data, ("dpi", "stock", "fields"))
        design = Design(
            name=name,
            dpi=data["dpi"],
            stock=_build(Stock, data["stock"]),
            fields=tuple(_build(Field, field) for field in data["fields"]),
        )
        _check(design)
    except KeyError as error:
        raise LabelError("label_design_wrong", design=name, what=f"{error.args[0]} is missing") from None
    except (ValueError, TypeError) as error:
        raise LabelError("label_design_wrong", design=name, what=str(error)) from None
    return design


def dots_per_mm(dpi: int) -> float:
    """Printer dots to the millimetre; only resolutions that printers have."""
    if dpi not in DOTS_PER_MM:
        raise LabelError("label_resolution_unknown", dpi=dpi, known=", ".join(map(str, DOTS_PER_MM)))
    return DOTS_PER_MM[dpi]


def _build(kind: type, data: Mapping[str, Any]) -> Any:
    """One dataclass from a TOML table: nothing unknown, every length a finite number above zero."""
    _no_other_keys(data, [field.name for field in fields(kind)])
    for key, value in data.items():
        if key == "kind":
            continue
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or value < 0
        ):
            raise ValueError(f"{key} is not a length: {value!r}")
        if value == 0 and key not in ("left_mm", "top_mm"):
            raise ValueError(f"{key} is zero")
    return kind(**data)


def _no_other_keys(data: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise ValueError(f"{', '.join(unknown)} means nothing here")


def _check(design: Design) -> None:
    if design.dpi not in DOTS_PER_MM:
        raise ValueError(f"no printer has {design.dpi} dpi")
    if design.stock.module_mm < FINEST_MODULE_MM:
        raise ValueError(
            f"bars of {design.stock.module_mm} mm do not print; {FINEST_MODULE_MM} mm is the finest"
        )
    for field in design.fields:
        if field.kind not in CODES + WORDS:
            raise ValueError(f"no field is a {field.kind!r}; there are {', '.join(CODES + WORDS)}")
        if field.kind in CODES and field.height_mm < LOWEST_BARS_MM:
            raise ValueError(
                f"no hand will hit {field.height_mm} mm of bars; {LOWEST_BARS_MM} mm is the lowest"
            )
        right, bottom = design.stock.width_mm + _HAIR_MM, design.stock.height_mm + _HAIR_MM
        if field.right_mm > right or field.bottom_mm > bottom:
            raise ValueError(f"the {field.kind} at {field.left_mm}, {field.top_mm} mm runs off the label")
    if not design.count(*CODES) or not design.count("number"):
        raise ValueError("a label needs a code and its number in plain letters")
    for one, other in itertools.combinations(design.fields, 2):
        if _overlap(one, other):
            raise ValueError(f"a {one.kind} and a {other.kind} lie on each other")


def _overlap(one: Field, other: Field) -> bool:
    return (
        one.left_mm + _HAIR_MM < other.right_mm
        and other.left_mm + _HAIR_MM < one.right_mm
        and one.top_mm + _HAIR_MM < other.bottom_mm
        and other.top_mm + _HAIR_MM < one.bottom_mm
    )
