"""Quantities: exact inside, as people write them outside."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core import units
from biobank.core.errors import Malformed

WIDE = st.integers(min_value=0, max_value=10**15)
KINDS = st.sampled_from(sorted(units.KINDS))


@pytest.mark.parametrize(
    ("value", "nanolitres"),
    [
        (0, 0),
        (500, 500_000),
        (12.5, 12_500),
        (3.06, 3_060),
        ("12.5", 12_500),
        (" 12,5 ", 12_500),
        ("0,125", 125),
        ("12.5000", 12_500),
        ("+1", 1_000),
        (Decimal("0.001"), 1),
        (Decimal("1E+2"), 100_000),
        (-0.0, 0),
    ],
)
def test_microlitres_become_whole_nanolitres(value, nanolitres):
    assert units.to_base("volume", value) == nanolitres


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("volume", "1.0001", "quantity_too_precise"),
        ("mass", 0.1 + 0.2, "quantity_too_precise"),
        ("mass", Decimal("1E-400"), "quantity_too_precise"),
        ("volume", -1, "quantity_negative"),
        ("volume", "-0.0001", "quantity_negative"),
        ("volume", float("nan"), "quantity_not_a_number"),
        ("volume", Decimal("sNaN"), "quantity_not_a_number"),
        ("volume", float("inf"), "quantity_not_a_number"),
        ("volume", "1e3", "quantity_not_a_number"),
        ("volume", "1_000", "quantity_not_a_number"),
        ("volume", "٣", "quantity_not_a_number"),
        ("volume", "", "quantity_not_a_number"),
        ("volume", "beaucoup", "quantity_not_a_number"),
        ("volume", True, "quantity_not_a_number"),
        ("volume", None, "quantity_not_a_number"),
        ("volume", [], "quantity_not_a_number"),
        ("volume", "1,000", "quantity_ambiguous_comma"),
        ("volume", 10**30, "quantity_too_large"),
        ("volume", 1e300, "quantity_too_large"),
        ("volume", Decimal("1E+999999"), "quantity_too_large"),
        ("cells", 2**63, "quantity_too_large"),
        ("cells", 2.5, "cells_not_whole"),
    ],
)
def test_what_is_no_quantity_is_refused_with_its_number(kind, value, code):
    with pytest.raises(Malformed) as refused:
        units.to_base(kind, value)

    reason = refused.value.fields[units.KINDS[kind].field]
    assert reason.code == code
    assert reason.params == {"number": str(value)[:40], "unit": units.KINDS[kind].unit}


def test_the_largest_quantity_is_what_the_database_keeps():
    assert units.to_base("volume", "9223372036854775.807") == 2**63 - 1
    with pytest.raises(Malformed):
        units.to_base("volume", "9223372036854775.808")


def test_the_caller_may_name_the_field_to_blame():
    with pytest.raises(Malformed) as refused:
        units.to_base("volume", -1, field="each_ul")

    assert list(refused.value.fields) == ["each_ul"]


@pytest.mark.parametrize(
    ("kind", "amount", "text", "number"),
    [
        ("volume", 12_500, "12.5", 12.5),
        ("volume", 500_000, "500", 500),
        ("volume", 0, "0", 0),
        ("volume", 1, "0.001", 0.001),
        ("mass", 3_060, "3.06", 3.06),
        ("cells", 5_000_000, "5000000", 5_000_000),
    ],
)
def test_a_quantity_is_shown_without_trailing_zeros(kind, amount, text, number):
    assert units.show(kind, amount) == text
    assert units.as_number(kind, amount) == number
    assert type(units.as_number(kind, amount)) is type(number)


@given(KINDS, WIDE)
def test_whatever_is_shown_reads_back_to_the_same_amount(kind, amount):
    assert units.to_base(kind, units.show(kind, amount)) == amount
    assert units.to_base(kind, units.as_number(kind, amount)) == amount
    assert units.to_base(kind, units.from_base(kind, amount)) == amount


@given(KINDS, st.text() | st.floats() | st.decimals() | st.integers())
def test_anything_is_read_exactly_or_refused(kind, value):
    try:
        amount = units.to_base(kind, value)
    except Malformed:
        return
    assert 0 <= amount <= units.LARGEST
    given_exactly = value.strip().replace(",", ".") if isinstance(value, str) else repr(value)
    expected = value if isinstance(value, Decimal) else Decimal(given_exactly)
    assert units.from_base(kind, amount) == expected


def test_an_unknown_quantity_is_null_and_not_zero():
    assert units.as_number("volume", None) is None
    assert units.read_quantity({"volume_ul": None, "type": "Plasma"}) is None


def test_the_one_quantity_that_is_given_is_found_by_its_field():
    assert units.read_quantity({"mass_ug": 3.06}) == ("mass", 3_060)
    assert units.read_quantity({"cell_count": 7, "volume_ul": None}) == ("cells", 7)


def test_two_quantities_for_one_tube_are_refused_on_both_fields():
    with pytest.raises(Malformed) as refused:
        units.read_quantity({"volume_ul": 1, "mass_ug": 1})

    assert set(refused.value.fields) == {"volume_ul", "mass_ug"}
