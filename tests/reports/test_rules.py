"""Periods, dimensions and the adding up of counted rows."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core.errors import Malformed
from biobank.reports import rules
from biobank.reports.rules import Group, Stay


@pytest.mark.parametrize(
    ("first", "last", "field", "code"),
    [
        (date(2012, 1, 2), date(2012, 1, 1), "to", "period_backwards"),
        (date(1962, 1, 1), date(2012, 1, 1), "to", "period_too_long"),
        (date(1899, 12, 31), date(1900, 1, 1), "from", "period_year"),
        (date(2012, 1, 1), date.max, "to", "period_year"),
    ],
)
def test_a_period_nobody_reports_on_is_refused_and_the_field_named(first, last, field, code):
    with pytest.raises(Malformed) as refused:
        rules.check_period(first, last)

    assert {name: reason.code for name, reason in refused.value.fields.items()} == {field: code}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2012, 1, 1), date(2012, 1, 1)),
        (date(2012, 1, 1), date(2061, 12, 31)),
        (date(2012, 2, 29), date(2062, 2, 28)),
        (date(1900, 1, 1), date(1949, 12, 31)),
        (date(2200, 12, 31), date(2200, 12, 31)),
    ],
)
def test_one_day_and_fifty_years_are_periods(first, last):
    rules.check_period(first, last)


def test_dimensions_are_taken_once_each_in_the_order_asked():
    assert rules.check_dimensions(["type", "month", "type"]) == ("type", "month")


def test_an_unknown_dimension_is_refused_and_the_known_ones_named():
    with pytest.raises(Malformed) as refused:
        rules.check_dimensions(["month", "sex"])

    reason = refused.value.fields["by"]
    assert (reason.code, reason.params["given"]) == ("dimension_unknown", "sex")
    assert reason.params["known"] == "month, study, type, site"


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 4), st.integers(0, 4), st.integers(1, 9))))
def test_what_is_stored_at_an_instant_is_what_began_before_and_did_not_end(rows):
    stays = [Stay((key,), min(one, other), max(one, other), count) for key, one, other, count in rows]

    found = rules.stored_at(stays, 4)

    for key in "AB":
        assert found.get((key,), [0] * 4) == [
            sum(stay.samples for stay in stays if stay.key == (key,) and stay.first <= instant < stay.last)
            for instant in range(4)
        ]


def test_lines_are_sorted_by_what_was_asked_for_first_and_carry_empty_months():
    found = rules.lines(("type", "month"), ["2012-01", "2012-02"], {("RNA",): [0, 3]}, {("DNA",): [1, 1]})

    assert found == (
        Group({"type": "DNA", "month": "2012-01"}, 0, 1),
        Group({"type": "DNA", "month": "2012-02"}, 0, 1),
        Group({"type": "RNA", "month": "2012-01"}, 0, 0),
        Group({"type": "RNA", "month": "2012-02"}, 3, 0),
    )


def test_a_bank_without_samples_has_its_months_but_no_studies():
    assert len(rules.lines(("month",), ["2012-01", "2012-02"], {}, {})) == 2
    assert rules.lines(("study",), [""], {}, {}) == ()
    assert rules.lines(("study",), [""], {("S",): [0]}, {("S",): [0]}) == ()


def test_more_lines_than_anybody_reads_are_refused():
    studies = {(f"S{number}",): [1] * 600 for number in range(200)}

    with pytest.raises(Malformed) as refused:
        rules.lines(("month", "study"), [str(month) for month in range(600)], studies, {})

    assert refused.value.fields["by"].params == {"groups": 120_000, "most": rules.MOST_GROUPS}
