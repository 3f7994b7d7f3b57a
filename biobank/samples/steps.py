"""Tubes go through the steps of a procedure, many at once, by the server's clock. Out of procedure is written down with
its figures and forbids nothing; only a withdrawal does."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.procedures import rules as procedure_rules
from biobank.procedures import service as procedures
from biobank.procedures.models import Procedure
from biobank.procedures.rules import Kind, Step
from biobank.samples import gate, judging, rules
from biobank.samples.models import Sample, StepRun

#: More than the largest centrifuge takes.
MOST_TUBES = 384
#: What the life of a sample and consent call each kind of step; what is not listed is handled as a spin is.
_ACTS = {Kind.ALIQUOT: "aliquot", Kind.FREEZE: "freeze"}


@dataclass(frozen=True)
class Batch:
    """Tubes that go through one step together."""

    key: str
    procedure: Procedure
    step: Step
    runs: Sequence[StepRun]
    codes: Mapping[int, str]
    """Sample key -> its number."""

    @property
    def started_at(self) -> datetime:
        return self.runs[0].started_at

    @property
    def started_by(self) -> str:
        return self.runs[0].started_by

    @property
    def stopped_at(self) -> datetime | None:
        """When the last of them was taken out; None while one still runs."""
        ends = [run.stopped_at for run in self.runs]
        return None if None in ends else max(end for end in ends if end is not None)

    @property
    def due(self) -> procedure_rules.Due:
        return procedure_rules.due(self.step, self.started_at)


def start(*, samples: Sequence[Sample], procedure: Procedure, step: str, by: Actor) -> str:
    """All these tubes begin a step now. returns the key of their batch

    step    its key in the procedure
    raises  RuleViolation when the procedure is not in force, a tube is not in our hands or runs already
            (`step_running`), or after a withdrawal; NotFound for what another site hides; Malformed without a tube
    """
    ids = list(dict.fromkeys(sample.id for sample in samples))
    if not 1 <= len(ids) <= MOST_TUBES:
        raise Malformed(
            {"samples": Reason("step_tubes_out_of_range", {"count": len(ids), "most": MOST_TUBES})}
        )
    if not by.sees(procedure.site_id):
        raise NotFound("procedure_unknown", procedure=procedure.code)
    begun = procedures.require_step(procedure, step)
    procedures.require_in_force(procedure)
    locked = gate.lock_samples(ids)
    act = _ACTS.get(begun.kind, "spin")
    for sample in locked:
        if sample.site_id != procedure.site_id:
            raise NotFound("sample_unknown", sample=sample.code)
        rules.next_status(sample.status, act)
    gate.require_preserving(locked, act)
    _require_idle(locked)
    batch, now = secrets.token_hex(8), clock.now()
    _write(locked, procedure, begun, batch, now, by)
    for sample in locked:
        _tell("step_started", sample.code, procedure, begun, by, batch=batch)
    return batch


def _require_idle(samples: Sequence[Sample]) -> None:
    """raises RuleViolation `step_running` naming the tubes that are in a step already"""
    codes = {sample.id: sample.code for sample in samples}
    busy = db.session.scalars(_running(sorted(codes))).all()
    if not busy:
        return
    procedure = db.session.get_one(Procedure, busy[0].procedure_id)
    step = procedure_rules.find_step(procedure.steps, busy[0].step)
    raise RuleViolation(
        "step_running",
        samples=", ".join(codes[run.sample_id] for run in busy[:20]),
        step=step.title if step else busy[0].step,
    )


def _running(sample_ids: Sequence[int]) -> Select[Any]:
    return select(StepRun).where(StepRun.sample_id.in_(sample_ids), StepRun.stopped_at.is_(None))


def _write(
    samples: Sequence[Sample], procedure: Procedure, step: Step, batch: str, at: datetime, by: Actor, **ended: Any
) -> list[StepRun]:  # fmt: skip
    runs = [
        StepRun(
            site_id=procedure.site_id, procedure_id=procedure.id, step=step.key, sample_id=sample.id, batch=batch,
            started_at=at, started_by=by.key, cancelled=False, **ended,
        )
        for sample in samples
    ]  # fmt: skip
    db.session.add_all(runs)
    db.session.flush()
    return runs


def stop(*, batch: str, by: Actor, samples: Sequence[Sample] | None = None) -> list[StepRun]:
    """The step is over for these tubes, or for all that still run: what was out of procedure is written with it.

    raises  NotFound `batch_unknown`; RuleViolation `step_over` when somebody was quicker
    """
    found, runs = _still_running(batch, by, samples)
    judged = judging.judge(
        found.procedure, found.step, [run.sample_id for run in runs], found.started_at, clock.now()
    )
    return _end(found, runs, by, "step_stopped", judged)


def cancel(*, batch: str, by: Actor, samples: Sequence[Sample] | None = None) -> list[StepRun]:
    """It never really began: the wrong tubes, the wrong step. raises as `stop` does"""
    found, runs = _still_running(batch, by, samples)
    return _end(found, runs, by, "step_cancelled", {}, cancelled=True)


def _still_running(batch: str, by: Actor, samples: Sequence[Sample] | None) -> tuple[Batch, list[StepRun]]:
    """The batch and its open runs, their tubes locked: of two who stop it, one comes first.

    No donor is locked and no consent asked: that something ended may always be said.
    """
    found = find_batch(batch, by)
    lock(Sample, [run.sample_id for run in found.runs])
    chosen = {sample.id for sample in samples} if samples is not None else None
    query = select(StepRun).where(StepRun.batch == batch).order_by(StepRun.id)
    rows = db.session.scalars(query.execution_options(populate_existing=True)).all()
    runs = [run for run in rows if run.stopped_at is None and (chosen is None or run.sample_id in chosen)]
    if not runs:
        raise RuleViolation("step_over", step=found.step.title, count=len(found.runs))
    return found, runs


def _end(
    found: Batch,
    runs: list[StepRun],
    by: Actor,
    act: str,
    judged: Mapping[int, list[Reason]],
    *,
    cancelled: bool = False,
) -> list[StepRun]:
    now = clock.now()
    for run in runs:
        run.stopped_at = max(now, run.started_at)  # a clock may have been put back
        run.stopped_by, run.cancelled = by.key, cancelled
        run.outside = [reason.as_dict() for reason in judged.get(run.sample_id, [])]
        told = {"reasons": run.outside} if run.outside else {}
        _tell(act, found.codes[run.sample_id], found.procedure, found.step, by, batch=run.batch, **told)
    db.session.flush()
    return runs


def _tell(act: str, sample: str, procedure: Procedure, step: Step, by: Actor, **more: Any) -> None:
    told = {"procedure": procedure.code, "version": procedure.version, "step": step.title} | more
    audit.record(by=by, act=act, subject=("sample", sample), after=told)


# --- freezing: the scan into the freezer is the time, not an hour that somebody types


def record_freeze(*, samples: Sequence[Sample], by: Actor, at: When | None = None) -> list[StepRun]:
    """Tubes were put into frozen storage: those that went through a procedure with a freeze step have now done that
    step, the first time they are. The caller holds their locks, as placing does.

    at       when they were placed; a time that is not known to the minute is no freezing time, and nothing is written
    returns  the steps written; none for tubes without a procedure, or frozen before
    """
    if at is not None and (at.at is None or at.precision != "minute"):
        return []
    happened = at.at if at is not None and at.at is not None else clock.now()
    written: list[StepRun] = []
    for procedure, tubes in _to_freeze(samples, happened).items():
        step = next(each for each in procedure_rules.read_steps(procedure.steps) if each.kind is Kind.FREEZE)
        judged = judging.judge(procedure, step, [tube.id for tube in tubes], happened, None)
        batch = secrets.token_hex(8)
        runs = _write(
            tubes, procedure, step, batch, happened, by, stopped_at=happened, stopped_by=by.key, outside=[]
        )
        for tube, run in zip(tubes, runs, strict=True):
            run.outside = [reason.as_dict() for reason in judged[tube.id]]
            _tell("step_stopped", tube.code, procedure, step, by, batch=batch, reasons=run.outside)
        written += runs
    db.session.flush()
    return written


def _to_freeze(samples: Sequence[Sample], before: datetime) -> dict[Procedure, list[Sample]]:
    """Procedure -> the tubes whose freeze step this is: the one they, or what they were made of, went through last."""
    last = judging.last_procedures([sample.id for sample in samples], before)
    if not last:
        return {}
    found = procedures.by_ids({key for key, _frozen in last.values()})
    waiting: dict[Procedure, list[Sample]] = defaultdict(list)
    for sample in samples:
        key, frozen = last.get(sample.id, (0, True))
        if not frozen and any(step["kind"] == Kind.FREEZE for step in found[key].steps):
            waiting[found[key]].append(sample)
    return waiting


# --- reading

_BATCHES = (
    select(StepRun, Procedure, Sample.code)
    .join(Procedure, Procedure.id == StepRun.procedure_id)
    .join(Sample, Sample.id == StepRun.sample_id)
    .order_by(StepRun.id)
)


def running(by: Actor) -> list[Batch]:
    """Everything that runs at the actor's site, what is due first first. One query."""
    query = _BATCHES.where(StepRun.stopped_at.is_(None))
    if by.site_id is not None:
        query = query.where(StepRun.site_id == by.site_id)
    return sorted(_batches(db.session.execute(query).all()), key=_urgency)


