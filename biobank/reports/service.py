"""How many samples were treated and stored in a period? The same answer today and next year."""

from collections.abc import Iterable
from datetime import date

from biobank.access import service as access
from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.reports import counting, rules
from biobank.reports.rules import MONTH, Figures


def throughput(
    *, from_on: date, to_on: date, actor: Actor, by_dimensions: Iterable[str] = (), site: str | None = None
) -> Figures:
    """Samples treated in the period and stored at its end, of the sites that the actor sees.

    from_on, to_on  both days included, on the bank's calendar
    by_dimensions   of month, study, type and site, those to divide by, in the order wanted
    site            one site's code; all of them unless given
    raises          Malformed for a backwards or endless period, an unknown dimension or site
    """
    rules.check_period(from_on, to_on)
    by = rules.check_dimensions(by_dimensions)
    site_id = access.site_for(site, actor).id if site else actor.site_id
    months = _months(from_on, to_on, MONTH in by)
    scope = counting.scope(site_id, tuple(name for name in by if name != MONTH))
    instants = [months[0].start, *(month.end for month in months)]
    treated = counting.treated(months, scope)
    stored = rules.stored_at(counting.stays(instants, scope), len(instants))
    return Figures(
        from_on=from_on,
        to_on=to_on,
        by=by,
        site=site or (access.site_code(site_id) if site_id is not None else None),
        samples_treated=sum(map(sum, treated.values())),
        samples_stored=sum(counts[-1] for counts in stored.values()),
        samples_stored_at_start=sum(counts[0] for counts in stored.values()),
        unknown_time=counting.treated_nobody_knows_when(scope),
        groups=_groups(by, months, treated, stored),
    )


def _months(from_on: date, to_on: date, each: bool) -> list[times.Month]:
    """The months of the period, or all of it as if it were one."""
    if each:
        return times.months(from_on, to_on, clock.zone())
    return [times.Month("", *times.day_bounds(from_on, to_on, clock.zone()))]


def _groups(
    by: tuple[str, ...],
    months: list[times.Month],
    treated: dict[rules.Key, list[int]],
    stored: dict[rules.Key, list[int]],
) -> tuple[rules.Group, ...]:
    if not by:
        return ()
    ends = {key: counts[1:] for key, counts in stored.items()}
    return rules.lines(by, [month.label for month in months], treated, ends)


def years(actor: Actor) -> list[int]:
    """The years in which samples were treated, from the first to the last, the newest first; none of them left out."""
    first, last = counting.first_and_last(actor.site_id)
    if first is None or last is None:
        return []
    zone = clock.zone()
    return list(range(times.local_day(last, zone).year, times.local_day(first, zone).year - 1, -1))
