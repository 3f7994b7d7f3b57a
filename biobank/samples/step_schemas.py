"""The shapes of steps that tubes go through, at the edge. They never query."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import fields, validate

from biobank.core import clock
from biobank.procedures.models import Procedure
from biobank.samples.models import StepRun
from biobank.samples.steps import Batch
from biobank.web import sentences
from biobank.web.schemas import Code, Schema


class BatchNewSchema(Schema):
    procedure = Code(required=True, metadata={"description": "its number, or its code"})
    step = Code(required=True, max_length=40)
    samples = fields.List(Code(), required=True, validate=validate.Length(min=1, max=384))


class TubesSchema(Schema):
    """Which tubes; all of the batch unless given."""

    samples = fields.List(
        Code(), load_default=None, allow_none=True, validate=validate.Length(min=1, max=384)
    )


def batch_json(batch: Batch, outside: Mapping[int, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    due = batch.due
    return {
        "batch": batch.key,
        "procedure": _procedure(batch.procedure),
        "step": {"key": batch.step.key, "kind": batch.step.kind.value, "title": batch.step.title},
        "started_at": _moment(batch.started_at),
        "stopped_at": _moment(batch.stopped_at),
        "ready_at": _moment(due.ready_at),
        "warn_at": _moment(due.warn_at),
        "limit_at": _moment(due.limit_at),
        "state": due.state(clock.now()) if batch.stopped_at is None else "over",
        "samples": [
            {
                "code": batch.codes[run.sample_id],
                "stopped_at": _moment(run.stopped_at),
                "cancelled": run.cancelled,
                "outside": reasons_json(outside.get(run.sample_id, ())),
            }
            for run in batch.runs
        ],
    }


def run_json(run: StepRun, procedure: Procedure) -> dict[str, Any]:
    title = next((step["title"] for step in procedure.steps if step["key"] == run.step), run.step)
    return {
        "batch": run.batch,
        "procedure": _procedure(procedure),
        "step": {"key": run.step, "title": title},
        "started_at": _moment(run.started_at),
        "stopped_at": _moment(run.stopped_at),
        "cancelled": run.cancelled,
        "outside": reasons_json(run.outside or ()),
    }


def reasons_json(reasons: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What was out of procedure, with its sentence."""
    return [{"code": reason["code"], "text": sentences.of_reason(reason)} for reason in reasons]


def _procedure(procedure: Procedure) -> dict[str, Any]:
    return {"number": procedure.number, "code": procedure.code, "version": procedure.version}


def _moment(at: datetime | None) -> str | None:
    """To the second: a timer is looked at, and its minute alone would jump."""
    return at.astimezone(clock.zone()).isoformat(timespec="seconds") if at is not None else None
