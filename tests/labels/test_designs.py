"""Every design that is shipped works with the longest and the shortest data; one that cannot is refused saying why."""

import itertools
import tomllib
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labels.design import (
    DESIGNS,
    DOTS_PER_MM,
    FIELDS,
    SUBJECTS,
    Design,
    draft,
    faults_of,
    load,
    names,
    parse,
)
from labels.errors import SENTENCES, LabelError
from labels.faults import DesignWarning
from labels.layout import Code, Label, Layout, Words, lay_out
from labels.preview import longest, shortest, warnings

every_design = pytest.mark.parametrize("name", names())
every_resolution = pytest.mark.parametrize("dpi", list(DOTS_PER_MM))

#: What people and other software ask for by name.
EXPECTED = {
    "tube", "vial", "vial-tail", "vial-33x13", "microtube", "cap", "pair", "slide", "slide-22x22", "cassette", "box",
    "freezer", "patient-sheet", "sheet-24", "sheet-65", "sheet-189", "straw", "card", "kit-tube",
}  # fmt: skip


def boxes(layout: Layout) -> list[tuple[Code | Words, tuple[int, int, int, int]]]:
    """Every mark with what it takes of the label: a symbol its quiet zones too."""
    return [(mark, mark.quiet_box if isinstance(mark, Code) else mark.box) for mark in layout.marks]


def apart(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def assert_in_order(layout: Layout) -> None:
    """Quiet zones kept, nothing on anything else, everything within one part of the stock, modules wide enough."""
    design = layout.design
    scale = DOTS_PER_MM[layout.dpi]
    taken = boxes(layout)
    for (one, first), (other, second) in itertools.combinations(taken, 2):
        assert apart(first, second), (one, other)
    for mark, box in taken:
        left, top, right, bottom = box
        assert 0 <= left < right <= layout.width, mark
        assert 0 <= top < bottom <= layout.height, mark
        if isinstance(mark, Code):
            assert mark.module / scale >= design.stock.module_mm - 1e-9
            own = design.fields[mark.field]
            assert own.left_mm - 1e-6 <= left / scale < right / scale <= own.right_mm + 1e-6
            assert own.top_mm - 1e-6 <= top / scale < bottom / scale <= own.bottom_mm + 1e-6
        else:
            assert mark.size / scale >= 1.41 - 1e-9
        assert not design.stock.parts or any(within(box, part, scale) for part in design.stock.parts), mark


def within(box, part, scale: float) -> bool:
    corners = [(x / scale - part.left_mm, y / scale - part.top_mm) for x in box[::2] for y in box[1::2]]
    if part.shape == "round":
        across, down = part.width_mm / 2, part.height_mm / 2
        return all(((x - across) / across) ** 2 + ((y - down) / down) ** 2 <= 1 + 1e-6 for x, y in corners)
    return all(-1e-6 <= x <= part.width_mm + 1e-6 and -1e-6 <= y <= part.height_mm + 1e-6 for x, y in corners)


def test_the_designs_that_people_ask_for_are_there():
    assert set(names()) == EXPECTED


@every_design
@every_resolution
@pytest.mark.parametrize("data", [longest, shortest])
def test_every_shipped_design_holds_the_longest_and_the_shortest_data(name, dpi, data):
    design = load(name)

    layout = lay_out(data(design), dpi=dpi)

    assert_in_order(layout)
    assert warnings(design, data(design), dpi) == []
    symbols = [mark for mark in layout.marks if isinstance(mark, Code)]
    assert {mark.symbol.content for mark in symbols} == {layout.code}
    shown = "".join(mark.text for mark in layout.marks if isinstance(mark, Words)).replace(" ", "")
    assert layout.code in shown


@every_design
def test_every_shipped_design_says_what_it_is_for_in_both_languages(name):
    design = load(name)

    assert design.title != name
    assert design.title_fr
    assert design.stock.material
    assert (DESIGNS / f"{name}.toml").read_text(encoding="utf-8").startswith("# ")


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(EXPECTED)),
    st.sampled_from(list(DOTS_PER_MM)),
    st.from_regex("[CDFHJKNPRTXY][0-9]{8,12}", fullmatch=True),
    st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text("aàÉéœŒç µ°0 9-WÎ", max_size=40)),
)
def test_any_data_leaves_every_label_in_order_once_too_long_texts_are_cut(name, dpi, code, values):
    label = Label(code, name, values)
    while isinstance(layout := tried(label, dpi), LabelError):
        # then as much is offered as fits, and cutting to it is enough
        field = layout.params["field"]
        assert field not in label.texts
        assert (layout.code, layout.params["may_shorten"]) == ("label_text_too_long", True)
        assert layout.params["text"].startswith(layout.params["fits"])
        label = replace(label, texts={**label.texts, field: layout.params["fits"]})

    assert_in_order(layout)
    assert code in "".join(mark.text for mark in layout.marks if isinstance(mark, Words)).replace(" ", "")


