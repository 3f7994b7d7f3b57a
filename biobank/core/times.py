"""When something happened, and how exactly that is known.

A `When` is an instant and a precision: minute, hour, day or unknown. A time of which only the day is known is
stored as the UTC instant at which that day began in the bank's time zone, beside the precision "day"; that instant
is a handle for sorting and searching, never shown: midnight is never invented. Unknown is no instant at all.

A written time must say its offset ("2026-03-01T10:15+01:00"). Without one it is refused: the reader cannot know
which clock was meant. Only pages, whose forms show the bank's own time, pass the zone to read it in. There, an hour
that occurs twice in the autumn night is taken as the first of the two.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from biobank.core.errors import Malformed, Reason

# From exact to vague.
PRECISIONS = ("minute", "hour", "day", "unknown")
# Where no setting says otherwise.
BANK_ZONE = ZoneInfo("Europe/Paris")
# Nobody in the bank was sampled before; and a year of 0001 has no UTC instant in every zone.
YEARS = range(1900, 2201)

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class When:
    """An instant in UTC and how exactly it is known; `at` is None exactly when the precision is "unknown"."""

    at: datetime | None
    precision: str

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision!r} is none of {', '.join(PRECISIONS)}")
        if (self.at is None) != (self.precision == "unknown"):
            raise ValueError(f"{self.at!r} cannot be known to the {self.precision}")
        if self.at is not None:
            object.__setattr__(self, "at", _utc(self.at))

    @classmethod
    def now(cls, clock: Clock) -> Self:
        """This very minute, by the clock that is handed in."""
        return cls(clock(), "minute")

    @classmethod
    def exactly(cls, at: datetime) -> Self:
        """An aware instant, known to the minute."""
        return cls(at, "minute")

    @classmethod
    def on(cls, day: date, zone: ZoneInfo = BANK_ZONE) -> Self:
        """Some time on that day, as the bank's calendar has it."""
        return cls(day_start(day, zone), "day")

    @classmethod
    def unknown(cls) -> Self:
        """Nobody wrote it down."""
        return cls(None, "unknown")


def parse(
    text: str | None,
    *,
    precision: str | None = None,
    zone: ZoneInfo = BANK_ZONE,
    naive_zone: ZoneInfo | None = None,
    field: str = "at",
) -> When:
    """ISO text from outside as a `When`; how much is written says how much is known.

    text        "2026-03-01" day, "2026-03-01T10+01:00" hour, "2026-03-01T10:15+01:00" minute; None or "" unknown
    precision   what the caller says is known; may be vaguer than the text, never finer
    zone        whose calendar a day is of
    naive_zone  whose clock a time without an offset is by; without it such a time is refused
    raises      Malformed naming `field`
    """
    try:
        return _coarsened(*_read(text, zone, naive_zone), precision, zone)
    except _Refused as refused:
        params = {"text": str(text)[:40], "precision": str(precision)[:40]}
        raise Malformed({field: Reason(refused.code, params)}) from None


def show(when: When, zone: ZoneInfo = BANK_ZONE) -> str | None:
    """ISO text by the bank's clock, with nothing in it that is not known; None when the time is unknown.

    A day is "2026-03-01", a minute "2026-03-01T10:15+01:00", an hour "2026-03-01T10:00+01:00": ISO readers want the
    minutes, so the precision is always given beside it. `parse(show(w), precision=w.precision)` is `w` to the minute.
    """
    if when.at is None:
        return None
    if when.precision == "day":
        return local_day(when.at, zone).isoformat()
    local = when.at.astimezone(zone)
    return (_hour_start(local) if when.precision == "hour" else local).isoformat(timespec="minutes")


def span(when: When, zone: ZoneInfo = BANK_ZONE) -> tuple[datetime, datetime] | None:
    """All the instants it may have been: [first, end) in UTC; None when unknown."""
    if when.at is None:
        return None
    if when.precision == "day":
        day = local_day(when.at, zone)
        return day_start(day, zone), day_start(day + timedelta(days=1), zone)
    if when.precision == "hour":
        start = _utc(_hour_start(when.at.astimezone(zone)))
        return start, start + timedelta(hours=1)
    start = when.at.replace(second=0, microsecond=0)
    return start, start + timedelta(minutes=1)


def surely_before(earlier: When, later: When, zone: ZoneInfo = BANK_ZONE) -> bool:
    """Is every instant `earlier` may have been before every one `later` may have been? Never, when one is unknown."""
    first, second = span(earlier, zone), span(later, zone)
    return first is not None and second is not None and first[1] <= second[0]


