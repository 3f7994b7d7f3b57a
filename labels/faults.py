"""What is wrong with a design, thing by thing: where it stands, and why it cannot be printed or read."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labels import letters, symbols, templates
from labels.errors import SENTENCES
from labels.stock import DOTS_PER_MM, Field, Part, Rectangle, Sheet, Stock
from labels.words import FIELDS, SUBJECTS

# Under this no ink ribbon holds a bar apart from its neighbour for years at -196 °C.
FINEST_MODULE_MM = 0.19
# Where a hand aims the scanner, lower bars are missed.
LOWEST_BARS_MM = 5.0
# No label printer is wider, and none can be told of more dots than 32,000.
WIDEST_ROLL_MM = 300.0
# Four points.
SMALLEST_TEXT_MM = 1.41

# Fields that touch do not overlap, whatever 12.8 + 2.8 gives in floating point.
_HAIR_MM = 0.001

KINDS = (*symbols.KINDS, "number", "text")
TURNS = (0, 90, 180, 270)
ALIGNS = ("left", "centre", "right")
SHAPES = ("square", "rectangle", "any")
PART_SHAPES = ("rectangle", "round")


@dataclass(frozen=True)
class DesignWarning:
    """Something that whoever writes a design should know; `str()` of it is a sentence.

    code         a key of errors.SENTENCES
    field_index  which field, the first is 0
    line         of the text that the design was read from, where it is known
    place        which table of the file: "stock", "stock.parts", "fields" …
    """

    code: str
    params: Mapping[str, Any]
    field_index: int | None = None
    line: int | None = None
    place: str = ""

    def __str__(self) -> str:
        where = self.place
        if self.field_index is not None:
            kind = self.params.get("field_kind")
            where = f"field {self.field_index + 1}" + (f" ({kind})" if kind else "")
        if self.line is not None:
            where = f"{where}, line {self.line}" if where else f"line {self.line}"
        sentence = SENTENCES[self.code].format(**self.params).removesuffix(".")
        return f"{where}: {sentence}" if where else sentence


def faults(of: str, dpi: int, stock: Stock, fields: tuple[Field, ...]) -> Iterator[DesignWarning]:
    """Everything that is wrong; nothing where the design can be used."""
    yield from _not_known("for", of, SUBJECTS)
    yield from _not_known("dpi", dpi, tuple(DOTS_PER_MM))
    yield from _of_stock(stock)
    if stock.sheet is not None:
        yield from _of_sheet(stock.sheet, stock)
    if not any(field.kind in symbols.KINDS for field in fields):
        yield DesignWarning("design_no_code", {}, place="fields")
    if not any(field.kind == "number" for field in fields):
        yield DesignWarning("design_no_number", {}, place="fields")
    for index, field in enumerate(fields):
        for fault in itertools.chain(_of_field(field, of), _of_place(field, stock)):
            params = {"field_kind": field.kind, **fault.params}
            yield DesignWarning(fault.code, params, field_index=index, place="fields")
    for (index, one), (other, two) in itertools.combinations(enumerate(fields), 2):
        if _overlap(one, two):
            params = {"field_kind": two.kind, "other": index + 1, "other_kind": one.kind}
            yield DesignWarning("design_overlap", params, field_index=other, place="fields")


def _not_known(
    key: str, given: object, known: tuple[object, ...], place: str = ""
) -> Iterator[DesignWarning]:
    if given not in known:
        params = {"key": key, "given": str(given), "known": ", ".join(map(str, known))}
        yield DesignWarning("design_unknown", params, place=place)


def _of_stock(stock: Stock) -> Iterator[DesignWarning]:
    if stock.module_mm < FINEST_MODULE_MM:
        params = {"module_mm": stock.module_mm, "least_mm": FINEST_MODULE_MM}
        yield DesignWarning("design_module_fine", params, place="stock")
    if stock.lowest_c is not None and stock.highest_c is not None and stock.lowest_c > stock.highest_c:
        params = {"lowest": stock.lowest_c, "highest": stock.highest_c}
        yield DesignWarning("design_temperatures", params, place="stock")
    across = stock.columns * stock.width_mm + (stock.columns - 1) * stock.column_gap_mm
    if across > WIDEST_ROLL_MM + _HAIR_MM:
        wide = {"key": "columns", "given": _mm(across), "most": _mm(WIDEST_ROLL_MM)}
        yield DesignWarning("design_too_long", wide, place="stock")
    for number, part in enumerate(stock.parts, 1):
        place = f"stock.parts {number}"
        yield from _not_known("shape", part.shape, PART_SHAPES, place)
        if _off(part, stock):
            yield DesignWarning("design_part_off_label", _ends(part, stock), place=place)
    for (first, one), (number, two) in itertools.combinations(enumerate(stock.parts, 1), 2):
        if _overlap(one, two):
            yield DesignWarning("design_parts_overlap", {"other": first}, place=f"stock.parts {number}")


def _of_sheet(sheet: Sheet, stock: Stock) -> Iterator[DesignWarning]:
    """The cells lie beside each other, and all of them on the page."""
    across = sheet.left_mm, sheet.columns, sheet.pitch_x_mm, stock.width_mm, sheet.page_width_mm
    down = sheet.top_mm, sheet.rows, sheet.pitch_y_mm, stock.height_mm, sheet.page_height_mm
    for code, (first, count, pitch, label, page) in (
        ("design_page_wide", across),
        ("design_page_high", down),
    ):
        end = first + (count - 1) * pitch + label
        if count > 1 and pitch + _HAIR_MM < label:
            params = {"pitch_mm": _mm(pitch), "label_mm": _mm(label)}
            yield DesignWarning("design_pitch", params, place="stock.sheet")
        if end > page + _HAIR_MM:
            ends = {"count": str(count), "end_mm": _mm(end), "page_mm": _mm(page)}
            yield DesignWarning(code, ends, place="stock.sheet")


def _of_field(field: Field, of: str) -> Iterator[DesignWarning]:
    """What a field says, wherever it stands."""
    if field.kind not in KINDS:
        yield from _not_known("kind", field.kind, KINDS)
        return
    yield from _not_known("align", field.align, ALIGNS)
    if field.kind in symbols.KINDS:
        yield from _not_known("shape", field.shape, SHAPES)
        yield from _of_bars(field)
    else:
        yield from _not_known("font", field.font, tuple(letters.FACES))
        if field.smallest_text_mm < SMALLEST_TEXT_MM:
            params = {"size_mm": field.smallest_text_mm, "least_mm": SMALLEST_TEXT_MM}
            yield DesignWarning("design_text_small", params)
    if field.kind == "text" and not field.value.strip():
        yield DesignWarning("design_text_empty", {})
    yield from _of_template(field, of)


def _of_bars(field: Field) -> Iterator[DesignWarning]:
    height = field.width_mm if field.turn in (90, 270) else field.height_mm
    if field.kind in symbols.LINEAR and height < LOWEST_BARS_MM:
        yield DesignWarning("design_bars_low", {"height_mm": _mm(height), "least_mm": LOWEST_BARS_MM})


def _of_template(field: Field, of: str) -> Iterator[DesignWarning]:
    try:
        asked = templates.words(field.value)
    except ValueError as error:
        yield DesignWarning("design_template", {"value": field.value, "problem": str(error)})
        return
    offered = [word for word, meant in FIELDS.items() if of in meant.on]
    for word in asked:
        if word not in offered:
            params = {"of": of, "word": word, "known": ", ".join(offered)}
            yield DesignWarning("design_word_unknown", params)
    if field.kind in symbols.KINDS and field.value and "code" not in asked:
        yield DesignWarning("design_symbol_without_code", {})


def _of_place(field: Field, stock: Stock) -> Iterator[DesignWarning]:
    """Whether the field lies on the label, and within one of its parts."""
    parts = [part for part in stock.parts if _within(field, part)]
    if _off(field, stock):
        yield DesignWarning("design_off_label", _ends(field, stock))
    elif stock.parts and not parts:
        yield DesignWarning("design_off_part", {})
    elif parts and not any(_in_round(field, part) for part in parts):
        yield DesignWarning("design_off_round", {})


def _off(one: Rectangle, stock: Stock) -> bool:
    return one.right_mm > stock.width_mm + _HAIR_MM or one.bottom_mm > stock.height_mm + _HAIR_MM


def _ends(one: Rectangle, stock: Stock) -> dict[str, str]:
    return {
        "right_mm": _mm(one.right_mm), "bottom_mm": _mm(one.bottom_mm),
        "width_mm": _mm(stock.width_mm), "height_mm": _mm(stock.height_mm),
    }  # fmt: skip


def _within(field: Field, part: Part) -> bool:
    return (
        field.left_mm > part.left_mm - _HAIR_MM
        and field.top_mm > part.top_mm - _HAIR_MM
        and field.right_mm < part.right_mm + _HAIR_MM
        and field.bottom_mm < part.bottom_mm + _HAIR_MM
    )


def _in_round(field: Field, part: Part) -> bool:
    """Whether all four corners lie within the ellipse of a round part."""
    if part.shape != "round":
        return True
    across, down = part.width_mm / 2, part.height_mm / 2
    middle_x, middle_y = part.left_mm + across, part.top_mm + down
    return all(
        ((x - middle_x) / across) ** 2 + ((y - middle_y) / down) ** 2 <= 1 + _HAIR_MM
        for x in (field.left_mm, field.right_mm)
        for y in (field.top_mm, field.bottom_mm)
    )


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return (
        one.left_mm + _HAIR_MM < other.right_mm
        and other.left_mm + _HAIR_MM < one.right_mm
        and one.top_mm + _HAIR_MM < other.bottom_mm
        and other.top_mm + _HAIR_MM < one.bottom_mm
    )


def _mm(length: float) -> str:
    return f"{length:.2f}".rstrip("0").rstrip(".")
