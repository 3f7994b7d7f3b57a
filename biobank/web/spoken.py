"""Times, numbers and quantities as the reader's language writes them. What programs are told stays ISO, with points."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import format_date, format_datetime, format_decimal, format_time, get_locale, gettext

from biobank.core import clock, times, units
from biobank.core.i18n import N_
from biobank.core.times import When
from biobank.web.i18n import MONTH

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MONTH = re.compile(r"\d{4}-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[+-]\d\d:\d\d")
_NUMBER = re.compile(r"\d+\.\d+")
_QUANTITY = re.compile(rf"(\d+(?:\.\d+)?) ({'|'.join(kind.unit for kind in units.KINDS.values())})")
#: Parameters that carry a day or a time, besides those whose name ends in _on. Others may be what somebody typed.
_TIMES = frozenset(
    {"day", "today", "happened", "collected", "before", "child", "parent", "when", "clock", "keep_until"}
)
#: µL and µg are the same in every language.
UNITS = {"cells": N_("cells")}


def moment(when: When, zone: ZoneInfo) -> str | None:
    """A time for people, with nothing in it that is not known; None when the time is unknown."""
    text = times.show(when, zone)
    return None if text is None else iso(text)


def iso(text: str) -> str:
    """ISO text for people: "2026-03-01T10:15+01:00" is "1 mars 2026, 10:15" in French. Other text stays as it is."""
    if _DAY.fullmatch(text):
        return _day(str(get_locale()), text)
    if _MOMENT.fullmatch(text):
        return str(format_datetime(datetime.fromisoformat(text)))
    return text


def hour(at: datetime) -> str:
    """A time by the bank's clock; with its day, where that is not today."""
    there = at.astimezone(clock.zone())
    if there.date() == clock.now().astimezone(clock.zone()).date():
        return str(format_time(at, "short"))
    return str(format_datetime(at, "short"))


def month(text: str) -> str:
    """A month of a report, "2026-03", for people: "mars 2026" in French. A year stays as it is."""
    return str(format_date(date.fromisoformat(f"{text}-01"), MONTH)) if _MONTH.fullmatch(text) else text


@lru_cache(maxsize=4096)
def _day(_locale: str, text: str) -> str:
    return str(format_date(date.fromisoformat(text)))


def number(kind: str, amount: int) -> str:
    """Base units as µL, µg or cells, without the unit: 12500 nL are "12,5" in French."""
    return str(format_decimal(units.from_base(kind, amount)))


def unit(name: str) -> str:
    """µL, µg, cells."""
    return gettext(UNITS[name]) if name in UNITS else name


def quantity(kind: str, amount: int) -> str:
    """Base units with their unit, which no line break parts."""
    return f"{number(kind, amount)}\N{NO-BREAK SPACE}{unit(units.KINDS[kind].unit)}"


def param(name: str, value: Any, params: Mapping[str, Any]) -> Any:
    """A parameter of a sentence: days, times and quantities as people write them, the rest as it is."""
    if not isinstance(value, str):
        return value
    if name.endswith("_on") or name in _TIMES:
        return iso(value)
    if found := _QUANTITY.fullmatch(value):
        return f"{format_decimal(Decimal(found[1]))}\N{NO-BREAK SPACE}{unit(found[2])}"
    if "unit" in params and name != "number" and _NUMBER.fullmatch(value):
        return format_decimal(Decimal(value))
    return value
