"""One code or one text of a label as commands of ZPL II.

Bars and modules are drawn by the printer itself where it is certain to draw exactly ours; what it might choose
otherwise, and what its letters cannot spell, goes as a picture of just that mark. Nothing that was given as data can
become a command: see `_data`.

Facts about the commands are from Zebra's ZPL II Programming Guide, volume one (45541L-004, with its page).
"""

import re
from functools import lru_cache
from math import ceil, floor

from PIL import Image, ImageChops

from labels.layout import Code, Layout, Words
from labels.render import mark_picture
from labels.stock import DOTS_PER_MM
from labels.symbols import KINDS

_TURNS = {0: "N", 90: "R", 180: "I", 270: "B"}
_START_B, _START_C, _TO_C, _TO_B, _FNC1 = 104, 105, 99, 100, 102

# --- codes


def code(mark: Code, left: int, top: int) -> str:
    symbol, turn = mark.symbol, _TURNS[mark.turn]
    place = f"^FO{mark.left + left},{mark.top + top}"
    # ^BY takes modules of 1 to 10 dots (page 103).
    if symbol.linear and mark.module <= 10 and (said := _code128(symbol.content, symbol.values)):
        mode, data = said
        return f"{place}^BY{mark.module},2,{mark.height}^BC{turn},{mark.height},N,N,N,{mode}{_data(data)}"
    if not symbol.linear and (data := _data_matrix(symbol.columns, symbol.lines, symbol.values)):
        # 200 is the quality; columns and rows are forced; `_` leads in a function character, whose default differs
        # between firmwares (page 100).
        size = f"{mark.module},200,{symbol.columns},{symbol.lines}"
        return f"{place}^BX{turn},{size},,_{_data(data)}"
    # QR (the printer would choose version and mask itself), rectangular Data Matrix (page 99: not every firmware has
    # it), and whatever else it would not draw as we did.
    return place + _graphic(mark_picture(mark))


@lru_cache(maxsize=512)
def _code128(content: str, values: tuple[int, ...]) -> tuple[str, str] | None:
    """(mode of ^BC, its data) that gives exactly these symbol characters; None where that is not sure.

    Mode N follows the data's own invocation codes (page 49). Its `>5`, from set B to C, is avoided: the renderer that
    proves our output reads it as another function. There mode A, the printer's own choice, is used where every
    packing rule comes to the same: no four digits together before an even number of them at the end.
    """
    if values[0] != _START_B or _TO_C not in values:
        data = _invoked(values)
        return ("N", data) if data else None
    at = values.index(_TO_C)
    letters, pairs = values[1:at], values[at + 1 :]
    sure = letters and max(letters) < 95 and len(pairs) >= 2 and max(pairs) < 100
    return ("A", content) if sure and _UNPACKED.fullmatch(content[: at - 1]) else None


# Letters at both ends, no four digits together, nothing that is special in ^BC.
_UNPACKED = re.compile(r"(?!.*[0-9]{4}|.*[>^~])[^0-9](?:.*[^0-9])?")
# In set B these three stand for something else, or begin a command (page 49).
_SPECIAL_B = {ord(">") - 32: ">0", ord("^") - 32: "><", ord("~") - 32: ">="}
# A single character after an invocation code, at the end, is lost by the renderer that proves our output.
_LOST = re.compile(">.[^>]$")


def _invoked(values: tuple[int, ...]) -> str:
    """The symbol characters in the invocation codes of ^BC; "" where they take some that are not used here."""
    start, *rest = values
    if start not in (_START_B, _START_C):
        return ""
    in_c, parts = start == _START_C, [">;" if start == _START_C else ">:"]
    for value in rest:
        if value == _FNC1:
            parts.append(">8")
        elif in_c and value < 100:
            parts.append(f"{value:02}")
        elif in_c and value == _TO_B:
            in_c = False
            parts.append(">6")
        elif not in_c and value < 95:
            parts.append(_SPECIAL_B.get(value) or chr(value + 32))
        else:
            return ""
    said = "".join(parts)
    return "" if _LOST.search(said) else said


# The codewords of Data Matrix that stand for what they say: a character, two digits, function character 1.
_CHARACTERS, _PAIRS, _FUNCTION_1 = range(1, 129), range(130, 230), 232
# ^BX takes even numbers of columns up to 49 (page 100).
_MOST_COLUMNS = 48


