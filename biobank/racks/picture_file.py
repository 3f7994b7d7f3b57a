"""Opens a picture in no more memory than it must: grey in full, in colours only where it is small. Pure.

A picture of 60 million pixels that is unpacked into colours, copied and turned would take 700 MB. Only its grey levels
are kept at full size: they are worked out in strips, and a JPEG is unpacked into grey at once. Other formats are there
in colours once, four bytes a pixel, until they are grey.
"""

import io

from PIL import Image, ImageChops, ImageOps

from biobank.core.errors import TooLarge, Unreadable
from biobank.racks.picture_looks import Picture

MOST_PIXELS = 60_000_000  # an A4 flatbed at 600 dpi has 35 million
LONGEST_SIDE = 30_000  # the decoder takes 65,535, and small pictures are enlarged for it
IN_COLOURS = 16_000_000  # pixels: in larger pictures a code has so many that colours add nothing
STRIP = 512  # rows
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")
#: What mends each way of holding a camera, by its number in the standard (Exif 2.3, tag 274, Orientation).
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_picture(content: bytes) -> Picture:
    """The first picture in the file, the right way up. raises Unreadable, TooLarge before anything is unpacked"""
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except Exception:  # each kind of file has its own ways of being broken
        raise Unreadable("rack_picture_no_picture") from None
    pixels = image.width * image.height
    large = pixels > IN_COLOURS
    if large and image.format == "JPEG":
        image.draft("L", image.size)
    if pixels > MOST_PIXELS or max(image.size) > LONGEST_SIDE:
        raise _too_large()
    try:
        image.load()
        return _picture(image, _turned(image), in_colours=not large)
    except Exception:
        raise Unreadable("rack_picture_broken") from None


def _too_large() -> TooLarge:
    return TooLarge("rack_picture_too_large", most=MOST_PIXELS // 1_000_000, side=LONGEST_SIDE)


def _picture(image: Image.Image, turned: Image.Transpose | None, *, in_colours: bool) -> Picture:
    grey = _grey(image)
    colour = _plain(image) if in_colours and _has_colours(image) else None
    if turned is not None:
        grey, colour = grey.transpose(turned), colour.transpose(turned) if colour is not None else None
    return Picture(grey, colour)


def _grey(image: Image.Image) -> Image.Image:
    """256 levels; strip by strip, so that nothing else is ever there as a whole."""
    if image.mode == "L" and not image.has_transparency_data:
        return image
    grey = Image.new("L", image.size)
    scale = _scale(image) if _is_deep(image) else None
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        grey.paste(
            _shallow(strip, *scale) if scale is not None else ImageOps.grayscale(_plain(strip)), (0, top)
        )
    return grey


def _plain(image: Image.Image) -> Image.Image:
    """8-bit grey or red, green, blue; what is transparent is white."""
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        plain = Image.new("RGB", image.size, "white")
        plain.paste(clear, mask=clear.getchannel("A"))
        return plain
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


def _has_colours(image: Image.Image) -> bool:
    if _is_deep(image) or image.mode in {"1", "L", "LA"}:
        return False
    small = image.resize([max(1, side // max(1, max(image.size) // 500)) for side in image.size])
    red, _, blue = _plain(small).convert("RGB").split()
    return any(ImageChops.difference(red, blue).histogram()[16:])


def _is_deep(image: Image.Image) -> bool:
    return image.mode in {"I", "F"} or image.mode.startswith("I;16")


def _scale(image: Image.Image) -> tuple[float, float]:
    """What makes 256 levels of any depth, from the darkest to the lightest there is: a scan keeps its contrast."""
    low, high = (float(str(extreme)) for extreme in image.getextrema())
    factor = 255 / max(high - low, 1e-9)
    return factor, -low * factor


def _shallow(deep: Image.Image, factor: float, offset: float) -> Image.Image:
    return deep.convert("F").point(lambda value: value * factor + offset).convert("L")


def _turned(image: Image.Image) -> Image.Transpose | None:
    """How the camera was held, where it tells."""
    try:
        return UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # a picture can be shown without what else stands in its file
        return None
