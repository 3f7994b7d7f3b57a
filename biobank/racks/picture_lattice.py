"""The regular lattice on which the codes of a rack stand, however the picture is turned and tilted. Pure.

A well is a whole complex number, column + i·row, counted from any one of them: which is A01 is settled elsewhere.
"""

import cmath
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from biobank.racks.picture_plane import Plane

RATIO = (1.1, 8.0)  # from well to well, in sides of a code
USUAL_RATIO, RATIO_SPREAD = (
    2.3,
    0.6,
)  # of the racks of 24 … 100 tubes that are sold; the spread is of its logarithm
TILT_SPREAD = 20  # degrees: racks are laid down straight, more or less
SPREAD = 0.09  # how far codes stand from the middle of their wells, from well to well
STRAY = 0.03  # chance that a code stands in no well
#: How two neighbouring codes may stand to each other: columns and rows between them.
STEPS = [complex(i, j) for i in range(1, 7) for j in range(i + 1) if math.gcd(i, j) == 1 or j == 0]
NEIGHBOURS, VECTORS = 5, 240


class Lattice(NamedTuple):
    """How well it explains the codes (more is better), the lattice, and the well of each code in one."""

    score: float
    plane: Plane
    wells: dict[int, complex]  # number of the point -> its well


def fit(points: Sequence[complex], size: float, *, widest: float) -> Lattice | None:
    """The lattice that best explains where codes stand; needs two.

    size    the side of a code, in pixels
    widest  the most that two wells can be apart, in pixels
    """
    vectors = _near_vectors(points)
    units = _units(vectors, size, widest)
    fitted = [_grown(points, unit, size) for unit in units[:8]]
    return max(fitted, key=lambda lattice: lattice.score, default=None)


def _near_vectors(points: Sequence[complex]) -> list[complex]:
    vectors = []
    for point in points:
        others = sorted((other - point for other in points if other != point), key=abs)
        vectors += others[:NEIGHBOURS]
    vectors.sort(key=abs)
    return vectors[:: max(1, len(vectors) // VECTORS)]


def _units(vectors: Sequence[complex], size: float, widest: float) -> list[complex]:
    """One step to the right, as it may be; the likeliest first, of each kind of step only the best."""
    best: dict[tuple[int, int], tuple[float, complex]] = {}
    for vector in vectors[:: max(1, len(vectors) // 60)]:
        for step in STEPS:
            for unit in {vector / step, vector / step.conjugate()}:
                pitch = abs(unit)
                if not RATIO[0] * size <= pitch <= min(RATIO[1] * size, widest):
                    continue
                upright = _upright(unit)
                kind = (round(math.log(pitch) * 16), round(math.degrees(cmath.phase(upright)) / 3))
                score = _explained(vectors, upright) + _prior(upright, size, len(vectors))
                if kind not in best or score > best[kind][0]:
                    best[kind] = (score, upright)
    return [unit for _, unit in sorted(best.values(), key=lambda found: -found[0])]


def _upright(unit: complex) -> complex:
    """The same lattice, named so that its rows run to the right, within 45°."""
    while not (unit.real > 0 and -unit.real < unit.imag <= unit.real):
        unit *= 1j
    return unit


def _prior(unit: complex, size: float, evidence: int) -> float:
    """What is likelier before any code is looked at; counts as much as one of `evidence` codes."""
    ratio = math.log(abs(unit) / size / USUAL_RATIO) / RATIO_SPREAD
    tilt = math.degrees(cmath.phase(unit)) / TILT_SPREAD
    return -(ratio**2 + tilt**2) / 2 / max(1, evidence)


def _likely(miss: float, spread: float) -> float:
    """The logarithm of how likely it is to miss the middle of a well by so much, beside any place in it."""
    return math.log((1 - STRAY) * math.exp(-((miss / spread) ** 2) / 2) / (2 * math.pi * spread**2) + STRAY)


def _explained(vectors: Sequence[complex], unit: complex) -> float:
    total = 0.0
    for vector in vectors:
        model = vector / unit
        well = nearest(model)
        # The farther apart two codes are, the more a tilt of the picture has moved them.
        total += _likely(abs(model - well) if well else 0.5, 1.4 * SPREAD + 0.03 * abs(model))
    return total / len(vectors)


def nearest(model: complex) -> complex:
    return complex(round(model.real), round(model.imag))


def _grown(points: Sequence[complex], unit: complex, size: float) -> Lattice:
    """Begin where codes are densest, and learn the tilt on the way to the edges."""
    start = max(points, key=lambda point: sum(abs(other - point) < 2.5 * abs(unit) for other in points))
    plane = Plane.similar(start, unit)
    reach, wells = 1.6, dict[int, complex]()
    farthest = max(abs(point - start) for point in points) / abs(unit) * 1.5 + 2
    while reach < farthest:
        wells = _wells(points, plane, start, reach * abs(unit))
        plane = _refitted(points, wells, unit, plane)
        reach *= 1.5
    for _ in range(3):
        wells = _wells(points, plane, start, math.inf)
        plane = _refitted(points, wells, unit, plane)
    return Lattice(_score(points, plane, wells, unit, size), plane, wells)


def _wells(points: Sequence[complex], plane: Plane, start: complex, reach: float) -> dict[int, complex]:
    found: dict[complex, tuple[float, int]] = {}
    for number, point in enumerate(points):
        if abs(point - start) > reach:
            continue
        model = plane.model(point)
        well = nearest(model)
        miss = abs(model - well)
        if miss < 0.3 and (well not in found or miss < found[well][0]):
            found[well] = (miss, number)
    return {number: well for well, (_, number) in found.items()}


def _refitted(points: Sequence[complex], wells: dict[int, complex], unit: complex, plane: Plane) -> Plane:
    pairs = [(well, points[number]) for number, well in wells.items()]
    span = min(_span(well.real for well in wells.values()), _span(well.imag for well in wells.values()))
    if len(pairs) < 2:
        return plane
    if len(pairs) < 6 or span < 2:
        return Plane.turned(pairs)
    return Plane.fitted(pairs, unit=unit, perspective=len(pairs) >= 14 and span >= 3) or plane


def _span(values: Iterable[float]) -> float:
    several = list(values)
    return max(several) - min(several) if several else 0


def _score(
    points: Sequence[complex], plane: Plane, wells: dict[int, complex], unit: complex, size: float
) -> float:
    total = 0.0
    for number, point in enumerate(points):
        if number in wells:
            total += _likely(abs(plane.model(point) - wells[number]), SPREAD)
        else:
            total += math.log(STRAY)
    pitch = sum(plane.step(well) for well in wells.values()) / len(wells) if wells else size
    return total / len(points) + _prior(max(pitch, 1e-6) * unit / abs(unit), size, len(points))
