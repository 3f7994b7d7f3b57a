"""A PDF of labels: exact in size, of any length in the same memory, its text text, sheets begun at any cell."""

import tracemalloc
from io import BytesIO
from itertools import cycle, islice

import pypdfium2
import pytest

from labels import Label, LabelError, checked, lay_out, load, readback, write_pdf
from labels.design import parse

POINTS_PER_MM = 72 / 25.4


class Nowhere:
    """Takes everything and keeps nothing, and cannot go back."""

    def __init__(self):
        self.length = 0

    def write(self, data):
        self.length += len(data)


def numbered(count, design, **words):
    design = load(design)
    return (lay_out(Label(f"T{number:08}", design=design, values=words)) for number in range(count))


def pdf_of(layouts, **how):
    out = BytesIO()
    write_pdf(layouts, out, **how)
    return out.getvalue()


def opened(pdf):
    return pypdfium2.PdfDocument(pdf)


def lines(page):
    return page.get_textpage().get_text_range().split("\r\n")


@pytest.mark.parametrize("name", ["vial", "cap", "box", "tube"])
def test_a_page_is_exactly_as_large_as_its_label(name):
    stock = load(name).stock
    with opened(pdf_of(numbered(2, name))) as pdf:
        assert len(pdf) == 2
        for page in pdf:
            size = [stock.width_mm * POINTS_PER_MM, stock.height_mm * POINTS_PER_MM]
            assert page.get_size() == pytest.approx(size, abs=0.001)


def test_text_can_be_marked_and_searched():
    with opened(pdf_of([lay_out(Label("T00421736", design="vial", values={"type": "Sérum, cœur"}))])) as pdf:
        assert lines(pdf[0]) == ["T 004217 36", "Sérum, cœur"]
        assert pdf[0].get_textpage().search("cœur").get_next() is not None


def test_a_character_outside_the_usual_ones_is_there_too():
    with opened(pdf_of([lay_out(Label("T00421736", design="vial", values={"type": "Łódź β"}))])) as pdf:
        assert "Łódź β" in lines(pdf[0])


def test_the_same_labels_make_the_same_bytes_and_fonts_come_with_the_file():
    one, other = (pdf_of(numbered(3, "vial", type="DNA")) for _ in range(2))

    assert one == other
    assert one.count(b"/FontFile2") == 2
    assert b"CreationDate" not in one


def test_the_title_is_the_designs_or_as_asked():
    for how, title in (({}, load("vial").title), ({"title": "Étiquettes (lot\\7)"}, "Étiquettes (lot\\7)")):
        with opened(pdf_of(numbered(1, "vial"), **how)) as pdf:
            assert pdf.get_metadata_dict()["Title"] == title


def test_every_label_of_a_long_batch_is_there_and_reads():
    with opened(pdf_of(numbered(1000, "vial", type="DNA"))) as pdf:
        assert len(pdf) == 1000
        for number in (0, 1, 499, 999):
            picture = pdf[number].render(scale=300 / 72, grayscale=True).to_pil()
            assert readback.read(picture) == [f"T{number:08}"]


def test_two_thousand_labels_take_the_memory_of_two_hundred():
    layouts = list(numbered(20, "vial", type="DNA"))

    def peak(count):
        tracemalloc.reset_peak()
        write_pdf(islice(cycle(layouts), count), Nowhere())
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        peak(20)  # cuts the letters out of their fonts, once for all
        few, many = peak(200), peak(2000)
    finally:
        tracemalloc.stop()

    assert many < 1.1 * few


def test_a_sheet_begins_at_the_cell_asked_for_and_goes_on_over_the_page():
    stock = load("sheet-65").stock
    with opened(pdf_of(numbered(4, "sheet-65"), start=64)) as pdf:
        assert [len(readback.read(page.render(scale=300 / 72, grayscale=True).to_pil())) for page in pdf] == [
            2,
            2,
        ]
        size = (stock.sheet.page_width_mm, stock.sheet.page_height_mm)
        assert pdf[0].get_size() == pytest.approx([mm * POINTS_PER_MM for mm in size], abs=0.001)
        # cell 64 is the fourth of the thirteenth row
        left = stock.sheet.left_mm + 3 * stock.sheet.pitch_x_mm
        top = stock.sheet.top_mm + 12 * stock.sheet.pitch_y_mm
        drawn = pdf[0].render(scale=300 / 72, grayscale=True).to_pil()
        dots = 300 / 25.4
        cell = (left * dots, top * dots, (left + stock.width_mm) * dots, (top + stock.height_mm) * dots)
        assert readback.read(drawn.crop(tuple(map(round, cell)))) == ["T00000000"]


@pytest.mark.parametrize(
    ("design", "start"),
    [("sheet-65", 0), ("sheet-65", 66), ("sheet-65", -1), ("sheet-65", True), ("vial", 2)],
)
def test_a_start_outside_the_sheet_is_refused_and_nothing_is_written(design, start):
    out = BytesIO()

    with pytest.raises(LabelError) as refused:
        write_pdf(numbered(1, design), out, start=start)

    assert refused.value.code == "label_sheet_start"
    assert str(refused.value)
    assert out.getvalue() == b""


def test_copies_lie_one_after_the_other():
    with opened(pdf_of(numbered(2, "vial"), copies=2)) as pdf:
        assert [lines(page)[0] for page in pdf] == [
            "T 000000 00",
            "T 000000 00",
            "T 000000 01",
            "T 000000 01",
        ]
    for copies in (0, -1, 2.0):
        with pytest.raises(LabelError, match="copies"):
            pdf_of(numbered(1, "vial"), copies=copies)


def test_no_label_at_all_is_refused():
    with pytest.raises(LabelError, match="no label"):
        pdf_of([])


def test_labels_of_other_stock_begin_a_new_page():
    layouts = [*numbered(2, "sheet-65"), *numbered(1, "vial"), *numbered(1, "sheet-65")]

    with opened(pdf_of(layouts)) as pdf:
        assert [page.get_textpage().get_text_range().count("T 0000") for page in pdf] == [2, 1, 1]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_turned_fields_read_as_they_are_turned(turn):
    design = parse(
        "turned",
        {
            "title": "Turned",
            "dpi": 300,
            "stock": {"width_mm": 40, "height_mm": 40},
            "fields": [
                {"kind": "code128", "left_mm": 1, "top_mm": 1, "width_mm": 38, "height_mm": 38, "turn": turn}
                | ({"width_mm": 12} if turn in (90, 270) else {"height_mm": 12}),
                {"kind": "number", "left_mm": 15, "top_mm": 15, "width_mm": 24, "height_mm": 24, "turn": turn}
                | ({"width_mm": 4} if turn in (90, 270) else {"height_mm": 4}),
            ],
        },
    )
    with opened(pdf_of([checked(Label("T00421736", design=design))])) as pdf:
        assert readback.read(pdf[0].render(scale=300 / 72, grayscale=True).to_pil()) == ["T00421736"]
        assert lines(pdf[0]) == ["T 004217 36"]
