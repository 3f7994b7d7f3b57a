"""A code as the dark and light modules of a symbol, whichever kind it is; where they lie on a label others decide.

Code 128 is python-barcode's, Data Matrix ppf-datamatrix's. QR is segno's and not zxing-cpp's, which would be thirty
times as quick: every symbol is read back with zxing-cpp, and a reader proves little about its own writer.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import segno
from segno import consts

from labels import alphabet, code128, datamatrix, gs1
from labels.errors import LabelError

KINDS = ("code128", "gs1_128", "datamatrix", "gs1_datamatrix", "qr")
LINEAR = ("code128", "gs1_128")

FNC3 = code128.FNC3
_QUIET = {
    "code128": code128.QUIET, "gs1_128": code128.QUIET,
    "datamatrix": datamatrix.QUIET, "gs1_datamatrix": datamatrix.QUIET,
    "qr": 4,
}  # fmt: skip
_QR_LEVEL = "m"
_QR_VERSIONS = 40
#: More than GS1 lets into one bar code (48); one of ours has 9.
_LONGEST_LINEAR = 80
_LONGEST_GS1_LINEAR = 48


@dataclass(frozen=True)
class Symbol:
    """A grid of modules without its quiet zone.

    kind     one of KINDS
    content  what a scanner gives back; of GS1 the form for people, (01)…(21)…
    rows     "1" dark, "0" light; a linear symbol has one row
    quiet    light modules that must stay empty on each side; of a linear symbol on the left and the right
    values   Code 128: symbol values with the start character, without check character and stop;
             Data Matrix: codewords without padding, the first of them 230 or more where another scheme than ASCII
             begins (232: GS1)
    """

    kind: str
    content: str
    rows: tuple[str, ...]
    quiet: int
    values: tuple[int, ...] = ()

    @property
    def columns(self) -> int:
        return len(self.rows[0])

    @property
    def lines(self) -> int:
        return len(self.rows)

    @property
    def linear(self) -> bool:
        return self.kind in LINEAR

    @property
    def width(self) -> int:
        """Modules from edge to edge, quiet zones included."""
        return self.columns + 2 * self.quiet

    @property
    def height(self) -> int:
        """Like `width`; a linear symbol is as high as one likes, and says 1."""
        return 1 if self.linear else self.lines + 2 * self.quiet

    def runs(self) -> list[tuple[int, int, int]]:
        """Each dark run as (row, first column, length)."""
        return runs(self.rows)

    def quieted(self, quiet: int | None = None) -> tuple[str, ...]:
        """The rows with their quiet zone, or with a wider one."""
        quiet = self.quiet if quiet is None else quiet
        empty = () if self.linear else ("0" * (self.columns + 2 * quiet),) * quiet
        beside = "0" * quiet
        return (*empty, *[beside + row + beside for row in self.rows], *empty)


def runs(rows: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """Each dark run as (row, first column, length)."""
    found = []
    for number, row in enumerate(rows):
        start = row.find("1")
        while start >= 0:
            end = row.find("0", start)
            end = len(row) if end < 0 else end
            found.append((number, start, end - start))
            start = row.find("1", end)
    return found


@lru_cache(maxsize=256)
def encode(kind: str, content: str, *, shape: str = "square") -> Symbol:
    """The symbol of this content.

    shape   of a Data Matrix: square, rectangle, or any: the one of the smallest area
    raises  LabelError: a kind or shape nobody knows, a character outside the alphabet, wrong GS1, too much

    >>> encode("datamatrix", "T00421736").columns
    12
    """
    if kind == "code128":
        return _bars(kind, content, code128.modules(_short(kind, content, _LONGEST_LINEAR)))
    if kind == "gs1_128":
        message = gs1.message(content).replace(gs1.SEPARATOR, code128.FNC1)
        return _bars(kind, content, code128.gs1_modules(_short(kind, message, _LONGEST_GS1_LINEAR)))
    if kind == "datamatrix":
        return _matrix(kind, content, *datamatrix.drawn(content, shape))
    if kind == "gs1_datamatrix":
        return _matrix(kind, content, *datamatrix.drawn(gs1.message(content), shape, gs1=True))
    if kind == "qr":
        return _matrix(kind, content, _qr(content))
    raise LabelError("label_symbol_unknown", kind=kind, known=", ".join(KINDS))


def setting(content: str) -> Symbol:
    """A Code 128 that sets a scanner: holds `FNC3` where its maker wants it, and control characters."""
    return _bars("code128", content.replace(FNC3, ""), code128.setting_modules(content))


def capacity(kind: str, columns: int, lines: int, shape: str = "square") -> dict[str, int]:
    """What would fit a room of so many modules, quiet zones included: `digits` alone, or capital letters and digits.

    Of GS1 the digits of the application identifiers count too.

    >>> capacity("datamatrix", 14, 14)
    {'digits': 10, 'characters': 6}
    """
    if kind in LINEAR:
        function = code128.WIDTH if kind == "gs1_128" else 0
        return {
            "digits": code128.fits("0", columns - function),
            "characters": code128.fits("A", columns - function),
        }
    if kind == "qr":
        return _qr_capacity(min(columns, lines) - 2 * _QUIET[kind])
    if kind not in KINDS:
        raise LabelError("label_symbol_unknown", kind=kind, known=", ".join(KINDS))
    return datamatrix.capacity(
        columns - 2 * _QUIET[kind], lines - 2 * _QUIET[kind], shape, gs1=kind != "datamatrix"
    )


def _short(kind: str, content: str, most: int) -> str:
    if len(content) > most:
        raise LabelError("label_code_too_long", content=content, kind=kind, digits=most, characters=most)
    return content


def _bars(kind: str, content: str, modules: str) -> Symbol:
    return Symbol(kind, content, (modules,), _QUIET[kind], code128.values(modules))


def _matrix(kind: str, content: str, rows: tuple[str, ...], values: tuple[int, ...] = ()) -> Symbol:
    return Symbol(kind, content, rows, _QUIET[kind], values)


def _qr(content: str) -> tuple[str, ...]:
    most = _qr_capacity(17 + 4 * _QR_VERSIONS)
    if len(content) > most["digits"] + 2:  # of a mebibyte it would take seconds to find out
        raise LabelError("label_code_too_long", content=content, kind="qr", **most)
    alphabet.check(content, "qr", str.isprintable)
    # Said to be UTF-8 wherever it matters: readers guess, and take a lone ¡ for Japanese.
    said: dict[str, Any] = {} if content.isascii() else {"encoding": "utf-8", "eci": True, "mode": "byte"}
    try:
        code = segno.make_qr(content, error=_QR_LEVEL, **said)
    except segno.DataOverflowError as error:
        raise LabelError("label_code_too_long", content=content, kind="qr", **most) from error
    return tuple(["".join(["1" if dark else "0" for dark in row]) for row in code.matrix])


def _qr_capacity(side: int) -> dict[str, int]:
    version = min((side - 17) // 4, _QR_VERSIONS)
    if version < 1:
        return {"digits": 0, "characters": 0}
    length_bits = 0 if version <= 9 else 2 if version <= 26 else 4
    capacities = cast(dict[int, dict[int, int]], consts.SYMBOL_CAPACITY)
    bits = capacities[version][consts.ERROR_LEVEL_M] - 4
    tens, over = divmod(bits - 10 - length_bits, 10)
    pairs, rest = divmod(bits - 9 - length_bits, 11)
    return {"digits": 3 * tens + (2 if over >= 7 else over >= 4), "characters": 2 * pairs + (rest >= 6)}
