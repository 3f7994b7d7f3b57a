"""GS1 element strings: what is written for people as (01)03453120000011(10)ABC is checked, and spelled for a symbol.

The application identifiers are in gs1_identifiers.csv: a part is digits (N), characters of GS1's set of 82 (X) or of
39 (Y), so many or up to so many, in brackets where it may be missing; `check`, `date`, `hour`, `time` and `zero` say
what else must hold.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from labels.errors import LabelError

SEPARATOR = "\x1d"
"""What a reader gives back for the function character 1 that ends a field of variable length."""

_TABLE = Path(__file__).with_name("gs1_identifiers.csv")
_BRACKETS = re.compile(r"\(([0-9]{2,4})\)")
_PART = re.compile(r"(\[?)([NXY])(\.\.)?(\d+)\]?(?: (\w+))?")
_SETS = {"N": "0-9", "X": r"!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z", "Y": r"#\-/0-9A-Z"}
#: Fields whose length everybody knows by their first two digits, so that nothing need end them.
_PREDEFINED = frozenset(
    ["00", "01", "02", "03", "04", *map(str, range(11, 21)), *map(str, range(31, 37)), "41"]
)


@dataclass(frozen=True)
class Part:
    """One part of a field: its place in the match of the whole, what must hold, and whether it is digits."""

    group: int
    must: str


@dataclass(frozen=True)
class Identifier:
    """What may stand behind one application identifier; `predefined`: no separator is needed after it."""

    number: str
    pattern: re.Pattern[str]
    parts: tuple[Part, ...]
    shown: str
    meaning: str

    @property
    def predefined(self) -> bool:
        return self.number[:2] in _PREDEFINED


def fields(content: str) -> list[tuple[str, str]]:
    """The (application identifier, value) pairs of a content as it is written for people, each checked.

    raises  LabelError label_code_empty, label_gs1_wrong

    >>> fields("(01)03453120000011(10)ABC")
    [('01', '03453120000011'), ('10', 'ABC')]
    """
    if not content:
        raise LabelError("label_code_empty")
    before, *pieces = _BRACKETS.split(content)
    if before or not pieces:
        raise _wrong(content, "it begins with an application identifier in brackets, such as (01)")
    pairs = list(zip(pieces[::2], pieces[1::2], strict=True))
    _check(content, pairs)
    return pairs


def message(content: str) -> str:
    """The characters a symbol carries after the first function character, SEPARATOR between fields that need it.

    >>> message("(10)ABC(21)7").split(SEPARATOR)
    ['10ABC', '217']
    """
    spelled = ""
    open_ended = False
    for number, value in fields(content):
        spelled += SEPARATOR * open_ended + number + value
        open_ended = not _identifiers()[number].predefined
    return spelled


def written(read: str) -> str:
    """What was read from a symbol, as it is written for people; the reverse of `message`.

    raises  LabelError label_gs1_wrong
    """
    pairs = list(_cut(read))
    _check(read, pairs)
    return "".join(f"({number}){value}" for number, value in pairs)


def _cut(read: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(read):
        number = next(
            (read[at : at + size] for size in (2, 3, 4) if read[at : at + size] in _identifiers()), None
        )
        if number is None:
            raise _wrong(read, f"nobody knows the application identifier at {read[at : at + 4]!r}")
        at += len(number)
        end = read.find(SEPARATOR, at)
        end = len(read) if end < 0 else end
        if _identifiers()[number].predefined:
            end = min(end, at + int(_identifiers()[number].shown[1:].split()[0]))
        yield number, read[at:end]
        at = end + read.startswith(SEPARATOR, end)


def _check(content: str, pairs: list[tuple[str, str]]) -> None:
    seen = set()
    for number, value in pairs:
        identifier = _identifiers().get(number)
        if identifier is None:
            raise _wrong(content, f"nobody knows the application identifier ({number})")
        if number in seen:
            raise _wrong(content, f"({number}) stands in it twice")
        seen.add(number)
        match = identifier.pattern.fullmatch(value)
        if match is None:
            raise _wrong(content, f"({number}) {identifier.meaning} is {_wording(identifier)}, not {value!r}")
        for part in identifier.parts:
            found = match[part.group]
            fault = _FAULTS[part.must](found) if found and part.must else None
            if fault:
                raise _wrong(content, f"({number}) {identifier.meaning}: {fault}")


def _wrong(content: str, what: str) -> LabelError:
    return LabelError("label_gs1_wrong", content=content, what=what)


def _wording(identifier: Identifier) -> str:
    words = []
    for bracket, kind, upto, count, _must in _PART.findall(identifier.shown):
        what = "digits" if kind == "N" else "characters of GS1's set"
        words.append(f"{'perhaps ' * bool(bracket)}{'up to ' * bool(upto)}{count} {what}")
    return " and ".join(words)


@cache
def _identifiers() -> dict[str, Identifier]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {
            number: _identifier(number, row["parts"], row["meaning"])
            for row in csv.DictReader(file)
            for number in _numbers(row["identifier"])
        }


def _numbers(cell: str) -> list[str]:
    first, _, last = cell.partition("-")
    return [str(number) for number in range(int(first), int(last) + 1)] if last else [first]


def _identifier(number: str, shown: str, meaning: str) -> Identifier:
    pattern, parts = "", []
    for group, (bracket, kind, upto, count, must) in enumerate(_PART.findall(shown), start=1):
        many = f"{{1,{count}}}" if upto else f"{{{count}}}"
        pattern += f"([{_SETS[kind]}]{many}){'?' * bool(bracket)}"
        parts.append(Part(group, must))
    return Identifier(number, re.compile(pattern), tuple(parts), shown, meaning)


def check_digit(digits: str) -> str:
    """The last digit of a GS1 number, of those before it: weights 3 and 1 from the right.

    >>> check_digit("0345312000001")
    '1'
    """
    total = sum(int(digit) * (1 if at % 2 else 3) for at, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _wrong_check(value: str) -> str | None:
    right = check_digit(value[:-1])
    return None if value[-1] == right else f"{value} should end with the check digit {right}"


def _wrong_date(value: str) -> str | None:
    """A day of 00 means the whole month; of the century nothing is written, and 20 is taken."""
    month, day = int(value[2:4]), int(value[4:6])
    try:
        date(2000 + int(value[:2]), month, day or 1)
    except ValueError:
        return f"there is no day {value} (year, month, day)"
    return None


def _wrong_hour(value: str) -> str | None:
    fault = (
        _wrong_date(value[:6]) if value[4:6] != "00" else f"there is no day {value[:6]} (year, month, day)"
    )
    return fault or (None if int(value[6:]) <= 23 else f"there is no hour {value[6:]}")


def _wrong_time(value: str) -> str | None:
    good = int(value[:2]) <= 23 and int(value[2:]) <= 59
    return None if good else f"there is no time {value} (hours, minutes)"


def _wrong_zero(value: str) -> str | None:
    return None if value == "0" else "it begins with 0"


_FAULTS = {
    "check": _wrong_check,
    "date": _wrong_date,
    "hour": _wrong_hour,
    "time": _wrong_time,
    "zero": _wrong_zero,
}
