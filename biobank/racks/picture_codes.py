"""The codes that a look at the whole picture finds, wherever they stand. Pure: a picture in, strings and numbers out.

A point is a complex number, x + iy in pixels, y downwards: turning and stretching are then one multiplication.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import zxingcpp
from PIL import Image
from zxingcpp import BarcodeFormat, BarcodeFormats, Binarizer, TextMode

from biobank.racks.picture_means import MEANS
from biobank.racks.wells import LONGEST_CODE

#: What tubes, pins and vials carry. Data Matrix is nearly all of it.
ON_TUBES = (BarcodeFormat.DataMatrix, BarcodeFormat.QRCode, BarcodeFormat.MicroQRCode, BarcodeFormat.Aztec)
#: What the side of a rack carries. Shorter families (ITF, Codabar, EAN add-ons) are seen in noise too often.
ON_RACKS = (BarcodeFormat.Code128, BarcodeFormat.Code39)
LINEAR = (*ON_RACKS, BarcodeFormat.Code39Std, BarcodeFormat.Code39Ext)
SHORTEST_LINEAR = 4

SMALL, MIDDLE = 3_000_000, 9_000_000  # pixels: what is enlarged twice, what is looked at again as it is
LARGE = 16_000_000  # pixels: more are looked at smaller first, and then in parts, so that the decoder takes no more
PART, OVERLAP = 4_000, 600  # of the side of a part, in pixels
ENOUGH = 12  # codes by which the places of all others are known


@dataclass(frozen=True)
class Seen:
    """A code and where it stands: its centre and the length of its side, in pixels of the picture as shown."""

    text: str
    x: float
    y: float
    size: float

    @property
    def at(self) -> complex:
        return complex(self.x, self.y)


def look_at_all(picture: Image.Image) -> tuple[list[Seen], tuple[str, ...]]:
    """Everything that is read without knowing where to look: codes of tubes, and the linear codes of the rack.

    picture  8-bit grey
    """
    found: list[Seen] = []
    linear: Counter[str] = Counter()
    for scale, means, binarizer in _whole_looks(picture.width * picture.height):
        if len(found) >= ENOUGH:
            break
        first = not found and not linear
        for corner, part in _parts(_scaled(picture, scale)):
            prepared = MEANS[means](part, 2.0)
            for barcode in decode(prepared, binarizer, (*ON_TUBES, *ON_RACKS) if first else ON_TUBES):
                if _is_linear(barcode.format):
                    linear[barcode.text.strip()] += 1
                else:
                    found.append(seen_at(barcode, partial(_unscaled, scale, corner)))
        found = _once_each(found)
    return _of_one_size(found), tuple(sorted(linear))


def _parts(picture: Image.Image) -> Iterator[tuple[complex, Image.Image]]:
    """The picture, with its corner; a large one in parts, each of which holds whole what its neighbour cuts in two."""
    if picture.width * picture.height <= LARGE:
        yield 0j, picture
        return
    for top in range(0, max(1, picture.height - OVERLAP), PART - OVERLAP):
        for left in range(0, max(1, picture.width - OVERLAP), PART - OVERLAP):
            box = (left, top, min(left + PART, picture.width), min(top + PART, picture.height))
            yield complex(left, top), picture.crop(box)


def _whole_looks(pixels: int) -> Iterator[tuple[float, str, Binarizer]]:
    if pixels > LARGE:
        yield (LARGE / pixels) ** 0.5, "as it is", Binarizer.LocalAverage
    yield 1, "as it is", Binarizer.LocalAverage
    if pixels <= MIDDLE:
        yield 1, "as it is", Binarizer.GlobalHistogram
        yield 1, "crisp", Binarizer.LocalAverage
        yield 1, "crisper", Binarizer.LocalAverage
    if pixels <= LARGE:
        yield 0.5, "as it is", Binarizer.LocalAverage
    if pixels <= SMALL:
        yield 1.5, "crisp", Binarizer.LocalAverage
        yield 2, "crisper", Binarizer.LocalAverage
        yield 2, "even", Binarizer.LocalAverage
    if pixels <= MIDDLE:
        yield 0.7, "crisp", Binarizer.LocalAverage
        yield 1, "softened", Binarizer.LocalAverage


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    if scale == 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX)


def _unscaled(scale: float, corner: complex, point: complex) -> complex:
    return (point + corner) / scale


def decode(
    picture: Image.Image, binarizer: Binarizer, formats: Sequence[BarcodeFormat]
) -> list[zxingcpp.Barcode]:
    # Plain text: the human-readable mode puts brackets into GS1 codes, and a code is what the tube says.
    found = zxingcpp.read_barcodes(
        picture, formats=BarcodeFormats(formats), binarizer=binarizer, text_mode=TextMode.Plain
    )
    return [
        barcode for barcode in found if barcode.valid and _is_a_code(barcode.text.strip(), barcode.format)
    ]


def _is_a_code(text: str, family: BarcodeFormat) -> bool:
    """Short linear codes are seen in any texture; what cannot be printed was not put on a tube for people."""
    return text.isprintable() and (SHORTEST_LINEAR if _is_linear(family) else 1) <= len(text) <= LONGEST_CODE


def _is_linear(family: BarcodeFormat) -> bool:
    return family in LINEAR


def seen_at(barcode: zxingcpp.Barcode, placed: Callable[[complex], complex]) -> Seen:
    position = barcode.position
    corners = [placed(complex(corner.x, corner.y)) for corner in
               (position.top_left, position.top_right, position.bottom_right, position.bottom_left)]  # fmt: skip
    centre = sum(corners) / 4
    size = sum(abs(corners[i] - corners[i - 1]) for i in range(4)) / 4
    return Seen(barcode.text.strip(), centre.real, centre.imag, size)


def _once_each(found: list[Seen]) -> list[Seen]:
    """One of each code at each place. Where two looks disagree about a place, neither is believed."""
    kept: list[Seen] = []
    for seen in found:
        here = [other for other in kept if abs(other.at - seen.at) < 0.5 * max(other.size, seen.size)]
        if not here:
            kept.append(seen)
        elif any(other.text != seen.text for other in here):
            kept = [other for other in kept if other not in here]
    return kept


def _of_one_size(found: list[Seen]) -> list[Seen]:
    """Tubes of one rack carry codes of one size; a thing a third or thrice as large was imagined or is no tube."""
    if not found:
        return []
    usual = median(seen.size for seen in found)
    return [seen for seen in found if usual / 3 < seen.size < usual * 3]