def tried(label: Label, dpi: int) -> Layout | LabelError:
    try:
        return lay_out(label, dpi=dpi)
    except LabelError as error:
        return error


def test_no_word_of_a_label_is_a_name_a_birth_date_or_a_hospital_number():
    assert not [
        word for word in FIELDS if any(part in word for part in ("name", "birth", "nip", "sex", "age"))
    ]
    assert all(meant.on and meant.on <= set(SUBJECTS) for meant in FIELDS.values())


@pytest.mark.parametrize("word", ["patient", "note", "name", "birth_date"])
def test_a_samples_label_is_offered_nothing_that_could_tell_whose_it_is(word):
    # given a design for samples that asks for it
    with pytest.raises(LabelError, match=f"no label of a sample has a word {word}") as refused:
        parse("mine", made(fields=[CODE, NUMBER, TEXT | {"value": f"{{{word}}}"}]))

    assert refused.value.params["field"] == 2
    assert f", {word}," not in f", {refused.value.params['known']},"


def test_the_longest_data_have_every_accent_of_french():
    together = "".join(meant.longest for meant in FIELDS.values())

    assert set("éèàçœŒÉÀêîâÇ°µ") <= set(together)


# --- bad designs

CODE = {"kind": "code128", "left_mm": 0, "top_mm": 0, "width_mm": 40, "height_mm": 8}
NUMBER = {"kind": "number", "left_mm": 0, "top_mm": 8, "width_mm": 40, "height_mm": 4}
TEXT = {"kind": "text", "left_mm": 0, "top_mm": 12, "width_mm": 40, "height_mm": 4, "value": "{type}"}
MATRIX = {"kind": "datamatrix", "left_mm": 0, "top_mm": 0, "width_mm": 8, "height_mm": 8}
STOCK = {"width_mm": 40, "height_mm": 20}
PART = {"left_mm": 0, "top_mm": 0, "width_mm": 10, "height_mm": 20}
ROUND = {"left_mm": 10, "top_mm": 0, "width_mm": 20, "height_mm": 20, "shape": "round"}
SHEET = {
    "page_width_mm": 210, "page_height_mm": 297, "left_mm": 5, "top_mm": 10, "columns": 5, "rows": 13,
    "pitch_x_mm": 40, "pitch_y_mm": 21,
}  # fmt: skip
FIELDS_OK = [CODE, NUMBER, TEXT]


def made(**changes):
    return {"dpi": 300, "stock": STOCK, "fields": FIELDS_OK} | changes


def fields(*changed):
    return made(fields=[*changed])


