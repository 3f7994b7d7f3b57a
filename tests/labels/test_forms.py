"""Every design with every kind of symbol at every resolution reads back from its PNG, its PDF and what is printed."""

from dataclasses import replace
from io import BytesIO

import pypdfium2
import pytest
from PIL import Image

from labels import LabelError, lay_out, load, longest, names, png, readback, shortest, write_pdf, zpl
from labels.layout import Code
from labels.stock import DOTS_PER_MM, Field, dots_per_mm
from labels.symbols import KINDS

RESOLUTIONS = list(DOTS_PER_MM)
ACCENTS = "Œdème prélevé à 4 °C, ÉTÉ"
GS1 = "(8004){gs1_prefix}{code}"
PDF_DPI = 600
POINTS_PER_MM = 72 / 25.4


def accents(design):
    """As much as fits of a French text in every word of the label."""
    label = longest(design)
    values = {
        word: ACCENTS[: (len(value) + 1) // 2] for word, value in label.values.items() if not value.isdigit()
    }
    return replace(label, values={**label.values, **values}, code="T00421736", number="T 004217 36")


def with_kind(design, kind):
    """The design with this kind of symbol in place of its own; where that is too large for their fields, alone."""
    value = GS1 if kind.startswith("gs1") else "{code}"
    swapped = tuple(
        replace(field, kind=kind, value=value) if field.kind in KINDS else field for field in design.fields
    )
    yield replace(design, fields=swapped)
    width, height = design.stock.width_mm, design.stock.height_mm
    box = {"left_mm": 0.2, "top_mm": 0.2, "width_mm": width - 0.4, "height_mm": height - 2.6}
    line = {"left_mm": 0.5, "top_mm": height - 2.2, "width_mm": width - 1, "height_mm": 2}
    number = Field(kind="number", **line, font="sans-condensed", smallest_text_mm=1.41)
    yield replace(design, fields=(Field(kind=kind, **box, value=value, shape="any"), number))


def contents(layout):
    return sorted(mark.symbol.content for mark in layout.marks if isinstance(mark, Code))


def read_pdf(layouts):
    """What stands on each label of the PDF of these, and its text."""
    out = BytesIO()
    write_pdf(layouts, out)
    with pypdfium2.PdfDocument(out.getvalue()) as document:
        for place, layout in enumerate(layouts):
            number, left, top, width, height = cell_of(layout, place)
            page = document[number]
            page_width, page_height = page.get_size()
            crop = (
                left * POINTS_PER_MM,
                page_height - (top + height) * POINTS_PER_MM,
                page_width - (left + width) * POINTS_PER_MM,
                top * POINTS_PER_MM,
            )
            drawn = page.render(scale=PDF_DPI / 72, crop=[max(0, side) for side in crop], grayscale=True)
            yield readback.read(drawn.to_pil()), page.get_textpage().get_text_range()


def cell_of(layout, place):
    """Page, and left, top, width and height in mm, of the label at this place of a batch."""
    stock, sheet = layout.design.stock, layout.design.stock.sheet
    if sheet is None:
        return place, 0, 0, stock.width_mm, stock.height_mm
    page, cell = divmod(place, sheet.cells)
    row, column = divmod(cell, sheet.columns)
    left, top = sheet.left_mm + column * sheet.pitch_x_mm, sheet.top_mm + row * sheet.pitch_y_mm
    return page, left, top, stock.width_mm, stock.height_mm


def check_every_form(layouts, zpl_renderer):
    for layout in layouts:
        expected = contents(layout)
        assert sorted(readback.read(Image.open(BytesIO(png(layout))))) == expected
        (printed,) = zpl_renderer.draw(zpl(layout), layout.width, layout.height)
        assert printed.size == (layout.width, layout.height)
        assert sorted(readback.read(printed)) == expected
        check_places(layout, printed)
        check_fields(layout, printed)
    for layout, (read, text) in zip(layouts, read_pdf(layouts), strict=True):
        assert sorted(read) == contents(layout)
        for mark in layout.marks:
            assert isinstance(mark, Code) or " ".join(mark.text.split()) in " ".join(text.split())


def check_places(layout, printed):
    """Each symbol is as large as laid out, to the dot, where it was laid out, and nothing is near it."""
    for mark in layout.marks:
        if isinstance(mark, Code):
            left, top, right, bottom = mark.box
            around = printed.crop(mark.quiet_box).point(lambda shade: 255 if shade < 128 else 0)
            beside, above = left - mark.quiet_box[0], top - mark.quiet_box[1]
            assert around.getbbox() == (beside, above, beside + right - left, above + bottom - top)


def check_fields(layout, printed):
    """Nothing is printed beside the fields, whichever letters the printer has. A dot more is the edge of a letter."""
    dots = dots_per_mm(layout.dpi)
    for field in layout.design.fields:
        left, top = field.left_mm * dots - 1, field.top_mm * dots - 1
        right, bottom = field.right_mm * dots + 1, field.bottom_mm * dots + 1
        printed.paste(255, tuple(map(round, (left, top, right, bottom))))
    assert printed.point(lambda shade: 255 if shade < 128 else 0).getbbox() is None


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_shipped_design_reads_back_from_every_form_at_every_resolution(name, zpl_renderer):
    design = load(name)

    labels = [made(design) for made in (shortest, longest, accents)]
    check_every_form([lay_out(label, dpi=dpi) for label in labels for dpi in RESOLUTIONS], zpl_renderer)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", names())
def test_every_kind_of_symbol_on_every_design_reads_back_or_is_refused_with_what_fits(
    name, kind, zpl_renderer
):
    design = load(name)
    if {field.kind for field in design.fields if field.kind in KINDS} == {kind}:
        return  # as shipped: the test above

    for dpi in RESOLUTIONS:
        layout = refusal = None
        for tried in with_kind(design, kind):
            try:
                layout = layout or lay_out(accents(tried), dpi=dpi)
            except LabelError as error:
                refusal = error
        if layout is None:
            assert refusal.code == "label_code_too_wide"
            assert "digits" in str(refusal)
            assert kind in ("code128", "gs1_128", "gs1_datamatrix", "qr")
        else:
            check_every_form([layout], zpl_renderer)
