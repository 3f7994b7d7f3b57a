"""Dividing a tube: the tube, the plan, the children's tubes if they carry codes, and one key to do it."""

from collections.abc import Sequence
from typing import Any

from biobank.bench.heard import Heard, is_known, require_new_code
from biobank.bench.task import Task, Told, Work, require
from biobank.core import units
from biobank.core.errors import Reason, RuleViolation
from biobank.printing import jobs
from biobank.procedures import rules as procedure_rules
from biobank.procedures.rules import Part
from biobank.samples import processing, steps
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample

PROCESS = "sample:process"
#: Half a millilitre: what SOPs of blood banks fill into a vial unless the procedure says otherwise.
USUAL_UL = 500
MOST = processing.MOST_CHILDREN


def begins(heard: Heard) -> bool:
    """The command, or a tube that was just shown and the command after it."""
    return heard.verb == "aliquot"


def begin(work: Work, heard: Heard) -> Told | None:
    require(work.by, PROCESS)
    work.state.update(parent=None, count=None, volume=None, codes=[], close=False)
    return Told("divide_which", {})


def hear(work: Work, heard: Heard) -> Told | None:
    state = work.state
    if heard.command is not None:
        return _command(work, heard)
    if heard.kind == "sample" and not state["codes"]:
        return _parent(work, heard.thing)
    if heard.kind == "sample":
        raise RuleViolation("divide_not_empty", sample=heard.thing.code)
    if heard.kind == "number" and state["parent"]:
        state["count"] = _count(heard.figure)
        return _planned(work)
    if heard.kind == "new":
        return _child(work, heard)
    return None


def _command(work: Work, heard: Heard) -> Told | None:
    state, verb = work.state, heard.verb
    if verb == "count" and heard.figure:
        state["count"] = _count(heard.figure)
    elif verb == "volume" and heard.figure:
        state["volume"] = heard.figure
    elif verb in ("confirm", "close") and state["parent"]:
        state["close"] = verb == "close"
        return divide(work)
    elif verb != "aliquot":
        return None
    return _planned(work)


def _parent(work: Work, sample: Sample) -> Told:
    """The plan is filled in: as many usual portions as there are, or one tube where nobody knows how much there is."""
    state = work.state
    part = _part(sample)
    each = part.volume_nl // 1000 if part and part.volume_nl else USUAL_UL
    free = (sample.remaining or 0) - sample.reserved
    fits = free // (each * 1000) if sample.quantity_kind == units.VOLUME else 0
    state.update(parent=sample.code, volume=each, codes=[], close=False)
    state["count"] = max(1, min(part.count if part else fits, fits, MOST))
    if sample.remaining is None or sample.quantity_kind != units.VOLUME:
        raise RuleViolation("divide_unmeasured", sample=sample.code)
    return _planned(work)


def _part(sample: Sample) -> Part | None:
    """What the procedure that the tube went through says it yields first."""
    for _run, procedure in reversed(steps.steps_of([sample.id]).get(sample.id, [])):
        for step in procedure_rules.read_steps(procedure.steps):
            if step.parts:
                return step.parts[0]
    return None


def _planned(work: Work) -> Told:
    state = work.state
    if not state["parent"]:
        return Told("divide_which", {})
    params = {"sample": state["parent"], "count": state["count"], "volume": state["volume"]}
    return Told("divide_planned", params, shown={"code": state["parent"], "position": _times(state)})


def _child(work: Work, heard: Heard) -> Told:
    state = work.state
    if not state["parent"]:
        raise heard.unknown or RuleViolation("scan_out_of_turn", read=heard.text)
    code = require_new_code(heard, work.by)
    return add_codes(work, [code])


def add_codes(work: Work, codes: Sequence[str]) -> Told:
    """Empty tubes that wait for their share: one by one, or a whole rack that was read.

    raises  RuleViolation for a code that somebody has already, or that was scanned twice
    """
    state = work.state
    for code in codes:
        if code in state["codes"]:
            raise RuleViolation("divide_child_twice", code=code)
        if is_known(code, work.by):
            raise RuleViolation("divide_not_empty", sample=code)
        state["codes"] = [*state["codes"], code]
    if len(state["codes"]) > MOST:
        raise RuleViolation("divide_too_many", count=len(state["codes"]), most=MOST)
    missing = state["count"] - len(state["codes"])
    if missing < 0:
        state["count"] = len(state["codes"])
    params = {"code": codes[-1], "number": len(state["codes"]), "count": state["count"]}
    return Told(
        "divide_child",
        params,
        shown={"code": codes[-1], "position": f"{len(state['codes'])}/{state['count']}"},
    )


def divide(work: Work) -> Told:
    """Carry the plan out: the parent is debited, the children exist, their labels are on the way."""
    state = work.state
    require(work.by, PROCESS)
    if state["codes"] and len(state["codes"]) != state["count"]:
        raise RuleViolation("divide_children_missing", number=len(state["codes"]), count=state["count"])
    parent = find_sample(state["parent"], work.by)
    children = processing.aliquot(
        sample=parent, count=state["count"], amount=state["volume"] * 1000, close_parent=state["close"],
        container_codes=state["codes"], by=work.by,
    )  # fmt: skip
    codes = [child.code for child in children]
    if not state["codes"]:
        jobs.order(codes=codes, by=work.by, site_id=parent.site_id, station=work.by.station)
    told = Told(
        "divide_done", {"sample": parent.code, "count": len(codes), "volume": state["volume"],
                        "first": codes[0], "last": codes[-1]},
        outcome="done", act="aliquoted", undo={"act": "aliquoted", "sample": parent.code, "children": codes},
        shown={"code": codes[0], "position": _times(state)},
    )  # fmt: skip
    state.update(parent=None, count=None, volume=None, codes=[], close=False, made=codes)
    return told


def _count(number: int) -> int:
    processing.check_count(number)
    return number


def _times(state: dict[str, Any]) -> str:
    return f"{state['count']} × {state['volume']} µL"


def sentence(state: dict[str, Any]) -> Reason:
    if not state["parent"]:
        return Reason("divide_sentence_which")
    params = {"sample": state["parent"], "count": state["count"], "volume": state["volume"]}
    if state["codes"]:
        return Reason("divide_sentence_codes", params | {"number": len(state["codes"])})
    return Reason("divide_sentence", params)


TASK = Task("divide", begins, begin, hear, sentence)
