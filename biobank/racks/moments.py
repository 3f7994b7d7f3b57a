"""When a reader read: its own ways to write a day and a time, by the clock on its wall. Pure."""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

_DAYS = ("%Y%m%d", "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y")
_TIMES = ("%H:%M:%S", "%H%M%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def moment(day: str, clock: str, zone: ZoneInfo) -> datetime | None:
    """The instant, in UTC; None unless both the day and the time are told for certain."""
    on = _day(day)
    if on is None and not clock:
        return together(day, zone)
    at = _time(clock)
    return _instant(datetime.combine(on, at), zone) if on is not None and at is not None else None


def together(text: str, zone: ZoneInfo) -> datetime | None:
    """A day and a time in one text: "23 Aug 2012 01:42:01 PM", "2012-08-23T13:42:01"."""
    text = text.strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", text):
        try:
            return _instant(datetime.fromisoformat(text), zone)
        except ValueError:
            return None
    words = text.split(" ")
    for cut in range(1, len(words)):
        on, at = _day(" ".join(words[:cut])), _time(" ".join(words[cut:]))
        if on is not None and at is not None:
            return _instant(datetime.combine(on, at), zone)
    return None


def _day(text: str) -> date | None:
    text = text.strip()
    if text.endswith("T00:00:00"):  # a spreadsheet's day
        text = text.removesuffix("T00:00:00")
    if (match := _SLASHED.fullmatch(text)) is not None:
        return _slashed(int(match[1]), int(match[2]), int(match[3]))
    return next((found.date() for found in (_read(text, form) for form in _DAYS) if found is not None), None)


def _slashed(first: int, second: int, year: int) -> date | None:
    """A day before its month or after it: only where no doubt is possible."""
    day, month = (second, first) if second > 12 else (first, second)
    if day <= 12 and day != month:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time(text: str) -> time | None:
    text = text.strip()
    return next((found.time() for found in (_read(text, form) for form in _TIMES) if found is not None), None)


def _read(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007  the reader's own clock; the zone comes next
    except ValueError:
        return None


def _instant(at: datetime, zone: ZoneInfo) -> datetime | None:
    aware = at if at.tzinfo is not None else at.replace(tzinfo=zone)
    return aware.astimezone(UTC) if 1990 <= aware.year <= 2200 else None