def surely_future(when: When, now: datetime, zone: ZoneInfo = BANK_ZONE) -> bool:
    """Has it certainly not happened yet? Something "today" may well have."""
    instants = span(when, zone)
    return instants is not None and instants[0] > now


def local_day(at: datetime, zone: ZoneInfo = BANK_ZONE) -> date:
    """The day on the bank's calendar at that instant."""
    return at.astimezone(zone).date()


def day_start(day: date, zone: ZoneInfo = BANK_ZONE) -> datetime:
    """The UTC instant at which a day begins, also where the clocks change at midnight."""
    return _utc(datetime.combine(day, time.min, tzinfo=zone))


def day_bounds(from_on: date, to_on: date, zone: ZoneInfo = BANK_ZONE) -> tuple[datetime, datetime]:
    """Both days included, as [start of the first, start of the day after the last) in UTC.

    raises  Malformed on `to` when the period ends before it begins
    """
    if to_on < from_on:
        days = {"from_on": from_on.isoformat(), "to_on": to_on.isoformat()}
        raise Malformed({"to": Reason("period_backwards", days)})
    return day_start(from_on, zone), day_start(to_on + timedelta(days=1), zone)


@dataclass(frozen=True)
class Month:
    """One calendar month of a report: its label such as "2012-03", and [start, end) in UTC."""

    label: str
    start: datetime
    end: datetime


def month_of(at: datetime, zone: ZoneInfo = BANK_ZONE) -> str:
    """The label of the month that instant falls in, on the bank's calendar."""
    return f"{local_day(at, zone):%Y-%m}"


def months(from_on: date, to_on: date, zone: ZoneInfo = BANK_ZONE) -> list[Month]:
    """The months of a period, both days included, in order; the first and last are cut to the period."""
    start, end = day_bounds(from_on, to_on, zone)
    found, first = [], from_on.replace(day=1)
    while first <= to_on:
        following = (first + timedelta(days=31)).replace(day=1)
        found.append(
            Month(f"{first:%Y-%m}", max(start, day_start(first, zone)), min(end, day_start(following, zone)))
        )
        first = following
    return found


class _Refused(Exception):
    def __init__(self, code: str) -> None:
        self.code = code


_DAY = r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
_TIME = r"(?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})(?P<second>:[0-9]{2}(?:\.[0-9]{1,6})?)?)?"
_OFFSET = r"(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_ISO = re.compile(rf"{_DAY}(?:[Tt ]{_TIME}{_OFFSET})?")


def _read(text: str | None, zone: ZoneInfo, naive_zone: ZoneInfo | None) -> tuple[datetime | None, str]:
    """The instant that is written, and how much of it is written."""
    if text is None or text == "":
        return None, "unknown"
    parts = _ISO.fullmatch(text.strip()) if isinstance(text, str) else None
    if parts is None:
        raise _Refused("time_unreadable")
    written, precision = parts["day"], "day"
    if parts["hour"]:
        written += f"T{parts['hour']}:{parts['minute'] or '00'}{parts['second'] or ''}{parts['offset'] or ''}"
        precision = "minute" if parts["minute"] else "hour"
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise _Refused("time_unreadable") from None
    if at.year not in YEARS:
        raise _Refused("time_out_of_range")
    if precision == "day":
        return day_start(at.date(), zone), precision
    return _utc(at if at.tzinfo else _by_the_clock_of(at, naive_zone)), precision


def _by_the_clock_of(naive: datetime, zone: ZoneInfo | None) -> datetime:
    if zone is None:
        raise _Refused("time_without_zone")
    at = naive.replace(tzinfo=zone)
    if _utc(at).astimezone(zone).replace(tzinfo=None) != naive:
        raise _Refused("time_does_not_exist")
    return at


def _coarsened(at: datetime | None, written: str, asked: str | None, zone: ZoneInfo) -> When:
    precision = asked or written
    if precision not in PRECISIONS:
        raise _Refused("precision_unknown")
    if PRECISIONS.index(precision) < PRECISIONS.index(written):
        raise _Refused("time_less_precise")
    if at is None:
        return When.unknown()
    if precision == "unknown":
        # A time that is given and called unknown in one breath: one of the two is a mistake.
        raise _Refused("time_given_yet_unknown")
    if precision == "day":
        return When.on(local_day(at, zone), zone)
    return When(_hour_start(at.astimezone(zone)) if precision == "hour" else at, precision)


def _hour_start(local: datetime) -> datetime:
    return local.replace(minute=0, second=0, microsecond=0)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    return at.astimezone(UTC)
