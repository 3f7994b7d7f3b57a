"""What goes to a printer: no data is ever a command, every setting is said, and what comes out is as laid out."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from labels import (
    Label,
    LabelError,
    PrinterSettings,
    lay_out,
    letters,
    load,
    picture,
    readback,
    zpl,
    zpl_stream,
)
from labels.design import parse
from labels.layout import Code, Layout, Words
from labels.symbols import encode

VIAL = load("vial")
WORDS = {"type": "Plasma EDTA", "amount": "250 µL", "collected_on": "2026-03-01", "study": "ÉTUDE-7"}

# --- a reader of ZPL that knows the commands we send and nothing else

PLAIN = rb"[ !-\[\]_-}]"
DATA = rb"(?:\^FD(?:%b)*|\^FH\\\^FD(?:%b|\\[0-9A-F]{2})*)\^FS" % (PLAIN, PLAIN)
FIELD = rb"\^FO\d+,\d+(?:%b)" % b"|".join(
    (
        rb"\^BY(?:[1-9]|10),2,\d+\^BC[NRIB],\d+,N,N,N,[AN]%b" % DATA,
        rb"\^BX[NRIB],\d+,200,\d+,\d+,,_%b" % DATA,
        rb"\^A0[NRIB],\d+,\d+%b" % DATA,
        rb"\^GFA,\d+,\d+,\d+,[0-9A-FG-Yg-z,:]+\^FS",
    )
)
LABEL = rb"(?:~SD\d\d)?\^XA\^CI28\^PW\d+\^LL\d+\^LH0,0(?:\^PR\d+)?(?:%b)*\^PQ\d+\^XZ\n" % FIELD


def data_of(sent):
    """The data of every field, as the printer understands it, once the whole was found to be as strict as can be."""
    assert re.fullmatch(rb"(?:%b)+" % LABEL, sent), sent
    return [_understood(*found) for found in re.findall(rb"(\^FH\\)?\^FD([^^~]*)\^FS", sent)]


def _understood(escaped, data):
    if escaped:
        data = re.sub(rb"\\([0-9A-F]{2})", lambda code: bytes.fromhex(code[1].decode()), data)
    return data.decode()


def layout_of(*marks, design=VIAL, size=(800, 800), dpi=203):
    return Layout(*size, dpi, "T00421736", design, marks)


def code(kind, content, *, turn=0, module=3, left=40, top=44):
    symbol = encode(kind, content)
    height = 60 if symbol.linear else symbol.lines * module
    return Code(left=left, top=top, turn=turn, height=height, module=module, symbol=symbol, field=0)


def words(text, *, font="sans", size=30, left=40, top=40, turn=0):
    over, under = letters.line(size, font)
    width = letters.width(text, size, font)
    return Words(
        left=left, top=top, turn=turn, size=size, width=width, height=over + under, text=text, font=font,
        baseline=over,
    )  # fmt: skip


# --- data is never a command


@settings(max_examples=300)
@given(
    st.text(
        st.sampled_from("^~_\\>:;<=AX0é\n\r\x00\x1f€ ") | st.characters(codec="utf-8"),
        min_size=1,
        max_size=30,
    )
)
def test_no_text_becomes_a_command(text):
    sent = zpl(layout_of(words(text)))

    assert data_of(sent) in ([text], [])  # in the printer's letters, or as a picture
    assert sent.count(b"^XA") == sent.count(b"^XZ") == 1
    assert sent.count(b"^FO") <= 1


@settings(max_examples=300)
@given(
    st.sampled_from(["code128", "datamatrix", "qr"]),
    st.text(st.sampled_from("^~_\\>:;<=") | st.characters(codec="ascii"), min_size=1, max_size=20),
)
def test_no_code_becomes_a_command(kind, content):
    try:
        mark = code(kind, content)
    except LabelError:
        return  # what no symbol takes

    sent = zpl(layout_of(mark))

    assert len(data_of(sent)) <= 1
    assert sent.count(b"^XA") == sent.count(b"^XZ") == sent.count(b"^FO") == 1


@settings(max_examples=100)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_nothing_written_into_a_label_becomes_a_command(code, kind, study):
    try:
        layout = lay_out(Label(code, design="vial", values={"type": kind, "study": study}, number=code))
    except LabelError:
        return

    data_of(zpl(layout))


def test_commands_in_the_data_are_printed_as_letters(zpl_renderer):
    bad = "^XZ^XA^FO0,0^GB300,150,150^FS~JR"
    layout = lay_out(Label("T00421736", design="vial", values={"type": bad[:16], "study": bad[16:]}), dpi=300)

    (printed,) = zpl_renderer.draw(zpl(layout), layout.width, layout.height)
    assert readback.read(printed) == ["T00421736"]
    assert printed.histogram()[0] < 0.3 * layout.width * layout.height
    short = lay_out(Label("T00421736", design="vial", values={"type": "^XZ~JR\\_5E"}), dpi=300)
    assert data_of(zpl(short)) == ["T00421736", "T 004217 36", "^XZ~JR\\_5E"]


# --- the printer draws what was laid out


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize(
    ("kind", "content", "command"),
    [
        ("code128", "T00421736", b"^BCN,60,N,N,N,A^FDT00421736^FS"),
        ("code128", "FX05653780", b"^BCN,60,N,N,N,A^FDFX05653780^FS"),
        ("code128", "0123456789", b"^BCN,60,N,N,N,N^FD>;0123456789^FS"),
        ("code128", "123456AB", b"^BCN,60,N,N,N,N^FD>;123456>6AB^FS"),
        ("code128", "ABC-12", b"^BCN,60,N,N,N,N^FD>:ABC-12^FS"),
        ("code128", "a^b~c>d_", b"^BCN,60,N,N,N,N^FD>:a><b>=c>0d_^FS"),
        ("code128", "A123456B", b"^GFA,"),
        ("code128", "12A3456", b"^GFA,"),
        ("code128", "123456A", b"^GFA,"),
        ("gs1_128", "(01)09501101530003(17)261231(10)AB12", b"^FD>;>801095011015300031726123110>6AB12^FS"),
        ("gs1_128", "(21)T00421736", b"^GFA,"),
        ("datamatrix", "T00421736", b"^BXN,3,200,12,12,,_^FDT00421736^FS"),
        ("datamatrix", "a^b~c\\>d,", b"^BXN,3,200,16,16,,_^FH\\^FDa\\5Eb\\7Ec\\5C>d,^FS"),
        ("datamatrix", "a_b", b"^GFA,"),
        ("datamatrix", "é", b"^GFA,"),
        ("datamatrix", "ABCDEFGHIJKLMNOP", b"^GFA,"),
        ("gs1_datamatrix", "(21)T00421736", b"^BXN,3,200,14,14,,_^FD_121T00421736^FS"),
        ("qr", "T00421736", b"^GFA,"),
    ],
)
def test_each_symbol_is_printed_module_for_module(kind, content, command, turn, zpl_renderer):
    layout = layout_of(code(kind, content, turn=turn))
    sent = zpl(layout)

    (printed,) = zpl_renderer.draw(sent, layout.width, layout.height)
    assert command.replace(b"N,", {0: b"N,", 90: b"R,", 180: b"I,", 270: b"B,"}[turn], 1) in sent
    assert difference(printed, picture(layout)) is None
    assert readback.read(printed) == [content]


def test_a_printer_that_packs_otherwise_makes_a_symbol_of_the_same_size(zpl_renderer):
    # given a batch and a serial number, between which every printer puts its own sign of an end
    mark = code("gs1_datamatrix", "(10)AB12(21)T00421736")
    (printed,) = zpl_renderer.draw(zpl(layout_of(mark)), 800, 800)

    assert b"^FD_110AB12_121T00421736^FS" in zpl(layout_of(mark))
    assert readback.read(printed) == ["(10)AB12(21)T00421736"]
    assert dark(printed).getbbox() == mark.box


def test_modules_wider_than_the_printer_can_make_go_as_a_picture(zpl_renderer):
    layout = layout_of(code("code128", "T00421736", module=11), size=(1400, 400), dpi=600)
    sent = zpl(layout)

    (printed,) = zpl_renderer.draw(sent, 1400, 400)
    assert b"^GFA," in sent
    assert difference(printed, picture(layout)) is None


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_pictures_of_letters_are_dot_for_dot_ours(turn, zpl_renderer):
    layout = layout_of(words("Œdème ≥ 3", turn=turn, left=100, top=90))

    (printed,) = zpl_renderer.draw(zpl(layout), 800, 800)
    assert difference(printed, picture(layout)) is None


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("text", ["T 004217 36", "Sérum, 250 µL", "WWWWW@@@", "ÉÀÇ |jgq,;()", "iiiill!!!"])
def test_the_printers_own_letters_stay_where_the_text_was_laid_out(text, turn, zpl_renderer):
    for font in letters.FACES:
        mark = words(text, font=font, size=40, turn=turn, left=300, top=300)
        (printed,) = zpl_renderer.draw(zpl(layout_of(mark, size=(900, 900))), 900, 900)

        left, top, right, bottom = mark.box
        assert ImageChops.lighter(printed, box(printed.size, (left - 1, top - 1, right + 1, bottom + 1))) \
            .getextrema() == (255, 255)  # fmt: skip
        assert dark(printed).getbbox() is not None


def test_accents_are_in_the_printers_own_letters_and_others_are_pictures():
    assert data_of(zpl(lay_out(Label("T00421736", design="vial", values=WORDS), dpi=300))) == [
        "T00421736", "T 004217 36", "Plasma EDTA", "250 µL  2026-03-01", "ÉTUDE-7"
    ]  # fmt: skip
    other = lay_out(Label("T00421736", design="vial", values={"type": "cœur"}), dpi=300)
    assert data_of(zpl(other)) == ["T00421736", "T 004217 36"]


def test_a_printer_can_be_told_to_print_our_letters_only(zpl_renderer):
    layout = lay_out(Label("T00421736", design="vial", values=WORDS), dpi=300)
    sent = zpl(layout, printer=PrinterSettings(300, letters="picture"))

    (printed,) = zpl_renderer.draw(sent, layout.width, layout.height)
    assert b"^A0" not in sent
    assert difference(printed, picture(layout)) is None


def difference(printed, drawn):
    return ImageChops.difference(dark(printed), dark(drawn.convert("L"))).getbbox()


def dark(image):
    return image.point(lambda shade: 255 if shade < 128 else 0)


def box(size, place):
    image = Image.new("L", size, 0)
    image.paste(255, place)
    return image


# --- settings, copies, stock of several columns


def test_what_a_printer_was_set_to_is_said_with_every_label():
    layout = lay_out(Label("T00421736", design="vial"), dpi=203)
    printer = PrinterSettings(203, left_dots=5, top_dots=-2, darkness=7, speed=3)
    plain, told = zpl(layout), zpl(layout, copies=3, printer=printer)

    assert told.startswith(b"~SD07^XA^CI28^PW309^LL152^LH0,0^PR3")
    assert told.endswith(b"^PQ3^XZ\n")
    moved = [(int(x) + 5, int(y) - 2) for x, y in re.findall(rb"\^FO(\d+),(\d+)", plain)]
    assert [(int(x), int(y)) for x, y in re.findall(rb"\^FO(\d+),(\d+)", told)] == moved


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"dpi": 250}, "label_resolution_unknown"),
        ({"darkness": 31}, "label_printer_setting"),
        ({"darkness": "15^XZ"}, "label_printer_setting"),
        ({"speed": 0}, "label_printer_setting"),
        ({"left_dots": 1.5}, "label_printer_setting"),
        ({"top_dots": None}, "label_printer_setting"),
        ({"letters": "gothic"}, "label_printer_letters"),
    ],
)
def test_settings_no_printer_has_are_refused(wrong, code):
    with pytest.raises(LabelError) as refused:
        PrinterSettings(**{"dpi": 203, **wrong})

    assert refused.value.code == code
    assert str(refused.value)


def test_a_label_for_another_printer_or_pushed_off_its_edge_is_refused():
    layout = lay_out(Label("T00421736", design="vial"), dpi=203)

    with pytest.raises(LabelError, match="203 dpi; the printer has 300"):
        zpl(layout, printer=PrinterSettings(300))
    with pytest.raises(LabelError, match="over the edge"):
        zpl(layout, printer=PrinterSettings(203, left_dots=-1000))
    for copies in (0, -1, 10_000, True, "2"):
        with pytest.raises(LabelError, match="copies"):
            zpl(layout, copies=copies)


TWO_ACROSS = """
title = "Two across"
dpi = 203
[stock]
width_mm = 20
height_mm = 10
columns = 2
column_gap_mm = 3
[[fields]]
kind = "datamatrix"
left_mm = 1
top_mm = 1
width_mm = 6
height_mm = 6
[[fields]]
kind = "number"
left_mm = 1
top_mm = 7
width_mm = 18
height_mm = 3
"""


def test_stock_of_several_columns_is_filled_from_the_left(zpl_renderer):
    design = parse("two", TWO_ACROSS)
    codes = ["T00421736", "T00421833", "T00421930"]

    rows = list(zpl_stream(lay_out(Label(code, design=design)) for code in codes))
    printed = [zpl_renderer.draw(row, 344, 80)[0] for row in rows]

    assert [re.search(rb"\^PW(\d+)", row)[1] for row in rows] == [b"344", b"344"]
    assert [sorted(readback.read(row)) for row in printed] == [codes[:2], codes[2:]]
    assert readback.read(printed[0].crop((184, 0, 344, 80))) == [codes[1]]


def test_copies_fill_the_columns_too():
    layout = lay_out(Label("T00421736", design=parse("two", TWO_ACROSS)))
    five = zpl(layout, copies=5)

    assert re.findall(rb"\^PQ(\d+)", five) == [b"2", b"1"]
    assert five.count(b"^BX") == 3
    assert b"".join(zpl_stream([layout], copies=5)).count(b"^BX") == 5


def test_labels_of_other_stock_never_share_a_row():
    narrow = parse("two", TWO_ACROSS)
    other = replace(narrow, stock=replace(narrow.stock, gap_mm=2))

    with pytest.raises(LabelError, match="different stock"):
        list(zpl_stream(lay_out(Label("T00421736", design=design)) for design in (narrow, other)))


# --- examples that others made


def test_foreign_examples_are_drawn_as_their_pictures_say(shared_data, zpl_renderer):
    """What the renderer is worth: labels with pictures from elsewhere."""
    examples = sorted((shared_data / "zpl_examples").glob("*.zpl"))
    assert examples

    for example in examples:
        with Image.open(example.with_suffix(".png")) as file:
            expected = file.convert("L")
        printed = zpl_renderer.draw(example.read_bytes(), *expected.size)[0]

        assert printed.size == expected.size
        assert sorted(readback.read(printed)) == sorted(readback.read(expected))
        ours, theirs = dark(printed), dark(expected)
        both, either = ImageChops.darker(ours, theirs), ImageChops.lighter(ours, theirs)
        assert both.histogram()[255] >= 0.9 * either.histogram()[255]
