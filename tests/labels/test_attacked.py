"""Labels under attack: whatever is written into a design or a label, it is printed right or refused, and soon."""

import io
import itertools
import random
import re
import time

import pypdfium2
import pytest
from PIL import Image, ImageChops

from labels import (
    Label,
    LabelError,
    PrinterSettings,
    checked,
    lay_out,
    letters,
    parse,
    picture,
    readback,
    render,
    symbols,
    write_pdf,
    zpl,
)
from labels.layout import Code, Layout
from labels.render import _letter
from labels.status import read_status

STOCK = "[stock]\nwidth_mm = {}\nheight_mm = 20\n"
FIELDS = (
    '[[fields]]\nkind = "datamatrix"\nleft_mm = 0\ntop_mm = 0\nwidth_mm = 9\nheight_mm = 9\n'
    '[[fields]]\nkind = "number"\nleft_mm = 10\ntop_mm = 0\nwidth_mm = 25\nheight_mm = 9\n'
)


def design(*fields, width=40.0, height=20.0, dpi=203, **stock):
    return parse(
        "attacked",
        {"dpi": dpi, "stock": {"width_mm": width, "height_mm": height, **stock}, "fields": list(fields)},
    )


def field(kind, left, top, width, height, **more):
    return {"kind": kind, "left_mm": left, "top_mm": top, "width_mm": width, "height_mm": height, **more}


def dark(image):
    return image.convert("L").point(lambda shade: 255 if shade < 128 else 0)


# --- designs


@pytest.mark.parametrize(
    "text",
    [
        "dpi = 203\n" + STOCK.format("0x" + "f" * 400) + FIELDS,
        "dpi = 0x" + "f" * 9000 + "\n" + STOCK.format(40) + FIELDS,
        "title = 0x" + "f" * 9000 + "\ndpi = 203\n" + STOCK.format(40) + FIELDS,
        "title = [0x" + "f" * 9000 + "]\ndpi = 203\n" + STOCK.format(40) + FIELDS,
        "dpi = 203\n" + STOCK.format("nan") + FIELDS,
        "dpi = 203\n" + STOCK.format("-inf") + FIELDS,
        'title = "\ud800"\ndpi = 203\n' + STOCK.format(40) + FIELDS,
        "a = " + "[" * 9000,
        "a = " + "{a=" * 4000,
        "\n".join(f"k{number}" + ".a" * 98 + " = 1" for number in range(95)),
        {1: 2, "a": 3},
        {f"k{number}": 1 for number in range(100_000)},
        "dpi = 203\n" + STOCK.format(300) + "columns = 100\n" + FIELDS,
    ],
    ids=itertools.count(),
)
def test_a_hostile_design_is_refused_in_a_sentence_and_soon(text):
    started = time.thread_time()
    with pytest.raises(LabelError) as refused:
        parse("attacked", text)

    assert refused.value.code == "label_design_wrong"
    assert len(str(refused.value)) < 500
    assert time.thread_time() - started < 2


@pytest.mark.parametrize(
    "value", ["{code.__class__}", "{code!r}", "{code:>9}", "{0}", "{}", "{code[0]}", "{code", "}"]
)
def test_braces_reach_nothing_but_words(value):
    with pytest.raises(LabelError, match="cannot be filled"):
        design(
            field("datamatrix", 0, 0, 9, 9),
            field("number", 10, 0, 25, 9),
            field("text", 0, 10, 30, 9, value=value),
        )


def test_a_title_cannot_break_a_pdf():
    layout = lay_out(Label("T00421736", design(field("qr", 0, 0, 9, 9), field("number", 10, 0, 25, 9))))
    out = io.BytesIO()
    write_pdf([layout], out, title=")>>endobj(\\\ud800")

    with pypdfium2.PdfDocument(out.getvalue()) as file:
        assert file.get_metadata_dict()["Title"].startswith(")>>endobj(\\")


# --- time and memory


