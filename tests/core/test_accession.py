"""Our numbers: T 004217 36. What they look like, and that no slip of the finger makes one into another."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from biobank.core.accession import LETTERS, check_digits, format_number, parse_number, spaced
from biobank.core.errors import Malformed, RuleViolation

letters = st.sampled_from(LETTERS)
widths = st.integers(6, 10)


@st.composite
def numbers(draw):
    digits = draw(widths)
    return format_number(draw(letters), draw(st.integers(0, 10**digits - 1)), digits)


def refusal(text, digits=None):
    with pytest.raises(Malformed) as refused:
        parse_number(text, digits)
    return refused.value.fields["code"]


@pytest.mark.parametrize(
    ("letter", "serial", "number"),
    [("T", 4217, "T00421736"), ("C", 123456, "C12345674"), ("K", 999999, "K99999949")],
)
def test_the_worked_examples_of_the_standard(letter, serial, number):
    assert format_number(letter, serial) == number
    assert parse_number(number) == (letter, serial)


@given(letters, widths, st.data())
def test_every_number_is_read_back_as_it_was_made(letter, digits, data):
    serial = data.draw(st.integers(0, 10**digits - 1))

    number = format_number(letter, serial, digits)

    assert len(number) == 1 + digits + 2
    assert parse_number(number) == parse_number(number, digits) == (letter, serial)
    assert parse_number(spaced(number)) == (letter, serial)


@given(numbers())
def test_the_whole_number_is_one_modulo_97(number):
    as_digits = f"{ord(number[0]) - 55}{number[1:]}"

    assert int(as_digits) % 97 == 1


@given(numbers(), st.data())
def test_every_single_wrong_character_is_noticed(number, data):
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.characters(exclude_categories=()))
    assume(other != number[place])

    refusal(number[:place] + other + number[place + 1 :])


@given(numbers())
def test_every_wrong_letter_and_every_wrong_digit_is_noticed(number):
    for place, right in enumerate(number):
        for other in LETTERS if place == 0 else "0123456789":
            if other != right:
                assert refusal(number[:place] + other + number[place + 1 :]).code == "check_digits_wrong"


@given(numbers())
def test_every_swap_of_two_neighbours_is_noticed(number):
    for place in range(len(number) - 1):
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        if swapped != number:
            refusal(swapped)


@given(numbers())
def test_every_swap_across_one_character_is_noticed(number):
    for place in range(len(number) - 2):
        one, between, two = number[place : place + 3]
        swapped = number[:place] + two + between + one + number[place + 3 :]
        if swapped != number:
            refusal(swapped)


@given(numbers(), st.sampled_from("0123456789"), st.sampled_from("0123456789"), st.data())
def test_every_wrong_twin_is_noticed(number, twin, other, data):
    # given a number with a doubled digit
    assume(twin != other)
    place = data.draw(st.integers(1, len(number) - 4))
    serial = number[1:place] + twin * 2 + number[place + 2 : -2]
    right = f"{number[0]}{serial}{check_digits(number[0], serial)}"

    # when both are mistaken for another
    wrong = right[:place] + other * 2 + right[place + 2 :]

    assert refusal(wrong).code == "check_digits_wrong"


def test_wrong_check_digits_are_answered_with_the_right_ones():
    reason = refusal("T00421737")

    assert reason.code == "check_digits_wrong"
    assert (reason.params["expected"], reason.params["got"]) == ("36", "37")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "number_too_short"),
        ("T0042173", "number_too_short"),
        ("T00421736T0042", "number_too_long"),
        ("A00421736", "letter_not_allowed"),
        ("t00421736", "letter_not_allowed"),
        ("900421736", "letter_not_allowed"),
        ("\ud80000421736", "letter_not_allowed"),
        ("T0O421736", "number_character"),
        ("T00421²36", "number_character"),
        ("T00421٣36", "number_character"),
        ("T00421736\n"[1:], "letter_not_allowed"),
        ("T0042173\n", "number_character"),
        ("T00 421736", "number_character"),
        (" T00421736", "number_character"),
    ],
)
def test_a_refusal_says_which_part_is_wrong(text, code):
    assert refusal(text).code == code


def test_where_serials_have_seven_digits_one_of_six_is_too_short():
    assert refusal("T00421736", digits=7).code == "number_too_short"


@pytest.mark.parametrize("letter", ["A", "Q", "Z", "W", "M", "I", "O", "t", "", "TT", "7"])
def test_no_number_is_issued_under_a_letter_that_can_be_mistaken(letter):
    with pytest.raises(RuleViolation) as refused:
        format_number(letter, 1)

    assert refused.value.code == "letter_not_allowed"


@pytest.mark.parametrize("serial", [-1, 1_000_000])
def test_a_letter_gives_out_a_million_numbers_and_no_more(serial):
    with pytest.raises(RuleViolation) as refused:
        format_number("T", serial)

    assert refused.value.code == "serials_used_up"


@pytest.mark.parametrize("digits", [5, 11])
def test_a_serial_has_six_to_ten_digits(digits):
    with pytest.raises(ValueError, match="6 to 10"):
        format_number("T", 1, digits)


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("T00421736", "T 004217 36"),
        ("T004217000036", "T 0042170000 36"),
        ("FX05653780", "FX05653780"),
        ("", ""),
    ],
)
def test_a_number_is_printed_in_three_groups_and_other_codes_as_they_are(code, printed):
    assert spaced(code) == printed
