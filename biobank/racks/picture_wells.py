"""What a place looks like in the picture: like its neighbours, like a tube whose code is not read, like nothing. Pure.

Where it cannot be told, a place counts as unread: somebody then looks. A tube that is called missing is searched for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import hypot
from statistics import fmean, median, pstdev

from PIL import Image

from biobank.racks.picture_looks import cut

HALF = 12  # a place is looked at in 24 × 24 pixels
RINGS = 6
FAINT = 0.3  # a code shows at least this part of the contrast of those that were read
ALIKE = 10.0  # grey levels
NOTHING = 5.0  # grey levels
CLEARLY = 20.0  # grey levels
BLINDING = 248.0  # grey level: so much light that nothing could be seen


class Reduced:
    """A picture seen from so far that a place is about as wide as a patch: what is finer would only flicker."""

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture
        self._made = {1: picture}

    def holds(self, point: complex) -> bool:
        return 0 <= point.real < self.picture.width and 0 <= point.imag < self.picture.height

    def patch(self, centre: complex, reach: float, size: float, turn: float = 0) -> "Patch":
        """reach: from the centre to the edge of the place; size: the side of a code; in pixels of the picture"""
        factor = max(1, int(reach / HALF))
        if factor not in self._made:
            self._made[factor] = self.picture.reduce(factor)
        return Patch.of(self._made[factor], centre / factor, reach / factor, size / factor, turn)


@dataclass(frozen=True)
class Patch:
    """The square around a place: 24 × 24 grey levels. `code`: the side of a code, in parts of the square's."""

    grey: bytes
    code: float

    @classmethod
    def of(cls, picture: Image.Image, centre: complex, reach: float, size: float, turn: float = 0) -> "Patch":
        return cls(cut(picture, centre, reach, HALF, turn).tobytes(), min(0.65, size / (2 * reach)))

    @cached_property
    def middle(self) -> list[int]:
        edge = max(2, round(HALF * self.code * 0.9))
        rows = range(HALF - edge, HALF + edge)
        return [value for row in rows for value in self.grey[2 * HALF * row + rows.start :][: 2 * edge]]

    @cached_property
    def contrast(self) -> float:
        """How much light and dark differ where a code would be."""
        return pstdev(self.middle)

    @cached_property
    def change(self) -> float:
        """How much light and dark alternate there, from place to place: in a code everywhere, on a rim in one line."""
        edge = max(2, round(HALF * self.code * 0.9))
        width = 2 * edge
        rows = [self.middle[row * width : (row + 1) * width] for row in range(width)]
        return median(
            abs(row[i + 1] - row[i]) + abs(below[i] - row[i])
            for row, below in pairwise(rows)
            for i in range(width - 1)
        )

    @cached_property
    def rings(self) -> list[float]:
        """Mean grey levels around the code, ring by ring: the same however the tube is turned."""
        inner, outer = HALF * self.code * 1.45, HALF * 0.98  # a code's corners are at 1.41
        sums, counts = [0.0] * RINGS, [0] * RINGS
        for number, value in enumerate(self.grey):
            away = hypot(number % (2 * HALF) - HALF + 0.5, number // (2 * HALF) - HALF + 0.5)
            ring = int((away - inner) / (outer - inner) * RINGS) if away >= inner else -1
            if 0 <= ring < RINGS:
                sums[ring] += value
                counts[ring] += 1
        return [total / count for total, count in zip(sums, counts, strict=True) if count]

    @cached_property
    def shape(self) -> list[float]:
        """The grey levels about their mean, of length one; all nought where there is nothing to see."""
        mean = fmean(self.grey)
        centred = [value - mean for value in self.grey]
        length = sum(value * value for value in centred) ** 0.5
        return (
            [value / length for value in centred]
            if length > 2.0 * len(centred) ** 0.5
            else [0.0] * len(centred)
        )


def likeness(one: Sequence[float], other: Sequence[float]) -> float:
    """1 for two shapes that are the same, 0 for two that have nothing in common."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def roundness(shape: Sequence[float]) -> float:
    """1 for what looks the same turned by 90°, as a well does, and the edge of a rack does not."""
    width = 2 * HALF
    turned = [shape[width * (width - 1 - column) + row] for row in range(width) for column in range(width)]
    return likeness(shape, turned)


def is_round(shape: Sequence[float]) -> bool:
    return roundness(shape) > 0.6


def typical(shapes: Iterable[Sequence[float]]) -> list[float] | None:
    """What several shapes have in common."""
    several = list(shapes)
    if not several:
        return None
    sums = [sum(values) for values in zip(*several, strict=True)]
    length = sum(value * value for value in sums) ** 0.5
    return [value / length for value in sums] if length else None


def empty_ones(read: Sequence[Patch], others: Mapping[int, Patch]) -> set[int]:
    """Which of the other places hold nothing, told by those in which a code was read.

    others  number of the place -> how it looks
    """
    if not read:
        return set()
    contrast, change = median(patch.contrast for patch in read), median(patch.change for patch in read)
    tube = [median(values) for values in zip(*(patch.rings for patch in read), strict=True)]
    rim_shows = max(tube) - min(tube) > ALIKE
    flat = {
        number: patch
        for number, patch in others.items()
        if patch.contrast < FAINT * contrast or patch.change < FAINT * change
    }
    return {
        number
        for number, patch in flat.items()
        if _is_empty(patch, list(flat.values()), tube, contrast, rim_shows)
    }


def _is_empty(
    patch: Patch, flat: Sequence[Patch], tube: list[float], contrast: float, rim_shows: bool
) -> bool:
    """No code is seen there. But is there a tube?"""
    if rim_shows and pstdev(patch.grey) < NOTHING:  # neither tube nor hole: something covers the place
        return False
    if not rim_shows:  # tubes are seen by their codes only: nothing at all must be seen
        return pstdev(patch.grey) < FAINT * contrast
    middle = median(patch.middle)
    if middle > BLINDING or _apart(patch.rings, tube) < ALIKE:
        return False
    if middle < tube[0] - CLEARLY:  # one looks into a hole
        return True
    # Brighter than a tube: frost on one tube is like nothing else, empty places are all alike.
    return sum(_apart(patch.rings, other.rings) < ALIKE for other in flat) > 3


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    return fmean(abs(a - b) for a, b in zip(one, other, strict=True))
