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
from biobank.racks import children as rack_children
from biobank.racks import naming, readings, scans, teaching
from biobank.racks.models import RackScan
from biobank.samples import processing, steps
from biobank.samples.models import Sample
from biobank.samples.reading import find_sample

PROCESS, MOVE = "sample:process", "storage:move"
#: Half a millilitre: what SOPs of blood banks fill into a vial unless the procedure says otherwise.
USUAL_UL = 500
MOST = processing.MOST_CHILDREN
#: Nothing is scanned yet: no tubes, no rack's scan, nor the box it is of.
_NO_TUBES: dict[str, Any] = {"codes": [], "rack": None, "box": None, "shown": None}


def begins(heard: Heard) -> bool:
    """The command, or a tube that was just shown and the command after it."""
    return heard.verb == "aliquot"


def begin(work: Work, heard: Heard) -> Told | None:
    require(work.by, PROCESS)
    work.state.update(parent=None, count=None, volume=None, close=False, **_NO_TUBES)
    return Told("divide_which", {})


def hear(work: Work, heard: Heard) -> Told | None:
    state = work.state
    if heard.command is not None:
        return _command(work, heard)
    if heard.kind == "sample" and not state["codes"]:
        return _parent(work, heard.thing)
    if heard.kind == "sample":
        raise RuleViolation("divide_not_empty", sample=heard.thing.code)
    if heard.kind == "container" and state.get("rack"):
        scan = scans.find_scan(state["rack"], work.by)
        return _rack_read(work, naming.say_box(scan=scan, container=heard.thing, by=work.by))
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
    elif verb == "undo" and state["parent"]:
        return _drop(work)
    elif verb != "aliquot":
        return None
    return _planned(work)


def _drop(work: Work) -> Told:
    """The tubes that were scanned last, or the tube that was to be divided, as if it had not been scanned."""
    state = work.state
    if state.get("rack") or not state["codes"]:
        state.update(
            {} if state.get("rack") else {"parent": None, "count": None, "volume": None}, **_NO_TUBES
        )
        return Told("sentence_dropped", {}, tone="look")
    *rest, last = state["codes"]
    state["codes"] = rest
    return Told("dropped", {"code": last}, tone="look", shown={"code": last, "position": _filled(state)})


def _parent(work: Work, sample: Sample) -> Told:
    """The plan is filled in: as many usual portions as there are, or one tube where nobody knows how much there is."""
    state = work.state
    part = _part(sample)
    each = part.volume_nl // 1000 if part and part.volume_nl else USUAL_UL
    free = (sample.remaining or 0) - sample.reserved
    fits = free // (each * 1000) if sample.quantity_kind == units.VOLUME else 0
    state.update(parent=sample.code, volume=each, close=False, **_NO_TUBES)
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
    if state.get("rack"):
        raise RuleViolation("divide_rack_already")
    code = require_new_code(heard, work.by)
    if code in state["codes"]:
        raise RuleViolation("divide_child_twice", code=code)
    if is_known(code, work.by):
        raise RuleViolation("divide_not_empty", sample=code)
    _expect(state, [*state["codes"], code])
    params = {"code": code, "number": len(state["codes"]), "count": state["count"]}
    return Told("divide_child", params, shown={"code": code, "position": _filled(state)})


def read_rack(work: Work, content: bytes, file_name: str) -> Told:
    """The empty tubes that wait for their share, read at once with the rack they stand in.

    A rack that nobody knows, and a file that names none, get their box by its scan. raises as `children.new_tubes`
    """
    require(work.by, MOVE)
    scan = scans.keep(
        content=content, file_name=file_name, source="upload", site_id=work.site_id, by=work.by
    ).scan
    if scan.reading is None and not readings.is_picture(scan.media_type):
        raise teaching.unknown(scan)
    if work.state["codes"] and not work.state.get("rack"):
        raise RuleViolation("divide_rack_beside_tubes")
    work.state.update(_NO_TUBES)
    scan, _box = naming.take_to_its_box(scan, work.by)
    if scan.container_id is not None:
        return _rack_read(work, scan)
    work.state["rack"] = scan.id
    if scan.rack_code is None:
        return Told("divide_rack_unnamed", {}, tone="look")
    return Told("divide_rack_unknown", {"rack": scan.rack_code[:40]}, tone="look")


