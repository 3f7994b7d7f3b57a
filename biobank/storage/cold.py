"""Thaws and minutes out of the cold, computed from where things stood and when: one query for any number of tubes.

A sample is in the cold while the chain of what it stands in leads to a kind that freezes; a box has the temperature of
what it stands in, so a box that is carried out takes its tubes out.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, literal, null, select, union_all

from biobank.core import clock, times
from biobank.core.among import among
from biobank.core.db import fetch
from biobank.core.errors import Reason, RuleViolation
from biobank.core.times import When
from biobank.samples.models import Sample, SampleParent
from biobank.samples.rules import Status
from biobank.storage import cold_rules, kinds
from biobank.storage.cold_rules import FOREVER, History, Span
from biobank.storage.limits import limits_of
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


def require_bears_thaw(samples: Sequence[Sample]) -> None:
    """Raise unless each of these, whose rows are locked, bears one thaw more; one query.

    raises  RuleViolation `too_many_thaws` or `out_too_long` when its type bears no more, `never_frozen`
    """
    lived = cold_of([sample.id for sample in samples])
    for sample in samples:
        found, limits = lived[sample.id], limits_of(sample.type)
        if not found.ever_frozen:
            raise RuleViolation("never_frozen", sample=sample.code)
        if limits.max_thaws is not None and found.thaws + (not found.thawed_now) > limits.max_thaws:
            raise RuleViolation(
                "too_many_thaws", sample=sample.code, times=found.thaws, limit=limits.max_thaws
            )
        if limits.max_minutes_out is not None and found.minutes_out > limits.max_minutes_out:
            raise RuleViolation(
                "out_too_long", sample=sample.code, minutes=found.minutes_out, limit=limits.max_minutes_out
            )


# --- what is read


# Everything that any of these containers ever stood in. UNION: told times may let two have stood in each other.
def _boxes(up: Any) -> Any:
    up = up.union(select(Placement.container_id).join(up, Placement.child_id == up.c.id))
    return (
        select(
            up.c.id, Container.kind, Placement.container_id, Placement.placed_at, Placement.removed_at,
            cast(Container.kept_at, String).label("kept_at"),
        )
        .join(Container, Container.id == up.c.id)
        .outerjoin(Placement, Placement.child_id == up.c.id)
    )  # fmt: skip


_BOXES = _boxes(select(Container.id.label("id")).where(among(Container.id, "ids")).cte("up", recursive=True))


def _lives() -> Any:
    """Samples and all they were made from, where these ever stood, and the boxes they stood in: rows of three sorts."""
    family = select(Sample.id.label("id")).where(among(Sample.id, "ids")).cte("family", recursive=True)
    family = family.union(select(SampleParent.parent_id).join(family, SampleParent.child_id == family.c.id))
    up = (
        select(Placement.container_id.label("id"))
        .join(family, family.c.id == Placement.sample_id)
        .cte("up", recursive=True)
    )
    boxes = _boxes(up).subquery("boxes")
    no_text = cast(null(), String)
    lives = union_all(
        select(
            literal(_SAMPLE, literal_execute=True).label("sort"), Sample.id.label("id"),
            SampleParent.parent_id.label("other"), Sample.type.label("kind"), Sample.status.label("why"),
            Sample.treated_precision.label("precision"), Sample.treated_at.label("since"),
            Sample.recorded_at.label("until"), literal(0, literal_execute=True).label("place"),
        )
        .join(family, family.c.id == Sample.id)
        .outerjoin(SampleParent, SampleParent.child_id == Sample.id),
        select(
            literal(_STOOD, literal_execute=True), Placement.sample_id, Placement.container_id, no_text,
            Placement.why, no_text, Placement.placed_at, Placement.removed_at, Placement.id,
        ).join(family, family.c.id == Placement.sample_id),
        select(
            literal(_BOX, literal_execute=True), boxes.c.id, boxes.c.container_id, boxes.c.kind, no_text,
            boxes.c.kept_at, boxes.c.placed_at, boxes.c.removed_at, literal(0, literal_execute=True),
        ),
    ).subquery("lives")  # fmt: skip
    return select(lives).order_by(lives.c.place)


#: The sorts of rows.
_SAMPLE, _STOOD, _BOX = 1, 2, 3
_LIVES = _lives()


@dataclass
class _Boxes:
    """Containers, and where each of them stood from when until when."""

    own: dict[int, list[Span] | None] = field(default_factory=dict)
    """When it was frozen cold by its own temperature; None: it has none."""
    stood: dict[int, list[tuple[int, Span]]] = field(default_factory=dict)
    known: dict[int, list[Span]] = field(default_factory=dict)

    @classmethod
    def read(cls, ids: Iterable[int]) -> "_Boxes":
        found = cls()
        for row in fetch(_BOXES, {"ids": sorted(set(ids))}):
            found.add(*row)
        return found

    def add(
        self,
        key: int,
        kind: str,
        container_id: int | None,
        placed_at: Any,
        removed_at: datetime | None,
        kept_at: str | None,
    ) -> None:
        """One row: a container, what it stood in for a time, if in anything, and what it was set to."""
        if key not in self.own:
            set_to = [
                (datetime.fromisoformat(since), at) for since, at in json.loads(kept_at or "null") or ()
            ]
            usual = kinds.kinds()[kind].temperature if kind in kinds.kinds() else None
            self.own[key] = cold_rules.frozen_spans(usual, set_to)
        if container_id is not None:
            self.stood.setdefault(key, []).append((container_id, (placed_at, removed_at or FOREVER)))

    def cold(self, key: int) -> list[Span]:
        """When it was in the frozen cold. What has a temperature of its own has that wherever it stands."""
        if key not in self.known:
            self.known[key] = []  # one that stood in itself for a moment was not colder for it
            own = self.own.get(key)
            self.known[key] = own if own is not None else self.within(self.stood.get(key, []))
        return self.known[key]

    def within(self, stood: Iterable[tuple[int, Span]]) -> list[Span]:
        """Of times in containers: those in the frozen cold."""
        return cold_rules.joined(
            part for key, span in stood for part in cold_rules.within(span, self.cold(key))
        )


@dataclass
class _Records:
    """Samples with everything they were made from, and where all of these stood.

    samples  rows: `kind` is the type, `why` the status, `since` (of `precision`) when it was treated, `until` recorded
    """

    samples: dict[int, Any]
    parents: dict[int, list[int]]
    stood: dict[int, list[tuple[int, Span]]]
    thawed: dict[int, list[datetime]]
    boxes: _Boxes
    seen: dict[tuple[int, datetime], int] = field(default_factory=dict)

    @classmethod
    def read(cls, ids: list[int]) -> "_Records":
        found = cls({}, {}, {}, {}, _Boxes())
        for row in fetch(_LIVES, {"ids": ids}):
            if row.sort == _SAMPLE:
                found.samples[row.id] = row
                if row.other is not None:
                    found.parents.setdefault(row.id, []).append(row.other)
            elif row.sort == _STOOD:
                found.stood.setdefault(row.id, []).append((row.other, (row.since, row.until or FOREVER)))
                if row.why == THAWED:
                    found.thawed.setdefault(row.id, []).append(row.until)
            else:
                found.boxes.add(row.id, row.kind, row.other, row.since, row.until, row.precision)
        return found

    def cold(self, key: int, until: datetime) -> Cold:
        row = self.samples[key]
        in_hand = row.why in _IN_HAND
        own = self.history(key, until, in_hand=in_hand)
        inherited = self.inherited(key, until)
        thaws = own.thaws + inherited
        state, reasons = cold_rules.judge(thaws, own.minutes_out, limits_of(row.kind))
        return Cold(
            thaws, own.minutes_out, own.out_since, state, reasons, inherited,
            frozen=own.ever_frozen and own.out_since is None and in_hand,
            ever_frozen=own.ever_frozen, thawed_now=own.thawed_now,
        )  # fmt: skip

    def history(self, key: int, until: datetime, *, in_hand: bool = True) -> History:
        spans = [
            part
            for container_id, span in self.stood.get(key, [])
            for part in cold_rules.within(span, self.boxes.cold(container_id))
        ]
        after = timedelta(minutes=limits_of(self.samples[key].kind).thaw_after_minutes)
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
    recorded: datetime = row.until
    if row.since is None:
        return recorded
    known = times.span(When(row.since, row.precision), clock.zone())
    return known[1] if known is not None else recorded
