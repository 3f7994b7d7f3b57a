"""Which code stands in which well: a rack's grid or a puck's ring laid over the codes of a picture. Pure."""

import cmath
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from statistics import median

from PIL import Image

from biobank.core.errors import Reason, Unreadable
from biobank.racks import picture_lattice, picture_puck
from biobank.racks.picture_codes import Seen
from biobank.racks.picture_lattice import Lattice
from biobank.racks.picture_wells import Reduced, is_round, likeness, roundness, typical

#: Racks and boxes that are made, fewest wells first: what a picture is taken for when nobody says what it shows.
SHAPES = [(4, 6), (6, 8), (8, 8), (9, 9), (8, 12), (10, 10), (16, 24)]
MOST_LINES = 24
LIKE = 0.4  # from so much on, a place looks like the wells of this rack
STRAYS = 0.12  # so many codes may stand beside the rack
HIDDEN = 0.12  # so many wells may be outside the picture
PUCK_BADNESS = 4.0
#: The logarithm of how much likelier codes stand in slots than anywhere around them, and what a chance fit is worth.
PUCK_AT_BEST, PUCK_CHANCE = 4.6, 6.0
ROUNDNESS = 48.0  # what round things in all wells are worth, beside that
UNSURE = 3.0  # a second explanation that comes so near is worth a look


@dataclass(frozen=True)
class Layout:
    """Where the wells are: numbered from 0, row by row."""

    rows: int
    columns: int
    centres: tuple[complex, ...]
    reach: float  # from a well's centre to the edge of what belongs to it, in pixels
    turn: float  # of the rack, in degrees
    doubts: tuple[Reason, ...] = ()

    def well_at(self, point: complex) -> int | None:
        distance, number = min((abs(centre - point), number) for number, centre in enumerate(self.centres))
        return number if distance < self.reach else None


def lay(
    picture: Image.Image,
    seen: Sequence[Seen],
    *,
    shape: tuple[int, int] | None,
    puck: bool | None,
    below: bool,
) -> Layout:
    """The rack or puck that the codes and the picture show. raises Unreadable: …_no_grid, …_no_puck, …_cut"""
    points, size = [code.at for code in seen], median(code.size for code in seen)
    if len(points) == 1 and not puck and shape in (None, (1, 1)):
        return Layout(1, 1, (points[0],), 1.1 * size, 0)
    found: list[tuple[float, Layout]] = []
    reduced = Reduced(picture)
    if puck or (puck is None and shape is None and len(points) > 2):
        found += _pucks(reduced, points, size)
    if not puck:
        found += _racks(reduced, points, size, shape, below)
    if not found:
        raise Unreadable("rack_picture_no_puck" if puck else "rack_picture_no_grid", codes=len(points))
    found.sort(key=lambda each: -each[0])
    best = found[0][1]
    if len(found) > 1 and found[0][0] - found[1][0] < UNSURE:
        best = replace(best, doubts=(*best.doubts, Reason("rack_picture_turn_unsure")))
    return best


def _pucks(picture: Reduced, points: Sequence[complex], size: float) -> Iterator[tuple[float, Layout]]:
    """Every puck that may be there, and the logarithm of how likely it is."""
    for found in picture_puck.fits(points, size) if len(points) > 2 else []:
        if found.badness < PUCK_BADNESS:
            centres = tuple(found.plane.point(slot) for slot in picture_puck.SLOTS)
            reach = picture_puck.SLOT * abs(found.plane.unit)
            layout = Layout(picture_puck.PLACES, 1, centres, reach, 0)
            likely = len(points) * (PUCK_AT_BEST - found.badness) - PUCK_CHANCE
            yield likely + ROUNDNESS * _roundness(picture, layout, size), layout


def _racks(
    picture: Reduced, points: Sequence[complex], size: float, shape: tuple[int, int] | None, below: bool
) -> Iterator[tuple[float, Layout]]:
    lattice = _lattice(picture, points, size, shape) if len(points) > 1 else None
    if lattice is not None and len(lattice.wells) >= max(2, (1 - STRAYS) * len(points)):
        layout = _Rack(picture, lattice, size, below).laid(shape)
        yield len(points) * lattice.score + ROUNDNESS * _roundness(picture, layout, size), layout


