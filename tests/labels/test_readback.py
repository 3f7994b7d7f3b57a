"""Symbols are found in real pictures, in bad ones and not in broken ones; a finished label hides no fault."""

import io
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFilter, ImageOps

from labels import LabelError
from labels.layout import Label, lay_out
from labels.pictures import SECONDS
from labels.readback import draw, read, verify, verify_symbol
from labels.render import picture
from labels.symbols import KINDS, encode

CONTENTS = {
    "code128": "T00421736",
    "gs1_128": "(21)T00421736",
    "datamatrix": "T00421736",
    "gs1_datamatrix": "(21)T00421736",
    "qr": "T00421736",
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def scene(kind, module=4, bars=20):
    """A symbol somewhere on a larger sheet."""
    drawn = draw(encode(kind, CONTENTS[kind]), module=module, bars=bars)
    sheet = Image.new("L", (drawn.width + 90, drawn.height + 60), 235)
    sheet.paste(drawn, (31, 17))
    return sheet


def grainy(image, strength):
    return Image.blend(image, Image.effect_noise(image.size, strength), 0.5)


def squeezed(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=12)
    return Image.open(file)


def shaded(image):
    shade = Image.linear_gradient("L").resize(image.size).point(lambda value: 60 + value * 195 // 255)
    return ImageChops.multiply(image, shade)


# --- real pictures


def references(folder: Path):
    """Every picture of the collection with what its reference says, byte by byte."""
    for picture_file in sorted(folder.glob("*.png")):
        yield picture_file, picture_file.with_suffix(".txt").read_bytes().decode()


@pytest.mark.parametrize(("collection", "count"), [("code128-1", 7), ("datamatrix-1", 23)])
def test_every_real_picture_reads_as_its_reference_says(shared_data, collection, count):
    folder = shared_data / "barcode_blackbox_zxing" / collection
    if not folder.is_dir():
        pytest.skip(f"the pictures of {collection} are not here")

    read_as = {file.name: (read(Image.open(file)), [text]) for file, text in references(folder)}

    assert {name: (got, said) for name, (got, said) in read_as.items() if got != said} == {}
    assert len(read_as) >= count


def test_a_picture_damaged_beyond_its_error_correction_reads_as_nothing(shared_data):
    folder = shared_data / "barcode_blackbox_zxing" / "datamatrix-1"
    damaged = list(folder.glob("*.error"))
    if not damaged:
        pytest.skip("no damaged picture is here")

    for file in damaged:
        said = file.with_name(file.name.split(".")[0] + ".txt").read_bytes().decode()
        assert read(Image.open(file)) in ([], [said])


# --- bad pictures


@every_kind
@pytest.mark.parametrize(
    "spoilt",
    [
        lambda image: image.rotate(45, Image.Resampling.BICUBIC, expand=True, fillcolor=235),
        lambda image: image.rotate(117, Image.Resampling.BICUBIC, expand=True, fillcolor=235),
        lambda image: image.transpose(Image.Transpose.ROTATE_270),
        ImageOps.invert,
        squeezed,
        shaded,
        lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
        lambda image: image.point(lambda value: 100 + value * 45 // 255),
        lambda image: grainy(image, 50),
        lambda image: image.resize((int(image.width * 0.4), int(image.height * 0.4)), Image.Resampling.BICUBIC),
        lambda image: image.resize((image.width * 5, image.height * 5), Image.Resampling.BICUBIC),
        lambda image: ImageOps.expand(image, 400, 235),
    ],
    ids=[
        "at 45 degrees", "at 117 degrees", "on its side", "inverted", "squeezed", "shaded", "blurred", "pale",
        "grainy", "small", "large", "lost on a sheet",
    ],
)  # fmt: skip
def test_a_bad_picture_is_read_all_the_same(kind, spoilt):
    assert read(spoilt(scene(kind))) == [CONTENTS[kind]]


@every_kind
def test_a_symbol_cut_off_at_its_edge_is_found(kind):
    symbol = encode(kind, CONTENTS[kind])
    whole = draw(symbol, module=4)
    quiet = 4 * symbol.quiet
    above = 0 if symbol.linear else quiet

    assert read(whole.crop((quiet, above, whole.width - quiet, whole.height - above))) == [CONTENTS[kind]]


@every_kind
@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16"]
)
def test_any_kind_of_picture_is_read(kind, mode):
    drawn = scene(kind)
    if mode == "I;16":
        converted = drawn.convert("I").point(lambda value: value * 200).convert("I;16")
    else:
        converted = drawn.convert("RGB").convert("LAB") if mode == "LAB" else drawn.convert(mode)

    assert read(converted) == [CONTENTS[kind]]


@every_kind
def test_what_can_be_seen_through_is_read_on_white_and_on_black(kind):
    drawn = scene(kind).convert("L")
    nothing = Image.new("L", drawn.size, 0)
    dark = Image.merge("RGBA", (nothing, nothing, nothing, ImageOps.invert(drawn)))
    light = Image.merge("RGBA", (ImageOps.invert(nothing),) * 3 + (drawn,))

    assert read(dark) == [CONTENTS[kind]]
    assert read(light) == [CONTENTS[kind]]


def test_every_symbol_of_a_picture_is_read_also_the_same_one_twice():
    codes = [draw(encode("datamatrix", f"T0042173{at % 5}"), module=4) for at in range(12)]
    sheet = Image.new("L", (4 * 100, 4 * 100), 255)
    for at, code in enumerate(codes):
        sheet.paste(code, (20 + at % 4 * 95, 20 + at // 4 * 95))
    sheet.paste(draw(encode("code128", "C12345674"), bars=12), (20, 330))

    assert sorted(read(sheet)) == sorted([*(f"T0042173{at % 5}" for at in range(12)), "C12345674"])
    assert read(sheet, ["code128"]) == ["C12345674"]
    assert read(sheet, ["gs1_datamatrix", "qr"]) == []


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([(1, 1), (1, 400), (400, 1), (2, 2), (90, 70), (333, 222)]))
def test_nothing_is_read_where_nothing_is(seed, size):
    chance = random.Random(seed)
    noise = Image.frombytes("L", size, chance.randbytes(size[0] * size[1]))

    assert read(noise) == []
    assert read(noise.resize((size[0] * 3, size[1] * 3))) == []


@pytest.mark.slow
@pytest.mark.parametrize("size", [(4000, 3000), (12_000, 9_000), (60_000, 200)])
def test_a_large_picture_takes_no_longer_than_a_scan_may(size):
    worst = Image.effect_noise((2000, 1500), 120).resize(size, Image.Resampling.NEAREST)
    begun = time.process_time()

    assert read(worst) == []
    assert time.process_time() - begun < 2 * SECONDS + 1


def test_a_broken_file_is_refused_in_a_sentence():
    file = io.BytesIO()
    scene("qr").convert("RGB").save(file, "PNG")
    broken = Image.open(io.BytesIO(file.getvalue()[:300]))

    with pytest.raises(LabelError, match="cannot be opened") as refused:
        read(broken)
    assert refused.value.code == "label_picture_wrong"


# --- one symbol


@every_kind
@pytest.mark.parametrize("module", [2, 3, 7])
def test_a_drawing_of_its_own_is_verified(kind, module):
    symbol = encode(kind, CONTENTS[kind])

    verify_symbol(symbol, draw(symbol, module=module))


@every_kind
def test_a_drawing_of_another_symbol_is_not(kind):
    symbol = encode(kind, CONTENTS[kind])
    other = encode(kind, CONTENTS[kind].replace("36", "37"))

    with pytest.raises(LabelError) as refused:
        verify_symbol(symbol, draw(other))
    assert refused.value.params["read"] == other.content


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.randoms(use_true_random=False))
def test_a_single_wrong_dot_anywhere_is_seen(kind, chance):
    symbol = encode(kind, CONTENTS[kind])
    drawn = draw(symbol, module=3)
    spot = chance.randrange(drawn.width), chance.randrange(drawn.height)
    drawn.putpixel(spot, 255 - drawn.getpixel(spot))
    quiet = 3 * symbol.quiet
    above = 0 if symbol.linear else quiet
    inside = quiet <= spot[0] < drawn.width - quiet and above <= spot[1] < drawn.height - above

    with pytest.raises(LabelError) as refused:
        verify_symbol(symbol, drawn)
    allowed = ("label_symbol_covered", "label_unreadable") if inside else ("label_quiet_zone",)
    assert refused.value.code in allowed


# --- a finished label


def finished(**options):
    layout = lay_out(Label("T00421736", **options))
    return layout, picture(layout)


def code_of(layout):
    return next(mark for mark in layout.marks if hasattr(mark, "symbol"))


def with_code(layout, **changes):
    mark = code_of(layout)
    return replace(layout, marks=(replace(mark, **changes),))


def test_a_finished_label_is_verified_and_its_picture_is_left_alone():
    layout, drawn = finished()
    before = drawn.tobytes()

    verify(layout, drawn)
    assert drawn.tobytes() == before


@every_kind
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_symbol_is_verified_at_its_place(kind, turn):
    layout, _ = finished()
    symbol = encode(kind, CONTENTS[kind])
    height = 40 if symbol.linear else 3 * symbol.lines
    turned = replace(
        with_code(layout, symbol=symbol, turn=turn, module=3, height=height, left=60, top=50),
        width=600,
        height=600,
    )

    drawn = picture(turned)
    verify(turned, drawn)
    with pytest.raises(LabelError):
        verify(turned, drawn.transpose(Image.Transpose.ROTATE_90))


def test_what_lies_in_a_quiet_zone_or_beside_the_label_is_seen():
    layout, drawn = finished()
    mark = code_of(layout)
    left, top, right, bottom = mark.quiet_box

    for spot in ((left, top), (right - 1, bottom - 1), (mark.box[0] - 1, top)):
        spoilt = drawn.copy()
        spoilt.putpixel(spot, 0)
        with pytest.raises(LabelError) as refused:
            verify(layout, spoilt)
        assert refused.value.code == "label_quiet_zone"

    with pytest.raises(LabelError) as refused:
        verify(with_code(layout, left=0), drawn)
    assert refused.value.code == "label_quiet_zone"


def test_a_label_with_the_symbol_of_another_tube_is_not_let_out():
    layout, _ = finished()
    other = picture(lay_out(Label("T00421833")))

    with pytest.raises(LabelError) as refused:
        verify(layout, other)
    assert refused.value.code == "label_unreadable"
    assert "T00421833" in str(refused.value)


def test_an_empty_label_is_not_let_out():
    layout, drawn = finished()

    with pytest.raises(LabelError, match="read back as: –"):
        verify(layout, Image.new("1", drawn.size, 1))