def _rack_read(work: Work, scan: RackScan) -> Told:
    state = work.state
    found = rack_children.new_tubes(scan=scan, by=work.by)
    state.update(rack=scan.id, box=found.container.code, shown=found.shown)
    _expect(state, found.codes)
    params = {"count": len(found.codes), "name": found.container.name, "container": found.container.code}
    return Told("divide_rack_read", params, shown={"code": found.container.code, "position": _filled(state)})


def _expect(state: dict[str, Any], codes: Sequence[str]) -> None:
    """These are the tubes; more of them than were planned are planned."""
    if len(codes) > MOST:
        raise RuleViolation("divide_too_many", count=len(codes), most=MOST)
    state["codes"] = list(codes)
    state["count"] = max(state["count"], len(codes))


def divide(work: Work) -> Told:
    """Carry the plan out: the parent is debited, the children exist, their labels are on the way."""
    state = work.state
    require(work.by, PROCESS)
    if state["codes"] and len(state["codes"]) != state["count"]:
        raise RuleViolation("divide_children_missing", number=len(state["codes"]), count=state["count"])
    if state.get("rack") and not state["box"]:
        raise RuleViolation("divide_rack_box_first")
    parent = find_sample(state["parent"], work.by)
    codes, placements = _divided(work, parent)
    if not state["codes"]:
        jobs.order(codes=codes, by=work.by, site_id=parent.site_id, station=work.by.station)
    told = Told(
        "divide_done", {"sample": parent.code, "count": len(codes), "volume": state["volume"],
                        "first": codes[0], "last": codes[-1]},
        outcome="done", act="aliquoted", undo={"act": "aliquoted", "sample": parent.code, "children": codes,
                                                    "placements": placements},
        shown={"code": codes[0], "position": _times(state)},
    )  # fmt: skip
    state.update(parent=None, count=None, volume=None, close=False, made=codes, **_NO_TUBES)
    return told


def _divided(work: Work, parent: Sample) -> tuple[list[str], list[int]]:
    """The children's codes, and the placements of those that were read with their rack: they stand in it at once."""
    state, amount = work.state, work.state["volume"] * 1000
    if state.get("rack"):
        require(work.by, MOVE)
        done = rack_children.aliquot(
            scan=scans.find_scan(state["rack"], work.by), sample=parent, amount=amount, shown=state["shown"],
            close_parent=state["close"], by=work.by,
        )  # fmt: skip
        return [child.code for child in done.children.values()], done.placements
    made = processing.aliquot(
        sample=parent, count=state["count"], amount=amount, close_parent=state["close"],
        container_codes=state["codes"], by=work.by,
    )  # fmt: skip
    return [child.code for child in made], []


def _count(number: int) -> int:
    processing.check_count(number)
    return number


def _filled(state: dict[str, Any]) -> str:
    return f"{len(state['codes'])}/{state['count']}"


def _times(state: dict[str, Any]) -> str:
    return f"{state['count']} × {state['volume']} µL"


def sentence(state: dict[str, Any]) -> Reason:
    if not state["parent"]:
        return Reason("divide_sentence_which")
    params = {"sample": state["parent"], "count": state["count"], "volume": state["volume"]}
    if state.get("rack") and not state["box"]:
        return Reason("divide_sentence_rack", params)
    if state["codes"]:
        return Reason("divide_sentence_codes", params | {"number": len(state["codes"])})
    return Reason("divide_sentence", params)


TASK = Task("divide", begins, begin, hear, sentence)
