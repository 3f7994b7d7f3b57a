"""Labels as a PDF, for any printer: each on a page of its own size, or side by side on sheets.

Written page by page and forgotten: a thousand labels take the memory of one. None of the libraries we keep does that
(fpdf2 holds every page until the end: 3.3 MB at 200 labels, 11.8 MB at 2,000), and what a label needs of PDF is little.
"""

import zlib
from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from labels import pdf_fonts
from labels.errors import LabelError
from labels.layout import Code, Layout, Words
from labels.render import bars, corner
from labels.stock import Stock, dots_per_mm

_POINTS_PER_MM = 72 / 25.4
_CATALOG, _PAGES, _RESOURCES, _INFO, _FIRST_PAGE = 1, 2, 3, 4, 5
_TURNED = {0: "1 0 0 1", 90: "0 1 -1 0", 180: "-1 0 0 -1", 270: "0 -1 1 0"}


def write_pdf(
    labels: Iterable[Layout], out: BinaryIO, *, start: int = 1, copies: int = 1, title: str = ""
) -> None:
    """Write these labels, as they come, into a file or a pipe.

    start   sheets: the first free cell of the first sheet, counted from 1 along the rows
    title   what a reader shows; by default the name of the first label's design
    raises  LabelError: no label at all, a start outside the sheet, fewer copies than one
    """
    if type(copies) is not int or not 1 <= copies <= 9999:
        raise LabelError("label_copies", copies=copies)
    every = (layout for layout in labels for _ in range(copies))
    first = next(every, None)
    if first is None:
        raise LabelError("label_none")
    _check_start(first, start)
    file = _File(out)
    for width, height, content in _pages(first, every, start - 1, file):
        file.page(width, height, content)
    file.end(title or first.design.title)


def _check_start(layout: Layout, start: int) -> None:
    sheet = layout.design.stock.sheet
    cells = sheet.cells if sheet else 1
    if type(start) is not int or not 1 <= start <= cells:
        raise LabelError("label_sheet_start", design=layout.design.name, cells=cells, start=start)


def _pages(
    layout: Layout | None, rest: Iterator[Layout], cell: int, file: "_File"
) -> Iterator[tuple[float, float, list[str]]]:
    """Width and height in mm and what is drawn; a new page where a sheet is full or other stock comes."""
    stock: Stock | None = None
    content: list[str] = []
    while layout is not None:
        if stock is None:
            stock = layout.design.stock
        left, top, cells = _cell(stock, cell)
        content.append(_drawn(layout, left, _page_size(stock)[1] - top, file))
        layout, cell = next(rest, None), cell + 1
        if cell >= cells or layout is None or layout.design.stock != stock:
            yield *_page_size(stock), content
            stock, content, cell = None, [], 0


def _page_size(stock: Stock) -> tuple[float, float]:
    if stock.sheet:
        return stock.sheet.page_width_mm, stock.sheet.page_height_mm
    return stock.width_mm, stock.height_mm


def _cell(stock: Stock, cell: int) -> tuple[float, float, int]:
    """Left and top of a cell in mm, and how many the page has."""
    sheet = stock.sheet
    if sheet is None:
        return 0, 0, 1
    row, column = divmod(cell, sheet.columns)
    return sheet.left_mm + column * sheet.pitch_x_mm, sheet.top_mm + row * sheet.pitch_y_mm, sheet.cells


def _drawn(layout: Layout, left_mm: float, up_mm: float, file: "_File") -> str:
    """One label; inside, one unit is one printer dot and y runs down, as it was laid out."""
    dot = _POINTS_PER_MM / dots_per_mm(layout.dpi)
    parts = [f"q {dot:.6f} 0 0 {-dot:.6f} {left_mm * _POINTS_PER_MM:.4f} {up_mm * _POINTS_PER_MM:.4f} cm"]
    for mark in layout.marks:
        across, down = corner(mark)
        place = f"{_TURNED[mark.turn]} {mark.left + across} {mark.top + down} cm"
        parts.append(f"q {place} {_code(mark) if isinstance(mark, Code) else _words(mark, file)} Q")
    parts.append("Q")
    return "\n".join(parts)


