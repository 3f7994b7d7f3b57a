"""Ways to look at a picture in which a symbol may be hidden, the likeliest first, and none past its time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import zxingcpp
from PIL import Image, ImageChops, ImageOps
from PIL.ImageFilter import GaussianBlur, MaxFilter, MedianFilter, MinFilter, UnsharpMask

from labels.errors import LabelError

SECONDS = 1.3
"""Of work on one picture; after so long no further way is begun."""

_LARGEST = 13_000_000
_WORK, _WORK_ON_BARS = 1_000_000, 3_000_000
_SMALL = 300_000
_ANGLES = (45, 30, 60, 15, 75, 8, 22, 38, 52, 68, 82)
_LOCAL, _GLOBAL = zxingcpp.Binarizer.LocalAverage, zxingcpp.Binarizer.GlobalHistogram
#: Bars alone are looked for so many times as quickly as everything.
_BARS_QUICKER = 5


@dataclass(frozen=True)
class Attempt:
    """One way to look.

    always  this one is read even when an earlier one found something
    bars    only bars may be found in this way that were not before
    """

    image: Image.Image
    binarizer: zxingcpp.Binarizer = _LOCAL
    always: bool = False
    bars: bool = False


def attempts(picture: Image.Image) -> Iterator[Attempt]:
    """Each way to look at this picture while there is time.

    raises  LabelError label_picture_wrong: the file is broken
    """
    # What this thread worked counts: a busy machine must not see less.
    over = time.thread_time() + SECONDS
    whole = _grey(picture)
    begun = time.thread_time()
    yield Attempt(whole, always=True)
    slowest = (time.thread_time() - begun) / (whole.width * whole.height)
    for attempt in _further(whole, picture):
        expected = (
            slowest * attempt.image.width * attempt.image.height / (_BARS_QUICKER if attempt.bars else 1)
        )
        now = time.thread_time()
        if now > over:
            return
        if now + expected < over:
            yield attempt


def _further(whole: Image.Image, picture: Image.Image) -> Iterator[Attempt]:
    yield Attempt(whole, _GLOBAL, always=True)
    work = _work(whole, _WORK)
    sharp = _sharp(work)
    yield Attempt(sharp)
    yield Attempt(ImageChops.invert(sharp))
    yield Attempt(work.filter(GaussianBlur(1)))
    yield from _for_bars(whole, sharp)
    if _sees_through(picture):
        yield Attempt(_grey(picture, "black"))
    yield Attempt(work, _GLOBAL)
    yield from _for_matrices(work)
    yield Attempt(ImageOps.autocontrast(work, cutoff=2), zxingcpp.Binarizer.FixedThreshold)


def _for_bars(whole: Image.Image, sharp: Image.Image) -> Iterator[Attempt]:
    """Matrices are found at any angle; bars only where a line across the picture crosses them all."""
    if whole.width * whole.height > _WORK:
        sharp = _sharp(_work(whole, _WORK_ON_BARS))
        yield Attempt(sharp, bars=True)
    for angle in _ANGLES:
        turned = sharp.rotate(angle, Image.Resampling.BILINEAR, expand=True, fillcolor=255)
        yield Attempt(turned, bars=True)
    for across in (False, True):
        yield Attempt(_squashed(sharp, across=across), bars=True)


def _for_matrices(work: Image.Image) -> Iterator[Attempt]:
    """Against noise, against dots that do not touch, against blur, against shade."""
    small = work.reduce(2)
    yield Attempt(work.filter(GaussianBlur(2)))
    yield Attempt(work.filter(MinFilter(3)))
    yield Attempt(work.filter(MaxFilter(3)))
    yield Attempt(_sharp(work.filter(GaussianBlur(3))))
    yield Attempt(_sharp(work.filter(MedianFilter(5))))
    for hard in (_hard(work), _hard(small)):
        yield Attempt(hard)
        yield Attempt(hard, _GLOBAL)
    yield Attempt(_sharp(_levelled(work)))
    yield Attempt(_sharp(small))


def _grey(picture: Image.Image, behind: str = "white") -> Image.Image:
    """One byte a dot, what can be seen through on white, never more dots than can be read in time."""
    try:
        picture.load()
        if picture.width * picture.height > _LARGEST:
            factor = (picture.width * picture.height / _LARGEST) ** 0.5
            picture = picture.resize(
                (max(1, int(picture.width / factor)), max(1, int(picture.height / factor))), reducing_gap=1.5
            )
        if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
            return _to_a_byte(picture)
        if _sees_through(picture):
            over = picture.convert("RGBA")
            ground = Image.new("RGBA", over.size, behind)
            return Image.alpha_composite(ground, over).convert("L")
        return picture.convert("RGB").convert("L") if picture.mode not in ("1", "L") else picture.convert("L")
    except (OSError, ValueError, SyntaxError) as error:
        raise LabelError("label_picture_wrong", problem=str(error)) from error


def _sees_through(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "La", "PA", "RGBa") or "transparency" in picture.info


def _to_a_byte(picture: Image.Image) -> Image.Image:
    """Sixteen bits or more, stretched over what it really uses."""
    real = picture.convert("F")
    low, high = cast(tuple[float, float], real.getextrema())
    scale = 255 / (high - low) if high > low else 0
    return real.point(lambda value: value * scale - low * scale).convert("L")


def _work(whole: Image.Image, most: int) -> Image.Image:
    """Larger where it is small, smaller where it is large, and with an empty margin."""
    dots = whole.width * whole.height
    if dots < _SMALL:
        work = whole.resize((whole.width * 2, whole.height * 2), Image.Resampling.BICUBIC)
    elif dots > most:
        work = whole.reduce(max(2, round((dots / most) ** 0.5)))
    else:
        work = whole
    return ImageOps.expand(work, 24, 255)


def _sharp(image: Image.Image) -> Image.Image:
    return ImageOps.autocontrast(image, cutoff=1).filter(UnsharpMask(6, 400, 0))


def _hard(image: Image.Image) -> Image.Image:
    """Twice sharpened, for what is blurred by half a module or more."""
    once = ImageOps.autocontrast(image, cutoff=1).filter(UnsharpMask(6, 300, 0))
    return once.filter(UnsharpMask(6, 300, 0))


def _levelled(image: Image.Image) -> Image.Image:
    """Without the shade that lies over it."""
    return ImageChops.subtract(image, image.filter(GaussianBlur(20)), 1, 128)


def _squashed(image: Image.Image, *, across: bool) -> Image.Image:
    """Bars one way are drawn together, and what lies over them disappears."""
    width, height = image.size
    size = (max(1, width // 6), height) if across else (width, max(1, height // 6))
    return image.resize(size, Image.Resampling.BOX).resize((width, height))
