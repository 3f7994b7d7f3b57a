"""GS1 data, as reagents and some tubes carry it: which product, which lot, until when, which one. Pure.

A GS1 symbol holds fields one after the other, each behind its number (application identifier, AI): 01 the product, 10
the lot, 17 the expiry, 21 the serial number. A field of varying length is ended by a group separator (GS, FNC1) unless
it is the last. Where a scanner swallows the separators, the text may be cut in several ways: what all of them agree on
is known, and what they do not agree on is never guessed.
"""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

SEPARATOR = "\x1d"
#: AIM identifiers of symbols that hold GS1 data.
MARKS = frozenset({"]C1", "]d2", "]Q3", "]e0"})


@dataclass(frozen=True)
class Field:
    """What may stand behind a number: digits only or any text, from `least` to `most` characters."""

    least: int
    most: int
    digits: bool = True


#: GS1 General Specifications, section 3.2: the numbers that laboratories meet. 310n to 369n are measures.
FIELDS: Mapping[str, Field] = {
    "00": Field(18, 18), "01": Field(14, 14), "02": Field(14, 14), "10": Field(1, 20, digits=False),
    "11": Field(6, 6), "12": Field(6, 6), "13": Field(6, 6), "15": Field(6, 6), "16": Field(6, 6), "17": Field(6, 6),
    "20": Field(2, 2), "21": Field(1, 20, digits=False), "22": Field(1, 20, digits=False), "30": Field(1, 8),
    "37": Field(1, 8), "240": Field(1, 30, digits=False), "241": Field(1, 30, digits=False),
    "250": Field(1, 30, digits=False), "400": Field(1, 30, digits=False), "410": Field(13, 13),
    "414": Field(13, 13), "7003": Field(10, 10),
}  # fmt: skip
_MEASURE = re.compile(r"3[1-6][0-9]{2}")
_DATES = frozenset({"11", "12", "13", "15", "16", "17"})
#: Where no separator came, one of these may begin inside a field of varying length.
_MAY_FOLLOW = ("01", "10", "11", "15", "17", "21", "30", "37", "240")
#: A text that can be cut in more ways than this is no use anyway.
_MOST_WAYS = 20


@dataclass(frozen=True)
class Gs1:
    """The fields of one symbol.

    fields  AI -> value: what is certain
    either  every way of cutting the rest, where separators were lost; empty when all is certain
    """

    fields: Mapping[str, str]
    either: tuple[Mapping[str, str], ...] = ()

    @property
    def gtin(self) -> str | None:
        return self.fields.get("01")

    @property
    def serial(self) -> str | None:
        return self.fields.get("21")

    @property
    def check_digit_right(self) -> bool:
        """False when the product's number was misread."""
        return all(has_right_check_digit(self.fields[ai]) for ai in ("00", "01", "02") if ai in self.fields)


def parse(text: str, *, marked: bool) -> Gs1 | None:
    """The fields of a text; None when it is no GS1 data.

    marked  the scanner said that it is: by an AIM identifier or a leading separator. Else it must begin with a product
            whose check digit is right

    >>> parse("0103453120000011171911255", marked=True) is None
    True
    >>> dict(parse("01034531200000111719112510ABCD1234", marked=True).fields)
    {'01': '03453120000011', '17': '191125', '10': 'ABCD1234'}
    """
    body = text.strip(SEPARATOR)
    if not marked and not (re.match(r"01[0-9]{14}", body) and has_right_check_digit(body[2:16])):
        return None
    ways: list[dict[str, str]] = []
    for way in _cuts(body, lost=SEPARATOR not in body, seen=frozenset()):
        if way not in ways:
            ways.append(way)
        if len(ways) == _MOST_WAYS:
            break
    if not ways:
        return None
    certain = {ai: value for ai, value in ways[0].items() if all(way.get(ai) == value for way in ways)}
    rest = tuple({ai: value for ai, value in way.items() if ai not in certain} for way in ways)
    return Gs1(certain, rest if len(ways) > 1 else ())