def test_a_plain_design_can_be_used():
    design = parse("mine", made())

    assert (design.of, design.title, list(faults_of(design))) == ("sample", "mine", [])


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"dpi": 300, "stock": STOCK}, "fields is missing"),
        (made(dpi=250), "dpi is 250; there are: 203, 300, 600"),
        (made(dpi=300.0), "dpi is not a whole number from 1 to 10000: 300.0"),
        (made(colour=1), "colour means nothing here"),
        (made(title=3), "title is not a text of at most 200 characters: 3"),
        ({**made(), "for": "moon"}, "for is moon; there are: sample, container, card, patient"),
        (made(stock=[]), "stock has to be a table"),
        (made(stock=STOCK | {"module_mm": 0.17}), "stock: modules of 0.17 mm do not print; 0.19 mm is the finest"),
        (made(stock=STOCK | {"width_mm": "40"}), "stock: width_mm is not a length: '40'"),
        (made(stock=STOCK | {"width_mm": True}), "width_mm is not a length: True"),
        (made(stock=STOCK | {"width_mm": float("nan")}), "width_mm is not a length: nan"),
        (made(stock=STOCK | {"height_mm": 900}), "height_mm is 900 mm; 300.0 mm is the longest"),
        (made(stock=STOCK | {"colour": 1}), "stock: colour means nothing here"),
        (made(stock={"width_mm": 40}), "stock: height_mm is missing"),
        (made(stock=STOCK | {"columns": 0}), "columns is not a whole number from 1 to 100: 0"),
        (made(stock=STOCK | {"lowest_c": 20, "highest_c": -80}), "the lowest temperature, 20 °C, is over"),
        (made(stock=STOCK | {"width_mm": 39}), "field 1 (code128): it ends at 40 × 8 mm, and the label at 39 × 20 mm"),
        (made(stock=STOCK | {"parts": [PART | {"width_mm": 41}]}), "stock.parts 1: it ends at 41 × 20 mm"),
        (made(stock=STOCK | {"parts": [PART, ROUND | {"left_mm": 9}]}), "stock.parts 2: it lies on part 1"),
        (made(stock=STOCK | {"parts": [PART | {"shape": "star"}]}), "shape is star; there are: rectangle, round"),
        (made(stock=STOCK | {"parts": [PART]}), "field 1 (code128): it does not lie within one part of the label"),
        (made(stock=STOCK | {"parts": {}}), "parts has to be a list of tables"),
        (
            made(stock=STOCK | {"parts": [ROUND]}, fields=[MATRIX | {"left_mm": 11}, NUMBER]),
            "field 1 (datamatrix): its corners do not lie within the round part",
        ),
        (made(stock=STOCK | {"sheet": SHEET | {"columns": 6}}), "6 labels side by side end at 245 mm"),
        (made(stock=STOCK | {"sheet": SHEET | {"rows": 14}}), "14 labels below each other end at 303 mm"),
        (made(stock=STOCK | {"sheet": SHEET | {"pitch_x_mm": 39}}), "begins after 39 mm, but a label takes 40 mm"),
        (made(stock=STOCK | {"sheet": {}}), "stock.sheet: page_width_mm is missing"),
        (made(stock=STOCK | {"sheet": 1}), "stock.sheet has to be a table"),
        (made(fields={}), "fields has to be a list of tables, 40 at most"),
        (fields(CODE, 7), "field 2: fields has to be a table"),
        (fields(CODE | {"height_mm": 4}, NUMBER), "field 1 (code128): no hand will hit 4 mm of bars; 5.0 mm"),
        (fields(CODE | {"width_mm": 4, "turn": 90}, NUMBER), "no hand will hit 4 mm of bars"),
        (fields(CODE), "a field of the kind number"),
        (fields(NUMBER), "a label needs a symbol with its code"),
        (fields(CODE, NUMBER | {"top_mm": 7}), "field 2 (number): it lies on field 1, code128"),
        (fields(CODE, NUMBER | {"kind": "moon"}), "field 2: kind is 'moon'; there are: code128, gs1_128"),
        (fields(CODE, NUMBER | {"height_mm": 0}), "field 2: height_mm is zero"),
        (fields(CODE, NUMBER | {"left_mm": -1}), "field 2: left_mm is not a length: -1"),
        (fields(CODE, {"kind": "number"}), "left_mm is missing"),
        (fields(CODE, {"left_mm": 0}), "field 2: kind is missing"),
        (fields(CODE | {"font": "mono"}, NUMBER), "field 1 (code128): font means nothing here"),
        (fields(CODE, NUMBER | {"value": "{code}"}), "field 2 (number): value means nothing here"),
        (fields(CODE, NUMBER | {"turn": 45}), "turn is 45; there are: 0, 90, 180, 270"),
        (fields(CODE, NUMBER | {"align": "up"}), "align is up; there are: left, centre, right"),
        (fields(CODE, NUMBER | {"font": "comic"}), "font is comic; there are: mono, sans, sans-bold"),
        (fields(CODE, NUMBER | {"smallest_text_mm": 1.4}), "letters of 1.4 mm are under 4 points; 1.41 mm"),
        (fields(MATRIX | {"shape": "round"}, NUMBER), "shape is round; there are: square, rectangle, any"),
        (fields(CODE, NUMBER, TEXT | {"value": " "}), "field 3 (text): a text needs a value"),
        (fields(CODE, NUMBER, TEXT | {"value": "{typ"}), "field 3 (text): {typ cannot be filled"),
        (fields(CODE, NUMBER, TEXT | {"value": "{type!r}"}), "{type} holds more than a word"),
        (fields(CODE, NUMBER, TEXT | {"value": "{type.x}"}), "{type.x} holds more than a word"),
        (fields(CODE, NUMBER, TEXT | {"value": "{mood}"}), "no label of a sample has a word mood; there are: code"),
        (fields(CODE, NUMBER, TEXT | {"may_shorten": 1}), "may_shorten is neither true nor false: 1"),
        (fields(CODE | {"value": "{type}"}, NUMBER), "a symbol whose value lacks {code}"),
    ],
)  # fmt: skip
def test_a_design_that_cannot_work_is_refused_saying_why(data, what):
    with pytest.raises(LabelError) as refused:
        parse("mine", data)

    assert refused.value.code == "label_design_wrong"
    assert refused.value.params["fault"] in SENTENCES
    assert what in str(refused.value)


