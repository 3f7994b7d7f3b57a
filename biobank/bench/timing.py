"""Steps of a procedure: its card, the tubes that go through it together, and one key to start the clock."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from biobank.bench.heard import Heard
from biobank.bench.task import Task, Told, Work, require
from biobank.core.db import db
from biobank.core.errors import Reason, RuleViolation
from biobank.procedures import rules as procedure_rules
from biobank.procedures import service as procedures
from biobank.procedures.models import Procedure
from biobank.samples import steps
from biobank.samples.models import Sample, StepRun
from biobank.samples.reading import find_samples

PROCESS = "sample:process"
#: More tubes than these are counted, not named.
MOST_NAMED = 6


def begins(heard: Heard) -> bool:
    return heard.kind == "procedure" or heard.verb in ("start", "stop")


def begin(work: Work, heard: Heard) -> Told | None:
    require(work.by, PROCESS)
    work.state.update(verb="start", procedure=None, step=None, samples=[])
    if heard.kind == "procedure":
        return _procedure(work, heard.thing)
    work.state["verb"] = heard.verb
    return Told(f"step_{heard.verb}_which", {})


def hear(work: Work, heard: Heard) -> Told | None:
    """The card of a procedure, a tube, the number of another step, or a command."""
    if heard.unknown is not None:
        raise heard.unknown
    if heard.verb:
        return _command(work, heard.verb)
    if heard.kind == "procedure":
        return _procedure(work, heard.thing)
    if heard.kind == "number" and work.state["procedure"]:
        return _choose_step(work, heard.figure)
    if heard.kind != "sample":
        return None
    return _stop(work, heard.thing) if work.state["verb"] == "stop" else _tube(work, heard.thing)


def _command(work: Work, verb: str) -> Told | None:
    state = work.state
    if verb == "stop":
        state.update(verb="stop", samples=[])
        return Told("step_stop_which", {})
    if verb in ("start", "confirm") and state["samples"]:
        return start(work)
    if verb == "undo" and state["samples"]:
        *state["samples"], last = state["samples"]
        return Told("dropped", {"code": last}, tone="look", shown={"code": last})
    if verb == "start":
        state["verb"] = "start"
        return Told("step_start_which", {})
    return _next_step(work) if verb == "next" and state["procedure"] else None


def _procedure(work: Work, procedure: Procedure) -> Told:
    if procedure.in_force_at is None or procedure.retired_at is not None:
        raise RuleViolation("procedure_not_in_force", procedure=procedure.code, version=procedure.version)
    timed = [step for step in procedure.steps if step["kind"] not in ("aliquot", "freeze")]
    if not timed:
        raise RuleViolation("procedure_untimed", procedure=procedure.code)
    work.state.update(verb="start", procedure=procedure.number, step=timed[0]["key"])
    return _chosen(work, procedure)


def _choose_step(work: Work, number: int) -> Told:
    procedure = procedures.find_procedure(work.state["procedure"], work.by)
    if not 1 <= number <= len(procedure.steps):
        raise RuleViolation("procedure_step_unknown", number=number, count=len(procedure.steps))
    work.state["step"] = procedure.steps[number - 1]["key"]
    return _chosen(work, procedure)


def _next_step(work: Work) -> Told:
    procedure = procedures.find_procedure(work.state["procedure"], work.by)
    keys = [step["key"] for step in procedure.steps]
    work.state["step"] = keys[(keys.index(work.state["step"]) + 1) % len(keys)]
    return _chosen(work, procedure)


def _chosen(work: Work, procedure: Procedure) -> Told:
    step = next(each for each in procedure.steps if each["key"] == work.state["step"])
    work.state["title"] = step["title"]
    params = {"procedure": procedure.code, "version": procedure.version, "step_title": step["title"]}
    return Told("step_chosen", params)


def _tube(work: Work, sample: Sample) -> Told:
    state = work.state
    if sample.code in state["samples"]:
        return Told("step_tube_again", {"sample": sample.code}, tone="look", shown={"code": sample.code})
    state["samples"] = [*state["samples"], sample.code]
    params = {"sample": sample.code, "count": len(state["samples"])}
    return Told("step_tube", params, shown={"code": sample.code, "position": str(len(state["samples"]))})


def start(work: Work) -> Told:
    """Start the clock for all of them together."""
    state = work.state
    if not state["procedure"]:
        raise RuleViolation("step_procedure_first")
    procedure = procedures.find_procedure(state["procedure"], work.by)
    samples = find_samples(state["samples"], work.by)
    batch = steps.start(samples=samples, procedure=procedure, step=state["step"], by=work.by)
    told = Told(
        "step_started" if len(samples) > 1 else "step_started_one",
        {"count": len(samples), "step_title": state["title"]}, outcome="done", act="step_started",
        undo={"act": "step_started", "batch": batch, "tubes": [sample.code for sample in samples]},
        shown={"code": state["title"], "position": str(len(samples))},
    )  # fmt: skip
    state["samples"] = []
    return told


def _stop(work: Work, sample: Sample) -> Told:
    """Any tube of a batch stops all of it: they came out of the centrifuge together."""
    batch = steps.batch_of(sample)
    if batch is None:
        raise RuleViolation("step_not_running", sample=sample.code)
    runs = steps.stop(batch=batch, by=work.by)
    outside: list[dict[str, Any]] = []  # of tubes that ran together the same is said once
    outside += (each for run in runs for each in run.outside or () if each not in outside)
    codes = _codes(runs)
    late = procedure_rules.broken(outside)
    code = "step_stopped_outside" if late else "step_stopped"
    return Told(
        code, {"tubes": _named(codes)}, tone="look" if late else "yes", outcome="done",
        act="step_stopped", undo={"act": "step_stopped", "runs": [run.id for run in runs], "tubes": codes},
        shown={"code": sample.code, "reasons": outside[:5]},
    )  # fmt: skip


def _codes(runs: Sequence[StepRun]) -> list[str]:
    query = select(Sample.code).where(Sample.id.in_([run.sample_id for run in runs])).order_by(Sample.id)
    return list(db.session.scalars(query))


def _named(codes: Sequence[str]) -> str:
    """The tubes, and of many the first and how many there are."""
    return (
        ", ".join(codes) if len(codes) <= MOST_NAMED else f"{', '.join(codes[:MOST_NAMED])} … ({len(codes)})"
    )


def sentence(state: dict[str, Any]) -> Reason:
    if state["verb"] == "stop":
        return Reason("step_sentence_stop")
    if not state["procedure"]:
        return Reason("step_sentence_procedure")
    params = {"step_title": state["title"], "count": len(state["samples"])}
    if not state["samples"]:
        return Reason("step_sentence_tubes", params)
    return Reason("step_sentence" if len(state["samples"]) > 1 else "step_sentence_one", params)


TASK = Task("time", begins, begin, hear, sentence)
