"""A label is read back as its own code at every size and resolution, and its bars are whole printer dots."""

import itertools
import string
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import labels
from labels import Label, LabelError, code128, readback, render
from labels.__main__ import main
from labels.layout import Bars, Words, lay_out
from labels.stock import DOTS_PER_MM, load, parse

every_design = pytest.mark.parametrize("design", labels.names())
every_resolution = pytest.mark.parametrize("dpi", list(DOTS_PER_MM))
LINES = ("Plasma EDTA", "2026-03-01 · 200 µL")


def opened(png):
    return Image.open(BytesIO(png))


def runs(picture, row):
    """The row of pixels as (is dark, length)."""
    pixels = [picture.getpixel((x, row)) == 0 for x in range(picture.width)]
    return [(dark, len(list(group))) for dark, group in itertools.groupby(pixels)]


def bars_of(label, dpi=None):
    return next(mark for mark in lay_out(label, dpi=dpi).marks if isinstance(mark, Bars))


def refusal(*arguments, **keywords):
    with pytest.raises(LabelError) as refused:
        render(*arguments, **keywords)
    assert str(refused.value)
    return refused.value


@every_design
@every_resolution
def test_every_label_reads_back_as_its_code(design, dpi):
    picture = opened(render(Label("T00421736", design=design, lines=LINES), dpi=dpi))

    assert readback.read(picture) == ["T00421736"]
    # The file may round dots per metre.
    assert picture.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)


