"""Where every bar and letter of one label goes, in whole printer dots; whoever draws it only follows."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from labels import code128, letters
from labels.errors import LabelError
from labels.stock import DESIGNS, Design, Field, dots_per_mm, load

# Millimetres such as 0.25 have no exact dot count in floating point; a millionth of a dot is nothing.
_HAIR = 1e-6


@dataclass(frozen=True)
class Label:
    """What is asked for.

    code    what the scanner will read, and nothing else goes into the bars
    lines   free text, the first into the first `line` field of the design; "" leaves one empty
    number  the code spelled for people; by default our own numbers are grouped, others stand as they are
    """

    code: str
    design: str = "tube"
    lines: tuple[str, ...] = ()
    number: str | None = None


@dataclass(frozen=True)
class Bars:
    """One linear code: `modules` from `left`, each `module` dots wide; quiet zones lie outside it."""

    left: int
    top: int
    height: int
    module: int
    modules: str
    content: str


@dataclass(frozen=True)
class Words:
    """One line of text in letters of `size` dots, starting at `left`; `top` is the top of the line."""

    left: int
    top: int
    size: int
    width: int
    text: str


@dataclass(frozen=True)
class Layout:
    """A whole label on a grid of dots."""

    width: int
    height: int
    dpi: int
    code: str
    marks: tuple[Bars | Words, ...]


@dataclass(frozen=True)
class _Box:
    """A field on the dot grid of one printer, never larger than the field itself."""

    field: Field
    design: Design
    dpi: int
    left: int
    top: int
    width: int
    height: int


def lay_out(label: Label, *, dpi: int | None = None, folder: Path = DESIGNS) -> Layout:
    """Place everything, or say what would have fitted.

    dpi  the printer's resolution; by default the design's own
    """
    design = load(label.design, folder)
    dpi = design.dpi if dpi is None else dpi
    scale = dots_per_mm(dpi)
    _room_for(label.lines, design)
    lines = iter(label.lines)
    marks: list[Bars | Words] = []
    for field in design.fields:
        box = _box(field, design, dpi)
        if field.kind == "code128":
            marks.append(_bars(label.code, box))
            continue
        text = _number(label) if field.kind == "number" else next(lines, "")
        if text.strip():
            marks.append(_words(text, box))
    return Layout(
        width=math.floor(design.stock.width_mm * scale + _HAIR),
        height=math.floor(design.stock.height_mm * scale + _HAIR),
        dpi=dpi,
        code=label.code,
        marks=tuple(marks),
    )


def grouped(code: str) -> str:
    """Our own number in the three groups people read aloud; any other code unchanged.

    >>> grouped("T00421736"), grouped("FX05653780")
    ('T 004217 36', 'FX05653780')
    """
    ours = re.fullmatch(r"([A-Z])([0-9]{6,10})([0-9]{2})", code)
    return " ".join(ours.groups()) if ours else code


def _number(label: Label) -> str:
    return grouped(label.code) if label.number is None else label.number


def _room_for(lines: tuple[str, ...], design: Design) -> None:
    most = design.count("line")
    if len(lines) > most:
        raise LabelError("label_too_many_lines", design=design.name, most=most, lines=len(lines))


def _box(field: Field, design: Design, dpi: int) -> _Box:
    scale = dots_per_mm(dpi)
    left, top = math.ceil(field.left_mm * scale - _HAIR), math.ceil(field.top_mm * scale - _HAIR)
    right, bottom = math.floor(field.right_mm * scale + _HAIR), math.floor(field.bottom_mm * scale + _HAIR)
    return _Box(field, design, dpi, left, top, right - left, bottom - top)


def _bars(code: str, box: _Box) -> Bars:
    """The code in the middle of its field, in the widest whole-dot modules that leave both quiet zones."""
    scale = dots_per_mm(box.dpi)
    narrowest = math.ceil(box.design.stock.module_mm * scale - _HAIR)
    widest = max(narrowest, math.floor(box.field.widest_module_mm * scale + _HAIR))
    needed = code128.width(code)
    module = min(box.width // needed, widest)
    if module < narrowest:
        room = box.width // narrowest
        raise LabelError(
            "label_code_too_wide",
            content=code,
            design=box.design.name,
            dpi=box.dpi,
            module_mm=f"{narrowest / scale:.3f}",
            needed_mm=f"{math.ceil(needed * narrowest / scale * 10 - _HAIR) / 10:.1f}",
            room_mm=f"{math.floor(box.width / scale * 10 + _HAIR) / 10:.1f}",
            digits=code128.longest("0", room),
            characters=code128.longest("A", room),
        )
    dark_and_light = code128.modules(code)
    left = box.left + (box.width - len(dark_and_light) * module) // 2
    return Bars(left, box.top, box.height, module, dark_and_light, code)


def _words(text: str, box: _Box) -> Words:
    """The text in the largest letters that fit its field, centred."""
    text = letters.drawable(text)
    scale = dots_per_mm(box.dpi)
    smallest = max(1, math.ceil(box.field.smallest_text_mm * scale - _HAIR))
    for size in range(box.height, smallest - 1, -1):
        width = letters.width(text, size)
        if letters.line_height(size) <= box.height and width <= box.width:
            top = box.top + (box.height - letters.line_height(size)) // 2
            return Words(box.left + (box.width - width) // 2, top, size, width, text)
    raise LabelError(
        "label_text_too_long",
        text=text,
        design=box.design.name,
        room_mm=f"{box.width / scale:.1f}",
        fits=_longest_start(text, smallest, box.width),
    )


def _longest_start(text: str, size: int, room: int) -> str:
    end = 0
    while end < len(text) and letters.width(text[: end + 1], size) <= room:
        end += 1
    return text[:end].rstrip()