def _code(mark: Code) -> str:
    # One path for all: what touches inside a path leaves no hair of white between.
    return "".join([f"{left} {top} {width} {height} re " for left, top, width, height in bars(mark)]) + "f"


def _words(words: Words, file: "_File") -> str:
    # Stretched to the width that was laid out: letters on the dot grid are a little wider than drawn ones.
    reach = pdf_fonts.reach(words.text, words.font) * words.size
    stretch = words.width / reach * 100 if reach else 100
    shown = file.text(words.text, words.font)
    return f"BT /{words.font} {words.size} Tf {stretch:.3f} Tz 1 0 0 -1 0 {words.baseline} Tm <{shown}> Tj ET"


class _File:
    """Numbers the objects, remembers where each begins and which letters were used: that is all that is kept."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._at = 0
        self._places = array("Q", [0] * _FIRST_PAGE)
        self._letters: dict[str, set[str]] = {}
        # The second line tells programs that this is no text file.
        self._write(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")

    def text(self, text: str, font: str) -> str:
        """The text in glyph numbers."""
        self._letters.setdefault(font, set()).update(text)
        glyphs = pdf_fonts.glyphs(font)
        return "".join([f"{glyphs.get(letter, 0):04X}" for letter in text])

    def page(self, width_mm: float, height_mm: float, content: list[str]) -> None:
        number = len(self._places)
        size = f"{width_mm * _POINTS_PER_MM:.4f} {height_mm * _POINTS_PER_MM:.4f}"
        page = f"<</Type/Page/Parent {_PAGES} 0 R/MediaBox[0 0 {size}]/Contents {number + 1} 0 R>>"
        self._object(number, page.encode())
        self._object(number + 1, pdf_fonts.stream(zlib.compress("\n".join(content).encode("ascii"))))

    def end(self, title: str) -> None:
        after = len(self._places)
        names = []
        for font, used in sorted(self._letters.items()):
            number = len(self._places)
            names.append(f"/{font} {number} 0 R")
            for offset, made in enumerate(pdf_fonts.objects(font, used, number)):
                self._object(number + offset, made)
        self._object(_RESOURCES, f"<</Font<<{''.join(names)}>>>>".encode())
        self._object(
            _INFO,
            b"<</Title<feff%b>/Producer(labels)>>" % title.encode("utf-16-be", "replace").hex().encode(),
        )
        # A label that is fitted to the page is no longer the size of its stock.
        shown = "/ViewerPreferences<</PrintScaling/None/DisplayDocTitle true>>"
        self._object(_CATALOG, f"<</Type/Catalog/Pages {_PAGES} 0 R{shown}>>".encode())
        self._page_list(range(_FIRST_PAGE, after, 2))
        self._table()

    def _page_list(self, pages: range) -> None:
        self._begin(_PAGES)
        self._write(f"<</Type/Pages/Resources {_RESOURCES} 0 R/Count {len(pages)}/Kids[".encode())
        for page in pages:
            self._write(b"%d 0 R " % page)
        self._write(b"]>>\nendobj\n")

    def _table(self) -> None:
        begins, count = self._at, len(self._places)
        self._write(b"xref\n0 %d\n0000000000 65535 f \n" % count)
        for place in self._places[1:]:
            self._write(b"%010d 00000 n \n" % place)
        self._write(b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R>>\n" % (count, _CATALOG, _INFO))
        self._write(b"startxref\n%d\n%%%%EOF\n" % begins)

    def _object(self, number: int, body: bytes) -> None:
        self._begin(number)
        self._write(body)
        self._write(b"\nendobj\n")

    def _begin(self, number: int) -> None:
        if number == len(self._places):
            self._places.append(self._at)
        else:
            self._places[number] = self._at
        self._write(b"%d 0 obj\n" % number)

    def _write(self, data: bytes) -> None:
        self._at += len(data)
        self._out.write(data)