def _roundness(picture: Reduced, layout: Layout, size: float) -> float:
    """How round things are, on average, where wells should be: what a tube and a hole have in common. At most 1."""
    patches = [
        picture.patch(centre, layout.reach, size) for centre in layout.centres if picture.holds(centre)
    ]
    return sum(roundness(patch.shape) for patch in patches) / len(layout.centres)


def _lattice(
    picture: Reduced, points: Sequence[complex], size: float, shape: tuple[int, int] | None
) -> Lattice | None:
    short, long = sorted(picture.picture.size)
    widest = long / 2 if shape is None else 1.3 * min(long / max(shape), short / min(shape))
    return picture_lattice.fit(points, size, widest=widest)


@dataclass(frozen=True)
class _Window:
    """So many rows and columns of the lattice, from its `first` well on; A01 is in one of its four corners."""

    rows: int
    columns: int
    corner: complex  # the well at the top left, as the picture shows it
    sideways: bool  # rows of the rack run down the picture

    def wells(self, below: bool) -> list[complex]:
        """Row by row, as the rack names them."""
        found = []
        for row, column in product(range(self.rows), range(self.columns)):
            across = self.columns - 1 - column if below else column
            # A rack on its side is taken to have been turned clockwise: A01 is at the top right.
            x, y = (self.rows - 1 - row, across) if self.sideways else (across, row)
            found.append(self.corner + complex(x, y))
        return found


