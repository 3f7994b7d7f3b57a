"""Where every module and letter of one label goes, in whole printer dots; whoever draws it only follows."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labels import letters, symbols
from labels.design import DESIGNS, FIELDS, Design, Field, dots_per_mm, load
from labels.errors import LabelError
from labels.setting import Place, largest, longest_start
from labels.symbols import Symbol
from labels.templates import exactly, fill

# Millimetres such as 0.25 have no exact dot count in floating point; a millionth of a dot is nothing.
_HAIR = 1e-6
_KEPT_TEXTS = 2000


@dataclass(frozen=True)
class Label:
    """What is asked for.

    code    what the scanner will read
    design  the name of a file in config/labels, or a design
    values  the words of its templates: {"type": "Plasma EDTA"}; a word not given is empty
    number  the code spelled for people; by default our own numbers are grouped, others stand as they are
    texts   by index of the field, what stands there instead of what the design says: how a caller shortens
    """

    code: str
    design: str | Design = "tube"
    values: Mapping[str, str] = field(default_factory=dict)
    number: str | None = None
    texts: Mapping[int, str] = field(default_factory=dict)


Box = tuple[int, int, int, int]
"""Left, top, right, bottom in dots; right and bottom are the first dots outside."""


@dataclass(frozen=True)
class Mark:
    """Something on the label; `left`, `top` is the corner of its box as turned, clockwise by `turn` degrees."""

    left: int
    top: int
    turn: int

    def _turned(self, width: int, height: int) -> Box:
        if self.turn in (90, 270):
            width, height = height, width
        return self.left, self.top, self.left + width, self.top + height


@dataclass(frozen=True)
class Code(Mark):
    """One symbol in modules of `module` dots; its quiet zones lie outside its box.

    height  of the bars, or of all lines of the matrix, before turning
    field   index of the field it fills
    """

    module: int
    height: int
    symbol: Symbol
    field: int

    @property
    def width(self) -> int:
        """Before turning."""
        return self.symbol.columns * self.module

    @property
    def box(self) -> Box:
        return self._turned(self.width, self.height)

    @property
    def quiet_box(self) -> Box:
        """What must hold nothing else."""
        quiet = self.symbol.quiet * self.module
        left, top, right, bottom = self.box
        beside = quiet if self.turn in (0, 180) or not self.symbol.linear else 0
        above = quiet if self.turn in (90, 270) or not self.symbol.linear else 0
        return left - beside, top - above, right + beside, bottom + above


@dataclass(frozen=True)
class Words(Mark):
    """One line of text in letters of `size` dots; `width` and `height` before turning.

    baseline  how far under the top of the upright box the letters stand
    """

    size: int
    width: int
    height: int
    text: str
    font: str
    baseline: int

    @property
    def box(self) -> Box:
        return self._turned(self.width, self.height)


@dataclass(frozen=True)
class Layout:
    """A whole label on a grid of dots."""

    width: int
    height: int
    dpi: int
    code: str
    design: Design
    marks: tuple[Code | Words, ...]


@dataclass(frozen=True)
class _Room:
    """A field on the dot grid of one printer, never larger than the field; width and height as its content reads."""

    index: int
    field: Field
    design: Design
    dpi: int
    left: int
    top: int
    width: int
    height: int
    narrowest: int
    widest: int
    smallest: int

    @property
    def sides_mm(self) -> tuple[float, float]:
        """Width and height as its content reads."""
        sides = self.field.width_mm, self.field.height_mm
        return sides[::-1] if self.field.turn in (90, 270) else sides

    def at(self, across: int, down: int, width: int, height: int) -> tuple[int, int, int]:
        """Left, top and turn of a mark that stands at this place of the field before it is turned."""
        if self.field.turn == 90:
            across, down = self.height - down - height, across
        elif self.field.turn == 180:
            across, down = self.width - across - width, self.height - down - height
        elif self.field.turn == 270:
            across, down = down, self.width - across - width
        return self.left + across, self.top + down, self.field.turn

    def indent(self, width: int) -> int:
        """How far from its start something so wide stands."""
        free = self.width - width
        return {"left": 0, "right": free}.get(self.field.align, free // 2)


@dataclass(frozen=True)
class _Plan:
    """All that is the same for every label of a design on one printer.

    texts  what was set in a field before: most labels of a batch share their date, type and volume
    """

    width: int
    height: int
    rooms: tuple[_Room, ...]
    texts: dict[tuple[int, str], tuple[Words, ...]] = field(default_factory=dict)


def lay_out(label: Label, *, dpi: int | None = None, folder: Path = DESIGNS) -> Layout:
    """Place everything, or say what would have fitted.

    dpi     the printer's resolution; by default the design's own
    raises  LabelError; `params["field"]` is the index of the field that it is about
    """
    design = label.design if isinstance(label.design, Design) else load(label.design, folder)
    dpi = design.dpi if dpi is None else dpi
    plan = _planned(design, dpi)
    values = _values(label)
    marks: list[Code | Words] = []
    for room in plan.rooms:
        marks += _marks(room, label, values, plan)
    return Layout(plan.width, plan.height, dpi, label.code, design, tuple(marks))


def complaints(label: Label, *, dpi: int | None = None, folder: Path = DESIGNS) -> list[LabelError]:
    """Every reason why the label cannot be laid out, field by field; none where it can."""
    try:
        design = label.design if isinstance(label.design, Design) else load(label.design, folder)
        plan, values = _planned(design, design.dpi if dpi is None else dpi), _values(label)
    except LabelError as error:
        return [error]
    found = []
    for room in plan.rooms:
        try:
            _marks(room, label, values, plan)
        except LabelError as error:
            found.append(error)
        except ValueError:  # a template that cannot be filled: the faults of the design say so
            continue
    return found


def grouped(code: str) -> str:
    """Our own number in the three groups people read aloud; any other code unchanged.

    >>> grouped("T00421736"), grouped("FX05653780")
    ('T 004217 36', 'FX05653780')
    """
    ours = re.fullmatch(r"([A-Z])([0-9]{6,10})([0-9]{2})", code)
    return " ".join(ours.groups()) if ours else code


def _values(label: Label) -> dict[str, str]:
    """Every word of a template; what is not given is empty."""
    for word in label.values:
        if word not in FIELDS:
            raise LabelError("label_word_unknown", word=word, known=", ".join(FIELDS))
    number = grouped(label.code) if label.number is None else label.number
    return {**label.values, "code": label.code, "number": number}


def _planned(design: Design, dpi: int) -> _Plan:
    if dpi not in design.made:
        design.made[dpi] = _plan(design, dpi)
    plan: _Plan = design.made[dpi]
    return plan


def _plan(design: Design, dpi: int) -> _Plan:
    scale = dots_per_mm(dpi)
    rooms = tuple([_room(index, each, design, dpi) for index, each in enumerate(design.fields)])
    return _Plan(_down(design.stock.width_mm * scale), _down(design.stock.height_mm * scale), rooms)


def _room(index: int, field: Field, design: Design, dpi: int) -> _Room:
    scale = dots_per_mm(dpi)
    left, top = _up(field.left_mm * scale), _up(field.top_mm * scale)
    width = max(0, _down(field.right_mm * scale) - left)
    height = max(0, _down(field.bottom_mm * scale) - top)
    if field.turn in (90, 270):
        width, height = height, width
    narrowest = max(1, _up(design.stock.module_mm * scale))
    widest = max(narrowest, _down(field.widest_module_mm * scale))
    smallest = max(1, _up(field.smallest_text_mm * scale))
    return _Room(index, field, design, dpi, left, top, width, height, narrowest, widest, smallest)


def _up(dots: float) -> int:
    return math.ceil(dots - _HAIR)


def _down(dots: float) -> int:
    return math.floor(dots + _HAIR)


def _marks(room: _Room, label: Label, values: Mapping[str, str], plan: _Plan) -> Sequence[Code | Words]:
    try:
        if room.field.kind in symbols.KINDS:
            return (_code(exactly(room.field.value or "{code}", values), room),)
        if room.field.kind == "number":
            return tuple(_words(values["number"], room))
        text = label.texts.get(room.index)
        if text is None:
            text = fill(room.field.value, values)
        return _set_before(text, room, plan)
    except LabelError as error:
        error.params.update(field=room.index, design=room.design.name)
        raise


def _set_before(text: str, room: _Room, plan: _Plan) -> tuple[Words, ...]:
    found = plan.texts.get((room.index, text))
    if found is None:
        found = tuple(_words(text, room))
        if len(plan.texts) >= _KEPT_TEXTS:
            plan.texts.clear()
        plan.texts[room.index, text] = found
    return found


# --- symbols


def _code(content: str, room: _Room) -> Code:
    """The symbol in its field, in the widest whole-dot modules that leave its quiet zones."""
    found = _shapes(content, room.field)
    # Of the shapes that leave the widest module, the one of the smallest area.
    symbol = max(found, key=lambda each: (min(_module(each, room), room.widest), -each.width * each.height))
    module = min(_module(symbol, room), room.widest)
    if module < room.narrowest:
        raise _too_large(symbol, room)
    width = symbol.columns * module
    height = room.height if symbol.linear else symbol.lines * module
    quiet = symbol.quiet * module
    across = room.indent(width + 2 * quiet) + quiet
    left, top, turn = room.at(across, (room.height - height) // 2, width, height)
    return Code(left, top, turn, module, height, symbol, room.index)


def _shapes(content: str, field: Field) -> list[Symbol]:
    if field.shape != "any":
        return [symbols.encode(field.kind, content, shape=field.shape)]
    found = [symbols.encode(field.kind, content, shape="square")]
    try:
        found.append(symbols.encode(field.kind, content, shape="rectangle"))
    except LabelError as error:
        # Rectangles end at 98 digits; a square that holds the code is there already.
        if error.code != "label_code_too_long":
            raise
    return found


def _module(symbol: Symbol, room: _Room) -> int:
    """How many dots a module may have here."""
    return min(room.width // symbol.width, room.width if symbol.linear else room.height // symbol.height)


def _too_large(symbol: Symbol, room: _Room) -> LabelError:
    scale = dots_per_mm(room.dpi)
    fits = symbols.capacity(
        symbol.kind, room.width // room.narrowest, room.height // room.narrowest, room.field.shape
    )
    needed = [symbol.width * room.narrowest, symbol.height * room.narrowest]
    starts = [room.field.left_mm, room.field.top_mm]
    if room.field.turn in (90, 270):
        starts.reverse()
    # Wide enough where the field begins: up to one dot is lost before the first whole one.
    sides = [(_up(start * scale) + dots) / scale - start for start, dots in zip(starts, needed, strict=True)]
    ways = 1 if symbol.linear else 2
    return LabelError(
        "label_code_too_wide",
        content=symbol.content,
        kind=symbol.kind,
        dpi=room.dpi,
        module_mm=f"{room.narrowest / scale:.3f}",
        needed_mm=" × ".join(f"{_up(side * 10) / 10:.1f}" for side in sides[:ways]),
        room_mm=" × ".join(f"{side:.1f}" for side in room.sides_mm[:ways]),
        but_for_quiet=_bare(symbol, room) >= room.narrowest,
        **fits,
    )


def _bare(symbol: Symbol, room: _Room) -> int:
    """How many dots a module might have if no quiet zone were needed."""
    across = room.width // symbol.columns
    return across if symbol.linear else min(across, room.height // symbol.lines)


# --- texts


def _words(text: str, room: _Room) -> Iterator[Words]:
    """The text in the largest letters that fit its field."""
    font = letters.suited(text, room.field.font)
    text = letters.drawable(text, font).strip()
    if not text:
        return
    place = Place(room.width, room.height, font, room.field.rows, exact=room.field.kind == "number")
    setting = largest(text, place, room.smallest)
    if setting is None:
        raise _too_long(text, place, room)
    down = (room.height - setting.height) // 2
    height = setting.over + setting.under
    for line in setting.lines:
        width = letters.width(line, setting.size, font)
        left, top, turn = room.at(room.indent(width), down, width, height)
        yield Words(left, top, turn, setting.size, width, height, line, font, setting.over)
        down += setting.step


def _too_long(text: str, place: Place, room: _Room) -> LabelError:
    field = room.field
    return LabelError(
        "label_text_too_long",
        text=text,
        room_mm=f"{room.sides_mm[0]:.1f}",
        fits=longest_start(text, place, room.smallest),
        may_shorten=field.kind == "text" and field.may_shorten,
    )
