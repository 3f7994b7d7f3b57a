"""The letters on a label: one typeface in which 0 and O differ and accents exist, measured in printer dots."""

import math
import unicodedata
from functools import cache
from importlib.resources import files

from PIL import ImageFont

from labels.errors import LabelError

# Pillow's own built-in face has no accented letter (é comes out as an empty box), so the labels
# use DejaVu Sans Mono, which python-barcode carries.
FACE = str(files("barcode") / "fonts" / "DejaVuSansMono.ttf")
FAMILY = "DejaVu Sans Mono"

_NEVER_A_LETTER = "\ufffe"


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    # The basic engine is in every Pillow; the other one depends on how it was built.
    return ImageFont.truetype(FACE, size, layout_engine=ImageFont.Layout.BASIC)


def line_height(size: int) -> int:
    ascent, descent = font(size).getmetrics()
    return ascent + descent


def ascent(size: int) -> int:
    return font(size).getmetrics()[0]


def width(text: str, size: int) -> int:
    return math.ceil(font(size).getlength(text, mode="1"))


def drawable(text: str) -> str:
    """The text in its composed form; refuses control characters and what the typeface does not have."""
    text = unicodedata.normalize("NFC", text)
    for character in text:
        if not _has(character):
            raise LabelError("label_text_character", character=f"U+{ord(character):04X}", text=text)
    return text


@cache
def _has(character: str) -> bool:
    if unicodedata.category(character)[0] in "CMZ" and character not in " \u00a0\u202f":
        return False
    return character.isspace() or _picture(character) != _picture(_NEVER_A_LETTER)


def _picture(character: str) -> tuple[tuple[int, int], bytes]:
    mask = font(24).getmask(character)
    return mask.size, bytes(mask)
