"""Symbols stand in whole printer dots with quiet zones, texts in the largest letters; or it says what would fit."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.design import DESIGNS, DOTS_PER_MM, load, parse
from labels.errors import LabelError
from labels.layout import Code, Label, Words, grouped, lay_out
from labels.templates import fill, words

every_resolution = pytest.mark.parametrize("dpi", list(DOTS_PER_MM))

NUMBER = {"kind": "number", "left_mm": 0, "top_mm": 50, "width_mm": 100, "height_mm": 6}
CODE = {"kind": "code128", "left_mm": 0, "top_mm": 0, "width_mm": 100, "height_mm": 8}


def design(*fields, code=CODE, **stock):
    """A stock of a decimetre with these fields, a symbol and a number."""
    placed = [{"left_mm": 5, "top_mm": 10} | field for field in fields]
    size = {"width_mm": 100, "height_mm": 60} | stock
    return parse("mine", {"dpi": 300, "stock": size, "fields": [code, NUMBER, *placed]})


def text(value="{type}", width=40, height=4, **more):
    return {"kind": "text", "width_mm": width, "height_mm": height, "value": value} | more


def symbol(kind="datamatrix", width=10, height=10, **more):
    return {"kind": kind, "width_mm": width, "height_mm": height} | more


def lines_of(layout):
    """The texts but for the number."""
    return [mark for mark in layout.marks if isinstance(mark, Words)][1:]


def codes_of(layout):
    return [mark for mark in layout.marks if isinstance(mark, Code)]


def refusal(label, **keywords):
    with pytest.raises(LabelError) as refused:
        lay_out(label, **keywords)
    assert str(refused.value)
    return refused.value


def tried(label, **keywords):
    """The layout, or why there is none."""
    try:
        return lay_out(label, **keywords)
    except LabelError as error:
        return error


# --- symbols


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["code128", "datamatrix", "qr"]),
    st.sampled_from(list(DOTS_PER_MM)),
    st.floats(6, 90),
    st.floats(6, 39),
    st.sampled_from([0, 90, 180, 270]),
    st.sampled_from(["left", "centre", "right"]),
    st.floats(0.19, 0.6),
)
def test_a_symbol_fills_its_field_with_whole_modules_or_is_refused(
    kind, dpi, width, height, turn, align, module_mm
):
    field = symbol(kind, width, height, turn=turn, align=align, widest_module_mm=0.7)
    label = Label("T00421736", design(field, module_mm=module_mm))
    scale = DOTS_PER_MM[dpi]

    made = tried(label, dpi=dpi)
    if isinstance(made, LabelError):
        assert (made.code, made.params["field"]) == ("label_code_too_wide", 2)
        return

    code = codes_of(made)[1]
    left, top, right, bottom = code.quiet_box
    assert module_mm - 1e-6 <= code.module / scale <= max(0.7, module_mm + 1 / scale) + 1e-6
    assert 5 * scale - 1e-6 <= left < right <= (5 + width) * scale + 1e-6
    assert 10 * scale - 1e-6 <= top < bottom <= (10 + height) * scale + 1e-6
    # then no module more would fit
    inner = (right - left, bottom - top) if turn in (0, 180) else (bottom - top, right - left)
    assert inner[0] == code.symbol.width * code.module


@every_resolution
def test_a_symbol_too_large_is_refused_with_what_would_fit(dpi):
    def tube(code):
        return Label(code, "tube", number="x")

    error = refusal(tube("IPC-26-004821-7"), dpi=dpi)

    assert error.code == "label_code_too_wide"
    assert error.params["room_mm"] == "37.0"
    assert error.params["needed_mm"] == {203: "52.3", 300: "53.1", 600: "53.1"}[dpi]
    lay_out(tube("0" * error.params["digits"]), dpi=dpi)
    lay_out(tube("A" * error.params["characters"]), dpi=dpi)
    refusal(tube("0" * (error.params["digits"] + 2)), dpi=dpi)
    refusal(tube("A" * (error.params["characters"] + 1)), dpi=dpi)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["code128", "datamatrix", "qr"]),
    st.sampled_from(list(DOTS_PER_MM)),
    st.sampled_from([0, 90]),
    st.floats(5, 9),
    st.text("0123456789ABC", min_size=1, max_size=20),
)
def test_what_is_said_to_be_needed_is_enough(kind, dpi, turn, side, content):
    def label(width, height):
        if turn:
            width, height = height, width
        alone = symbol(kind, width, height, turn=turn, left_mm=60.1, top_mm=60.3)
        return Label(content, design(code=alone, width_mm=300, height_mm=300), number="x")

    made = tried(label(side, side), dpi=dpi)
    if isinstance(made, LabelError):
        needed = [float(each) for each in made.params["needed_mm"].split(" × ")]
        lay_out(label(needed[0], side if kind == "code128" else needed[1]), dpi=dpi)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["square", "rectangle", "any"]),
    st.sampled_from(list(DOTS_PER_MM)),
    st.floats(3, 14),
    st.floats(3, 7),
)
def test_what_is_said_to_fit_into_a_data_matrix_fits(shape, dpi, width, height):
    mine = design(code=symbol("datamatrix", width, height, shape=shape, left_mm=0, top_mm=0))

    made = tried(Label("X" * 60, mine, number="x"), dpi=dpi)
    if not isinstance(made, LabelError) or made.code != "label_code_too_wide":
        return

    for character, most in (("0", made.params["digits"]), ("A", made.params["characters"])):
        if most:
            lay_out(Label(character * most, mine, number="x"), dpi=dpi)


def test_a_code_outside_the_alphabet_is_refused_naming_the_field():
    error = refusal(Label("é", design(symbol())))

    assert (error.code, error.params["field"], error.params["design"]) == ("label_code_character", 0, "mine")


@pytest.mark.parametrize("code", ["", "é", "T004\n", "T\x00", " T00421736", "\ud800"])
def test_a_code_that_cannot_become_a_symbol_is_refused(code):
    assert refusal(Label(code)).code in ("label_code_empty", "label_code_character")


def test_a_stock_of_fine_film_allows_finer_modules(tmp_path):
    # given a printer of 600 dpi and film on which 0.19 mm holds
    written = (DESIGNS / "tube.toml").read_text(encoding="utf-8")
    fine = written.replace("module_mm = 0.25", "module_mm = 0.19")
    (tmp_path / "fine.toml").write_text(fine, encoding="utf-8")

    layout = lay_out(Label("T00421736-AB", design="fine"), dpi=600, folder=tmp_path)

    assert codes_of(layout)[0].module == 5
    assert refusal(Label("T00421736-AB"), dpi=600).code == "label_code_too_wide"


def test_any_shape_of_data_matrix_takes_the_one_with_the_larger_modules():
    def taken(width, height):
        code = codes_of(
            lay_out(Label("T00421736", design(symbol("datamatrix", width, height, shape="any"))))
        )[1]
        return code.symbol.columns, code.symbol.lines

    # then a square in a square, and a flat one where the field is flat
    assert taken(8, 8) == (12, 12)
    assert taken(14, 3.2) == (18, 8)


@pytest.mark.parametrize("shape", ["square", "any"])
def test_a_code_longer_than_any_rectangle_still_becomes_a_square(shape):
    mine = design(symbol("datamatrix", 30, 30, shape=shape))

    code = codes_of(lay_out(Label("0" * 120, replace(mine, fields=mine.fields[1:]), number="x")))[0]

    assert (code.symbol.columns, code.symbol.lines) == (32, 32)


def test_a_gs1_symbol_holds_the_code_within_its_element_string():
    field = symbol("gs1_datamatrix", 20, 20, value="(8004){gs1_prefix}{code}")

    code = codes_of(lay_out(Label("T00421736", design(field), {"gs1_prefix": "376001"})))[1]

    assert code.symbol.content == "(8004)376001T00421736"


# --- turning


@every_resolution
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_what_is_turned_takes_the_same_room_the_other_way(turn, dpi):
    # given the same content upright, and turned in a field that is as high as that one is wide
    upright = design(text(width=30, height=5, rows=2, align="left"))
    sides = (5, 30) if turn in (90, 270) else (30, 5)
    turned = design(text(width=sides[0], height=sides[1], rows=2, align="left", turn=turn))
    values = {"type": "Échantillon d’œil prélevé en deux lignes"}

    first = lines_of(lay_out(Label("T00421736", upright, values), dpi=dpi))
    second = lines_of(lay_out(Label("T00421736", turned, values), dpi=dpi))

    assert [mark.text for mark in first] == [mark.text for mark in second]
    assert {mark.turn for mark in second} == {turn}
    for one, other in zip(first, second, strict=True):
        assert abs(one.size - other.size) <= 1
        width, height = other.box[2] - other.box[0], other.box[3] - other.box[1]
        assert (width, height) == (
            (other.height, other.width) if turn in (90, 270) else (other.width, other.height)
        )
    scale = DOTS_PER_MM[dpi]
    start = min(first[0].box[0], first[1].box[0]) - 5 * scale
    # then the text begins at the top of the label, at its right end, or at its bottom, and its lines follow on
    if turn == 90:
        assert abs(second[0].box[1] - 10 * scale - start) < 2
        assert second[1].box[2] <= second[0].box[0]
    elif turn == 180:
        assert abs((5 + 30) * scale - second[0].box[2] - start) < 2
        assert second[1].box[3] <= second[0].box[1]
    else:
        assert abs((10 + 30) * scale - second[0].box[3] - start) < 2
        assert second[1].box[0] >= second[0].box[2]


def test_turned_bars_stand_like_the_rungs_of_a_ladder():
    code = codes_of(lay_out(Label("T00421736", design(symbol("code128", 8, 38, turn=90)))))[1]

    left, top, right, bottom = code.box
    assert bottom - top == code.width == 101 * code.module
    assert right - left == code.height
    assert code.quiet_box == (left, top - 10 * code.module, right, bottom + 10 * code.module)


# --- texts


def test_a_text_too_long_is_refused_with_what_would_fit():
    mine = design(text(), text(top_mm=20, may_shorten=False))

    error = refusal(Label("T00421736", mine, {"type": "W" * 200}))

    assert (error.code, error.params["field"], error.params["may_shorten"]) == (
        "label_text_too_long",
        2,
        True,
    )
    assert error.params["room_mm"] == "40.0"
    cut = Label("T00421736", mine, {"type": "W" * 200}, texts={2: error.params["fits"]})
    assert refusal(cut).params == error.params | {"field": 3, "may_shorten": False}
    lay_out(replace(cut, texts={2: error.params["fits"], 3: ""}))
    refusal(replace(cut, texts={2: error.params["fits"] + "W"}))


def test_a_number_too_long_is_never_to_be_shortened():
    error = refusal(Label("T00421736", number="W" * 100))

    assert (error.code, error.params["field"], error.params["may_shorten"]) == (
        "label_text_too_long",
        1,
        False,
    )


@every_resolution
@pytest.mark.parametrize("font", ["mono", "sans", "sans-bold", "sans-condensed", "sans-narrow"])
def test_letters_are_as_large_as_the_field_allows(font, dpi):
    mine = design(text(width=16, height=4, font=font), text("X", width=50, height=4, top_mm=20, font=font))

    long, short = lines_of(lay_out(Label("T00421736", mine, {"type": "Cœur prélevé"}), dpi=dpi))

    scale = DOTS_PER_MM[dpi]
    # then the one is as wide as its field, the other as high
    assert 0.85 * 16 * scale < long.width <= 16 * scale
    assert 0.8 * 4 * scale < short.height <= 4 * scale


def test_a_text_is_broken_at_blanks_into_as_many_lines_as_it_may_have():
    mine = design(text(width=16, height=8, rows=3))

    lines = lines_of(lay_out(Label("T00421736", mine, {"type": "Plasma EDTA prélevé à jeun"})))

    assert " ".join(mark.text for mark in lines) == "Plasma EDTA prélevé à jeun"
    assert len(lines) in (2, 3)
    assert len({mark.size for mark in lines}) == 1
    for above, below in itertools.pairwise(lines):
        assert above.box[3] <= below.box[1]


def test_texts_stand_left_right_or_in_the_middle():
    mine = design(
        *[text(top_mm=10 + 5 * n, align=align) for n, align in enumerate(("left", "centre", "right"))]
    )

    left, middle, right = lines_of(lay_out(Label("T00421736", mine, {"type": "DNA"}), dpi=203))

    assert left.left == 40
    assert right.left + right.width == 360
    assert abs((middle.left - 40) - (360 - middle.left - middle.width)) <= 1


def test_a_text_whose_words_are_all_missing_leaves_its_place_empty():
    mine = design(text("Visit {visit}"), text("{type}  {amount}  {mark}", top_mm=20))

    assert [
        mark.text for mark in lines_of(lay_out(Label("T00421736", mine, {"type": "DNA", "mark": "R1"})))
    ] == ["DNA  R1"]


def test_a_word_no_label_has_is_refused():
    assert refusal(Label("T00421736", values={"birth_date": "1950-01-01"})).code == "label_word_unknown"


@pytest.mark.parametrize("bad", ["\n", "a\x00b", "🙂", "\ud800", "\u202e", "\u200b"])
def test_a_character_that_cannot_be_drawn_is_refused_rather_than_printed_as_a_box(bad):
    error = refusal(Label("T00421736", values={"type": bad + "x"}))

    assert error.code == "label_text_character"
    assert error.params["field"] == 2
    assert chr(int(error.params["character"][2:], 16)) in bad


def test_accents_in_two_pieces_are_put_together():
    one, other = (
        lay_out(Label("T00421736", values={"type": each})).marks
        for each in ("prélevé", "pre\u0301leve\u0301")
    )

    assert one == other


def test_our_numbers_are_spelled_in_groups_and_other_codes_as_they_are():
    assert (grouped("T00421736"), grouped("FX05653780")) == ("T 004217 36", "FX05653780")
    assert lay_out(Label("T00421736")).marks[1].text == "T 004217 36"
    assert lay_out(Label("T00421736", number="TT-4217")).marks[1].text == "TT-4217"


def test_a_resolution_no_printer_has_is_refused():
    assert refusal(Label("T00421736"), dpi=250).code == "label_resolution_unknown"
    assert refusal(Label("T00421736"), dpi=0).code == "label_resolution_unknown"


@every_resolution
def test_a_layout_is_as_large_as_its_stock(dpi):
    layout = lay_out(Label("T00421736", "box"), dpi=dpi)

    scale = DOTS_PER_MM[dpi]
    assert (layout.width, layout.height) == (int(60 * scale + 1e-6), int(25 * scale + 1e-6))
    assert layout.design is load("box")


# --- templates


def test_templates_are_words_in_braces():
    assert words("{a}x{{b}}{c}") == ["a", "c"]
    assert fill("{a}x{{b}}{c}", {"a": "1", "c": "2"}) == "1x{b}2"
    assert fill("{a}  {b}  {c}", {"a": "1", "c": "2"}) == "1  2"
    assert fill("plain", {}) == "plain"
    for bad in ("{", "}", "{}", "{0}", "{a:>9}", "{a!s}", "{a[0]}"):
        with pytest.raises(ValueError, match=r"word|brace|'[{}]'"):
            words(bad)
