"""GS1 data cut into fields: by the book, with lost separators, and not at all where nothing is certain."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core import gs1

GTIN = "03453120000011"
TODAY = date(2024, 5, 1)


def fields(text, marked=True):
    found = gs1.parse(text, marked=marked)
    return None if found is None else (dict(found.fields), [dict(way) for way in found.either])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"01{GTIN}1719112510ABCD1234", {"01": GTIN, "17": "191125", "10": "ABCD1234"}),
        (f"01{GTIN}10AB\x1d21XYZ", {"01": GTIN, "10": "AB", "21": "XYZ"}),
        (f"01{GTIN}10AB\x1d17250100", {"01": GTIN, "10": "AB", "17": "250100"}),
        (f"\x1d01{GTIN}\x1d1125010115250201", {"01": GTIN, "11": "250101", "15": "250201"}),
        (f"01{GTIN}310200125030\x1d37", None),
        (f"01{GTIN}3102001250305", {"01": GTIN, "3102": "001250", "30": "5"}),
        (f"240ABC\x1d01{GTIN}", {"240": "ABC", "01": GTIN}),
    ],
)
def test_fields_are_cut_by_the_book(text, expected):
    found = fields(text)

    assert (found[0] if found else None) == expected
    assert not found or not found[1]


def test_where_the_separators_are_lost_what_is_certain_is_told_and_the_rest_is_not_guessed():
    certain, either = fields(f"01{GTIN}17251231" + "10ABC21XYZ")

    assert certain == {"01": GTIN, "17": "251231"}
    assert either == [{"10": "ABC21XYZ"}, {"10": "ABC", "21": "XYZ"}]


def test_a_lot_that_can_only_be_cut_one_way_is_certain_without_separators():
    assert fields(f"01{GTIN}10ABCDE") == ({"01": GTIN, "10": "ABCDE"}, [])


def test_a_lot_longer_than_any_lot_was_two_fields():
    certain, either = fields(f"01{GTIN}10" + "A" * 18 + "21XYZ")

    assert (certain["10"], certain["21"], either) == ("A" * 18, "XYZ", [])


def test_where_one_separator_came_none_was_lost():
    assert fields(f"01{GTIN}10ABC21X\x1d21XYZ") == ({"01": GTIN, "10": "ABC21X", "21": "XYZ"}, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "HELLO",
        "99",
        f"01{GTIN[:-1]}",
        f"01{GTIN}01{GTIN}",
        f"01{GTIN}17251399",
        f"01{GTIN}17250230",
        "0199",
    ],
)
def test_what_is_no_gs1_data_is_not_cut(text):
    assert gs1.parse(text, marked=True) is None


def test_without_a_mark_only_a_product_with_a_right_check_digit_is_believed():
    assert gs1.parse(f"01{GTIN}10AB", marked=False) is not None
    assert gs1.parse(f"01{GTIN[:-1]}210AB", marked=False) is None
    assert gs1.parse("10ABCDEF", marked=False) is None


def test_a_misread_product_is_told():
    assert gs1.parse(f"01{GTIN}", marked=True).check_digit_right
    assert not gs1.parse(f"01{GTIN[:-1]}2", marked=True).check_digit_right


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("240229", date(2024, 2, 29)),
        ("250200", date(2025, 2, 28)),
        ("991231", date(1999, 12, 31)),
        ("740101", date(2074, 1, 1)),
        ("230229", date(2023, 2, 28)),
    ],
)
def test_six_digits_are_a_day_of_the_nearest_century(value, expected):
    assert gs1.day(value, TODAY) == expected


def test_the_fields_have_names():
    found = gs1.parse(f"01{GTIN}10L1\x1d17240430310200125021S9", marked=True)

    assert gs1.told(found, TODAY) == {
        "gtin": GTIN,
        "lot": "L1",
        "serial": "S9",
        "expires_on": "2024-04-30",
        "weight_kg": 12.5,
    }


@given(st.text(st.characters(min_codepoint=29, max_codepoint=126), max_size=60), st.booleans())
def test_any_text_is_cut_or_not_and_what_is_certain_stands_in_it(text, marked):
    found = gs1.parse(text, marked=marked)

    if found is not None:
        assert all(ai + value in text for ai, value in found.fields.items())


@given(st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True), st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True))
def test_lot_and_serial_are_right_or_told_as_uncertain_and_never_wrong(lot, serial):
    with_separator = gs1.parse(f"01{GTIN}10{lot}\x1d21{serial}", marked=True)
    without = gs1.parse(f"01{GTIN}10{lot}21{serial}", marked=True)

    assert (with_separator.fields["10"], with_separator.fields["21"]) == (lot, serial)
    if without is not None and not without.either:
        assert (without.fields.get("10"), without.fields.get("21")) == (lot, serial)
    elif without is not None and len(without.either) < 20:
        ways = [dict(without.fields) | dict(way) for way in without.either]
        assert {"01": GTIN, "10": lot, "21": serial} in ways