def _cuts(text: str, *, lost: bool, seen: frozenset[str]) -> Iterator[dict[str, str]]:
    """Every way to cut the text into fields, the one by the book first. lost: no separator came at all"""
    if not text:
        if seen:
            yield {}
        return
    ai = _ai(text)
    if ai is None or ai in seen:
        return
    field = _field(ai)
    rest = text[len(ai) :]
    for length in _lengths(rest, field, lost=lost):
        value = rest[:length]
        if _is_value(ai, value, field):
            for more in _cuts(rest[length:].removeprefix(SEPARATOR), lost=lost, seen=seen | {ai}):
                yield {ai: value, **more}


def _lengths(rest: str, field: Field, *, lost: bool) -> Iterator[int]:
    if field.least == field.most:
        yield field.least
        return
    to_separator = rest.find(SEPARATOR) if SEPARATOR in rest else len(rest)
    yield to_separator
    if lost:
        for length in range(field.least, min(field.most, len(rest) - 1) + 1):
            if rest.startswith(_MAY_FOLLOW, length) or _MEASURE.match(rest, length):
                yield length


def _ai(text: str) -> str | None:
    if _MEASURE.match(text):
        return text[:4]
    return next((text[:length] for length in (2, 3, 4) if text[:length] in FIELDS), None)


def _field(ai: str) -> Field:
    return FIELDS.get(ai) or Field(6, 6)


def _is_value(ai: str, value: str, field: Field) -> bool:
    if not field.least <= len(value) <= field.most or SEPARATOR in value:
        return False
    if field.digits and not (value.isascii() and value.isdigit()):
        return False
    return ai not in _DATES or _is_day(value)


def _is_day(value: str) -> bool:
    month, on = int(value[2:4]), int(value[4:6])
    # Of the 29th of February in a year that has none, nobody prints a label.
    return 1 <= month <= 12 and on <= (29 if month == 2 else calendar.monthrange(2024, month)[1])


def day(value: str, today: date) -> date:
    """The day that six digits YYMMDD mean; day 00 is the last of the month.

    today   tells the century: the year nearest to it, as GS1 General Specifications 7.12 has it

    >>> day("260200", date(2024, 5, 1))
    datetime.date(2026, 2, 28)
    """
    year, month, on = int(value[:2]), int(value[2:4]), int(value[4:6])
    apart = year - today.year % 100
    century = today.year // 100 + (-1 if apart > 50 else 1 if apart < -49 else 0)
    full = century * 100 + year
    last = calendar.monthrange(full, month)[1]
    return date(full, month, min(on or last, last))


def has_right_check_digit(number: str) -> bool:
    """Does the last digit follow from the others? GTIN and SSCC: weights 3 and 1 from the right.

    >>> has_right_check_digit("03453120000011"), has_right_check_digit("03453120000012")
    (True, False)
    """
    *digits, check = (int(digit) for digit in number)
    total = sum(digit * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return (10 - total % 10) % 10 == check


def told(found: Gs1, today: date) -> dict[str, Any]:
    """The fields by their names: gtin, lot, serial, expires_on (ISO), made_on, best_before_on, count, weight_kg…"""
    fields = found.fields
    answer: dict[str, Any] = {}
    for name, ai in (("gtin", "01"), ("lot", "10"), ("serial", "21"), ("more", "240")):
        if ai in fields:
            answer[name] = fields[ai]
    for name, ai in (("made_on", "11"), ("best_before_on", "15"), ("expires_on", "17")):
        if ai in fields:
            answer[name] = day(fields[ai], today).isoformat()
    for ai in ("30", "37"):
        if ai in fields:
            answer["count"] = int(fields[ai])
    for ai, value in fields.items():
        if re.fullmatch(r"310[0-5]", ai):
            answer["weight_kg"] = int(value) / 10 ** int(ai[3])
    if found.either:
        answer["either"] = [dict(way) for way in found.either]
    return answer