def _urgency(batch: Batch) -> tuple[bool, datetime]:
    due = batch.due
    at = due.limit_at or due.ready_at
    return at is None, at or batch.started_at


def find_batch(batch: str, by: Actor) -> Batch:
    """raises NotFound `batch_unknown`, also for another site's"""
    query = _BATCHES.where(StepRun.batch == batch)
    found = _batches(db.session.execute(query).all()) if batch.isprintable() else []
    if not found or not by.sees(found[0].procedure.site_id):
        raise NotFound("batch_unknown", batch=batch[:40])
    return found[0]


def batch_of(sample: Sample) -> str | None:
    """The batch in which a tube runs now; None when it runs in none."""
    run = db.session.scalar(_running([sample.id]))
    return run.batch if run is not None else None


def _batches(rows: Sequence[Any]) -> list[Batch]:
    by_key: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_key[row[0].batch].append(row)
    return [_batch(key, group) for key, group in by_key.items()]


def _batch(key: str, rows: Sequence[Any]) -> Batch:
    run, procedure, _code = rows[0]
    step = procedure_rules.find_step(procedure.steps, run.step) or Step(run.step, Kind.OTHER, run.step)
    return Batch(key, procedure, step, [row[0] for row in rows], {row[0].sample_id: row[2] for row in rows})


def outside_of(batch: Batch) -> dict[int, list[dict[str, Any]]]:
    """Sample key -> what is out of procedure: as written at the end, or of its beginning while it runs."""
    open_ones = [run.sample_id for run in batch.runs if run.stopped_at is None]
    judged = judging.judge(batch.procedure, batch.step, open_ones, batch.started_at, None)
    found = {run.sample_id: list(run.outside or []) for run in batch.runs}
    return found | {key: [reason.as_dict() for reason in reasons] for key, reasons in judged.items()}


_RUNS = (
    select(StepRun, Procedure)
    .join(Procedure, Procedure.id == StepRun.procedure_id)
    .where(among(StepRun.sample_id, "ids"))
    .order_by(StepRun.id)
)


def steps_of(sample_ids: Iterable[int]) -> dict[int, list[tuple[StepRun, Procedure]]]:
    """Sample key -> each step it went through itself, in order, with its procedure; cancelled ones too."""
    found: dict[int, list[tuple[StepRun, Procedure]]] = defaultdict(list)
    for run, procedure in db.session.execute(_RUNS, {"ids": sorted(set(sample_ids))}):
        found[run.sample_id].append((run, procedure))
    return found
