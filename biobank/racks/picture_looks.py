"""Closer looks at one well: cut out, turned, enlarged, made crisp in many ways, until its code is read. Pure."""

import math
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

from PIL import Image
from zxingcpp import Binarizer

from biobank.racks.picture_codes import ON_TUBES, Seen, decode, seen_at
from biobank.racks.picture_means import MEANS, darkest, lightest

LOCAL, GLOBAL = Binarizer.LocalAverage, Binarizer.GlobalHistogram


class Picture(NamedTuple):
    """The same picture twice: 8-bit grey, and in colours where it has some."""

    grey: Image.Image
    colour: Image.Image | None

    @property
    def looks(self) -> list["Look"]:
        """The looks that make a difference."""
        return LOOKS_IN_GREY if self.colour is None else LOOKS


class Look(NamedTuple):
    """One way of looking: in which light, how large (half the width, in pixels), turned by how many degrees."""

    light: str
    half: int
    turn: int
    means: str
    binarizer: Binarizer

    @property
    def kind(self) -> tuple[str, int, str]:
        """Looks of one kind help in the same pictures."""
        return self.light, self.half, self.means


#: The looks that together read every hard code of the pictures they were tried on; the most helpful first.
FIRST = [
    Look("grey", 48, 15, "crispest", LOCAL),
    Look("grey", 48, 60, "crispest", LOCAL),
    Look("grey", 48, 75, "crisper", LOCAL),
    Look("darkest", 64, 15, "even", GLOBAL),
    Look("grey", 64, 15, "crisper", LOCAL),
    Look("grey", 64, 30, "even, crispest", GLOBAL),
    Look("darkest", 64, 75, "even, crispest", LOCAL),
    Look("grey", 40, 60, "crispest", LOCAL),
    Look("grey", 40, 30, "crisp, fine", LOCAL),
    Look("grey", 48, 45, "crispest", LOCAL),
    Look("lightest", 48, 15, "even", GLOBAL),
    Look("grey", 64, 45, "crisper", LOCAL),
    Look("darkest", 40, 60, "even, crisp", LOCAL),
    Look("grey", 64, 0, "even, crispest", GLOBAL),
    Look("grey", 40, 45, "crisper", LOCAL),
    Look("grey", 40, 75, "crisp, finer", LOCAL),
    Look("grey", 96, 30, "lighter dots", GLOBAL),
    Look("grey", 128, 15, "even", GLOBAL),
    Look("darkest", 48, 30, "crisp, finer", GLOBAL),
    Look("darkest", 48, 45, "even, crispest", GLOBAL),
    Look("grey", 48, 0, "crispest", LOCAL),
    Look("grey", 40, 30, "crisp, finer", LOCAL),
    Look("grey", 64, 30, "lighter dots", GLOBAL),
    Look("lightest", 48, 15, "sharp", LOCAL),
]
_ALL = [
    Look(*look)
    for look in product(
        ("grey", "darkest", "lightest"),
        (48, 64, 40, 96, 128),
        range(0, 90, 15),
        sorted(MEANS),
        (LOCAL, GLOBAL),
    )
]
#: Then everything else, unlike looks after each other: 1009 and the number of all looks have no common factor.
LOOKS = FIRST + [
    look for number in range(len(_ALL)) if (look := _ALL[number * 1009 % len(_ALL)]) not in FIRST
]
LOOKS_IN_GREY = [look for look in LOOKS if look.light == "grey"]


def look_closer(
    picture: Picture, centre: complex, reach: float, looks: Sequence[Look], until: float
) -> Iterator[tuple[Look, Seen]]:
    """What look after look reads around one place; the caller stops when it believes one.

    reach  from the centre to the edge of what is looked at, in pixels of the picture
    until  of time.monotonic(): no look begins later
    """
    corner, lights = _lights(picture, centre, reach)
    for look in looks:
        if time.monotonic() > until:
            return
        crop = cut(lights[look.light], centre - corner, reach, look.half, look.turn)
        placed = partial(_placed, centre, complex(look.half, look.half), _factor(reach, look.half, look.turn))
        for barcode in decode(MEANS[look.means](crop, look.half / 32), look.binarizer, ON_TUBES):
            yield look, seen_at(barcode, placed)


def _placed(centre: complex, middle: complex, factor: complex, point: complex) -> complex:
    """Where a point of a cut is in the picture."""
    return centre + (point - middle) * factor


def _lights(picture: Picture, centre: complex, reach: float) -> tuple[complex, dict[str, Image.Image]]:
    """The surroundings of a place in each light, and where their corner is in the picture."""
    around = 1.5 * reach + 2
    left, top = int(centre.real - around), int(centre.imag - around)
    box = (left, top, int(centre.real + around) + 1, int(centre.imag + around) + 1)
    lights = {"grey": picture.grey.crop(box)}
    if picture.colour is not None:
        coloured = picture.colour.crop(box)
        lights |= {"darkest": darkest(coloured), "lightest": lightest(coloured)}
    return complex(left, top), lights


def _factor(reach: float, half: int, turn: float) -> complex:
    angle = math.radians(turn)
    return reach / half * complex(math.cos(angle), math.sin(angle))


def cut(picture: Image.Image, centre: complex, reach: float, half: int, turn: float = 0) -> Image.Image:
    """The square around a place, turned about it and drawn 2 × `half` pixels wide. Outside the picture it is black."""
    factor = _factor(reach, half, turn)
    corner = centre - complex(half, half) * factor
    return picture.transform(
        (2 * half, 2 * half), Image.Transform.AFFINE,
        (factor.real, -factor.imag, corner.real, factor.imag, factor.real, corner.imag), Image.Resampling.BICUBIC,
    )  # fmt: skip
