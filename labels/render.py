"""A laid-out label as a picture: PNG for printers and screens, SVG for pages. Both follow the same dots."""

import struct
import zlib
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

from PIL import Image, ImageDraw

from labels import letters
from labels.layout import Code, Layout, Words
from labels.stock import dots_per_mm
from labels.symbols import Symbol

_TURNS = {
    # Pillow turns the other way round.
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
# As a decoded picture has it; Pillow would also take 1 for white, but not invert it.
_WHITE = 255
_PIXELS = bytes(0 if byte == ord("1") else 255 for byte in range(256))


#: Letters of so many dots are kept as pictures; larger ones would fill the memory.
_LARGEST_KEPT = 300


def png(layout: Layout, drawn: Image.Image | None = None) -> bytes:
    """Black and white, one pixel a printer dot; the resolution is written into the file.

    drawn  its picture, where that was made before
    """
    image = picture(layout) if drawn is None else drawn
    # Written here and not by Pillow: a third of the time, and smaller. One bit a pixel is the plainest PNG there is.
    row, pixels = (image.width + 7) // 8, image.tobytes()
    lines = b"".join([b"\0" + pixels[at : at + row] for at in range(0, len(pixels), row)])
    dots_per_metre = round(layout.dpi / 0.0254)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", image.width, image.height, 1, 0, 0, 0, 0)),
            _chunk(b"pHYs", struct.pack(">IIB", dots_per_metre, dots_per_metre, 1)),
            _chunk(b"IDAT", zlib.compress(lines)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(layout: Layout) -> Image.Image:
    """The whole label, one pixel a printer dot."""
    image = Image.new("1", (layout.width, layout.height), _WHITE)
    for mark in layout.marks:
        if isinstance(mark, Words) and not mark.turn:
            _write(image, mark, mark.left, mark.top)
        else:
            image.paste(mark_picture(mark), (mark.left, mark.top))
    return image


def mark_picture(mark: Code | Words) -> Image.Image:
    """One code or one text alone, turned as it stands on the label, with nothing round it."""
    if isinstance(mark, Code):
        upright = _modules(mark.symbol).resize((mark.width, mark.height), Image.Resampling.NEAREST)
    else:
        upright = Image.new("1", (mark.width, mark.height), _WHITE)
        _write(upright, mark, 0, 0)
    return upright.transpose(_TURNS[mark.turn]) if mark.turn else upright


def _write(image: Image.Image, words: Words, left: int, top: int) -> None:
    """Letter by letter, each as far from the last as it was measured."""
    size, font, line = words.size, words.font, top + words.baseline
    drawn = _letter if size <= _LARGEST_KEPT else _letter.__wrapped__
    for letter in words.text:
        shape, across, down, advance = drawn(letter, size, font)
        if shape:
            image.paste(0, (left + across, line + down), shape)
        left += advance


@lru_cache(maxsize=512)
def _letter(letter: str, size: int, name: str) -> tuple[Image.Image | None, int, int, int]:
    """Its shape, where that lies from the pen on the line, and how far the pen moves."""
    font, advance = letters.font(size, name), letters.width(letter, size, name)
    left, top, right, bottom = map(int, font.getbbox(letter, mode="1", anchor="ls"))
    if right <= left or bottom <= top:
        return None, 0, 0, advance
    shape = Image.new("1", (right - left, bottom - top), 0)
    ImageDraw.Draw(shape).text((-left, -top), letter, font=font, fill=_WHITE, anchor="ls")
    return shape, left, top, advance


@lru_cache(maxsize=256)
def _modules(symbol: Symbol) -> Image.Image:
    """One pixel a module. Kept for a while: a label is read back, and then drawn."""
    pixels = "".join(symbol.rows).encode().translate(_PIXELS)
    return Image.frombytes("1", (symbol.columns, symbol.lines), pixels, "raw", "1;8")


def svg(layout: Layout) -> bytes:
    """One unit of the drawing is one printer dot; the size is given in millimetres. No style, no script."""
    scale = dots_per_mm(layout.dpi)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(layout.code)}'
        f' width="{layout.width / scale:.3f}mm" height="{layout.height / scale:.3f}mm"'
        f' viewBox="0 0 {layout.width} {layout.height}">',
        f'<rect width="{layout.width}" height="{layout.height}" fill="#fff"/>',
    ]
    for mark in layout.marks:
        parts.append(_svg_code(mark) if isinstance(mark, Code) else _svg_words(mark))
    return "\n".join([*parts, "</svg>\n"]).encode()


def bars(mark: Code) -> list[tuple[int, int, int, int]]:
    """Each run of dark modules as (left, top, width, height) in dots, before the code is turned."""
    module = mark.module
    if mark.symbol.linear:
        return [(first * module, 0, length * module, mark.height) for _, first, length in mark.symbol.runs()]
    return [
        (first * module, row * module, length * module, module) for row, first, length in mark.symbol.runs()
    ]


def _svg_code(mark: Code) -> str:
    path = "".join(f"M{left} {top}h{width}v{height}h-{width}z" for left, top, width, height in bars(mark))
    place = _svg_place(mark)
    return f'<path shape-rendering="crispEdges" fill="#000" transform="{place}" d="{path}"/>'


def _svg_words(words: Words) -> str:
    # The reader's machine may lack our typeface: the length keeps another one inside the field.
    family, weight = letters.family(words.font)
    return (
        f'<text transform="{_svg_place(words)}"'
        f' y="{words.baseline}" font-size="{words.size}"'
        f' font-family={quoteattr(family)} font-weight="{weight}" xml:space="preserve"'
        f' textLength="{words.width}" lengthAdjust="spacingAndGlyphs">{escape(words.text)}</text>'
    )


def _svg_place(mark: Code | Words) -> str:
    """Where the upright mark's own corner comes to lie, and the turn about it."""
    across, down = corner(mark)
    turn = f" rotate({mark.turn})" if mark.turn else ""
    return f"translate({mark.left + across} {mark.top + down}){turn}"


def corner(mark: Code | Words) -> tuple[int, int]:
    """Where the top left corner of the upright mark lies, once turned, within the box that it then fills."""
    width, height = mark.width, mark.height
    return {0: (0, 0), 90: (height, 0), 180: (width, height), 270: (0, width)}[mark.turn]
