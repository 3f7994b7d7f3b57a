"""The letters on a label, measured in printer dots: typefaces in which accents exist, and one where 0 and O differ."""

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

from PIL import ImageFont

from labels.errors import LabelError


@dataclass(frozen=True)
class Face:
    """A typeface file and what is chosen in it.

    axes    of a variable font, in the file's own order
    family  what other programs call it, for drawings that name fonts
    """

    path: str
    family: str
    weight: int = 400
    axes: Mapping[str, float] = field(default_factory=dict, hash=False)


# Pillow's own built-in face has no accented letter: é comes out as an empty box.
_DEJAVU = str(files("barcode") / "fonts" / "DejaVuSansMono.ttf")
_NOTO = str(files("fontpkg_noto_sans") / "files" / "NotoSans[wdth,wght].ttf")

FACES = {
    "mono": Face(_DEJAVU, "DejaVu Sans Mono, monospace"),
    "sans": Face(_NOTO, "Noto Sans, sans-serif", 500, {"wght": 500, "wdth": 100}),
    "sans-bold": Face(_NOTO, "Noto Sans, sans-serif", 700, {"wght": 700, "wdth": 100}),
    # Thin strokes drop out at 4 points and 8 dots to the millimetre: narrow letters are half bold.
    "sans-condensed": Face(_NOTO, "Noto Sans, sans-serif", 600, {"wght": 600, "wdth": 75}),
    "sans-narrow": Face(_NOTO, "Noto Sans, sans-serif", 600, {"wght": 600, "wdth": 62.5}),
}
"""Every font a field can ask for."""

_NEVER_A_LETTER = "\ufffe"
# Whatever French writes stands between the top of these and the foot of those.
_TALLEST, _DEEPEST = "ÉÀÛÏŒ", "çgjpqy"
_CAPITALS = "HX0123456789"
#: Letters are set one after the other, to the right: what is written to the left would be read backwards.
_FROM_RIGHT_TO_LEFT = frozenset(("R", "AL", "AN"))
#: How many sizes of letters are remembered; all labels of a bank need some hundred.
_KEPT = 2000
_NOUGHTS = str.maketrans(dict.fromkeys("123456789", "0"))


def face(name: str) -> Face:
    """The typeface of that name.

    raises  LabelError `label_font_unknown`
    """
    if name not in FACES:
        raise LabelError("label_font_unknown", font=name, known=", ".join(FACES))
    return FACES[name]


@lru_cache(maxsize=64)  # each takes up to a megabyte
def font(size: int, name: str = "mono") -> ImageFont.FreeTypeFont:
    """The face in letters of so many dots."""
    chosen = face(name)
    # The basic engine is in every Pillow; the other one depends on how it was built.
    made = ImageFont.truetype(chosen.path, size, layout_engine=ImageFont.Layout.BASIC)
    if chosen.axes:
        made.set_variation_by_axes(list(chosen.axes.values()))
    return made


def alike(text: str, name: str = "mono") -> str:
    """A text that takes exactly the same room: in a face whose digits are all as wide, every digit is a nought.

    Numbers that differ in their digits alone are so measured once.
    """
    return text.translate(_NOUGHTS) if _digits_alike(name) else text


def family(name: str) -> tuple[str, int]:
    """What a style sheet calls the face, and its weight."""
    return face(name).family, face(name).weight


def width(text: str, size: int, name: str = "mono") -> int:
    """How far the text reaches, in dots. Each letter is measured once: neither face moves neighbours together."""
    return sum(map(_advances(size, name).__getitem__, text))


def line(size: int, name: str = "mono") -> tuple[int, int]:
    """How far a line of any French text reaches over the line it stands on, and under it."""
    return _line(size, name)


def ink(text: str, size: int, name: str = "mono") -> tuple[int, int]:
    """The same of just this text, though never lower than a capital or a digit: all digits count alike."""
    reaches = _reaches(size, name)
    over, under = zip(*[reaches[character] for character in text + _CAPITALS], strict=True)
    return max(over), max(0, *under)


@lru_cache(maxsize=512)
def drawable(text: str, name: str = "mono") -> str:
    """The text in its composed form; refuses control characters and what the typeface does not have."""
    composed = unicodedata.normalize("NFC", text)
    for character in composed:
        if not _has(character, name):
            raise LabelError("label_text_character", character=f"U+{ord(character):04X}", text=text)
    return composed


def without_strange(text: str, name: str = "mono") -> str:
    """What is left of a text without the characters that its typeface, or the one that steps in for it, lacks."""
    face_of = suited(text, name)
    return "".join([letter for letter in unicodedata.normalize("NFC", text) if _has(letter, face_of)])


@lru_cache(maxsize=512)
def suited(text: str, name: str) -> str:
    """This font; where it lacks a letter of the text (≤, →), the one that has the most."""
    composed = unicodedata.normalize("NFC", text)
    return name if all(_has(character, name) for character in composed) else "mono"


class _Advances(dict[str, int]):
    def __init__(self, size: int, name: str) -> None:
        self._of = size, name

    def __missing__(self, character: str) -> int:
        self[character] = advance = math.ceil(font(*self._of).getlength(character, mode="1"))
        return advance


class _Reaches(dict[str, tuple[int, int]]):
    def __init__(self, size: int, name: str) -> None:
        self._of = size, name

    def __missing__(self, character: str) -> tuple[int, int]:
        _, over, _, under = font(*self._of).getbbox(character, mode="1", anchor="ls")
        self[character] = reach = (-math.floor(over), math.ceil(under))
        return reach


@cache
def _digits_alike(name: str) -> bool:
    return all(len({width(digit, size, name) for digit in "0123456789"}) == 1 for size in range(8, 200, 7))


@lru_cache(maxsize=_KEPT)
def _advances(size: int, name: str) -> _Advances:
    return _Advances(size, name)


@lru_cache(maxsize=_KEPT)
def _reaches(size: int, name: str) -> _Reaches:
    return _Reaches(size, name)


@lru_cache(maxsize=_KEPT)
def _line(size: int, name: str) -> tuple[int, int]:
    return ink(_TALLEST + _DEEPEST, size, name)


@lru_cache(maxsize=10_000)
def _has(character: str, name: str) -> bool:
    if unicodedata.category(character)[0] in "CMZ" and character not in " \u00a0\u202f":
        return False
    if unicodedata.bidirectional(character) in _FROM_RIGHT_TO_LEFT:
        return False
    return character.isspace() or _picture(character, name) != _picture(_NEVER_A_LETTER, name)


def _picture(character: str, name: str) -> tuple[tuple[int, int], bytes]:
    mask = font(24, name).getmask(character)
    return mask.size, bytes(mask)