class _Rack:
    """A lattice without edges, and the picture in which its edges are looked for."""

    def __init__(self, picture: Reduced, lattice: Lattice, size: float, below: bool) -> None:
        self.lattice, self.plane, self.size, self.below = lattice, lattice.plane, size, below
        self.codes = set(lattice.wells.values())
        self.pitch = median(self.plane.step(well) for well in self.codes)
        self.picture = picture
        self._shapes: dict[complex, list[float] | None] = {}
        self.tubes = typical(self._shapes_of(self.codes))
        self.holes: list[float] | None = None
        self.low, self.high = self._extent(self.codes)
        self._grow()

    def laid(self, shape: tuple[int, int] | None) -> Layout:
        windows = list(self._windows(shape, *self._extent(self.codes))) if shape else list(self._inferred())
        if not windows:
            low, high = self._extent(self.codes)
            raise Unreadable("rack_picture_no_grid", codes=len(self.codes),
                             rows=int(high.imag - low.imag) + 1, columns=int(high.real - low.real) + 1)  # fmt: skip
        costs = sorted(
            ((self._cost(window), number) for number, window in enumerate(windows)), key=lambda c: c[0]
        )
        window = windows[costs[0][1]]
        hidden = sum(not self.picture.holds(self.plane.point(well)) for well in window.wells(self.below))
        if hidden > HIDDEN * window.rows * window.columns:
            raise Unreadable("rack_picture_cut", rows=window.rows, columns=window.columns)
        doubts: list[Reason] = []
        if len(costs) > 1 and costs[1][0] - costs[0][0] < 1.0:
            doubts.append(Reason("rack_picture_edges_unsure"))
        size = self.high - self.low + (1 + 1j)
        if shape is None and sorted((size.real, size.imag)) != sorted((window.rows, window.columns)):
            doubts.append(
                Reason("rack_picture_shape_guessed", {"rows": window.rows, "columns": window.columns})
            )
        return self._layout(window, tuple(doubts))

    def _layout(self, window: _Window, doubts: tuple[Reason, ...]) -> Layout:
        wells = window.wells(self.below)
        centres = tuple(self.plane.point(well) for well in wells)
        return Layout(window.rows, window.columns, centres, 0.5 * self.pitch, self.turn, doubts)

    @cached_property
    def turn(self) -> float:
        """Of its rows, in degrees."""
        middle = sum(self.codes) / len(self.codes)
        return math.degrees(cmath.phase(self.plane.point(middle + 1) - self.plane.point(middle)))

    @staticmethod
    def _extent(wells: set[complex]) -> tuple[complex, complex]:
        return (
            complex(min(well.real for well in wells), min(well.imag for well in wells)),
            complex(max(well.real for well in wells), max(well.imag for well in wells)),
        )

    @staticmethod
    def _rectangle(low: complex, high: complex) -> list[complex]:
        columns, rows = range(int(low.real), int(high.real) + 1), range(int(low.imag), int(high.imag) + 1)
        return [complex(column, row) for row in rows for column in columns]

    # --- how a well of the lattice looks

    def shape_of(self, well: complex) -> list[float] | None:
        """How it looks there; None outside the picture."""
        if well not in self._shapes:
            centre, shape = self.plane.point(well), None
            if self.picture.holds(centre):
                shape = self.picture.patch(centre, 0.55 * self.plane.step(well), self.size, self.turn).shape
            self._shapes[well] = shape
        return self._shapes[well]

    def _shapes_of(self, wells: Iterable[complex]) -> list[list[float]]:
        return [shape for well in wells if (shape := self.shape_of(well)) is not None]

    def like_a_well(self, well: complex) -> float:
        """0 … 1: how much it looks like the wells between the codes. Outside the picture -1."""
        shape = self.shape_of(well)
        if shape is None:
            return -1.0
        return max(likeness(shape, known) if known else 0.0 for known in (self.tubes, self.holes))

    # --- where the rack ends

    def _windows(self, shape: tuple[int, int], first: complex, last: complex) -> Iterator[_Window]:
        """Everywhere where so many rows and columns hold the wells first … last, or lie within them."""
        rows, columns = shape
        for sideways in (False,) if rows == columns else (False, True):
            high, wide = (columns, rows) if sideways else (rows, columns)
            lefts = _starts(int(first.real), int(last.real), wide)
            tops = _starts(int(first.imag), int(last.imag), high)
            for left, top in product(lefts, tops):
                window = _Window(rows, columns, complex(left, top), sideways)
                if self._holds_most(window):
                    yield window

    def _holds_most(self, window: _Window) -> bool:
        held = len(self.codes & set(window.wells(below=False)))
        return held >= max(1, (1 - STRAYS) * len(self.codes))

    def _inferred(self) -> Iterator[_Window]:
        """The smallest rack that is made, holds all codes and what looks like wells, and is wholly in the picture."""
        seen = {self.low, self.high}
        for shape in SHAPES:
            windows = []
            for window in self._windows(shape, self.low, self.high):
                wells = window.wells(below=False)
                if seen <= set(wells) and all(self.shape_of(well) is not None for well in wells):
                    windows.append(window)
            if windows:
                yield from windows
                return
        size = self.high - self.low
        yield _Window(int(size.imag) + 1, int(size.real) + 1, self.low, False)

    def _grow(self) -> None:
        """From the codes on, to every line around them that looks like wells."""
        for _ in range(MOST_LINES):
            grown = (self.low, self.high)
            self.holes = typical(self._shapes_of(set(self._rectangle(*grown)) - self.codes))
            for step_low, step_high in ((-1, 0), (-1j, 0), (0, 1), (0, 1j)):
                low, high = self.low + step_low, self.high + step_high
                line = set(self._rectangle(low, high)) - set(self._rectangle(self.low, self.high))
                if self._is_of_wells(line):
                    self.low, self.high = low, high
            if (self.low, self.high) == grown:
                return

    def _is_of_wells(self, line: set[complex]) -> bool:
        """Like the wells that are known, or like one another and round."""
        if sum(self.like_a_well(well) for well in line) > LIKE * len(line):
            return True
        shapes = self._shapes_of(line)
        common = typical(shapes)
        if common is None or len(shapes) < max(4, len(line)) or not is_round(common):
            return False
        return sum(likeness(shape, common) for shape in shapes) > 2 * LIKE * len(shapes)

    def _cost(self, window: _Window) -> float:
        """Codes outside and wells outside the picture are bad; what looks like wells inside is good."""
        wells = window.wells(below=False)
        outside = len(self.codes - set(wells))
        like = sum(self.like_a_well(well) for well in wells)
        centre = self.plane.point(sum(wells) / len(wells))
        off = abs(centre - complex(*self.picture.picture.size) / 2) / self.pitch
        return 5 * outside - like + 0.2 * off


def _starts(first: int, last: int, length: int) -> range:
    """Where a window of so many lines may begin that holds the lines first … last, or lies within them."""
    begin, end = last - length + 1, first
    return range(min(begin, end), max(begin, end) + 1)
