"""A text as the codewords of a Data Matrix ECC 200 (ISO/IEC 16022), and the smallest symbol that holds them.

The size is chosen here from the table of sizes, and ppf-datamatrix is handed exactly as many codewords as it holds.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ppf.datamatrix import DataMatrix, codec_C40, codec_text

from labels import alphabet
from labels.errors import LabelError

SHAPES = ("square", "rectangle", "any")
QUIET = 1
"""Light modules that must stay empty on each side."""

FNC1 = 232
"""The codeword that opens a GS1 symbol; a reader gives one further on back as U+001D."""

SEPARATOR = "\x1d"

_SIZES = Path(__file__).with_name("datamatrix_ecc200_sizes.csv")
_ANY_ROOM = 10_000
_DIGITS = frozenset("0123456789")
_PAD, _PAIR, _UPPER, _UNLATCH, _BASE_256 = 129, 130, 235, 254, 231
_LATCHES = ((230, codec_C40.codepage), (239, codec_text.codepage))
_UPPER_SHIFT = [1, 30]
_SHIFTED_FNC1 = [1, 27]


@dataclass(frozen=True)
class Size:
    """One row of the table of sizes; the capacities are characters."""

    columns: int
    lines: int
    codewords: int
    digits: int
    characters: int
    bytes: int

    @property
    def area(self) -> int:
        return self.columns * self.lines


@cache
def sizes(shape: str) -> tuple[Size, ...]:
    """Every size of this shape, the smallest first."""
    if shape not in SHAPES:
        raise LabelError("label_shape_unknown", shape=shape, known=", ".join(SHAPES))
    with _SIZES.open(encoding="utf-8", newline="") as file:
        every = [_size(row) for row in csv.DictReader(file)]
    fitting = [size for size in every if shape in ("any", _shape(size))]
    # Of two of the same area the square one: it is the easier to aim at.
    return tuple(sorted(fitting, key=lambda size: (size.area, size.columns)))


def _size(row: dict[str, str]) -> Size:
    lines, columns = map(int, row["symbol"].split("x"))
    capacities = (row["data_codewords"], row["numeric"], row["alphanumeric_c40"], row["bytes"])
    return Size(columns, lines, *map(int, capacities))


def _shape(size: Size) -> str:
    return "square" if size.columns == size.lines else "rectangle"


def drawn(text: str, shape: str, *, gs1: bool = False) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The rows of modules without quiet zone, and the codewords in them up to the padding.

    text  printable Latin-1, which is what a reader takes a Data Matrix for; of GS1 the element string with SEPARATOR
    """
    if not gs1:
        alphabet.check(text, "datamatrix", _printable)
    size, codewords = _chosen(text, shape, [FNC1] if gs1 else [])
    handed = _Codewords(bytes(_padded(codewords, size.codewords)))
    matrix = DataMatrix(handed, rect=size.columns != size.lines, codecs=["ascii"]).matrix
    return tuple(["".join(["1" if dark else "0" for dark in row]) for row in matrix]), tuple(codewords)


def capacity(columns: int, lines: int, shape: str, *, gs1: bool = False) -> dict[str, int]:
    """The most digits, and the most capitals and digits, in any size of this shape that fits the room."""
    fitting = [size for size in sizes(shape) if size.columns <= columns and size.lines <= lines]
    if gs1:
        return {
            "digits": max([2 * size.codewords - 2 for size in fitting], default=0),
            "characters": max([_gs1_characters(size) for size in fitting], default=0),
        }
    return {
        "digits": max([size.digits for size in fitting], default=0),
        "characters": max([size.characters for size in fitting], default=0),
    }


def _gs1_characters(size: Size) -> int:
    """After FNC1: three in two codewords, after one that says so, and one by itself at an odd end."""
    pairs, over = divmod(size.codewords - 2, 2)
    return max(3 * pairs + over, size.codewords - 1)


@cache
def _most_digits() -> int:
    return max(size.digits for size in sizes("any"))


class _Codewords:
    """Codewords that are ready, where ppf-datamatrix expects a text that it encodes."""

    def __init__(self, codewords: bytes) -> None:
        self._codewords = codewords

    def encode(self, _codec: str) -> bytes:
        return self._codewords


