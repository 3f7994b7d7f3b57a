"""When will it be full? A straight line through the last quarter, and how far that line can be trusted. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

#: Thirteen weeks: a quarter, and whole weeks, so that quiet Sundays count alike everywhere.
WEEKS = 13
#: With less to look back on, nothing is foretold.
FEWEST_WEEKS = 4
#: Student's t, two-sided 95 %, by degrees of freedom (weeks - 1): any table of the distribution.
_T95 = {3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26, 10: 2.23, 11: 2.20, 12: 2.18}
#: Nobody plans freezers for longer; beyond it, no day is named.
HORIZON = timedelta(days=365 * 20)


class Outlook(StrEnum):
    FILLING = "filling"
    NOT_FILLING = "not_filling"
    """As much is taken out as is put in, or more."""
    TOO_LITTLE = "too_little"
    """Not looked back on long enough."""
    FULL = "full"
    UNCOUNTED = "uncounted"
    """Things stand in it without places of their own."""
    BARE = "bare"
    """No rack and no box stands in it."""


@dataclass(frozen=True)
class Forecast:
    """
    per_week            how many more stand in it each week, on average
    on                  the day it is full, if it goes on so; None: not foretold, or decades away
    earliest, latest    with a chance of 95 % it is between them; latest None: perhaps never
    """

    outlook: Outlook
    per_week: float | None = None
    on: date | None = None
    earliest: date | None = None
    latest: date | None = None


def forecast(weekly: Sequence[int], *, free: int, today: date) -> Forecast:
    """Go on as in the weeks before.

    weekly  how many more stood in it at the end of each whole week than at its beginning, the oldest first; fewer
            than WEEKS where it has been in use for less
    free    how many more go in
    """
    if free <= 0:
        return Forecast(Outlook.FULL)
    weeks = len(weekly)
    if weeks < FEWEST_WEEKS:
        return Forecast(Outlook.TOO_LITTLE)
    rate = sum(weekly) / weeks
    if rate <= 0:
        return Forecast(Outlook.NOT_FILLING, rate)
    variance = sum((each - rate) ** 2 for each in weekly) / (weeks - 1)
    give = _T95[min(weeks - 1, max(_T95))] * math.sqrt(variance / weeks)
    return Forecast(
        Outlook.FILLING,
        rate,
        on=_after(free, rate, today),
        earliest=_after(free, rate + give, today),
        latest=_after(free, rate - give, today) if rate > give else None,
    )


def _after(free: int, per_week: float, today: date) -> date | None:
    days = free / per_week * 7
    return today + timedelta(days=math.ceil(days)) if days <= HORIZON.days else None
