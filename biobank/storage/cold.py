"""Thaws and minutes out of the cold, computed from where things stood and when: three queries for any number of tubes.

A sample is in the cold while the chain of what it stands in leads to a kind that freezes; a box has the temperature of
what it stands in, so a box that is carried out takes its tubes out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select

from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import fetch
from biobank.core.errors import Reason, RuleViolation
from biobank.core.settings import CONFIG
from biobank.core.times import When
from biobank.samples.models import Sample, SampleParent
from biobank.samples.rules import Status
from biobank.storage import cold_rules, kinds, placing, standing
from biobank.storage.cold_rules import DEFAULT, FOREVER, FROZEN, History, Limits, Span
from biobank.storage.models import Container, Placement

#: What a placement keeps of a tube that was taken out to thaw.
THAWED = "thawed"
#: A sample in any other status is not with us, or is used up: how cold it is does not matter any more.
_IN_HAND = {Status.EXPECTED.value, Status.COLLECTED.value, Status.AVAILABLE.value}


@dataclass(frozen=True)
class Cold:
    """What a sample went through.

    thaws        with those that it inherited
    inherited    of its parents, up to its own making
    minutes_out  its own, all times out of the cold together
    out_since    when it left the cold, for one that is still out of it
    frozen       it is in the frozen cold now
    limit_state  ok, warn or block
    """

    thaws: int = 0
    minutes_out: int = 0
    out_since: datetime | None = None
    limit_state: str = "ok"
    reasons: tuple[Reason, ...] = ()
    inherited: int = 0
    frozen: bool = False
    ever_frozen: bool = False
    thawed_now: bool = False


@cache
def _limits() -> Mapping[str, Limits]:
    return cold_rules.load_limits(CONFIG / "cold.toml")


def limits_of(type: str) -> Limits:
    """What samples of a type may go through. raises ValueError naming what is wrong in config/cold.toml"""
    return _limits().get(type) or _limits()[DEFAULT]


def cold_of(sample_ids: Iterable[int], at: datetime | None = None) -> dict[int, Cold]:
    """What each of these samples went through up to now, or up to a moment."""
    until = at or clock.now()
    wanted = sorted(set(sample_ids))
    records = _Records.read(wanted)
    return {key: records.cold(key, until) for key in wanted if key in records.samples}


def out_since(container_ids: Iterable[int]) -> dict[int, datetime]:
    """Container key -> when it left the frozen cold; those that are in it, or never were, are left out. One query."""
    now, wanted = clock.now(), sorted(set(container_ids))
    boxes = _Boxes.read(wanted)
    found = {}
    for key in wanted:
        told = cold_rules.history(boxes.cold(key), (), now, timedelta())
        if told.out_since is not None:
            found[key] = told.out_since
    return found


def thaw(*, sample: Sample, by: Actor, at: When | None = None, reason: str | None = None) -> Placement:
    """Take a sample out to thaw it: it counts as thawed once more.

    returns  the placement that ended
    raises   RuleViolation `too_many_thaws` or `out_too_long` when its type bears no more, `never_frozen`, or as
             taking out
    """
    standing.locked_sample(sample, by)
    found, limits = cold_of([sample.id])[sample.id], limits_of(sample.type)
    if not found.ever_frozen:
        raise RuleViolation("never_frozen", sample=sample.code)
    if limits.max_thaws is not None and found.thaws + (not found.thawed_now) > limits.max_thaws:
        raise RuleViolation("too_many_thaws", sample=sample.code, times=found.thaws, limit=limits.max_thaws)
    if limits.max_minutes_out is not None and found.minutes_out > limits.max_minutes_out:
        raise RuleViolation(
            "out_too_long", sample=sample.code, minutes=found.minutes_out, limit=limits.max_minutes_out
        )
    return placing.take_out(sample=sample, why=THAWED, reason=reason, by=by, at=at)


# --- what is read


_FAMILY = select(Sample.id.label("id")).where(among(Sample.id, "ids")).cte("family", recursive=True)
_FAMILY = _FAMILY.union(select(SampleParent.parent_id).join(_FAMILY, SampleParent.child_id == _FAMILY.c.id))
_SAMPLES = (
    select(
        Sample.id, Sample.type, Sample.status, Sample.treated_at, Sample.treated_precision, Sample.recorded_at,
        SampleParent.parent_id,
    )
    .join(_FAMILY, _FAMILY.c.id == Sample.id)
    .outerjoin(SampleParent, SampleParent.child_id == Sample.id)
)  # fmt: skip
_STOOD = (
    select(
        Placement.sample_id, Placement.container_id, Placement.placed_at, Placement.removed_at, Placement.why
    )
    .where(among(Placement.sample_id, "ids"))
    .order_by(Placement.id)
)
# Everything that any of these containers ever stood in. UNION: told times may let two have stood in each other.
_UP = select(Container.id.label("id")).where(among(Container.id, "ids")).cte("up", recursive=True)
_UP = _UP.union(select(Placement.container_id).join(_UP, Placement.child_id == _UP.c.id))
_BOXES = (
    select(_UP.c.id, Container.kind, Placement.container_id, Placement.placed_at, Placement.removed_at)
    .join(Container, Container.id == _UP.c.id)
    .outerjoin(Placement, Placement.child_id == _UP.c.id)
)


@dataclass
class _Boxes:
    """Containers, and where each of them stood from when until when."""

    kinds: dict[int, str] = field(default_factory=dict)
    stood: dict[int, list[tuple[int, Span]]] = field(default_factory=dict)
    known: dict[int, list[Span]] = field(default_factory=dict)

    @classmethod
    def read(cls, ids: Iterable[int]) -> "_Boxes":
        found = cls()
        for key, kind, container_id, placed_at, removed_at in fetch(_BOXES, {"ids": sorted(set(ids))}):
            found.kinds[key] = kind
            if container_id is not None:
                found.stood.setdefault(key, []).append((container_id, (placed_at, removed_at or FOREVER)))
        return found

    def cold(self, key: int) -> list[Span]:
        """When it was in the frozen cold. A kind with a temperature of its own has that wherever it stands."""
        if key not in self.known:
            self.known[key] = []  # one that stood in itself for a moment was not colder for it
            kind = kinds.kinds().get(self.kinds.get(key, ""))
            if kind is not None and kind.temperature is not None:
                self.known[key] = [(_ALWAYS, FOREVER)] if kind.temperature in FROZEN else []
            else:
                self.known[key] = self.within(self.stood.get(key, []))
        return self.known[key]

    def within(self, stood: Iterable[tuple[int, Span]]) -> list[Span]:
        """Of times in containers: those in the frozen cold."""
        return cold_rules.joined(
            part for key, span in stood for part in cold_rules.within(span, self.cold(key))
        )


_ALWAYS = datetime.min.replace(tzinfo=FOREVER.tzinfo)


@dataclass
class _Records:
    """Samples with everything they were made from, and where all of these stood."""

    samples: dict[int, Any]
    parents: dict[int, list[int]]
    stood: dict[int, list[tuple[int, Span]]]
    thawed: dict[int, list[datetime]]
    boxes: _Boxes
    seen: dict[tuple[int, datetime], int] = field(default_factory=dict)

    @classmethod
    def read(cls, ids: list[int]) -> "_Records":
        samples: dict[int, Any] = {}
        parents: dict[int, list[int]] = {}
        for row in fetch(_SAMPLES, {"ids": ids}):
            samples[row.id] = row
            if row.parent_id is not None:
                parents.setdefault(row.id, []).append(row.parent_id)
        stood: dict[int, list[tuple[int, Span]]] = {}
        thawed: dict[int, list[datetime]] = {}
        for key, container_id, placed_at, removed_at, why in fetch(_STOOD, {"ids": sorted(samples)}):
            stood.setdefault(key, []).append((container_id, (placed_at, removed_at or FOREVER)))
            if why == THAWED:
                thawed.setdefault(key, []).append(removed_at)
        boxes = _Boxes.read(key for spans in stood.values() for key, _ in spans)
        return cls(samples, parents, stood, thawed, boxes)

    def cold(self, key: int, until: datetime) -> Cold:
        row = self.samples[key]
        own = self.history(key, until, in_hand=row.status in _IN_HAND)
        inherited = self.inherited(key, until)
        thaws = own.thaws + inherited
        state, reasons = cold_rules.judge(thaws, own.minutes_out, limits_of(row.type))
        return Cold(
            thaws, own.minutes_out, own.out_since, state, reasons, inherited,
            frozen=own.ever_frozen and own.out_since is None and row.status in _IN_HAND,
            ever_frozen=own.ever_frozen, thawed_now=own.thawed_now,
        )  # fmt: skip

    def history(self, key: int, until: datetime, *, in_hand: bool = True) -> History:
        spans = [
            part
            for container_id, span in self.stood.get(key, [])
            for part in cold_rules.within(span, self.boxes.cold(container_id))
        ]
        after = timedelta(minutes=limits_of(self.samples[key].type).thaw_after_minutes)
        return cold_rules.history(spans, self.thawed.get(key, ()), until, after, in_hand=in_hand)

    def inherited(self, key: int, until: datetime) -> int:
        """The most thaws that anything it was made from had seen when it was made."""
        made = min(until, _made(self.samples[key]))
        return max((self.seen_by(parent, made) for parent in self.parents.get(key, ())), default=0)

    def seen_by(self, key: int, until: datetime) -> int:
        """Thaws up to a moment, with those inherited."""
        if (key, until) not in self.seen:
            self.seen[key, until] = 0  # a circle, which the guards prevent, would end here
            self.seen[key, until] = self.history(key, until).thaws + self.inherited(key, until)
        return self.seen[key, until]


def _made(row: Any) -> datetime:
    """When a sample was made; the latest that it may have been."""
    if row.treated_at is None:
        recorded: datetime = row.recorded_at
        return recorded
    known = times.span(When(row.treated_at, row.treated_precision), clock.zone())
    return known[1] if known is not None else row.recorded_at