def _printable(character: str) -> bool:
    return " " <= character <= "~" or "\xa1" <= character <= "\xff"


def _chosen(text: str, shape: str, head: list[int]) -> tuple[Size, list[int]]:
    """The smallest size that holds the text in any way, and its codewords in the plainest way that fits."""
    plain = head + _ascii(text)
    for size in sizes(shape) if len(text) <= _most_digits() else ():  # what no size holds costs nothing
        if len(plain) <= size.codewords:
            return size, plain
        for ways in (_packed, _as_bytes):
            codewords = ways(text, head, size.codewords)
            if codewords is not None:
                return size, codewords
    most = capacity(_ANY_ROOM, _ANY_ROOM, shape, gs1=bool(head))
    raise LabelError("label_code_too_long", content=text.replace(SEPARATOR, ""), kind="datamatrix", **most)


def _ascii(text: str) -> list[int]:
    """Two digits a codeword, any other character one or, beyond ASCII, two."""
    codewords, at = [], 0
    while at < len(text):
        character = text[at]
        if character in _DIGITS and text[at + 1 : at + 2] in _DIGITS:
            codewords.append(_PAIR + int(text[at : at + 2]))
            at += 1
        elif character == SEPARATOR:
            codewords.append(FNC1)
        elif character > "\x7f":
            codewords += [_UPPER, ord(character) - 127]
        else:
            codewords.append(ord(character) + 1)
        at += 1
    return codewords


def _packed(text: str, head: list[int], room: int) -> list[int] | None:
    """Three capitals (C40) or small letters (Text) in two codewords, with the endings the standard allows."""
    for latch, page in _LATCHES:
        codewords = _ended(text, [*head, latch], page, room)
        if codewords is not None:
            return codewords
    return None


def _ended(text: str, codewords: list[int], page: dict[str, list[int]], room: int) -> list[int] | None:
    left = room - len(codewords)
    each = [_triplet(character, page) for character in text]
    values = [value for them in each for value in them]
    whole, over = divmod(len(values), 3)
    # What ends with the symbol needs no codeword that it ends.
    if over == 0 and 2 * whole == left:
        return codewords + _pairs(values)
    if over == 2 and 2 * whole + 2 == left:
        return codewords + _pairs([*values, 0])
    if over == 1 and len(each[-1]) == 1 and 2 * whole + 1 == left:
        return codewords + _pairs(values[:-1]) + _ascii(text[-1])
    while len(values) % 3:
        values = values[: -len(each.pop())]
    ended = [*_pairs(values), _UNLATCH, *_ascii(text[len(each) :])]
    return codewords + ended if values and len(ended) <= left else None


def _triplet(character: str, page: dict[str, list[int]]) -> list[int]:
    if character == SEPARATOR:
        return _SHIFTED_FNC1
    if character > "\x7f":
        return _UPPER_SHIFT + page[chr(ord(character) - 128)]
    return page[character]


def _pairs(values: list[int]) -> list[int]:
    packed: list[int] = []
    for at in range(0, len(values), 3):
        one, two, three = values[at : at + 3]
        packed += divmod(1600 * one + 40 * two + three + 1, 256)
    return packed


def _as_bytes(text: str, head: list[int], room: int) -> list[int] | None:
    """One codeword a byte, for what is mostly not ASCII; no way to write a separator."""
    if len(head) + len(text) + 2 > room or SEPARATOR in text:
        return None
    codewords = [*head, _BASE_256]
    for value in (len(text), *text.encode("latin-1")):
        codewords.append((value + 149 * (len(codewords) + 1) % 255 + 1) % 256)
    return codewords


def _padded(codewords: list[int], room: int) -> list[int]:
    """Filled up to the whole symbol: one pad, then pads that differ so that no pattern arises."""
    padded = codewords + [_PAD] * (len(codewords) < room)
    while len(padded) < room:
        value = _PAD + 149 * (len(padded) + 1) % 253 + 1
        padded.append(value if value <= 254 else value - 254)
    return padded
