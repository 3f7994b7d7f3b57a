"""A text as the dark and light modules of a Code 128 symbol (ISO/IEC 15417)."""

import re

from barcode.charsets.code128 import CODES, STOP
from barcode.codex import Code128, Gs1_128

from labels import alphabet

QUIET = 10
"""Light modules that must stay empty on each side."""

FNC1 = "\xf1"
"""Stands in a text for function character 1: GS1's mark at the front, and between two fields."""

FNC3 = "\xf3"
"""Stands in a text for function character 3: a scanner that meets it sets itself, and types nothing."""

WIDTH = 11
"""Modules of one symbol character."""

_PLAIN = re.compile("[!-~](?:[ -~]*[!-~])?")
_DIGITS = "0123456789"
_END = len(STOP) + len("11")
_VALUES = {bars: value for value, bars in enumerate(CODES)}


class _Code128(Code128):
    """python-barcode 0.16, shorter by up to two symbol characters, and without losing two leading digits 99.

    It takes those for a change of set. And of an odd number of digits it writes the last alone, after a change back;
    the first one, before the change, costs nothing (ISO/IEC 15417, annex E).
    """

    def _maybe_switch_charset(self, pos: int) -> list[int]:
        if pos and self._charset != "C" and self.code[pos] in _DIGITS:
            rest = self.code[pos:]
            if (len(rest) - len(rest.lstrip(_DIGITS))) % 2:
                return []
        switched: list[int] = super()._maybe_switch_charset(pos)
        return switched

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        return encoded if self.code.startswith("99") else list(super()._try_to_optimize(encoded))


def modules(text: str) -> str:
    """`1` for a dark module, `0` for a light one, without the quiet zones.

    >>> len(modules("T00421736"))
    101
    """
    if not _PLAIN.fullmatch(text):
        alphabet.check(text, "code128", lambda character: " " <= character <= "~")
    return str(_Code128(text).build()[0])


def setting_modules(text: str) -> str:
    """Like `modules`, for a symbol that sets a scanner: control characters and `FNC3` are as good as any other.

    >>> len(setting_modules(FNC3 + "91"))
    68
    """
    alphabet.check(
        text.replace(FNC3, ""), "code128", lambda character: character <= "\x7f", blanks_at_ends=True
    )
    return str(_Code128(text).build()[0])


def gs1_modules(message: str) -> str:
    """The modules of a GS1 message that was checked before, `FNC1` between its fields and put at its front here."""
    return str(Gs1_128(message).build()[0])


def values(bars: str) -> tuple[int, ...]:
    """The symbol values that modules are made of, from the start character on, without check character and stop.

    >>> values(modules("T00421736"))
    (104, 52, 99, 0, 42, 17, 36)
    """
    return tuple([_VALUES[bars[at : at + WIDTH]] for at in range(0, len(bars) - _END - WIDTH, WIDTH)])


def fits(character: str, room: int) -> int:
    """How often this character can be repeated in a symbol that fits `room` modules, quiet zones included."""
    symbols = (room - 2 * QUIET - _END) // WIDTH - 2  # without start and check character
    if symbols < 1:
        return 0
    # Two digits share a symbol; a last single one costs a change of set as well, so it never pays.
    return 2 * symbols if character.isdigit() else symbols
