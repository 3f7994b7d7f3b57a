"""A text as the dark and light modules of a Code 128 symbol (ISO/IEC 15417)."""

from functools import cache

from barcode.codex import Code128

from labels.errors import LabelError

QUIET = 10
"""Light modules that must stay empty on each side."""

FNC3 = "\xf3"
"""Stands in a text for function character 3: a scanner that meets it sets itself, and types nothing."""


def modules(text: str) -> str:
    """`1` for a dark module, `0` for a light one, without the quiet zones.

    >>> len(modules("T00421736"))
    101
    """
    if not text:
        raise LabelError("label_code_empty")
    for at, character in enumerate(text):
        # A blank at either end is legal in the symbol, but every reader's trimming would lose it.
        at_an_end = at in (0, len(text) - 1)
        if not " " <= character <= "~" or (character == " " and at_an_end):
            raise LabelError("label_code_character", character=f"U+{ord(character):04X}", content=text)
    return str(Code128(text).build()[0])


def setting_modules(text: str) -> str:
    """Like `modules`, for a symbol that sets a scanner: control characters and `FNC3` are as good as any other.

    >>> len(setting_modules(FNC3 + "91"))
    68
    """
    for character in text:
        if character > "\x7f" and character != FNC3:
            raise LabelError("label_code_character", character=f"U+{ord(character):04X}", content=text)
    if not text.replace(FNC3, ""):
        raise LabelError("label_code_empty")
    return str(Code128(text).build()[0])


def width(text: str) -> int:
    """Modules from edge to edge, quiet zones included."""
    return len(modules(text)) + 2 * QUIET


def longest(character: str, room: int) -> int:
    """How often this character can be repeated in a symbol that fits `room` modules."""
    count = 0
    while _repeated(character, count + 1) <= room:
        count += 1
    # A last odd digit costs more than the pair it would start.
    return count + 2 if _repeated(character, count + 2) <= room else count


@cache
def _repeated(character: str, count: int) -> int:
    return width(character * count)
