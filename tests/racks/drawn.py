"""Pictures of racks and pucks, drawn: tubes, holes, codes at any angle, and what goes wrong with a camera."""

import io
import math
import random
from collections.abc import Collection, Mapping

import zxingcpp
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from biobank.racks.picture_puck import SLOTS

TABLE, RACK, HOLE, TUBE = 235, 200, 30, 225


def code(
    text: str, module: int = 4, family: zxingcpp.BarcodeFormat = zxingcpp.BarcodeFormat.DataMatrix
) -> Image.Image:
    """A symbol, one module wide of light around it."""
    options = {"force_square": True} if family == zxingcpp.BarcodeFormat.DataMatrix else {}
    drawn = zxingcpp.create_barcode(text, family, **options).to_image(scale=1, add_quiet_zones=False)
    height, width = drawn.shape[:2]
    symbol = Image.frombytes("L", (width, height), bytes(memoryview(drawn).cast("B")))
    around = Image.new("L", (width + 2, height + 2), TUBE)
    around.paste(symbol, (1, 1))
    return around.resize((around.width * module, around.height * module), Image.Resampling.NEAREST)


def texts(rows: int, columns: int, *, seed: int = 1) -> dict[tuple[int, int], str]:
    """A code for each well of a rack."""
    chance = random.Random(seed)
    return {(row, column): f"FD{chance.randrange(10**8):08}"
            for row in range(1, rows + 1) for column in range(1, columns + 1)}  # fmt: skip


def rack(
    rows: int,
    columns: int,
    tubes: Mapping[tuple[int, int], str | None],
    *,
    module: int = 4,
    rims: bool = True,
    smudged: Collection[tuple[int, int]] = (),
    seed: int = 1,
) -> Image.Image:
    """From straight above. A tube whose text is None has no code; a smudged one has one that nobody can read."""
    chance, pitch = random.Random(seed), 36 * module
    picture = Image.new("L", ((columns + 1) * pitch, (rows + 1) * pitch), TABLE)
    pen = ImageDraw.Draw(picture)
    if rims:
        pen.rectangle(
            (pitch * 0.3, pitch * 0.3, picture.width - pitch * 0.3, picture.height - pitch * 0.3), RACK, 20
        )
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            centre = complex(column, row) * pitch
            if rims:
                _circle(pen, centre, 0.45 * pitch, HOLE)
                if (row, column) in tubes:
                    _circle(pen, centre, 0.42 * pitch, TUBE)
            if text := tubes.get((row, column)):
                moved = centre + pitch * complex(chance.uniform(-0.04, 0.04), chance.uniform(-0.04, 0.04))
                symbol = code(text, module)
                _put(
                    picture,
                    _smudged(symbol) if (row, column) in smudged else symbol,
                    moved,
                    chance.uniform(0, 360),
                )
    return picture


def puck(pins: Mapping[int, str], *, turn: float = 0, radius: int = 480, seed: int = 1) -> Image.Image:
    """A puck of sixteen places on a table, turned by so many degrees."""
    chance, side = random.Random(seed), int(2.5 * radius)
    picture = Image.new("L", (side, side), TABLE)
    pen, middle = ImageDraw.Draw(picture), complex(side, side) / 2
    _circle(pen, middle, radius, 40)
    for number, slot in enumerate(SLOTS, start=1):
        turned = slot * complex(math.cos(math.radians(turn)), math.sin(math.radians(turn)))
        centre = middle + radius * turned
        _circle(pen, centre, 0.14 * radius, TUBE if number in pins else 150)
        if number in pins:
            moved = centre + radius * complex(chance.uniform(-0.015, 0.015), chance.uniform(-0.015, 0.015))
            symbol = code(pins[number])
            size = round(0.142 * radius * symbol.width / (symbol.width - 8))
            _put(picture, symbol.resize((size, size)), moved, chance.uniform(0, 360), window=0.12 * radius)
        else:
            _circle(pen, centre, 0.1 * radius, 0)
    return picture


def _circle(pen: ImageDraw.ImageDraw, centre: complex, radius: float, fill: int) -> None:
    low, high = centre - complex(radius, radius), centre + complex(radius, radius)
    pen.ellipse((low.real, low.imag, high.real, high.imag), fill=fill, outline=130, width=3)


def _put(
    picture: Image.Image, symbol: Image.Image, centre: complex, angle: float, window: float | None = None
) -> None:
    turned = symbol.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=TUBE)
    mask = Image.new("L", symbol.size, 255).rotate(angle, expand=True)
    if window is not None:  # a symbol's corners do not lie over the rim
        inside = Image.new("L", turned.size, 0)
        _circle(ImageDraw.Draw(inside), complex(*turned.size) / 2, window, 255)
        mask = ImageChops.darker(mask, inside)
    picture.paste(
        turned, (round(centre.real - turned.width / 2), round(centre.imag - turned.height / 2)), mask
    )


def _smudged(symbol: Image.Image) -> Image.Image:
    smear = symbol.filter(ImageFilter.GaussianBlur(symbol.width / 24))
    half = Image.effect_noise((symbol.width // 8, symbol.height // 8), 120).resize(symbol.size)
    return ImageChops.darker(smear, half)


# --- the camera


def tilted(picture: Image.Image, degrees: float) -> Image.Image:
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=TABLE)


def from_aside(picture: Image.Image, much: float = 0.06) -> Image.Image:
    """Seen from one side: what is farther away is smaller."""
    width, height = picture.size
    out = much * width
    corners = (0, 0, -out, height + out, width + out, height + out, width, 0)
    return picture.transform(
        picture.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=TABLE
    )


def blurred(picture: Image.Image, pixels: float = 1.3) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(pixels))


def grainy(picture: Image.Image, levels: float = 25) -> Image.Image:
    return ImageChops.add(picture, Image.effect_noise(picture.size, levels), 1, -128)


def shaded(picture: Image.Image) -> Image.Image:
    """A lamp from one side."""
    slope = Image.linear_gradient("L").rotate(90).resize(picture.size)
    return ImageChops.multiply(picture, slope.point(lambda level: 70 + level * 0.7))


def file(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()