@lru_cache(maxsize=512)
def _data_matrix(columns: int, lines: int, codewords: tuple[int, ...]) -> str:
    """The data of a ^BX, with `_1` for function character 1; "" where the printer might not draw this symbol.

    Data too long for the forced size is not printed at all (page 100). So it has to fit in the plainest packing, which
    every printer can do; ours says by its codewords whether it did without another.
    """
    if columns != lines or columns > _MOST_COLUMNS:
        return ""
    pieces = []
    for codeword in codewords:
        if codeword in _PAIRS:
            pieces.append(f"{codeword - 130:02}")
        elif codeword == _FUNCTION_1:
            pieces.append("_1")
        # The escape character itself can be doubled, but not every printer undoes that.
        elif codeword in _CHARACTERS and codeword != ord("_") + 1:
            pieces.append(chr(codeword - 1))
        else:
            return ""
    return "".join(pieces)


# --- letters

# A Zebra's typeface 0 is CG Triumvirate Bold Condensed; its widths are in no guide. Those of Helvetica Bold, of which
# it is the condensed cut, in hundredths of the size and rounded up, are certainly not less.
_WIDTHS = dict.fromkeys("0123456789abcdeghknopqsuvxyzßàáâãäåçèéêëñòóôõöùúûüýÿ", 62)
_WIDTHS |= dict.fromkeys("fijlrtI !'()*,-./:;[]`|°·ìíîïÌÍÎÏ", 40)
_WIDTHS |= dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZÀÁÂÃÄÅÇÈÉÊËÑÒÓÔÕÖÙÚÛÜÝ#$+<=>?^_§µ±×÷", 80)
_WIDEST = 102
# The line they stand on, and how far they reach over and under it: capitals, with an accent, and what goes below.
_BASELINE, _CAPITAL, _ACCENTED, _BELOW, _CEDILLA = 0.75, 0.76, 0.98, 0.22, 0.26
_ACCENTED_CAPITALS = frozenset("ÀÁÂÃÄÅÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝ")
_LEVEL = _ACCENTED_CAPITALS.union(
    "ABCDEFGHIKLMNOPRSTUVWXYZabcdefhiklmnorstuvwxzàáâäèéêëíîïóôöùúûüß0123456789 .:-+°·'!?#%*"
)
# Letters this much smaller than laid out go as a picture; so do those under four points.
_LEAST_OF_SIZE, _LEAST_MM = 0.8, 1.41
# Millimetres such as 0.25 have no exact dot count in floating point; a millionth of a dot is nothing.
_HAIR = 1e-6
_MOST_KEPT = 256


def words(mark: Words, left: int, top: int, layout: Layout, letters: str) -> str:
    # In a batch most texts are the same on every label, and stand at the same place.
    made = layout.design.made
    kept = made.get(("words", layout.dpi, letters)) or made.setdefault(("words", layout.dpi, letters), {})
    said = kept.get((mark, left, top))
    if said is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        said = kept[mark, left, top] = _said(mark, left, top, layout, letters)
    return str(said)


def _said(mark: Words, left: int, top: int, layout: Layout, letters: str) -> str:
    if letters == "own" and (said := _said_in_own(mark, left, top, layout)):
        return said
    if not mark.width:
        return ""
    return f"^FO{mark.left + left},{mark.top + top}{_graphic(mark_picture(mark))}"