@pytest.mark.parametrize("kind", ["datamatrix", "qr"])
@pytest.mark.parametrize("letter", ["é", "A", "1"])
def test_a_code_of_a_million_letters_is_refused_at_once(kind, letter):
    started = time.thread_time()
    with pytest.raises(LabelError) as refused:
        symbols.encode(kind, letter * 1_000_000)

    assert refused.value.code == "label_code_too_long"
    assert time.thread_time() - started < 2


def test_the_longest_codes_still_go_into_their_symbols():
    for kind in ("datamatrix", "qr"):
        with pytest.raises(LabelError) as refused:
            symbols.encode(kind, "1" * 10_000)
        most = refused.value.params["digits"]
        assert symbols.encode(kind, "1" * most).content == "1" * most
        with pytest.raises(LabelError):
            symbols.encode(kind, "1" * (most + 1))


def test_letters_as_high_as_a_hand_do_not_fill_the_memory():
    """No size of letters is kept for ever, and no large letter at all."""
    wide = design(
        field("qr", 0, 0, 9, 9), field("number", 0, 100, 200, 100), width=300.0, height=300.0, dpi=600
    )
    render(Label("7", wide), "png", check=False)

    before = _letter.cache_info().currsize
    render(Label("8", wide), "png", check=False)
    assert _letter.cache_info().currsize == before
    assert letters.font.cache_info().maxsize < 100
    assert letters._advances.cache_info().maxsize is not None


# --- letters


@pytest.mark.parametrize(
    "text", ["دم", "אב", "a\u202eb", "a\u200bb", "e\u0301\u0301", "\x00", "\ud800", "\ufeff"]
)
@pytest.mark.parametrize("font", ["mono", "sans"])
def test_what_would_be_read_backwards_or_not_at_all_is_no_letter(text, font):
    with pytest.raises(LabelError) as refused:
        letters.drawable(text, font)

    assert refused.value.code == "label_text_character"


def test_high_letters_stay_in_their_field():
    tall = design(
        field("datamatrix", 0, 0, 9, 9),
        field("number", 10, 0, 25, 9),
        field("text", 0, 10, 30, 4, value="{type}", font="sans"),
    )
    for dpi in (203, 600):
        drawn = dark(picture(lay_out(Label("T00421736", tall, {"type": "ẰẴỆ"}), dpi=dpi)))
        first = round(10 * dpi / 25.4)
        assert drawn.crop((0, round(9 * dpi / 25.4), drawn.width, first)).getbbox() is None
        assert drawn.crop((0, first, drawn.width, drawn.height)).getbbox()


# --- what a printer would print


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("code", ["9", "12", "T00421736"])
def test_large_letters_at_the_edge_of_a_label_lie_over_no_symbol(code, turn, zpl_renderer):
    """Moved inwards, because nothing is printed before the edge, they would."""
    edge = design(
        field("number", 0, 0, 12.5, 13.8, turn=turn, font="sans-narrow"),
        field("qr", 12.6, 0, 12.4, 13.8),
        width=25.0,
        height=14.0,
    )
    layout = checked(Label(code, edge))
    (printed,) = zpl_renderer.draw(zpl(layout), layout.width, layout.height)

    (symbol,) = [mark for mark in layout.marks if isinstance(mark, Code)]
    place = symbol.quiet_box
    difference = ImageChops.difference(dark(printed.crop(place)), dark(picture(layout).crop(place)))
    assert difference.getbbox() is None


@pytest.mark.parametrize("align", ["left", "right", "centre"])
def test_an_offset_never_asks_for_a_place_before_the_edge(align):
    edge = design(
        field("number", 0, 0, 20, 9, align=align, font="sans-bold"), field("datamatrix", 21, 0.5, 9, 9)
    )
    for left, top in itertools.product(range(-12, 1, 3), range(-12, 1, 3)):
        for code in ("7", "784", "T00421736"):
            layout = lay_out(Label(code, edge))
            try:
                sent = zpl(layout, printer=PrinterSettings(203, left_dots=left, top_dots=top))
            except LabelError:  # over the edge
                continue
            assert not re.search(rb"\^FO(?!\d+,\d+\^)", sent)


