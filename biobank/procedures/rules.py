"""What a procedure asks of each step, when a step is due, and which of its limits were broken. Pure.

Out of procedure is told, never forbidden: a late tube is still somebody's blood. And only what is certain is told: a
draw of which nobody knows the time is neither on time nor late.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from biobank.core import times
from biobank.core.errors import Reason
from biobank.core.times import BANK_ZONE, When


class Kind(StrEnum):
    """What is done in a step."""

    REST = "rest"
    SPIN = "spin"
    INCUBATE = "incubate"
    ALIQUOT = "aliquot"
    FREEZE = "freeze"
    OTHER = "other"


class Since(StrEnum):
    """From when on the delay before a step counts."""

    COLLECTION = "collection"
    PREVIOUS = "previous"
    RECEPTION = "reception"


@dataclass(frozen=True)
class Part:
    """What an aliquot step yields: so many tubes of so much."""

    count: int
    volume_nl: int | None
    type: str | None


@dataclass(frozen=True)
class Step:
    """One step of a procedure. Every limit may be missing: nothing is then asked about it.

    start_within_min  it begins at most so many minutes after `since`
    min_minutes       it lasts at least, and max_minutes at most, so long
    warn_before_min   so long before max_minutes the board warns
    parts             of an aliquot step, what it yields
    """

    key: str
    kind: Kind
    title: str
    since: Since | None = None
    start_within_min: int | None = None
    min_minutes: int | None = None
    max_minutes: int | None = None
    warn_before_min: int | None = None
    temperature_c: int | None = None
    force_g: int | None = None
    note: str | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Due:
    """When a step that runs is ready, when the board warns, and when it has lasted too long."""

    ready_at: datetime | None
    warn_at: datetime | None
    limit_at: datetime | None

    def state(self, now: datetime) -> str:
        """running, ready (may be stopped), look (to be stopped soon) or late."""
        for name, at in (("late", self.limit_at), ("look", self.warn_at), ("ready", self.ready_at)):
            if at is not None and now >= at:
                return name
        return "running"


# --- what was out of procedure

#: Reasons that say that nobody can tell, not that a limit was broken.
UNKNOWN = frozenset({"step_delay_unknown"})


def due(step: Step, started: datetime) -> Due:
    """When it must be looked at."""
    ready = started + timedelta(minutes=step.min_minutes) if step.min_minutes is not None else None
    if step.max_minutes is None:
        return Due(ready, None, None)
    limit = started + timedelta(minutes=step.max_minutes)
    return Due(ready, limit - timedelta(minutes=step.warn_before_min or 0), limit)


def deviations(
    step: Step,
    started: datetime,
    stopped: datetime | None,
    since: When | None,
    zone: ZoneInfo = BANK_ZONE,
) -> list[Reason]:
    """Which limits were broken, with the figures; nothing, when none was.

    started, stopped  by the server's clock; not stopped yet: only its beginning is judged
    since             when that was from which its delay counts; an unknown or vague time is never taken for late
    """
    found = [_late(step, started, since, zone)]
    if stopped is not None:
        found += _duration(step, stopped - started)
    return [reason for reason in found if reason is not None]


def broken(reasons: Sequence[Mapping[str, Any]]) -> bool:
    """Was a limit broken, of reasons as they are stored? That nobody knows is no breach."""
    return any(reason["code"] not in UNKNOWN for reason in reasons)


def _late(step: Step, started: datetime, since: When | None, zone: ZoneInfo) -> Reason | None:
    """The delay before it. A vague time leaves a span of delays: late is only what is late in all of it."""
    if step.start_within_min is None or step.since is None:
        return None
    told: dict[str, Any] = {"step": step.title, "since": step.since.value, "most": step.start_within_min}
    limit = timedelta(minutes=step.start_within_min)
    known = times.span(since, zone) if since is not None else None
    if since is None or known is None or since.at is None:
        return Reason("step_delay_unknown", told)
    if since.precision == "minute":
        delay = started - known[0]
        # The minute in which it was drawn may have been its last second.
        return Reason("step_late", told | {"minutes": _whole(delay)}) if started - known[1] >= limit else None
    if started - known[1] >= limit:
        return Reason("step_late_at_least", told | {"minutes": _whole(started - known[1])})
    if started - known[0] > limit:
        return Reason("step_delay_unknown", told)
    return None


def _duration(step: Step, lasted: timedelta) -> list[Reason]:
    found = []
    if step.min_minutes is not None and lasted < timedelta(minutes=step.min_minutes):
        told = {"step": step.title, "minutes": _whole(lasted), "least": step.min_minutes}
        found.append(Reason("step_too_short", told))
    if step.max_minutes is not None and lasted > timedelta(minutes=step.max_minutes):
        minutes = math.ceil(lasted.total_seconds() / 60)
        found.append(
            Reason("step_too_long", {"step": step.title, "minutes": minutes, "most": step.max_minutes})
        )
    return found


def _whole(span: timedelta) -> int:
    return math.floor(span.total_seconds() / 60)


# --- steps as they are stored


def read_steps(stored: Sequence[Mapping[str, Any]]) -> list[Step]:
    """Steps of a procedure, in order, from what `checked_steps` made."""
    return [_step(each) for each in stored]


def find_step(stored: Sequence[Mapping[str, Any]], key: str) -> Step | None:
    """The step of that key."""
    return next((_step(each) for each in stored if each["key"] == key), None)


def _step(stored: Mapping[str, Any]) -> Step:
    told = dict(stored)
    since = told.get("since")
    parts = tuple(Part(each["count"], each.get("volume_nl"), each.get("type")) for each in told["parts"])
    return Step(
        **told | {"kind": Kind(told["kind"]), "since": Since(since) if since else None, "parts": parts}
    )