def _said_in_own(mark: Words, left: int, top: int, layout: Layout) -> str:
    """The text in the printer's letters, on the line and in the field it was laid out for; "" where they do not do."""
    start, room, align = _room(mark, layout)
    size, width = _own_letters(mark.text, mark.size, room, mark.baseline, mark.height - mark.baseline)
    if size < _LEAST_OF_SIZE * mark.size or size < _LEAST_MM * DOTS_PER_MM[layout.dpi]:
        return ""
    along = start + {"left": 0, "right": room - width}.get(align, (room - width) // 2)
    over = round(size * _BASELINE)
    # ^FO is the upper left corner of what is printed, whichever way that is turned (page 146).
    over_it, under_it = mark.baseline - over, mark.height - mark.baseline - (size - over)
    across = over_it if mark.turn in (0, 270) else under_it
    if mark.turn in (0, 180):
        left, top = left + along, top + mark.top + across
    else:
        left, top = left + mark.left + across, top + along
    # Nothing is printed before the edge, and moved inwards they might lie over a symbol.
    if left < 0 or top < 0:
        return ""
    return f"^FO{left},{top}^A0{_TURNS[mark.turn]},{size},{size}{_data(mark.text)}"


def _room(mark: Words, layout: Layout) -> tuple[int, int, str]:
    """Where the field of a text begins along the text, how long it is, and the end that the text is set to."""
    rooms = layout.design.made.get(("letters", layout.dpi))
    if rooms is None:
        rooms = layout.design.made.setdefault(("letters", layout.dpi), _rooms(layout))
    for left, top, right, bottom, align in rooms:
        if left <= mark.left < right and top <= mark.top < bottom:
            end = {"left": "right", "right": "left"}.get(align, align) if mark.turn >= 180 else align
            return (left, right - left, end) if mark.turn in (0, 180) else (top, bottom - top, end)
    if mark.turn in (0, 180):
        return mark.left, mark.width, "left"
    return mark.top, mark.width, "left"


def _rooms(layout: Layout) -> list[tuple[int, int, int, int, str]]:
    scale = DOTS_PER_MM[layout.dpi]
    return [
        (
            ceil(field.left_mm * scale - _HAIR),
            ceil(field.top_mm * scale - _HAIR),
            floor(field.right_mm * scale + _HAIR),
            floor(field.bottom_mm * scale + _HAIR),
            field.align,
        )
        for field in layout.design.fields
        if field.kind not in KINDS
    ]


@lru_cache(maxsize=512)
def _own_letters(text: str, size: int, width: int, over: int, under: int) -> tuple[int, int]:
    """(size, the most that they are wide) of the largest of the printer's own letters that certainly fit.

    (0, 0) where it does not have them all. Blocks and lines of that code page are none, and fill more than a letter.
    """
    try:
        text.encode("cp850")
        text.encode("latin-1")
    except UnicodeEncodeError:
        return 0, 0
    needed = sum([_WIDTHS.get(character, _WIDEST) for character in text])
    highest = _CAPITAL if _ACCENTED_CAPITALS.isdisjoint(text) else _ACCENTED
    size = min(size, width * 100 // max(1, needed), int(over / highest))
    if not _LEVEL.issuperset(text):
        size = min(size, int(under / (_CEDILLA if "ç" in text or "Ç" in text else _BELOW)))
    return size, -(-needed * size // 100)


# --- what is written into ^FD, ^GF

_SPECIAL = re.compile(r"[^A-Za-z0-9 .,:;<=>()/+*'\"#%&!?@$_|-]")


def _data(text: str) -> str:
    """A field with this text as its data.

    Whatever is not plain goes as hexadecimal of its UTF-8, led in by a backslash (^FH, which the printer resolves
    after it has found the commands): neither a caret, a tilde nor a control character is ever sent as itself.
    """
    escaped = _SPECIAL.sub(_hexadecimal, text)
    return f"^FD{text}^FS" if escaped == text else f"^FH\\^FD{escaped}^FS"


def _hexadecimal(found: re.Match[str]) -> str:
    return "".join([f"\\{byte:02X}" for byte in found[0].encode()])


def _graphic(picture: Image.Image) -> str:
    """A picture as ^GFA, in the shorter of its two spellings."""
    # In a picture 1 is white, in ZPL 1 is black. Rows begin on a whole byte in both.
    row, data = (picture.width + 7) // 8, ImageChops.invert(picture).tobytes()
    plain = data.hex().upper()
    short = _compressed([plain[at : at + 2 * row] for at in range(0, len(plain), 2 * row)])
    return f"^GFA,{len(data)},{len(data)},{row},{short if len(short) < len(plain) else plain}^FS"


def _compressed(rows: list[str]) -> str:
    """Zebra's run lengths: `:` the row above again, `,` zeros to the end, a letter before what repeats."""
    parts, above = [], ""
    for row in rows:
        if row == above:
            parts.append(":")
            continue
        above = row
        # Whole bytes only: that is what every firmware fills up.
        kept = (len(row.rstrip("0")) + 1) // 2 * 2
        end = "," if kept < len(row) else ""
        parts.append(re.sub(r"(.)\1{2,}", lambda run: _repeated(len(run[0])) + run[1], row[:kept]) + end)
    return "".join(parts)


def _repeated(count: int) -> str:
    """G to Y stand for 1 to 19, g to z for 20, 40 … 400; several add up."""
    most, rest = divmod(count, 400)
    twenties, ones = divmod(rest, 20)
    return (
        "z" * most + (chr(ord("f") + twenties) if twenties else "") + (chr(ord("F") + ones) if ones else "")
    )
