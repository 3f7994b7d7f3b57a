"""The README's picture of the shipped label designs: each in its own size beside the others, with data as it comes."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from labels import Label, lay_out, load, picture

#: Pixels for a millimetre of film.
SCALE = 8
GAP, MARGIN, WORDS = 3 * SCALE, 4 * SCALE, 5 * SCALE
WIDTH = 1400
GROUND, INK, EDGE = "#eaf0f2", "#33474f", "#9aaab1"
SHOWN = (
    "tube", "vial", "vial-33x13", "microtube", "pair", "cap", "vial-tail", "kit-tube", "slide", "slide-22x22",
    "cassette", "straw", "sheet-65", "box", "card", "patient-sheet", "freezer",
)  # fmt: skip
SAID = {
    "sample": {
        "type": "Plasma", "amount": "500 µL", "collected_on": "2026-11-23", "study": "COLIBRI", "visit": "inclusion",
        "tube": "EDTA", "set": "1", "sets": "4", "kit": "Inclusion", "container": "Plasma 1", "position": "B07",
    },
    "container": {"container": "Plasma 1", "kind": "Box 9 × 9", "position": "Rack 2, B", "temperature": "−80 °C",
                  "site": "NORD"},
    "card": {"procedure": "Plasma, first spin", "version": "SPIN-1  v2", "kind": "Procedure"},
    "patient": {"study": "COLIBRI", "visit": "inclusion", "set": "1", "sets": "24", "site": "NORD"},
}  # fmt: skip
CODES = {"sample": "T00421736", "container": "K00012887", "card": "X00000139", "patient": "P00000304"}


def draw_designs(path: Path) -> None:
    """Write the picture."""
    rows = _rows([(name, _drawn(name)) for name in SHOWN])
    heights = [max(image.height for _name, image in row) + WORDS + GAP for row in rows]
    sheet = Image.new("RGB", (WIDTH, sum(heights) + 2 * MARGIN - GAP), GROUND)
    pen, top = ImageDraw.Draw(sheet), MARGIN
    for row, height in zip(rows, heights, strict=True):
        left = MARGIN
        for name, image in row:
            at = top + height - GAP - WORDS - image.height
            pen.rectangle(
                (left - 1, at - 1, left + image.width, at + image.height), fill="white", outline=EDGE
            )
            sheet.paste(image, (left, at))
            pen.text((left, top + height - GAP - WORDS + 6), name, fill=INK, font=ImageFont.load_default(17))
            left += _room(name, image) + GAP
        top += height
    sheet.save(path)


def _drawn(name: str) -> Image.Image:
    design = load(name)
    label = Label(CODES[design.of], design, SAID[design.of])
    size = (round(design.stock.width_mm * SCALE), round(design.stock.height_mm * SCALE))
    return picture(lay_out(label, dpi=600)).convert("L").resize(size, Image.Resampling.LANCZOS)


def _room(name: str, image: Image.Image) -> int:
    return max(image.width, round(ImageFont.load_default(17).getlength(name)))


def _rows(drawn: list[tuple[str, Image.Image]]) -> list[list[tuple[str, Image.Image]]]:
    rows: list[list[tuple[str, Image.Image]]] = [[]]
    left = MARGIN
    for name, image in drawn:
        if rows[-1] and left + _room(name, image) > WIDTH - MARGIN:
            rows.append([])
            left = MARGIN
        rows[-1].append((name, image))
        left += _room(name, image) + GAP
    return rows