@every_design
@every_resolution
def test_every_bar_is_a_whole_number_of_modules_and_every_module_of_dots(design, dpi):
    label = Label("T00421736", design=design, lines=LINES)
    bars = bars_of(label, dpi)

    picture = opened(render(label, dpi=dpi))
    (_, left_margin), *inside, (_, right_margin) = runs(picture, bars.top + bars.height // 2)

    assert all(length % bars.module == 0 for _, length in inside)
    assert (
        "".join(("1" if dark else "0") * (length // bars.module) for dark, length in inside) == bars.modules
    )
    assert min(left_margin, right_margin) >= 10 * bars.module
    assert bars.module / DOTS_PER_MM[dpi] >= load(design).stock.module_mm - 1e-9


@every_design
@every_resolution
def test_nothing_is_printed_into_the_quiet_zones_or_off_the_label(design, dpi):
    layout = lay_out(Label("T00421736", design=design, lines=LINES), dpi=dpi)
    bars = next(mark for mark in layout.marks if isinstance(mark, Bars))

    for word in (mark for mark in layout.marks if isinstance(mark, Words)):
        assert word.top >= bars.top + bars.height
        assert word.left >= 0
        assert word.left + word.width <= layout.width
    assert bars.left - 10 * bars.module >= 0
    assert bars.left + (len(bars.modules) + 10) * bars.module <= layout.width


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from("CDFHJKNPRTXY"),
    st.from_regex(r"[0-9]{8,12}", fullmatch=True),
    st.sampled_from([203, 300, 600]),
)
def test_every_number_of_ours_reads_back_from_a_box_label(letter, digits, dpi):
    code = letter + digits

    assert readback.read(opened(render(Label(code, design="box"), dpi=dpi))) == [code]


@settings(max_examples=60, deadline=None)
@given(st.text(string.ascii_letters + string.digits + string.punctuation, min_size=1, max_size=16))
def test_any_plain_text_of_sixteen_characters_reads_back_from_a_freezer_label(text):
    assert readback.read(opened(render(Label(text, design="freezer", number="x")))) == [text]


@pytest.mark.parametrize(
    ("text", "modules"),
    [("T00421736", 101), ("0123456789", 90), ("T0042173600", 112), ("IPC-26-004821-7", 189)],
)
def test_symbols_are_as_wide_as_the_standard_measured(text, modules):
    assert len(code128.modules(text)) == modules
    assert code128.width(text) == modules + 20


def test_a_code_too_wide_for_the_label_is_refused_with_what_would_fit():
    error = refusal(Label("IPC-26-004821-7", design="tube"), dpi=203)

    assert error.code == "label_code_too_wide"
    assert error.params["needed_mm"] == "52.3"
    assert error.params["room_mm"] == "37.0"
    render(Label("0" * error.params["digits"], number="0"), dpi=203)
    render(Label("A" * error.params["characters"]), dpi=203)
    refusal(Label("0" * (error.params["digits"] + 1), number="0"), dpi=203)
    refusal(Label("A" * (error.params["characters"] + 1)), dpi=203)


def test_a_text_too_long_for_the_label_is_refused_with_what_would_fit():
    error = refusal(Label("T00421736", lines=("W" * 200,)))

    assert error.code == "label_text_too_long"
    render(Label("T00421736", lines=(error.params["fits"],)))
    refusal(Label("T00421736", lines=(error.params["fits"] + "W",)))


def test_more_lines_than_the_label_has_are_refused():
    error = refusal(Label("T00421736", lines=("1", "2", "3")))

    assert (error.code, error.params["most"], error.params["lines"]) == ("label_too_many_lines", 2, 3)


@pytest.mark.parametrize("text", ["\n", "a\x00b", "🙂", "\ud800", "\u202e"])
def test_a_character_that_cannot_be_drawn_is_refused_rather_than_printed_as_a_box(text):
    assert refusal(Label("T00421736", lines=(text + "x",))).code == "label_text_character"


def test_accents_are_drawn_and_differ_from_the_bare_letter():
    accented, bare, decomposed = (
        render(Label("T00421736", lines=(line,)))
        for line in (
            "prélevé à 8 °C, 3 µg, cœur",
            "preleve a 8 C, 3 g, cur",
            "pre\u0301leve\u0301 a\u0300 8 °C, 3 µg, cœur",
        )
    )

    assert accented != bare
    assert accented == decomposed


@pytest.mark.parametrize("code", ["", "é", "T004\n", "T\x00", " T00421736", "\ud800"])
def test_a_code_that_cannot_become_bars_is_refused(code):
    assert refusal(Label(code)).code in ("label_code_empty", "label_code_character")


def test_our_numbers_are_spelled_in_groups_and_other_codes_as_they_are():
    assert (labels.grouped("T00421736"), labels.grouped("FX05653780")) == ("T 004217 36", "FX05653780")


def test_an_empty_line_leaves_its_place_empty():
    words = [
        mark.text
        for mark in lay_out(Label("T00421736", lines=("", "second"))).marks
        if isinstance(mark, Words)
    ]

    assert words == ["T 004217 36", "second"]


def test_the_drawing_for_pages_stands_on_the_same_dots_as_the_picture():
    label = Label("T00421736", lines=("Sang & <EDTA>",))
    layout = lay_out(label)

    root = ElementTree.fromstring(render(label, form="svg"))

    assert root.get("viewBox") == f"0 0 {layout.width} {layout.height}"
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == [
        "T 004217 36",
        "Sang & <EDTA>",
    ]
    path = next(root.iter("{http://www.w3.org/2000/svg}path")).get("d")
    assert path.count("M") == len(bars_of(label).modules.replace("0", " ").split())


def test_a_label_that_does_not_read_back_is_not_let_out():
    # given a layout whose bars lack their last ones
    layout = lay_out(Label("T00421736"))
    marks = [
        replace(mark, modules=mark.modules[:-6]) if isinstance(mark, Bars) else mark for mark in layout.marks
    ]

    with pytest.raises(LabelError, match="read back as: nothing"):
        readback.verify(replace(layout, marks=tuple(marks)))


def test_a_label_that_reads_as_another_code_is_not_let_out():
    # given a layout that claims other bars than it has
    layout = lay_out(Label("T00421736"))
    marks = [replace(mark, content="T00421833") if isinstance(mark, Bars) else mark for mark in layout.marks]

    with pytest.raises(LabelError, match="read back as: T00421736"):
        readback.verify(replace(layout, marks=tuple(marks)))


@pytest.mark.parametrize("name", ["none", "../labels/tube", "", "tube.toml", "a" * 100, "t\x00"])
def test_an_unknown_design_is_refused_with_the_known_ones(name):
    error = refusal(Label("T00421736", design=name))

    assert (error.code, error.params["known"]) == ("label_design_unknown", "box, freezer, tube")


def test_a_resolution_no_printer_has_and_a_form_no_file_has_are_refused():
    assert refusal(Label("T00421736"), dpi=250).code == "label_resolution_unknown"
    assert refusal(Label("T00421736"), dpi=0).code == "label_resolution_unknown"
    assert refusal(Label("T00421736"), form="bmp").code == "label_form_unknown"


CODE = {"kind": "code128", "left_mm": 0, "top_mm": 0, "width_mm": 40, "height_mm": 8}
NUMBER = {"kind": "number", "left_mm": 0, "top_mm": 8, "width_mm": 40, "height_mm": 4}
STOCK = {"width_mm": 40, "height_mm": 20}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"dpi": 300, "stock": STOCK}, "fields is missing"),
        ({"dpi": 250, "stock": STOCK, "fields": [CODE, NUMBER]}, "250 dpi"),
        (
            {"dpi": 300, "stock": STOCK | {"module_mm": 0.17}, "fields": [CODE, NUMBER]},
            "0.19 mm is the finest",
        ),
        ({"dpi": 300, "stock": STOCK | {"width_mm": "40"}, "fields": [CODE, NUMBER]}, "not a length"),
        ({"dpi": 300, "stock": STOCK | {"colour": 1}, "fields": [CODE, NUMBER]}, "colour means nothing"),
        ({"dpi": 300, "stock": {"width_mm": 39, "height_mm": 20}, "fields": [CODE, NUMBER]}, "runs off"),
        ({"dpi": 300, "stock": STOCK, "fields": [CODE | {"height_mm": 4}, NUMBER]}, "hit 4 mm"),
        ({"dpi": 300, "stock": STOCK, "fields": [CODE]}, "its number in plain letters"),
        ({"dpi": 300, "stock": STOCK, "fields": [CODE, NUMBER | {"top_mm": 7}]}, "lie on each other"),
        ({"dpi": 300, "stock": STOCK, "fields": [CODE, NUMBER | {"kind": "moon"}]}, "moon"),
        ({"dpi": 300, "stock": STOCK, "fields": [CODE, NUMBER | {"height_mm": 0}]}, "zero"),
        ({"dpi": 300, "stock": STOCK, "fields": [CODE, {"kind": "number"}]}, "missing"),
    ],
)
def test_a_design_that_cannot_work_is_refused_saying_why(data, what):
    with pytest.raises(LabelError, match=what) as refused:
        parse("mine", data)

    assert refused.value.code == "label_design_wrong"


def test_a_stock_of_fine_film_allows_finer_bars(tmp_path):
    # given a printer of 600 dpi and film on which 0.19 mm holds
    text = (
        (labels.DESIGNS / "tube.toml")
        .read_text(encoding="utf-8")
        .replace("module_mm = 0.25", "module_mm = 0.19")
    )
    (tmp_path / "fine.toml").write_text(text, encoding="utf-8")

    layout = lay_out(Label("T00421736-AB", design="fine"), dpi=600, folder=tmp_path)

    assert next(mark.module for mark in layout.marks if isinstance(mark, Bars)) == 5
    assert refusal(Label("T00421736-AB"), dpi=600).code == "label_code_too_wide"


def test_a_label_can_be_made_by_hand(tmp_path, capsys):
    out = tmp_path / "x.png"

    assert main(["T00421736", "--design", "tube", "--line", "Plasma", "-o", str(out)]) == 0
    assert readback.read(Image.open(out)) == ["T00421736"]
    assert main(["IPC-26-004821-7", "-o", str(out)]) == 1
    assert "There would fit" in capsys.readouterr().err
