"""A rack from a picture: which code stands in which well, and which wells somebody has to look at. Pure.

The whole picture is decoded once. The codes that are found tell where the wells of the rack or puck are, and every well
that is not read is cut out and looked at again in many ways. What no look reads is *unread*, never guessed.
"""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from biobank.core.errors import Malformed, Reason, Unreadable
from biobank.racks.picture_codes import Seen, look_at_all
from biobank.racks.picture_file import open_picture
from biobank.racks.picture_layout import Layout, lay
from biobank.racks.picture_looks import Look, Picture, look_closer
from biobank.racks.picture_wells import Patch, Reduced, empty_ones
from biobank.racks.wells import EMPTY, READ, UNREAD

__all__ = ["PictureReading", "Seen", "Well", "read_picture"]

MOST_WELLS = 400
#: Looks that all wells of a picture share, about a millisecond each, and how many a well gets in each round.
LOOKS_A_PICTURE, ROUNDS = 3_500, (12, 24, 48, 96, 200, 800, 3_000)
SECONDS = 6.0  # where the machine is busy, what is not read by then stays unread
NOT_YET = ""
FORM_KNOWN = 3  # so many codes of one form, and a code of another form must be read twice to be believed


@dataclass(frozen=True)
class Well:
    """One place. row and column count from 1; x and y are its centre, in pixels of the picture as shown."""

    row: int
    column: int
    text: str | None
    state: str  # read, empty or unread
    x: float
    y: float


@dataclass(frozen=True)
class PictureReading:
    """A rack as a picture shows it. A puck has sixteen rows and one column: its numbered places.

    stray   codes that stand in no well
    linear  the linear codes on the rack's side
    doubts  what somebody should look at before believing the places
    """

    width: int
    height: int
    rows: int
    columns: int
    wells: tuple[Well, ...]
    stray: tuple[Seen, ...]
    linear: tuple[str, ...]
    doubts: tuple[Reason, ...] = ()


def read_picture(
    content: bytes,
    *,
    rows: int | None = None,
    columns: int | None = None,
    puck: bool | None = None,
    below: bool = False,
) -> PictureReading:
    """Read a flatbed scan or a photograph of one rack or puck.

    rows, columns  of the rack, where they are known; else the smallest rack that is made and holds all codes
    puck           True for a puck, False for a rack; None: whichever fits
    below          the rack was seen from below, so A01 is at the right
    raises         Unreadable, TooLarge, Malformed
    """
    shape = _shape(rows, columns, puck)
    picture = open_picture(content)
    seen, linear = look_at_all(picture.grey)
    if not seen:
        raise Unreadable("rack_picture_unreadable")
    layout = lay(picture.grey, seen, shape=shape, puck=puck, below=below)
    texts, stray = _laid(layout, seen)
    unread = _Unread(picture, layout, texts, median(code.size for code in seen))
    unread.look()
    wells = tuple(
        Well(number // layout.columns + 1, number % layout.columns + 1, texts.get(number), unread.state(number),
             round(centre.real, 1), round(centre.imag, 1))
        for number, centre in enumerate(layout.centres)
    )  # fmt: skip
    width, height = picture.grey.size
    return PictureReading(width, height, layout.rows, layout.columns, wells, stray, linear, layout.doubts)


def _shape(rows: int | None, columns: int | None, puck: bool | None) -> tuple[int, int] | None:
    if puck or (rows is None and columns is None):
        return None
    if rows is None or columns is None or not (min(rows, columns) > 0 and rows * columns <= MOST_WELLS):
        raise Malformed(
            {"columns" if rows else "rows": Reason("rack_picture_bad_shape", {"most": MOST_WELLS})}
        )
    return rows, columns


# --- the wells


def _laid(layout: Layout, seen: Sequence[Seen]) -> tuple[dict[int, str], tuple[Seen, ...]]:
    """The code of each well, and the codes beside them. raises Unreadable where two codes stand in one well"""
    texts: dict[int, str] = {}
    stray: list[Seen] = []
    for code in seen:
        number = layout.well_at(code.at)
        if number is None:
            stray.append(code)
        elif texts.setdefault(number, code.text) != code.text:
            raise Unreadable(
                "rack_picture_two_codes", row=number // layout.columns + 1, column=number % layout.columns + 1,
                one=texts[number], other=code.text,
            )  # fmt: skip
    return texts, tuple(stray)


class _Unread:
    """The wells in which nothing is read yet. `texts` is filled as they are read."""

    def __init__(self, picture: Picture, layout: Layout, texts: dict[int, str], size: float) -> None:
        self.picture, self.layout, self.texts, self.size = picture, layout, texts, size
        self.sure = set(texts.values())
        self.forms = Counter(_form(text) for text in texts.values())
        self.reduced = Reduced(picture.grey)
        patches = {number: self._patch(centre) for number, centre in enumerate(layout.centres)}
        others = {number: patches[number] for number, centre in enumerate(layout.centres)
                  if number not in texts and self.reduced.holds(centre)}  # fmt: skip
        self.empty = empty_ones([patches[number] for number in texts], others)
        self.helped: Counter[tuple[str, int, str]] = Counter()
        self.read: dict[int, Counter[str]] = {number: Counter() for number in patches if number not in texts}

    def _patch(self, centre: complex) -> Patch:
        return self.reduced.patch(centre, self.layout.reach, self.size, self.layout.turn)

    def look(self) -> None:
        """Look closer, at all of them a few times, then longer and longer at what is still unread.

        A code that comes up in two wells is believed in neither, nor one that is read elsewhere.
        """
        looks, left, until = list(self.picture.looks), LOOKS_A_PICTURE, time.monotonic() + SECONDS
        found: dict[int, str | None] = {}
        for number_of_looks in ROUNDS:
            wells = [number for number in self.read if number not in found
                     and (number not in self.empty or number_of_looks == ROUNDS[0])]  # fmt: skip
            most = min(number_of_looks, left // max(1, len(wells)))
            for number in wells:
                if time.monotonic() > until:
                    break
                text = self._read(number, looks[:most], until)
                if text != NOT_YET:
                    found[number] = text
            left -= most * len(wells)
            # What has helped with one tube of the picture will help with another.
            looks = sorted(looks[most:], key=lambda look: -self.helped[look.kind])
        times = Counter(text for text in found.values() if text)
        for number, text in found.items():
            self.empty.discard(number)  # something is there
            if text and times[text] == 1 and text not in self.sure:
                self.texts[number] = text

    def _read(self, number: int, looks: Sequence[Look], until: float) -> str | None:
        """What is believed to stand there: a code, None when looks disagree, or NOT_YET."""
        read, reach = self.read[number], min(self.layout.reach, 1.05 * self.size)
        for look, code in look_closer(self.picture, self.layout.centres[number], reach, looks, until):
            if self.layout.well_at(code.at) != number or not 0.6 < code.size / self.size < 1.6:
                continue
            read[code.text] += 1
            self.helped[look.kind] += 1
            if len(read) > 1:
                return None
            if read[code.text] > 1 or self.forms[_form(code.text)] >= FORM_KNOWN:
                return code.text
        return NOT_YET

    def state(self, number: int) -> str:
        if number in self.texts:
            return READ
        return EMPTY if number in self.empty else UNREAD


def _form(text: str) -> str:
    """Which letters and digits it has, without saying which: "A1" and "B7" are of one form."""
    return re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", re.sub(r"\d", "9", text)))
