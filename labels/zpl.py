"""A laid-out label as ZPL II for Zebra printers and those that speak like them: what goes round its marks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice, repeat

from labels.errors import LabelError
from labels.layout import Code, Layout
from labels.stock import dots_per_mm
from labels.zpl_marks import code, words

LETTERS = ("own", "picture")


@dataclass(frozen=True)
class PrinterSettings:
    """What is peculiar to one printer.

    left_dots, top_dots  where its print lies off: added to every place, may be negative
    darkness             0 to 30, of the head; None leaves it as set at the printer
    speed                inches a second, 1 to 14; None likewise
    letters              "own": the printer's typeface where it can; "picture": always ours
    """

    dpi: int
    left_dots: int = 0
    top_dots: int = 0
    darkness: int | None = None
    speed: int | None = None
    letters: str = "own"

    def __post_init__(self) -> None:
        dots_per_mm(self.dpi)
        for name, least, most in (
            ("left_dots", -2000, 2000),
            ("top_dots", -2000, 2000),
            ("darkness", 0, 30),
            ("speed", 1, 14),
        ):
            value = getattr(self, name)
            if value is None and name in ("darkness", "speed"):
                continue
            if type(value) is not int or not least <= value <= most:
                raise LabelError("label_printer_setting", name=name, value=value, least=least, most=most)
        if self.letters not in LETTERS:
            raise LabelError("label_printer_letters", value=self.letters, known=", ".join(LETTERS))


@cache
def _plain(dpi: int) -> PrinterSettings:
    return PrinterSettings(dpi)


def zpl(layout: Layout, *, copies: int = 1, printer: PrinterSettings | None = None) -> bytes:
    """One label, so many times. raises LabelError"""
    printer = printer or _plain(layout.dpi)
    columns = layout.design.stock.columns
    if columns == 1:
        return _format((layout,), printer, _copies(copies))
    full, left = divmod(_copies(copies), columns)
    rows = [_format((layout,) * columns, printer, full)] if full else []
    rows += [_format((layout,) * left, printer, 1)] if left else []
    return b"".join(rows)


def zpl_stream(
    layouts: Iterable[Layout], *, copies: int = 1, printer: PrinterSettings | None = None
) -> Iterator[bytes]:
    """Many labels, one piece after the other; where the stock has several across, side by side in their order."""
    waiting = chain.from_iterable(repeat(layout, _copies(copies)) for layout in layouts)
    for layout in waiting:
        columns = layout.design.stock.columns
        row = (layout, *islice(waiting, columns - 1))
        if any(other.design.stock != layout.design.stock or other.dpi != layout.dpi for other in row):
            raise LabelError("label_stocks_mixed", one=layout.design.name)
        yield _format(row, printer or _plain(layout.dpi), 1)


def _copies(copies: int) -> int:
    if type(copies) is not int or not 1 <= copies <= 9999:
        raise LabelError("label_copies", copies=copies)
    return copies


def _format(row: tuple[Layout, ...], printer: PrinterSettings, copies: int) -> bytes:
    """The labels that pass the head together, from ^XA to ^XZ."""
    first = row[0]
    if first.dpi != printer.dpi:
        raise LabelError("label_printer_resolution", dpi=first.dpi, printer=printer.dpi)
    stock = first.design.stock
    pitch = round((stock.width_mm + stock.column_gap_mm) * dots_per_mm(first.dpi)) if stock.columns > 1 else 0
    width = pitch * (stock.columns - 1) + first.width + max(0, printer.left_dots)
    parts = [f"~SD{printer.darkness:02}"] if printer.darkness is not None else []
    # ^CI28: what follows is UTF-8. ^LH stays as an earlier label set it, so it is always said.
    parts.append(f"^XA^CI28^PW{width}^LL{first.height + max(0, printer.top_dots)}^LH0,0")
    if printer.speed is not None:
        parts.append(f"^PR{printer.speed}")
    for column, layout in enumerate(row):
        left, top = column * pitch + printer.left_dots, printer.top_dots
        for mark in layout.marks:
            if mark.left + left < 0 or mark.top + top < 0:
                raise LabelError("label_printer_offset", content=layout.code)
            if isinstance(mark, Code):
                parts.append(code(mark, left, top))
            else:
                parts.append(words(mark, left, top, layout, printer.letters))
    parts.append(f"^PQ{copies}^XZ\n")
    return "".join(parts).encode()
