"""A laid-out label as a picture: PNG for printers and screens, SVG for pages. Both follow the same dots."""

from io import BytesIO
from xml.sax.saxutils import escape, quoteattr

from PIL import Image, ImageDraw

from labels import letters
from labels.layout import Bars, Layout, Words
from labels.stock import dots_per_mm


def png(layout: Layout) -> bytes:
    """Black and white, one pixel a printer dot; the resolution is written into the file."""
    out = BytesIO()
    picture(layout).save(out, "PNG", dpi=(layout.dpi, layout.dpi))
    return out.getvalue()


def picture(layout: Layout) -> Image.Image:
    image = Image.new("1", (layout.width, layout.height), 1)
    draw = ImageDraw.Draw(image)
    for mark in layout.marks:
        if isinstance(mark, Bars):
            for left, width in stripes(mark):
                draw.rectangle((left, mark.top, left + width - 1, mark.top + mark.height - 1), fill=0)
        else:
            draw.text((mark.left, mark.top), mark.text, font=letters.font(mark.size), fill=0)
    return image


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
        parts.append(_svg_bars(mark) if isinstance(mark, Bars) else _svg_words(mark))
    return "\n".join([*parts, "</svg>\n"]).encode()


def stripes(bars: Bars) -> list[tuple[int, int]]:
    """Each dark bar as (left, width) in dots."""
    found = []
    start = None
    for at, module in enumerate(bars.modules + "0"):
        if module == "1" and start is None:
            start = at
        elif module == "0" and start is not None:
            found.append((bars.left + start * bars.module, (at - start) * bars.module))
            start = None
    return found


def _svg_bars(bars: Bars) -> str:
    path = "".join(f"M{left} {bars.top}h{width}v{bars.height}h-{width}z" for left, width in stripes(bars))
    return f'<path shape-rendering="crispEdges" fill="#000" d="{path}"/>'


def _svg_words(words: Words) -> str:
    # The reader's machine may lack our typeface: the length keeps another one inside the field.
    return (
        f'<text x="{words.left}" y="{words.top + letters.ascent(words.size)}" font-size="{words.size}"'
        f' font-family={quoteattr(letters.FAMILY + ", monospace")} xml:space="preserve"'
        f' textLength="{words.width}" lengthAdjust="spacingAndGlyphs">{escape(words.text)}</text>'
    )
