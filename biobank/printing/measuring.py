"""What a label costs in each form, beside the bare work of the libraries that it contains, in one run."""

import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from barcode.codex import Code128
from fpdf import FPDF
from PIL import Image, ImageDraw
from ppf.datamatrix import DataMatrix

import labels
from labels import Label, letters, pdf
from labels.layout import Code, Layout, Words, lay_out

#: A design of one Code 128 and one of a Data Matrix, with lines of text; and a page of many.
LINEAR, MATRIX, SHEET = "tube", "vial", "sheet-65"
_WORDS = {"type": "Plasma EDTA", "amount": "500 µL", "collected_on": "01/03/2026", "study": "Étude 12"}


@dataclass(frozen=True)
class Figure:
    """One measurement: how many labels a second, and what of the same work the libraries do alone."""

    what: str
    per_second: float
    bare_per_second: float = 0.0
    """0: it is itself what a library does alone."""

    @property
    def ratio(self) -> float:
        """What it costs, as a multiple of the bare work."""
        return self.bare_per_second / self.per_second


def measure(count: int, rounds: int) -> Iterator[Figure]:
    """Every form, each label with a code of its own; the median of the rounds."""
    for name in (LINEAR, MATRIX):
        for form, bare in (("zpl", _bare_zpl), ("png", _bare_png), ("svg", _bare_svg), ("pdf", _bare_pdf)):
            unread = partial(labels.render, form=form, check=False)
            ours, theirs = _together(count, rounds, unread, partial(_alone, bare, _pattern(name)), name)
            yield Figure(f"{name} {form}", ours, theirs)
            checked = _rate(count, rounds, partial(labels.render, form=form), name)
            yield Figure(f"{name} {form}, read back", checked, theirs)
    yield Figure("python-barcode, encoded", _rate(count, rounds, lambda label: _bars(label.code), LINEAR))
    yield Figure("Data Matrix, encoded", _rate(count, rounds, lambda label: _matrix(label.code), MATRIX))
    yield Figure(f"a PDF of 1,000 on {SHEET}", _sheets(1000, SHEET))


def streamed(count: int) -> int:
    """Bytes of memory at most, while so many labels become a PDF; what is kept from label to label is there before."""
    _sheets(1000, SHEET)
    tracemalloc.start()
    try:
        pdf.write_pdf((lay_out(label) for label in _labels(count, SHEET)), _Nowhere())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class _Nowhere(BytesIO):
    """Takes everything, keeps nothing."""

    written = 0

    def write(self, data: object) -> int:
        size = len(data)  # type: ignore[arg-type]
        self.written += size
        return size

    def tell(self) -> int:
        return self.written


_serial = iter(range(1, 10**9))


def _labels(count: int, design: str) -> Iterator[Label]:
    for _ in range(count):
        yield Label(f"T{next(_serial):08d}", design=design, values=_WORDS)


