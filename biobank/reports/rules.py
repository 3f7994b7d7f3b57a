"""What a year's figures are made of: the period, the dimensions, and how counted rows become lines. Pure.

A sample is treated in the period in which it was received or made. It is stored at an instant when what it stands in
leads, at that instant, to a kind of container that counts as storage. Of a period, the figure is that of its last
instant; by month, that of each month's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from biobank.core.errors import Malformed, Reason
from biobank.core.times import YEARS

MONTH, STUDY, TYPE, SITE = "month", "study", "type", "site"
DIMENSIONS = (MONTH, STUDY, TYPE, SITE)
#: Nobody's report is longer, and every month of it is counted on its own.
MOST_YEARS = 50
#: Months times studies times types: beyond this it is no report any more.
MOST_GROUPS = 100_000

#: What a line is about besides its month: study, type, site, as far as they were asked for and in that order.
Key = tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """One line: what it is about (dimension -> code), and its two numbers."""

    about: Mapping[str, str]
    samples_treated: int
    samples_stored: int


@dataclass(frozen=True)
class Figures:
    """The answer for one period, both days included.

    samples_stored           when the period ends
    samples_stored_at_start  when it begins
    unknown_time             treated nobody knows when: in no period, so in no other number here
    """

    from_on: date
    to_on: date
    by: tuple[str, ...]
    site: str | None
    samples_treated: int
    samples_stored: int
    samples_stored_at_start: int
    unknown_time: int
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Stay:
    """So many samples of one key were stored at the instants number `first`, …, `last` - 1 of those counted at."""

    key: Key
    first: int
    last: int
    samples: int


def check_period(from_on: date, to_on: date) -> None:
    """raises  Malformed for a period that no bank reports on: backwards, endless, or in no year of ours"""
    days = {"from": from_on, "to": to_on}
    span = {"first": YEARS.start, "last": YEARS.stop - 1}
    strange = {
        name: Reason("period_year", {"day": day.isoformat(), **span})
        for name, day in days.items()
        if day.year not in YEARS
    }
    if strange:
        raise Malformed(strange)
    shown = {"from_on": from_on.isoformat(), "to_on": to_on.isoformat()}
    if to_on < from_on:
        raise Malformed({"to": Reason("period_backwards", shown)})
    if (to_on.year - from_on.year, to_on.month, to_on.day) >= (MOST_YEARS, from_on.month, from_on.day):
        raise Malformed({"to": Reason("period_too_long", {"most": MOST_YEARS})})


def check_dimensions(asked: Iterable[str]) -> tuple[str, ...]:
    """What to divide by, each once, in the order asked. raises Malformed naming the ones there are"""
    wanted = tuple(dict.fromkeys(asked))
    if unknown := next((name for name in wanted if name not in DIMENSIONS), None):
        known = ", ".join(DIMENSIONS)
        raise Malformed({"by": Reason("dimension_unknown", {"given": unknown[:40], "known": known})})
    return wanted


def stored_at(stays: Iterable[Stay], instants: int) -> dict[Key, list[int]]:
    """Key -> how many samples were stored at each of so many instants.

    >>> stored_at([Stay((), 0, 2, 5), Stay((), 1, 3, 2)], 3)
    {(): [5, 7, 2]}
    """
    changes: dict[Key, list[int]] = {}
    for stay in stays:
        row = changes.setdefault(stay.key, [0] * (instants + 1))
        row[stay.first] += stay.samples
        row[stay.last] -= stay.samples
    return {key: _running(row)[:-1] for key, row in changes.items()}


def _running(changes: Sequence[int]) -> list[int]:
    total, found = 0, []
    for change in changes:
        total += change
        found.append(total)
    return found


def lines(
    by: Sequence[str],
    months: Sequence[str],
    treated: Mapping[Key, Sequence[int]],
    stored: Mapping[Key, Sequence[int]],
) -> tuple[Group, ...]:
    """The lines of a report, sorted by what was asked for first.

    months   labels; a single one when the months are not asked for
    treated  key -> samples treated in each month
    stored   key -> samples stored at the end of each month
    raises   Malformed when there would be more lines than anybody reads
    """
    nothing = [0] * len(months)
    keys = {key for rows in (treated, stored) for key, counts in rows.items() if any(counts)}
    if MONTH in by and len(by) == 1:
        keys.add(())  # a year without a sample has twelve months all the same
    if len(keys) * len(months) > MOST_GROUPS:
        raise Malformed(
            {"by": Reason("too_many_groups", {"groups": len(keys) * len(months), "most": MOST_GROUPS})}
        )
    found = [
        Group(_about(by, month, key), treated.get(key, nothing)[at], stored.get(key, nothing)[at])
        for key in keys
        for at, month in enumerate(months)
    ]
    return tuple(sorted(found, key=lambda group: tuple(group.about.values())))


def _about(by: Sequence[str], month: str, key: Key) -> dict[str, str]:
    rest = iter(key)
    return {name: month if name == MONTH else next(rest) for name in by}
