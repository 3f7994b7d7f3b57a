"""The sixteen places of a puck of crystallography pins, found from a few of them. Pure.

The Universal Puck has five places around its middle and eleven around those. Seen from the side of the pins' bases, as
cameras see it, 1 … 5 and 6 … 16 run against the clock, and 1 and 6 lie on one radius, opposite the notch. The rings'
radii, in radii of the puck, are those of the Diamond Light Source's PuckBarcodeReader (UnipuckTemplate: 5 and 11 slots
at 0.371 and 0.788, a slot's own radius 0.197); its pictures, whose contents its tests name, fit them within 0.03.
"""

import cmath
import math
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from typing import NamedTuple

from biobank.racks.picture_plane import Plane

INNER, OUTER, SLOT = 0.371, 0.788, 0.197
#: Place 1 first; in the picture's sense, y downwards.
SLOTS: list[complex] = [
    *(INNER * cmath.exp(-2j * math.pi * place / 5) for place in range(5)),
    *(OUTER * cmath.exp(-2j * math.pi * place / 11) for place in range(11)),
]
PLACES = len(SLOTS)
SIDE = (0.10, 0.22)  # a code's side, in radii of the puck; 0.15 … 0.17 in the pictures named above
USUAL_SIDE, SIDE_SPREAD = 0.142, 0.012  # in those pictures
REACH = 0.12  # a code stands no farther from the middle of its slot, in radii of the puck
SPREAD = 0.0125  # how far it does stand, each way, once the tilt is known
LOST = 12.0  # what a code beside all slots costs
KEPT = 24  # guesses that are looked at again


class Puck(NamedTuple):
    """How badly codes stand in its slots on average (0.7 usual, LOST at worst), and where it is."""

    badness: float
    plane: Plane
    slots: tuple[int | None, ...]  # of each point, from 0


def fits(points: Sequence[complex], size: float) -> list[Puck]:
    """The pucks that may explain where codes stand, the best first; each puts the codes into other slots.

    size  the side of a code, in pixels
    """
    rough: dict[tuple[int | None, ...], tuple[float, Plane]] = {}
    for origin, radius in _guesses(points, size):
        distance, slots = _standing(points, origin, radius)
        if slots not in rough or distance < rough[slots][0]:
            rough[slots] = (distance, Plane.similar(origin, radius))
    best: dict[tuple[int | None, ...], Puck] = {}
    for _, plane in sorted(rough.values(), key=lambda found: found[0])[:KEPT]:
        puck = _refined(plane, points, size)
        if puck.slots not in best or puck.badness < best[puck.slots].badness:
            best[puck.slots] = puck
    return sorted(best.values(), key=lambda puck: puck.badness)


def _guesses(points: Sequence[complex], size: float) -> Iterator[tuple[complex, complex]]:
    """Pucks that put two far points into two slots."""
    pairs = sorted(combinations(points, 2), key=lambda pair: -abs(pair[0] - pair[1]))
    for first, second in [*pairs[:5], *pairs[len(pairs) // 2 : len(pairs) // 2 + 2]]:
        for one, other in permutations(SLOTS, 2):
            radius = (first - second) / (one - other)
            if SIDE[0] < size / abs(radius) < SIDE[1]:
                yield first - radius * one, radius


def _standing(
    points: Sequence[complex], origin: complex, radius: complex
) -> tuple[float, tuple[int | None, ...]]:
    """How far the codes are from the middles of slots, in all, and the slot of each."""
    total, slots = 0.0, list[int | None]()
    for point in points:
        distance, slot = _nearest((point - origin) / radius)
        lost = slot in slots or distance > REACH
        total += REACH if lost else distance
        slots.append(None if lost else slot)
    return total, tuple(slots)


def _nearest(model: complex) -> tuple[float, int]:
    return min((abs(model - place), number) for number, place in enumerate(SLOTS))


def _refined(plane: Plane, points: Sequence[complex], size: float) -> Puck:
    """The same puck, seen at the angle from which its codes stand best in their slots."""
    for _ in range(3):
        slots = _slots(plane, points)
        pairs = [(SLOTS[slot], point) for slot, point in zip(slots, points, strict=True) if slot is not None]
        if len(pairs) < 3:
            break
        plane = Plane.turned(pairs)
        if len(pairs) >= 6:
            plane = Plane.fitted(pairs, unit=plane.unit, perspective=len(pairs) >= 9) or plane
    slots = _slots(plane, points)
    misses = [abs(plane.model(point) - SLOTS[slot]) for slot, point in zip(slots, points, strict=True)
              if slot is not None]  # fmt: skip
    cost = sum(min((miss / SPREAD) ** 2 / 2, LOST) for miss in misses) + LOST * (len(points) - len(misses))
    radius = abs(plane.point(1) - plane.point(-1)) / 2
    cost += ((size / radius - USUAL_SIDE) / SIDE_SPREAD) ** 2 / 2
    return Puck(cost / len(points), plane, slots)


def _slots(plane: Plane, points: Sequence[complex]) -> tuple[int | None, ...]:
    """The slot of each point; None for one that stands beside them, or is the second in its slot."""
    nearest = [_nearest(plane.model(point)) for point in points]
    slots = [slot if distance < REACH else None for distance, slot in nearest]
    return tuple(None if slot in slots[:number] else slot for number, slot in enumerate(slots))
