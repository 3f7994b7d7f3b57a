"""What is done to a picture before it is decoded: made crisp, made even. Pure.

`grain` is half a module of a code, roughly, in pixels. What helps was tried on real pictures of pucks (dark, dirty,
dazzled) and on drawn racks with blur and noise; a little softening and then much sharpening helped most.
"""

from collections.abc import Callable

from PIL import Image, ImageChops, ImageFilter, ImageOps

Means = Callable[[Image.Image, float], Image.Image]


def _crisp(soft: float, radius: float, percent: int) -> Means:
    def means(picture: Image.Image, grain: float) -> Image.Image:
        softened = picture.filter(ImageFilter.GaussianBlur(soft * grain)) if soft else picture
        return softened.filter(ImageFilter.UnsharpMask(radius * grain, percent, 0))

    return means


def _even(width: float) -> Means:
    """Without shade and glare: each place beside the mean of its surroundings."""

    def means(picture: Image.Image, grain: float) -> Image.Image:
        around = picture.filter(ImageFilter.GaussianBlur(width * grain))
        return ImageOps.autocontrast(ImageChops.subtract(picture, around, 1, 128), cutoff=1)

    return means


def _first(one: Means, then: Means) -> Means:
    return lambda picture, grain: then(one(picture, grain), grain)


def _darker_dots(picture: Image.Image, _grain: float) -> Image.Image:
    return picture.filter(ImageFilter.MinFilter(3))


def _lighter_dots(picture: Image.Image, _grain: float) -> Image.Image:
    return picture.filter(ImageFilter.MaxFilter(3))


MEANS: dict[str, Means] = {
    "as it is": lambda picture, _grain: picture,
    "stretched": lambda picture, _grain: ImageOps.autocontrast(picture, cutoff=2),
    "softened": lambda picture, grain: picture.filter(ImageFilter.GaussianBlur(0.7 * grain)),
    "sharp": _crisp(0, 1.3, 200),
    "crisp": _crisp(0.5, 1.5, 250),
    "crisp, fine": _crisp(0.35, 1, 400),
    "crisp, finer": _crisp(0.5, 1, 700),
    "crisper": _crisp(0.7, 1.5, 700),
    "crispest": _crisp(0.7, 1.2, 1200),
    "even": _even(4),
    "even, wide": _even(10),
    "even, crisp": _first(_even(6), _crisp(0.5, 1.5, 250)),
    "even, crispest": _first(_even(10), _crisp(0.7, 1.2, 1200)),
    "lighter dots": _first(_lighter_dots, _crisp(0.5, 1.5, 250)),
    "darker dots": _first(_darker_dots, _crisp(0.5, 1.5, 250)),
}


def darkest(colour: Image.Image) -> Image.Image:
    """The darkest of red, green and blue: a dazzled tube is white in fewer of them."""
    red, green, blue = colour.split()
    return ImageChops.darker(ImageChops.darker(red, green), blue)


def lightest(colour: Image.Image) -> Image.Image:
    red, green, blue = colour.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)
