"""Bar codes that are no labels: command cards, badges, test symbols. Each is read back before it is let out."""

from dataclasses import dataclass
from functools import cache

from labels import LabelError, readback, symbols

#: What says to a scanner that a symbol sets it, as it is written in the content of `setting`.
FNC3 = symbols.FNC3
#: Empty modules around a Data Matrix; its standard asks for one, a page has room for two.
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
        return symbols.runs(self.rows)

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
    return _verified(symbols.encode("code128", content))


@cache
def setting(content: str) -> Symbol:
    """A Code 128 that sets a scanner: holds `FNC3` where its maker wants it, and control characters.

    raises UnreadableSymbol; LabelError for what it cannot hold
    """
    return _verified(symbols.setting(content), sets=FNC3 in content)


@cache
def matrix(content: str, *, gs1: bool = False) -> Symbol:
    """A Data Matrix. gs1: a GS1 symbol, whose content is written as (01)…(10)…

    raises UnreadableSymbol; LabelError for what it cannot hold
    """
    kind = "gs1_datamatrix" if gs1 else "datamatrix"
    return _verified(symbols.encode(kind, content), quiet=_QUIET_MATRIX)


def _verified(symbol: symbols.Symbol, *, quiet: int | None = None, sets: bool = False) -> Symbol:
    """The symbol with its quiet zone, once it was read as a scanner would read it."""
    try:
        readback.verify_symbol(symbol, readback.draw(symbol), sets=sets)
    except LabelError as error:
        raise UnreadableSymbol(symbol.content) from error
    return Symbol(symbol.content, symbol.quieted(quiet))