def _rate(count: int, rounds: int, make: Callable[[Label], object], design: str) -> float:
    found = []
    for _ in range(rounds):
        wanted = list(_labels(count, design))
        started = time.perf_counter()
        for label in wanted:
            make(label)
        found.append(count / (time.perf_counter() - started))
    return sorted(found)[rounds // 2]


def _together(
    count: int, rounds: int, ours: Callable[[Label], object], bare: Callable[[Label], object], design: str
) -> tuple[float, float]:
    """Both, turn by turn, so that a noisy machine is noisy for both."""
    pairs = [(_rate(count, 1, ours, design), _rate(count, 1, bare, design)) for _ in range(rounds)]
    return sorted(one for one, _ in pairs)[rounds // 2], sorted(other for _, other in pairs)[rounds // 2]


def _sheets(count: int, design: str) -> float:
    started = time.perf_counter()
    pdf.write_pdf((lay_out(label) for label in _labels(count, design)), _Nowhere())
    return count / (time.perf_counter() - started)


# --- the same label by the libraries alone: encoded, and drawn at the places that are known beforehand

_patterns: dict[str, Layout] = {}


def _alone(bare: Callable[[Layout, str], object], pattern: Layout, label: Label) -> object:
    return bare(pattern, label.code)


def _pattern(name: str) -> Layout:
    """Where everything of this design stands; found once, for the bare work is to draw, not to lay out."""
    if name not in _patterns:
        _patterns[name] = lay_out(next(_labels(1, name)))
    return _patterns[name]


def _bars(code: str) -> str:
    return str(Code128(code).build()[0])


def _matrix(code: str) -> list[list[int]]:
    found: list[list[int]] = DataMatrix(code).matrix
    return found


def _runs(mark: Code, code: str) -> Iterator[tuple[int, int, int, int]]:
    """Each dark run of a symbol that the library encodes anew, as (left, top, width, height) in dots."""
    grid = [_bars(code)] if mark.symbol.linear else ["".join(map(str, row)) for row in _matrix(code)]
    height = mark.height if mark.symbol.linear else mark.module
    for number, row in enumerate(grid):
        start = None
        for column, module in enumerate(row + "0"):
            if module == "1" and start is None:
                start = column
            elif module == "0" and start is not None:
                left, top = mark.left + start * mark.module, mark.top + number * height
                yield left, top, (column - start) * mark.module, height
                start = None


def _bare_zpl(layout: Layout, code: str) -> bytes:
    parts = ["^XA^CI28"]
    for mark in layout.marks:
        if isinstance(mark, Words):
            letters.font(mark.size, mark.font).getlength(mark.text)  # it has to be known that it fits
            parts.append(f"^FO{mark.left},{mark.top}^A0N,{mark.size}^FD{mark.text}^FS")
        elif mark.symbol.linear:
            _bars(code)
            parts.append(f"^FO{mark.left},{mark.top}^BY{mark.module}^BCN,{mark.height},N^FD{code}^FS")
        else:
            _matrix(code)
            parts.append(f"^FO{mark.left},{mark.top}^BXN,{mark.module},200^FD{code}^FS")
    return "".join([*parts, "^XZ"]).encode()


def _bare_png(layout: Layout, code: str) -> bytes:
    image = Image.new("1", (layout.width, layout.height), 1)
    draw = ImageDraw.Draw(image)
    for mark in layout.marks:
        if isinstance(mark, Words):
            draw.text((mark.left, mark.top), mark.text, font=letters.font(mark.size, mark.font), fill=0)
        else:
            for left, top, width, height in _runs(mark, code):
                draw.rectangle((left, top, left + width - 1, top + height - 1), fill=0)
    out = BytesIO()
    image.save(out, "PNG", dpi=(layout.dpi, layout.dpi))
    return out.getvalue()


def _bare_svg(layout: Layout, code: str) -> bytes:
    parts = ['<svg xmlns="http://www.w3.org/2000/svg">']
    for mark in layout.marks:
        if isinstance(mark, Words):
            parts.append(f'<text x="{mark.left}" y="{mark.top}">{mark.text}</text>')
        else:
            parts += [f"M{x} {y}h{width}v{height}h-{width}z" for x, y, width, height in _runs(mark, code)]
    return "".join(parts).encode()


def _bare_pdf(layout: Layout, code: str) -> bytes:
    scale = 72 / layout.dpi
    document = FPDF(unit="pt", format=(layout.width * scale, layout.height * scale))
    document.add_page()
    document.set_font("helvetica", size=8)
    for mark in layout.marks:
        if isinstance(mark, Words):
            text = mark.text.encode("latin-1", "replace").decode("latin-1")
            document.text(mark.left * scale, mark.top * scale, text)
        else:
            for left, top, width, height in _runs(mark, code):
                document.rect(left * scale, top * scale, width * scale, height * scale, style="F")
    return zlib.compress(bytes(document.output()))
