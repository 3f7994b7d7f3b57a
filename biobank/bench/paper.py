"""Cards with a bar code on A4 paper, in groups, with lines to cut along. The words below are what the code says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app
from flask_babel import get_locale

from biobank.core import clock
from biobank.core.accession import spaced
from biobank.printing import symbols

if TYPE_CHECKING:
    from biobank.web.sheets import Sheet

#: Millimetres. Two cards side by side, each large enough to be read from half a metre.
_WIDTH, _HEIGHT, _GAP = 83.0, 36.0, 0.0
_MODULE, _BARS = 0.5, 15.0
_WORDS, _NUMBER = 15.0, 9.0
_ACROSS = 2


@dataclass(frozen=True)
class Card:
    """What the scanner reads, and what a person reads.

    kind    what the words are: two cards cut out may have the same words
    """

    code: str
    words: str
    kind: str = ""


def cards(title: str, groups: Sequence[tuple[str, Sequence[Card]]]) -> bytes:
    """A PDF of all cards, each group under its name. raises UnreadableSymbol for a code that does not read back"""
    from biobank.web.sheets import Sheet  # fpdf2 takes a third of a second to load

    sheet = Sheet(str(current_app.config["BIOBANK"]["bank_name"]))
    sheet.set_title(title)
    sheet.set_lang(str(get_locale() or "en"))
    sheet.set_creation_date(clock.now())
    sheet.add_page()
    sheet.say(title, size=16)
    for name, them in groups:
        if sheet.will_page_break(_HEIGHT + 12):
            sheet.add_page()
        if len(groups) > 1:
            sheet.say(name, size=13)
        _group(sheet, them)
    return bytes(sheet.output())


def _group(sheet: "Sheet", them: Sequence[Card]) -> None:
    for start in range(0, len(them), _ACROSS):
        if sheet.will_page_break(_HEIGHT):
            sheet.add_page()
        top = sheet.get_y()
        for place, card in enumerate(them[start : start + _ACROSS]):
            _draw(sheet, card, sheet.l_margin + place * (_WIDTH + _GAP), top)
        sheet.set_xy(sheet.l_margin, top + _HEIGHT)
    sheet.ln(6)


def _draw(sheet: "Sheet", card: Card, left: float, top: float) -> None:
    """Lines to cut along, the words, the bars, what they are and the number."""
    sheet.set_draw_color(150)
    sheet.set_dash_pattern(dash=1, gap=1)
    sheet.rect(left, top, _WIDTH, _HEIGHT)
    sheet.set_dash_pattern()
    sheet.set_draw_color(0)
    _line(sheet, card.words, left, top + 2, _WORDS, 8)
    symbol = symbols.bars(card.code)
    start = left + (_WIDTH - symbol.width * _MODULE) / 2
    sheet.set_fill_color(0)
    for _row, first, length in symbol.runs():
        sheet.rect(start + first * _MODULE, top + 11, length * _MODULE, _BARS, style="F")
    under = " · ".join(each for each in (card.kind, spaced(card.code)) if each)
    _line(sheet, under, left, top + 11 + _BARS + 1.5, _NUMBER, 5)


def _line(sheet: "Sheet", text: str, left: float, top: float, size: float, height: float) -> None:
    """One line in the middle of the card, in letters as large as fit."""
    sheet.set_font("letters", size=size)
    while size > 6 and sheet.get_string_width(text) > _WIDTH - 4:
        size -= 0.5
        sheet.set_font("letters", size=size)
    sheet.set_xy(left, top)
    sheet.cell(_WIDTH, height, text, align="C")
