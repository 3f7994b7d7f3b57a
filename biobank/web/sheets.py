"""Sheets of paper on which letters are written, with fpdf2.

Take any text that a site can type: what Noto Sans has no letter for is taken from DejaVu Sans Mono, and what neither of
them has is an empty box, never an error.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from flask_babel import gettext
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

from biobank.web.letters import Part, Signatures, Table

_LETTERS = str(files("fontpkg_noto_sans") / "files" / "NotoSans[wdth,wght].ttf")
_MORE_LETTERS = str(files("barcode") / "fonts" / "DejaVuSansMono.ttf")
_BODY, _LINE = 10.5, 5.6
_SMALL, _ROW = 9.0, 4.8
_MARGIN = 22.0
#: What must fit below a table's beginning: its heading and some rows.
_LEAST = 30.0


class Sheet(FPDF):
    """A4, with the bank's name on top and the number of the page below."""

    def __init__(self, bank: str) -> None:
        super().__init__(format="A4")
        self.bank = bank
        self._folded: dict[tuple[str, float], list[str]] = {}
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, margin=_MARGIN)
        self.add_font("letters", fname=_LETTERS)
        self.add_font("more", fname=_MORE_LETTERS)
        self.set_fallback_fonts(["more"], exact_match=False)
        self.set_font("letters", size=_BODY)

    def header(self) -> None:
        self.set_y(12)
        self.set_font("letters", size=_SMALL)
        self.cell(0, 5, self.bank, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.line(_MARGIN, self.get_y() + 1, self.w - _MARGIN, self.get_y() + 1)
        self.set_y(_MARGIN + 4)
        self.set_font("letters", size=_BODY)

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("letters", size=_SMALL)
        number = gettext("Page %(number)s of %(all)s", number=self.page_no(), all="{nb}")
        self.cell(0, 5, number, align="R")
        self.set_font("letters", size=_BODY)

    def say(self, text: str, *, size: float = _BODY, align: str = "L") -> None:
        """A paragraph, with the space after it."""
        self.set_font("letters", size=size)
        line = _LINE * size / _BODY
        self.multi_cell(0, line, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font("letters", size=_BODY)
        self.ln(_LINE / 2)

    def add(self, part: Part) -> None:
        if isinstance(part, Table):
            self._table(part)
        elif isinstance(part, Signatures):
            self._signatures(part)
        else:
            self.say(part)

    def _table(self, table: Table) -> None:
        """Row by row: fpdf2's own table takes ten times as long, and a certificate may name thousands of tubes."""
        parts = table.widths or [1] * len(table.columns)
        widths = [(self.w - 2 * _MARGIN) * part / sum(parts) for part in parts]
        self.set_font("letters", size=_SMALL)
        if self.will_page_break(_LEAST):
            self.add_page()
        self._row(table.columns, widths, heading=True)
        for row in table.rows:
            if not self._row(row, widths):
                self.add_page()
                self._row(table.columns, widths, heading=True)
                self._row(row, widths, at_any_rate=True)
        self.set_font("letters", size=_BODY)
        self.ln(_LINE)

    def _row(
        self,
        cells: Sequence[str],
        widths: Sequence[float],
        *,
        heading: bool = False,
        at_any_rate: bool = False,
    ) -> bool:
        """Write one row. returns whether it fitted on this page; if not, nothing was written"""
        self.set_font("letters", size=_SMALL)
        columns = [self._lines(text, width) for text, width in zip(cells, widths, strict=True)]
        height = _ROW * max(len(lines) for lines in columns) + 1.6
        if self.will_page_break(height) and not (heading or at_any_rate):
            return False
        left, top = self.l_margin, self.get_y()
        if heading:
            self.set_fill_color(235)
            self.rect(left, top, sum(widths), height, style="F")
        for lines, width in zip(columns, widths, strict=True):
            for place, text in enumerate(lines):
                self.set_xy(left, top + 0.8 + place * _ROW)
                self.cell(width, _ROW, text)
            left += width
        self.line(self.l_margin, top + height, left, top + height)
        self.set_xy(self.l_margin, top + height)
        return True

    def _lines(self, text: str, width: float) -> list[str]:
        return [line for part in text.split("\n") for line in self._fold(part, width)]

    def _fold(self, text: str, width: float) -> list[str]:
        """One line, or as many as it needs; kept, for a long table says the same few things again and again."""
        if (text, width) not in self._folded:
            lines: Any = [text]
            if self.get_string_width(text) > width - 2 * self.c_margin:
                lines = self.multi_cell(width, _ROW, text, dry_run=True, output=MethodReturnValue.LINES)
            self._folded[text, width] = list(lines)
        return self._folded[text, width]

    def _signatures(self, signatures: Signatures) -> None:
        width = (self.w - 2 * _MARGIN) / len(signatures.names)
        if self.will_page_break(_LEAST):
            self.add_page()
        self.ln(18)
        top = self.get_y()
        for place, name in enumerate(signatures.names):
            left = _MARGIN + place * width
            self.line(left, top, left + width - 8, top)
            self.set_xy(left, top + 1)
            self.multi_cell(width - 8, _LINE, name, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