TUBE = (DESIGNS / "tube.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('kind = "number"', 'kind = "moon"', 'kind = "moon"'),
        ("top_mm = 8.7", "top_mm = 7.0", "[[fields]]"),
        ("top_mm = 8.7", "top_mm = 'x'", "top_mm = 'x'"),
        ("dpi = 300", "dpi = 299", "dpi = 299"),
        ("module_mm = 0.25", "module_mm = 0.1", "[stock]"),
        ("module_mm = 0.25", "modul_mm = 0.25", "modul_mm = 0.25"),
        ('font = "sans-condensed"', 'font = "serif"', 'font = "serif"'),
    ],
)
def test_a_fault_is_told_with_its_line(old, new, line):
    # given the shipped design with one line changed
    text = TUBE.replace(old, new, 1)

    with pytest.raises(LabelError) as refused:
        parse("mine", text)

    number = refused.value.params["line"]
    assert text.split("\n")[number - 1].startswith(line)
    assert f"line {number}: " in str(refused.value)


def test_what_is_no_toml_is_told_with_the_place():
    with pytest.raises(LabelError, match=r"this is not TOML: .*line 2"):
        parse("mine", "dpi = 300\nstock = [\x01")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "mine.toml").write_bytes(TUBE.encode("latin-1", "replace") + "# é".encode("latin-1"))

    with pytest.raises(LabelError, match="this is not TOML: 'utf-8' codec") as refused:
        load("mine", tmp_path)

    assert refused.value.code == "label_design_wrong"


def test_a_very_long_text_is_not_even_read():
    with pytest.raises(LabelError, match="longer than 20000 characters"):
        parse("mine", "#" * 100_001)


@pytest.mark.parametrize(
    "name", ["none", "../labels/tube", "", "tube.toml", "a" * 100, "t\x00", "tube\n", "TÙBE"]
)
def test_an_unknown_design_is_refused_with_the_known_ones(name):
    with pytest.raises(LabelError) as refused:
        load(name)

    assert refused.value.code == "label_design_unknown"
    assert "box, cap, card" in str(refused.value)