@pytest.mark.parametrize(
    "content", ["5", "Y", ">", "A:>3", ">>", "a^b", "~", "12345>6", "123456>", "1234A", "_>5_"]
)
def test_what_looks_like_an_invocation_is_printed_as_it_stands(content, zpl_renderer):
    symbol = symbols.encode("code128", content)
    mark = Code(left=60, top=20, turn=0, height=60, module=3, symbol=symbol, field=0)
    layout = Layout(
        900, 120, 203, content, design(field("code128", 0, 0, 39, 9), field("number", 0, 10, 30, 9)), (mark,)
    )

    (printed,) = zpl_renderer.draw(zpl(layout), layout.width, layout.height)
    assert ImageChops.difference(dark(printed), dark(picture(layout))).getbbox() is None
    assert readback.read(printed) == [content]


def test_random_labels_are_read_from_every_form(zpl_renderer):
    """Fields cut at random out of the label, random data; nothing lies over a quiet zone in any form."""
    chance, made = random.Random(20_111), 0
    while made < 5:
        try:
            layout = checked(_random_label(chance), dpi=chance.choice([203, 300, 600]))
        except LabelError:
            continue
        made += 1
        drawn = picture(layout)
        (printed,) = zpl_renderer.draw(zpl(layout), layout.width, layout.height)
        page = _page(layout)
        for mark in layout.marks:
            if not isinstance(mark, Code):
                continue
            for name, whole, scale in (
                ("png", drawn, 1),
                ("zpl", printed, 1),
                ("pdf", page, page.width / layout.width),
            ):
                cut = whole.crop(tuple(round(edge * scale) for edge in mark.quiet_box)).convert("L")
                assert readback.read(cut) == [mark.symbol.content], (name, layout)


def _random_label(chance):
    width, height = chance.uniform(15, 60), chance.uniform(10, 40)
    cells = [(0.0, 0.0, width, height)]
    for _ in range(chance.randint(1, 4)):
        left, top, across, down = cells.pop(chance.randrange(len(cells)))
        cut = chance.uniform(0.3, 0.7)
        if across > down:
            cells += [(left, top, across * cut, down), (left + across * cut, top, across * (1 - cut), down)]
        else:
            cells += [(left, top, across, down * cut), (left, top + down * cut, across, down * (1 - cut))]
    kinds = [
        chance.choice(symbols.KINDS),
        "number",
        *chance.choices(["text", *symbols.KINDS], k=len(cells) - 2),
    ]
    fields = []
    for kind, cell in zip(kinds, cells, strict=True):
        more = {"turn": chance.choice([0, 90, 180, 270]), "align": chance.choice(["left", "centre", "right"])}
        if kind in symbols.KINDS:
            more["value"] = "(10)AB12(21){code}" if "gs1" in kind else "{code}"
        else:
            more |= {"font": chance.choice(list(letters.FACES)), "smallest_text_mm": 1.41}
            more |= {"value": "{type}"} if kind == "text" else {}
        fields.append(field(kind, *cell, **more))
    some = "ABCXYZ0123456789>:;^~_-"
    code = chance.choice(
        [f"T{chance.randrange(10**8):08}", "".join(chance.choices(some, k=chance.randint(1, 12)))]
    )
    text = "".join(chance.choices(some + "éÀœ²│ {}", k=chance.randint(0, 12)))
    return Label(code, design(*fields, width=width, height=height), {"type": text})


def _page(layout):
    out = io.BytesIO()
    write_pdf([layout], out)
    with pypdfium2.PdfDocument(out.getvalue()) as file:
        page: Image.Image = file[0].render(scale=600 / 72, grayscale=True).to_pil()
    return page


# --- what a printer says


@pytest.mark.parametrize(
    "said",
    [
        b"\x02" * 900,
        b"\x02,\x03" * 3,
        b"\x02" + b"9" * 400 + b"\x03" + b"\x02\x03" * 2,
        b"\x02030,0,0,1245,\xb2,0,0,0,000,0,0,0\x03\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\x021234,0\x03",
    ],
)
def test_garbage_of_a_printer_is_no_status(said):
    assert read_status(said) is None
