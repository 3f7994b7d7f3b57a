"""When a freezer will be full, and how sure that is, without a database."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.storage.forecasting import WEEKS, Outlook, forecast

TODAY = date(2026, 3, 2)


def test_a_steady_freezer_is_full_on_a_day_that_can_be_counted():
    found = forecast([7] * WEEKS, free=70, today=TODAY)

    assert (found.outlook, found.per_week) == (Outlook.FILLING, 7)
    assert found.on == found.earliest == found.latest == date(2026, 5, 11)


def test_the_more_the_weeks_differ_the_wider_the_range():
    calm = forecast([9, 11] * 6, free=200, today=TODAY)
    wild = forecast([4, 16] * 6, free=200, today=TODAY)

    assert calm.on == wild.on
    assert wild.earliest < calm.earliest < calm.on < calm.latest < wild.latest


def test_where_it_may_as_well_never_be_full_no_latest_day_is_named():
    found = forecast([100] + [0] * 12, free=500, today=TODAY)

    assert found.on is not None
    assert found.latest is None


@pytest.mark.parametrize(
    ("weekly", "free", "outlook"),
    [
        ([0] * WEEKS, 10, Outlook.NOT_FILLING),
        ([5, -6] * 6, 10, Outlook.NOT_FILLING),
        ([50, 50, 50], 10, Outlook.TOO_LITTLE),
        ([], 10, Outlook.TOO_LITTLE),
        ([50] * WEEKS, 0, Outlook.FULL),
        ([50] * WEEKS, -3, Outlook.FULL),
    ],
)
def test_nothing_is_foretold_where_nothing_can_be(weekly, free, outlook):
    assert forecast(weekly, free=free, today=TODAY).outlook is outlook


def test_nobody_is_told_of_a_day_decades_away():
    found = forecast([0] * 12 + [1], free=100_000, today=TODAY)

    assert (found.outlook, found.on) == (Outlook.FILLING, None)


@given(st.lists(st.integers(-500, 500), min_size=4, max_size=WEEKS), st.integers(1, 100_000))
def test_the_day_named_lies_within_its_range(weekly, free):
    found = forecast(weekly, free=free, today=TODAY)

    if found.on is not None:
        assert TODAY < found.earliest <= found.on
        assert found.latest is None or found.on <= found.latest
