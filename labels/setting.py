"""A text set in the largest letters that fit its place, in whole printer dots, on one line or on several."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from labels import letters

# Between two lines, for each dot of letter size.
_LEADING = 0.08


class Place(NamedTuple):
    """A rectangle for a text; `exact` measures each letter's own height, else all texts of a font stand alike."""

    width: int
    height: int
    font: str
    rows: int = 1
    exact: bool = False


@dataclass(frozen=True)
class Setting:
    """The lines of a text, the size of its letters, and how far a line reaches over and under its foot."""

    size: int
    lines: tuple[str, ...]
    over: int
    under: int

    @property
    def step(self) -> int:
        """From one line to the next."""
        return self.over + self.under + math.ceil(self.size * _LEADING)

    @property
    def height(self) -> int:
        return (len(self.lines) - 1) * self.step + self.over + self.under


def largest(text: str, place: Place, smallest: int) -> Setting | None:
    """The largest setting that fits; None where even letters of `smallest` dots are too large."""
    measured = letters.alike(text, place.font)
    found = _largest(measured, place, smallest)
    if found is None or measured == text:
        return found
    if found.lines == (measured,):
        return Setting(found.size, (text,), found.over, found.under)
    words = iter(text.split())
    lines = tuple([" ".join(islice(words, len(line.split()))) for line in found.lines])
    return Setting(found.size, lines, found.over, found.under)


@lru_cache(maxsize=512)
def _largest(text: str, place: Place, smallest: int) -> Setting | None:
    best = _fitting(text, smallest, place)
    # No letter is so flat that it could be half as large again as its place is high.
    too_large = place.height * 3 // 2 + 1
    while best is not None and too_large - best.size > 1:
        size = (best.size + too_large) // 2
        found = _fitting(text, size, place)
        if found is None:
            too_large = size
        else:
            best = found
    return best


def longest_start(text: str, place: Place, smallest: int) -> str:
    """As much of the text as its place holds in the smallest letters."""
    fits, too_many = 0, len(text)
    while too_many - fits > 1:
        end = (fits + too_many) // 2
        start = text[:end].rstrip()
        if not start or _fitting(start, smallest, place):
            fits = end
        else:
            too_many = end
    return text[:fits].rstrip()


def _fitting(text: str, size: int, place: Place) -> Setting | None:
    over, under = letters.ink(text, size, place.font)
    if not place.exact:
        line_over, line_under = letters.line(size, place.font)
        over, under = max(over, line_over), max(under, line_under)  # Ằ stands higher than any French letter
    if over + under > place.height:
        return None
    lines = _broken(text, size, place)
    setting = Setting(size, lines, over, under)
    return setting if lines and setting.height <= place.height else None


def _broken(text: str, size: int, place: Place) -> tuple[str, ...]:
    """The text in at most so many lines, broken at blanks; none where it does not fit."""
    if letters.width(text, size, place.font) <= place.width:
        return (text,)
    if place.rows == 1:
        return ()
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and letters.width(longer, size, place.font) <= place.width:
            lines[-1] = longer
        elif len(lines) == place.rows or letters.width(word, size, place.font) > place.width:
            return ()
        else:
            lines.append(word)
    return tuple(lines)