def test_a_design_is_read_anew_once_its_file_is_changed(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(TUBE, encoding="utf-8")
    before = load("mine", tmp_path)
    assert load("mine", tmp_path) is before

    file.write_text(TUBE.replace("dpi = 300", "dpi = 203 "), encoding="utf-8")

    assert load("mine", tmp_path).dpi == 203


def test_a_changed_copy_of_a_design_is_laid_out_anew():
    design = load("tube")
    narrow = replace(design, fields=tuple(replace(field, left_mm=0) for field in design.fields))

    first, second = lay_out(Label("T00421736", design)), lay_out(Label("T00421736", narrow))

    assert first.marks[0].left > second.marks[0].left


# --- whatever is written

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SHIPPED = {name: (DESIGNS / f"{name}.toml").read_text(encoding="utf-8") for name in names()}


def read_or_refused(text) -> Design | None:
    """Parses; where that is refused, with a whole sentence."""
    try:
        return parse("mine", text)
    except LabelError as error:
        refused = error
    assert refused.code == "label_design_wrong"
    assert str(refused).startswith("The label design 'mine' cannot be used: ")
    return None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
@example("[[stock]]\n[[fields]]\n")
@example("dpi=300\nfields=[]\n[stock.sheet]\n")
@example("a=" + "[" * 5000)
def test_no_text_makes_the_reading_of_designs_fail_in_another_way(text):
    read_or_refused(text)


def holders(data):
    """Every table and list within plain data."""
    if isinstance(data, dict | list):
        yield data
        for inner in data.values() if isinstance(data, dict) else data:
            yield from holders(inner)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_shipped_design_with_anything_in_place_of_anything_is_read_or_refused(draw):
    # given a shipped design in which one value, somewhere, is something else
    data = tomllib.loads(SHIPPED[draw.draw(st.sampled_from(sorted(SHIPPED)))])
    holder = draw.draw(st.sampled_from([each for each in holders(data) if each]))
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key = draw.draw(st.sampled_from(keys))
    value = draw.draw(plain | st.sampled_from([0, 1e-9, 1e9, -1, 90, "{", "{x}", "qr", "gs1_128", [], {}]))
    if draw.draw(st.booleans()):
        holder[key] = value
    else:
        del holder[key]

    design = read_or_refused(MappingProxyType(data))

    # then one that was read can be laid out, or says why not
    if design is not None:
        assert all(isinstance(each, DesignWarning) and str(each) for each in warnings(design))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(SHIPPED)), st.data())
def test_a_shipped_design_with_a_piece_cut_out_or_repeated_is_read_or_refused(name, draw):
    text = SHIPPED[name]
    start = draw.draw(st.integers(0, len(text)))
    end = draw.draw(st.integers(start, min(len(text), start + 200)))

    read_or_refused(text[:start] + text[end:])
    read_or_refused(text[:end] + text[start:])


# --- warnings, for the page where a design is written


def found(design, label=None, dpi=None):
    return [(each.code, each.field_index) for each in warnings(design, label, dpi)]


def test_everything_that_is_wrong_is_warned_of_at_once():
    # given a design with letters under four points, a text off the label, and one on another
    design = draft(
        "mine",
        made(fields=[CODE, NUMBER | {"smallest_text_mm": 1.0}, TEXT | {"top_mm": 17}, TEXT | {"top_mm": 11}]),
    )

    assert found(design) == [
        ("design_text_small", 1),
        ("design_off_label", 2),
        ("design_overlap", 3),
    ]
    assert str(warnings(design)[0]).startswith("field 2 (number): letters of 1.0 mm")


def test_a_text_too_long_and_a_symbol_too_large_are_warned_of_with_what_would_fit():
    design = draft("mine", made(stock=STOCK, fields=[CODE | {"width_mm": 20}, NUMBER, TEXT]))

    tried = warnings(design, Label("T00421736", values={"type": "W" * 100}))

    assert [(each.code, each.field_index) for each in tried] == [
        ("label_code_too_wide", 0),
        ("label_text_too_long", 2),
    ]
    assert "leaves 20.0 mm" in str(tried[0])
    assert tried[1].params["fits"]


def test_a_symbol_that_fits_but_for_its_quiet_zone_is_warned_of_as_such():
    # given 28 mm for bars of 25.7 mm and quiet zones of 5.1 mm
    design = draft("mine", fields(CODE | {"width_mm": 28}, NUMBER))

    assert found(design, Label("T00421736")) == [("design_quiet_zone", 0), ("label_code_too_wide", 0)]


def test_warnings_are_of_the_resolution_asked_for():
    # given 3.9 mm for 14 modules: 3 dots each at 300 dpi are 3.6 mm, at 203 dpi nothing is a quarter of a millimetre
    design = parse("mine", fields(MATRIX | {"width_mm": 3.9, "height_mm": 3.9}, NUMBER))

    assert found(design, Label("T00421736"), 300) == []
    assert found(design, Label("T00421736"), 17) == [("label_resolution_unknown", None)]
    assert found(design) == [("design_quiet_zone", 0), ("label_code_too_wide", 0)]


def test_the_lines_of_warnings_are_those_of_the_text():
    text = TUBE.replace("height_mm = 3.6", "height_mm = 3.6\nsmallest_text_mm = 1.0")

    (warning,) = warnings(draft("mine", text))

    assert text.split("\n")[warning.line - 1] == "[[fields]]"
