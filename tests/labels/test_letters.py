"""Every font of a label has the letters French needs, and is as wide as it will be drawn."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from labels import letters
from labels.errors import LabelError

every_font = pytest.mark.parametrize("name", list(letters.FACES))
FRENCH = "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ«»’—…€°µ²³×±−"


def drawn(text, name, size=24):
    """The text alone as a picture, dark on light, on a wide margin."""
    picture = Image.new("1", (letters.width(text, size, name) + 40, 4 * size), 1)
    ImageDraw.Draw(picture).text((20, 2 * size), text, font=letters.font(size, name), fill=0, anchor="ls")
    return picture


@every_font
def test_every_letter_of_french_is_drawn_and_differs_from_every_other(name):
    assert letters.drawable(FRENCH, name) == FRENCH
    pictures = {(drawn(each, name).size, drawn(each, name).tobytes()) for each in FRENCH}
    assert len(pictures) == len(FRENCH)


@every_font
@pytest.mark.parametrize("size", [12, 17, 24, 40])
def test_nothing_french_reaches_out_of_its_line(name, size):
    over, under = letters.line(size, name)

    for character in FRENCH + "gjpqy":
        left, top, right, bottom = ImageChops.invert(drawn(character, name, size).convert("L")).getbbox()
        assert 2 * size - top <= over, character
        assert bottom - 2 * size <= under, character
        # then a letter hardly leans out of its own width
        assert left >= 20 - 0.1 * size - 1
        assert right <= 20 + letters.width(character, size, name) + 0.1 * size + 1


@settings(max_examples=200, deadline=None)
@given(
    st.text(FRENCH + " 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ()/-.,", max_size=40),
    st.integers(6, 80),
    st.sampled_from(list(letters.FACES)),
)
def test_a_width_is_what_the_drawing_takes(text, size, name):
    assert letters.width(text, size, name) == letters.font(size, name).getlength(text, mode="1")


def test_zero_and_the_letter_o_differ_in_the_font_of_numbers():
    assert drawn("0", "mono").tobytes() != drawn("O", "mono").tobytes()


def test_narrow_fonts_are_narrower_and_bold_ones_darker():
    def dark(name):
        return drawn("Échantillon prélevé", name, 48).histogram()[0]

    widths = [
        letters.width("Échantillon prélevé", 48, name) for name in ("sans", "sans-condensed", "sans-narrow")
    ]

    assert widths == sorted(widths, reverse=True)
    assert dark("sans-bold") > dark("sans")


def test_an_unknown_font_is_refused_with_the_known_ones():
    with pytest.raises(LabelError, match="mono, sans, sans-bold, sans-condensed, sans-narrow"):
        letters.font(12, "comic")


@every_font
@pytest.mark.parametrize("character", ["\n", "\t", "\x7f", "\u200d", "\U0001f642", "\ue000", "\u0301"])
def test_what_a_font_lacks_is_refused(name, character):
    with pytest.raises(LabelError) as refused:
        letters.drawable(f"a{character * 2}" if character == "\u0301" else f"a{character}", name)

    assert refused.value.params["character"] == f"U+{ord(character):04X}"


@every_font
def test_what_only_another_font_has_is_drawn_in_that_one(name):
    assert letters.suited("prélevé à 8 °C", name) == name
    assert letters.suited("≤ 8 °C → −80 °C", name) == "mono"
    assert letters.drawable("≤ 8 °C → −80 °C", "mono")
