"""What is known of a tube when a step is judged: when it was drawn and received, and which steps it, or what it was
made of, went through. A constant number of queries for any number of tubes."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select

from biobank.core import clock
from biobank.core.among import among
from biobank.core.db import UTCDateTime, fetch
from biobank.core.errors import Reason
from biobank.core.times import When
from biobank.procedures import rules
from biobank.procedures.models import Procedure
from biobank.procedures.rules import Kind, Since, Step
from biobank.samples.models import CollectionEvent, Sample, SampleParent, StepRun

#: Steps that have a timer: one of them that was never started was left out.
TIMED = frozenset({Kind.REST, Kind.SPIN, Kind.INCUBATE})


def _lineage() -> Any:
    """Each tube asked for (`id`) with itself and everything it was made of (`at`)."""
    own = select(Sample.id.label("id"), Sample.id.label("at")).where(among(Sample.id, "ids"))
    up = own.cte("up", recursive=True)
    return up.union(
        select(up.c.id, SampleParent.parent_id).join(up, SampleParent.child_id == up.c.at),
    )


_UP = _lineage()
_DONE = (StepRun.cancelled.is_(False), StepRun.stopped_at <= bindparam("before", type_=UTCDateTime))
# The last end of each step of a procedure, in whatever version.
_RAN = (
    select(_UP.c.id, StepRun.step, func.max(StepRun.stopped_at, type_=UTCDateTime))
    .join(StepRun, StepRun.sample_id == _UP.c.at)
    .join(Procedure, Procedure.id == StepRun.procedure_id)
    .where(Procedure.site_id == bindparam("site_id"), Procedure.code == bindparam("code"), *_DONE)
    .group_by(_UP.c.id, StepRun.step)
)
_ORIGINS = (
    select(
        Sample.id,
        Sample.origin,
        Sample.treated_at,
        Sample.treated_precision,
        CollectionEvent.happened_at,
        CollectionEvent.precision,
    )
    .outerjoin(CollectionEvent, CollectionEvent.id == Sample.collection_event_id)
    .where(among(Sample.id, "ids"))
)
_ROOTS = (
    select(_UP.c.id, Sample.origin, Sample.treated_at, Sample.treated_precision)
    .join(Sample, Sample.id == _UP.c.at)
    .where(~select(SampleParent.child_id).where(SampleParent.child_id == _UP.c.at).exists())
)
_LAST = (
    select(_UP.c.id, StepRun.sample_id, StepRun.procedure_id, StepRun.step, Procedure.steps)
    .join(StepRun, StepRun.sample_id == _UP.c.at)
    .join(Procedure, Procedure.id == StepRun.procedure_id)
    .where(StepRun.cancelled.is_(False), StepRun.started_at <= bindparam("before", type_=UTCDateTime))
    .order_by(StepRun.started_at, StepRun.id)
)


def judge(
    procedure: Procedure, step: Step, sample_ids: Sequence[int], started: datetime, stopped: datetime | None
) -> dict[int, list[Reason]]:
    """Which limits each tube broke in this step; while it runs, of its beginning."""
    if not sample_ids:
        return {}
    steps = rules.read_steps(procedure.steps)
    before = steps[: next((place for place, each in enumerate(steps) if each.key == step.key), 0)]
    ran: dict[int, dict[str, datetime]] = defaultdict(dict)
    if before:
        asked = {
            "ids": list(sample_ids),
            "site_id": procedure.site_id,
            "code": procedure.code,
            "before": started,
        }
        for sample_id, key, ended in fetch(_RAN, asked):
            ran[sample_id][key] = ended
    since = _since(step, before, sample_ids, ran)
    return {
        key: [
            *rules.deviations(step, started, stopped, since.get(key), clock.zone()),
            *_left_out(step, before, ran[key]),
        ]
        for key in sample_ids
    }


def _left_out(step: Step, before: Sequence[Step], ran: dict[str, datetime]) -> list[Reason]:
    return [
        Reason("step_left_out", {"step": step.title, "missing": each.title})
        for each in before
        if each.kind in TIMED and each.key not in ran
    ]


def _since(
    step: Step, before: Sequence[Step], sample_ids: Sequence[int], ran: dict[int, dict[str, datetime]]
) -> dict[int, When]:
    """When that was from which the delay of each tube counts; one that is missing is unknown."""
    if step.since is None:
        return {}
    if step.since is Since.RECEPTION:
        return _received(sample_ids)
    origins = {row[0]: row for row in fetch(_ORIGINS, {"ids": list(sample_ids)})}
    if step.since is Since.COLLECTION:
        return {key: _when(row[4], row[5]) for key, row in origins.items()}
    previous = before[-1] if before else None
    found: dict[int, When] = {}
    for key, row in origins.items():
        if previous is None:
            continue
        if ended := ran[key].get(previous.key):
            found[key] = When.exactly(ended)
        elif previous.kind is Kind.ALIQUOT and row[1] in ("aliquoted", "derived"):
            found[key] = _when(row[2], row[3])  # dividing needs no timer: it ended when this tube was made
    return found


def _received(sample_ids: Sequence[int]) -> dict[int, When]:
    """When the material reached the bank; of a pool of several tubes nobody can say."""
    roots: dict[int, list[Any]] = defaultdict(list)
    for key, *row in fetch(_ROOTS, {"ids": list(sample_ids)}):
        roots[key].append(row)
    return {
        key: _when(rows[0][1], rows[0][2])
        for key, rows in roots.items()
        if len(rows) == 1 and rows[0][0] == "collected"
    }


def _when(at: datetime | None, precision: str | None) -> When:
    return When(at, precision) if at is not None and precision else When.unknown()


def last_procedures(sample_ids: Sequence[int], before: datetime) -> dict[int, tuple[int, bool]]:
    """Sample key -> the procedure that it, or what it was made of, went through last, and whether the tube itself was
    frozen by one already."""
    found: dict[int, tuple[int, bool]] = {}
    asked = {"ids": list(sample_ids), "before": before}
    for key, sample_id, procedure_id, step, steps in fetch(_LAST, asked):
        kind = next((each["kind"] for each in steps if each["key"] == step), "")
        frozen = found.get(key, (0, False))[1] or (sample_id == key and kind == Kind.FREEZE)
        found[key] = (procedure_id, frozen)
    return found
