"""The API of steps: tubes begin one together, it ends, or never really began; what runs now, and what a tube went
through."""

from collections.abc import Callable
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.procedures import service as procedures
from biobank.samples import reading, steps
from biobank.samples.api_parts import bp
from biobank.samples.step_schemas import BatchNewSchema, TubesSchema, batch_json, run_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer


@bp.post("/steps")
@requires(Permission.SAMPLE_PROCESS)
@bp.arguments(BatchNewSchema)
def start(data: dict[str, Any]) -> ResponseReturnValue:
    """These tubes begin a step of a procedure now, by the server's clock; one that is late is told so."""

    def work() -> dict[str, Any]:
        by = actor()
        procedure = procedures.find_procedure(data["procedure"], by)
        tubes = reading.find_samples(data["samples"], by)
        return _batch(steps.start(samples=tubes, procedure=procedure, step=data["step"], by=by))

    return api_answer(work)


@bp.get("/steps")
@requires(Permission.SAMPLE_READ)
def running() -> ResponseReturnValue:
    """What runs now, what is due first first."""
    return jsonify({"items": [batch_json(batch, {}) for batch in steps.running(actor())], "next": None})


@bp.get("/steps/<batch>")
@requires(Permission.SAMPLE_READ)
def one_batch(batch: str) -> ResponseReturnValue:
    """Tubes that went through a step together, and what was out of procedure for each."""
    return jsonify(_batch(batch))


@bp.post("/steps/<batch>/stop")
@requires(Permission.SAMPLE_PROCESS)
@bp.arguments(TubesSchema)
def stop(data: dict[str, Any], batch: str) -> ResponseReturnValue:
    """The step is over now, for all its tubes or for `samples`."""
    return _end(steps.stop, data, batch)


@bp.post("/steps/<batch>/cancel")
@requires(Permission.SAMPLE_PROCESS)
@bp.arguments(TubesSchema)
def cancel_batch(data: dict[str, Any], batch: str) -> ResponseReturnValue:
    """It never really began: the wrong tubes, or the wrong step."""
    return _end(steps.cancel, data, batch)


@bp.get("/samples/<code>/steps")
@requires(Permission.SAMPLE_READ)
def of_sample(code: str) -> ResponseReturnValue:
    """Every step that this tube itself went through, in order."""
    sample = reading.find_sample(code, actor())
    went = steps.steps_of([sample.id]).get(sample.id, [])
    return jsonify({"items": [run_json(run, procedure) for run, procedure in went], "next": None})


def _end(act: Callable[..., Any], data: dict[str, Any], batch: str) -> ResponseReturnValue:
    def work() -> dict[str, Any]:
        tubes = reading.find_samples(data["samples"], actor()) if data["samples"] else None
        act(batch=batch, samples=tubes, by=actor())
        return _batch(batch)

    return api_answer(work, 200)


def _batch(key: str) -> dict[str, Any]:
    batch = steps.find_batch(key, actor())
    return batch_json(batch, steps.outside_of(batch))
