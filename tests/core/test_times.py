"""Times: as exact as they are known, and never more."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core import times
from biobank.core.errors import Malformed
from biobank.core.times import When

PARIS = ZoneInfo("Europe/Paris")
ZONES = st.sampled_from([PARIS, UTC, *map(ZoneInfo, ("America/Sao_Paulo", "Asia/Kathmandu", "Africa/Cairo"))])
DAYS = st.dates(date(1950, 1, 1), date(2100, 1, 1))
INSTANTS = st.integers(-(10**9), 4 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("2026-03-01", utc(2026, 2, 28, 23), "day"),
        ("2026-07-01", utc(2026, 6, 30, 22), "day"),
        ("2026-03-01T10+01:00", utc(2026, 3, 1, 9), "hour"),
        ("2026-03-01T10:15+01:00", utc(2026, 3, 1, 9, 15), "minute"),
        ("2026-03-01T10:15:30Z", utc(2026, 3, 1, 10, 15, 30), "minute"),
        (" 2026-03-01 10:15:30.25+0100 ", utc(2026, 3, 1, 9, 15, 30, 250_000), "minute"),
        ("2026-03-01T00:00+01:00", utc(2026, 2, 28, 23), "minute"),
        (None, None, "unknown"),
        ("", None, "unknown"),
    ],
)
def test_how_much_is_written_says_how_much_is_known(text, at, precision):
    assert times.parse(text) == When(at, precision)


@pytest.mark.parametrize(
    ("precision", "shown"),
    [("minute", "2026-03-01T00:40+01:00"), ("hour", "2026-03-01T00:00+01:00"), ("day", "2026-03-01")],
)
def test_the_caller_may_know_less_than_is_written(precision, shown):
    when = times.parse("2026-02-28T23:40Z", precision=precision)

    assert (when.precision, times.show(when)) == (precision, shown)


@pytest.mark.parametrize(
    ("text", "precision", "code"),
    [
        ("2026-03-01T10:15", None, "time_without_zone"),
        ("01/03/2026", None, "time_unreadable"),
        ("2026-03", None, "time_unreadable"),
        ("2026-02-30", None, "time_unreadable"),
        ("2026-03-01T24:00Z", None, "time_unreadable"),
        ("2026-03-01T10:15+25:00", None, "time_unreadable"),
        (20260301, None, "time_unreadable"),
        ("0001-01-01", None, "time_out_of_range"),
        ("2026-03-01", "minute", "time_less_precise"),
        ("2026-03-01", "hour", "time_less_precise"),
        ("", "day", "time_less_precise"),
        ("2026-03-01", "unknown", "time_given_yet_unknown"),
        ("2026-03-01", "second", "precision_unknown"),
    ],
)
def test_what_is_no_known_time_is_refused_by_name(text, precision, code):
    with pytest.raises(Malformed) as refused:
        times.parse(text, precision=precision, field="collected_at")

    assert refused.value.fields["collected_at"].code == code


def test_a_page_gives_the_zone_of_its_clock():
    assert times.parse("2026-07-01T10:15", naive_zone=PARIS).at == utc(2026, 7, 1, 8, 15)


def test_an_hour_that_occurs_twice_is_the_first_and_one_that_does_not_occur_is_refused():
    assert times.parse("2026-10-25T02:30", naive_zone=PARIS).at == utc(2026, 10, 25, 0, 30)

    with pytest.raises(Malformed) as refused:
        times.parse("2026-03-29T02:30", naive_zone=PARIS)
    assert refused.value.fields["at"].code == "time_does_not_exist"


def test_the_day_is_the_one_on_the_banks_calendar():
    late = utc(2026, 2, 28, 23, 40)

    assert times.local_day(late) == date(2026, 3, 1)
    assert times.parse("2026-03-01", zone=UTC).at == utc(2026, 3, 1)


def test_now_is_known_to_the_minute_and_seconds_are_not_shown():
    when = When.now(lambda: utc(2026, 3, 1, 9, 15, 59))

    assert when.precision == "minute"
    assert times.show(when) == "2026-03-01T10:15+01:00"


def test_an_unknown_time_is_shown_as_nothing():
    assert times.show(When.unknown()) is None


@pytest.mark.parametrize(
    ("at", "precision"),
    [
        (None, "day"),
        (utc(2026, 3, 1), "unknown"),
        (utc(2026, 3, 1).replace(tzinfo=None), "minute"),
        (utc(2026, 3, 1), "week"),
    ],
)
def test_a_time_and_its_precision_must_agree(at, precision):
    with pytest.raises(ValueError, match=r"known to|time zone|precision"):
        When(at, precision)


def test_an_instant_is_the_same_whatever_zone_it_came_in():
    assert When.exactly(datetime(2026, 3, 1, 10, tzinfo=PARIS)) == When.exactly(utc(2026, 3, 1, 9))


@pytest.mark.parametrize(
    ("earlier", "later", "certain"),
    [
        (When.on(date(2026, 3, 1)), When.on(date(2026, 3, 2)), True),
        (When.on(date(2026, 3, 1)), When.on(date(2026, 3, 1)), False),
        (When.on(date(2026, 3, 1)), When.exactly(utc(2026, 3, 1, 22, 59)), False),
        (When.on(date(2026, 3, 1)), When.exactly(utc(2026, 3, 1, 23)), True),
        (When.exactly(utc(2026, 3, 1, 9, 15, 1)), When.exactly(utc(2026, 3, 1, 9, 15, 59)), False),
        (When.exactly(utc(2026, 3, 1, 9, 15)), When.exactly(utc(2026, 3, 1, 9, 16)), True),
        (When(utc(2026, 3, 1, 9), "hour"), When.exactly(utc(2026, 3, 1, 9, 59)), False),
        (When(utc(2026, 3, 1, 9), "hour"), When.exactly(utc(2026, 3, 1, 10)), True),
        (When.unknown(), When.exactly(utc(2026, 3, 1)), False),
        (When.exactly(utc(2026, 3, 1)), When.unknown(), False),
    ],
)
def test_one_is_before_the_other_only_when_it_is_certain(earlier, later, certain):
    assert times.surely_before(earlier, later) is certain
    assert not times.surely_before(later, earlier)


@pytest.mark.parametrize(
    ("when", "future"),
    [
        (When.on(date(2026, 3, 1)), False),
        (When.on(date(2026, 3, 2)), True),
        (When.exactly(utc(2026, 3, 1, 12, 0, 40)), False),
        (When.exactly(utc(2026, 3, 1, 12, 1)), True),
        (When.unknown(), False),
    ],
)
def test_today_may_have_been_and_tomorrow_may_not(when, future):
    assert times.surely_future(when, utc(2026, 3, 1, 12, 0, 30)) is future


@pytest.mark.parametrize(
    ("from_on", "to_on", "start", "end", "hours"),
    [
        # The day the clocks go forward has 23 hours, the day they go back 25.
        (date(2026, 3, 29), date(2026, 3, 29), utc(2026, 3, 28, 23), utc(2026, 3, 29, 22), 23),
        (date(2026, 10, 25), date(2026, 10, 25), utc(2026, 10, 24, 22), utc(2026, 10, 25, 23), 25),
        (date(2012, 1, 1), date(2012, 12, 31), utc(2011, 12, 31, 23), utc(2012, 12, 31, 23), 366 * 24),
    ],
)
def test_a_period_holds_both_its_days_whole(from_on, to_on, start, end, hours):
    assert times.day_bounds(from_on, to_on) == (start, end)
    assert end - start == timedelta(hours=hours)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(Malformed) as refused:
        times.day_bounds(date(2012, 2, 1), date(2012, 1, 31))

    assert refused.value.fields["to"].code == "period_backwards"


def test_a_day_that_begins_at_one_in_the_morning_begins_there():
    # Sao Paulo put its clocks forward at midnight: 00:00 did not exist on 4 November 2018.
    assert times.day_start(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo")) == utc(2018, 11, 4, 3)


def test_months_are_cut_to_the_period():
    found = times.months(date(2011, 12, 15), date(2012, 2, 3))

    assert [month.label for month in found] == ["2011-12", "2012-01", "2012-02"]
    assert found[0].start == utc(2011, 12, 14, 23)
    assert found[-1].end == utc(2012, 2, 3, 23)


@given(DAYS, st.integers(0, 800), ZONES)
def test_months_cover_the_period_without_gap_or_overlap(from_on, length, zone):
    to_on = from_on + timedelta(days=length)
    found = times.months(from_on, to_on, zone)

    assert (found[0].start, found[-1].end) == times.day_bounds(from_on, to_on, zone)
    assert all(one.end == next_one.start for one, next_one in pairwise(found))
    assert all(times.month_of(month.start, zone) == month.label for month in found)


@given(INSTANTS, ZONES)
def test_every_instant_lies_in_its_own_day(at, zone):
    day = times.local_day(at, zone)
    start, end = times.day_bounds(day, day, zone)

    assert start <= at < end


@given(INSTANTS, ZONES, st.sampled_from(["minute", "hour", "day"]))
def test_what_is_shown_reads_back_and_lies_in_its_span(at, zone, precision):
    when = times.parse(at.isoformat(), precision=precision, zone=zone)
    again = times.parse(times.show(when, zone), precision=precision, zone=zone)

    assert times.span(again, zone) == times.span(when, zone)
    start, end = times.span(when, zone)
    assert start <= at < end


@given(st.integers(-840, 840), INSTANTS)
def test_an_offset_changes_the_clock_and_not_the_instant(minutes, at):
    written = at.astimezone(timezone(timedelta(minutes=minutes)))

    assert times.parse(written.isoformat()).at == at


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_is_refused(text):
    with suppress(Malformed):
        assert isinstance(times.parse(text), When)
