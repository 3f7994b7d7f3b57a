"""Bar codes that are no labels: command cards, badges, test symbols. Each is read back before it is let out."""

from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import zxingcpp
from PIL import Image

from labels import code128

#: What says to a scanner that a symbol sets it, as it is written in the content of `setting`.
FNC3 = code128.FNC3
#: Dots a module when a symbol is read back.
_DOTS = 4
_HEIGHT = 60
#: Empty modules around a Data Matrix.
_QUIET_MATRIX = 2


class UnreadableSymbol(Exception):
    """A symbol that does not read back as its own content."""


@dataclass(frozen=True)
class Symbol:
    """A grid of modules with its quiet zone; a linear code has one row.

    rows  `1` dark, `0` light
    """

    content: str
    rows: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def linear(self) -> bool:
        return len(self.rows) == 1

    def runs(self) -> list[tuple[int, int, int]]:
        """Each dark run as (row, first column, length)."""
        found = []
        for number, row in enumerate(self.rows):
            start = None
            for column, module in enumerate(row + "0"):
                if module == "1" and start is None:
                    start = column
                elif module == "0" and start is not None:
                    found.append((number, start, column - start))
                    start = None
        return found

    def svg(self, *, module_mm: float, height_mm: float = 18) -> str:
        """A drawing for a page: no style, no script."""
        rows = height_mm / module_mm if self.linear else len(self.rows)
        path = "".join(
            f"M{left} {0 if self.linear else row}h{length}v{rows if self.linear else 1}h-{length}z"
            for row, left, length in self.runs()
        )
        width, height = self.width * module_mm, rows * module_mm
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.2f}mm" height="{height:.2f}mm"'
            f' viewBox="0 0 {self.width} {rows}" aria-hidden="true" focusable="false">'
            f'<rect width="{self.width}" height="{rows}" fill="#fff"/>'
            f'<path shape-rendering="crispEdges" fill="#000" d="{path}"/></svg>'
        )


@cache
def bars(content: str) -> Symbol:
    """A Code 128. raises UnreadableSymbol; LabelError for what it cannot hold"""
    quiet = "0" * code128.QUIET
    return _verified(
        Symbol(content, (quiet + code128.modules(content) + quiet,)), zxingcpp.BarcodeFormat.Code128
    )


@cache
def setting(content: str) -> Symbol:
    """A Code 128 that sets a scanner: holds `FNC3` where its maker wants it, and control characters.

    raises UnreadableSymbol; LabelError for what it cannot hold
    """
    quiet = "0" * code128.QUIET
    symbol = Symbol(content.replace(FNC3, ""), (quiet + code128.setting_modules(content) + quiet,))
    return _verified(symbol, zxingcpp.BarcodeFormat.Code128, sets=FNC3 in content)


@cache
def matrix(content: str, *, gs1: bool = False) -> Symbol:
    """A Data Matrix. gs1: a GS1 symbol, whose content is written as (01)…(10)…; raises UnreadableSymbol"""
    kind = zxingcpp.BarcodeFormat.DataMatrix
    made = zxingcpp.create_barcode(content, kind, **({"gs1": True} if gs1 else {}))
    picture = zxingcpp.write_barcode_to_image(made, scale=1, add_quiet_zones=False)
    drawn = [[int(value) < 128 for value in row] for row in _array(picture)]
    side = len(drawn[0]) + 2 * _QUIET_MATRIX
    empty = ("0" * side,) * _QUIET_MATRIX
    quiet = "0" * _QUIET_MATRIX
    rows = tuple(quiet + "".join("1" if dark else "0" for dark in row) + quiet for row in drawn)
    symbol = Symbol(made.text if gs1 else content, (*empty, *rows, *empty))
    return _verified(symbol, kind)


def _array(picture: zxingcpp.Image) -> list[list[int]]:
    height, width = picture.shape
    data = bytes(memoryview(cast(Any, picture)))  # its stubs do not say that it is a buffer
    return [list(data[row * width : (row + 1) * width]) for row in range(height)]


def _verified(symbol: Symbol, kind: zxingcpp.BarcodeFormat, *, sets: bool = False) -> Symbol:
    """Draw it as a printer would, and read it as a scanner would. sets: it must read as one that sets a scanner"""
    rows = _HEIGHT if symbol.linear else len(symbol.rows) * _DOTS
    image = Image.new("L", (symbol.width * _DOTS, rows), 255)
    for row, left, length in symbol.runs():
        box = (left * _DOTS, row * _DOTS, (left + length) * _DOTS, (row + 1) * _DOTS)
        image.paste(0, (box[0], 0, box[2], rows) if symbol.linear else box)
    mode = (
        zxingcpp.TextMode.Plain if symbol.linear else zxingcpp.TextMode.HRI
    )  # of a matrix, GS1 with its brackets
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats([kind]), text_mode=mode)
    read = [(each.text, bool((cast(Any, each.extra) or {}).get("ReaderInit"))) for each in found]
    if read != [(symbol.content, sets)]:
        raise UnreadableSymbol(symbol.content)
    return symbol
