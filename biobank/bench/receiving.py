"""Receiving a kit: the patient, then each tube and its new label. Four tubes are 1 + 4 + 4 scans, and nothing else.

A tube that was announced is received; one that was not becomes the next tube of the kit. Its label prints by itself,
and scanning it on the tube proves that the right one was stuck there. A tube whose label was printed before the draw
has its number already, and is one scan.
"""

from typing import Any

from biobank.bench import awaited, nonconforming, sticking
from biobank.bench import labelled_ahead as ahead
from biobank.bench.heard import Heard, require_new_code
from biobank.bench.task import Task, Told, Work, require
from biobank.core.db import db
from biobank.core.errors import Reason, RuleViolation
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.printing import checks, jobs
from biobank.procedures import kits
from biobank.samples import collection, gate, numbers
from biobank.samples.models import Sample
from biobank.samples.reading import find_told
from biobank.studies.models import Study

COLLECT = "sample:collect"


def begins(heard: Heard) -> bool:
    return heard.kind in ("patient", "kit")


def begin(work: Work, heard: Heard) -> Told | None:
    require(work.by, COLLECT)
    work.state.update(patient=None, kit=None, tubes=[], left=[], now=None, collected=None)
    work.state["site_id"] = heard.thing.site_id
    work.site_id = heard.thing.site_id
    return awaited.kit_is(work, heard.thing) if heard.kind == "kit" else awaited.patient_is(work, heard.thing)


def hear(work: Work, heard: Heard) -> Told | None:
    """A tube, a label, the kit's card, the time of the draw, or what is wrong with the last tube."""
    if heard.verb == "non_conformity":
        return _non_conformity(work, heard)
    way = _WAYS.get(heard.kind)
    return way(work, heard) if way is not None else None


def _patient_again(work: Work, heard: Heard) -> Told | None:
    """Another patient is another session."""
    return (
        awaited.patient_is(work, heard.thing) if work.state["patient"] in (None, heard.thing.code) else None
    )


def _other_kit(work: Work, heard: Heard) -> Told | None:
    return awaited.kit_is(work, heard.thing) if not work.state["tubes"] else None


# --- the tubes


def _new_tube(work: Work, heard: Heard) -> Told:
    state = work.state
    code = require_new_code(heard, work.by)
    if not state["patient"]:
        raise RuleViolation("receive_patient_first")
    if state.get("expected"):
        raise RuleViolation("receive_not_announced", code=code, patient=state["patient"])
    if not state["kit"]:
        raise RuleViolation("receive_kit_first")
    if not state["left"]:
        raise RuleViolation("receive_kit_full", kit=state["title"], code=code)
    tube = state["left"][0]
    sample = _collect(work, tube, container_code=code)
    return _received(work, sample, tube["label"], "registered", verified=False)


def _collect(
    work: Work, tube: dict[str, Any], *, code: str | None = None, container_code: str | None = None
) -> Sample:
    """The next tube of the kit, or the one that its label was printed for."""
    state = work.state
    kit = kits.find_kit(state["kit"], work.by)
    sample = collection.collect(
        patient=patients.find_patient(state["patient"], work.by, work.site_id),
        study=db.session.get_one(Study, kit.study_id),
        type=tube["type"],
        vessel=tube["vessel"],
        visit=kit.visit,
        collected=awaited.collected(state),
        quantity=("volume", tube["volume_nl"]) if tube["volume_nl"] else None,
        received=When.exactly(work.at) if work.at else None,
        code=code,
        container_code=container_code,
        by=work.by,
    )
    state["left"] = [each for each in state["left"] if each is not tube]
    return sample


def _labelled_ahead(work: Work, heard: Heard) -> Told:
    """A tube whose label was printed before the draw: this scan says which it is, and that the label is on it."""
    state, number = work.state, heard.thing
    if not state["patient"]:
        raise RuleViolation("receive_patient_first")
    kit = ahead.require_expected(state, number, work.site_id)
    if kit is not None and not state["kit"]:
        awaited.take(work, kit)
    tube = ahead.place_of(state, number, kit)
    sample = _collect(work, tube, code=number.code)
    others = ahead.of_other_kits(state, number)
    told = _received(work, sample, tube["label"], "registered", verified=True, printed=ahead.set_of(number))
    if others:
        why = Reason("receive_kits_mixed", {"number": number.code, "others": ", ".join(others)})
        told.tone, told.shown = "look", {**(told.shown or {}), "reasons": [why.as_dict()]}
    return told


def _known(work: Work, heard: Heard) -> Told | None:
    """A tube that was announced, one that is in the kit already, or the label that was stuck on one."""
    state, sample = work.state, heard.thing
    _catch_up(state, sample)
    here = next((tube for tube in state["tubes"] if tube["sample"] == sample.code), None)
    if here is not None:
        return sticking.label_read(work, heard, here)
    if not state["patient"]:
        raise RuleViolation("receive_patient_first")
    if sample.code in state.get("expected", ()):
        collection.receive(sample=sample, by=work.by, at=When.exactly(work.at) if work.at else None)
        state["expected"] = [code for code in state["expected"] if code != sample.code]
        own_label = heard.text == sample.code and checks.is_out(sample.code)
        return _received(work, sample, None, "received", verified=own_label)
    _require_same_patient(work, sample)
    if sticking.waiting_for(state) is not None and heard.text == sample.code:
        return sticking.label_read(work, heard, None)
    return None


def _catch_up(state: dict[str, Any], sample: Sample) -> None:
    """A tube whose number was replaced since it was received goes by the new one."""
    codes = {tube["sample"] for tube in state["tubes"]} | set(state.get("expected", ()))
    if not codes or sample.code in codes:
        return
    old = next((code for code in numbers.numbers_of(sample.id) if code in codes), None)
    if old is None:
        return
    state["tubes"] = [
        tube | {"sample": sample.code, "verified": False} if tube["sample"] == old else tube
        for tube in state["tubes"]
    ]
    state["expected"] = [sample.code if code == old else code for code in state.get("expected", ())]
    state["now"] = sample.code if state["now"] == old else state["now"]


def _require_same_patient(work: Work, sample: Sample) -> None:
    """Two patients' tubes on one bench are how swaps happen: the other's is stopped, not received."""
    patient = patients.find_patient(work.state["patient"], work.by, work.site_id)
    if patient.id not in gate.donors_of([sample.id])[sample.id]:
        raise RuleViolation("receive_other_patient", sample=sample.code, patient=patient.code)


def _received(
    work: Work, sample: Sample, label: str | None, act: str, *, verified: bool, printed: str | None = None
) -> Told:
    """act    received: it was announced; registered: nobody had heard of it, and taking it back is another thing
    printed  which kit its label was printed for, where that was before the draw
    """
    state = work.state
    tube: dict[str, Any] = {"sample": sample.code, "tube": sample.container_code, "type": sample.type, "label": label,
            "verified": verified, "wrong": []}  # fmt: skip
    if printed is not None:
        tube["set"] = printed
    state["tubes"] = [*state["tubes"], tube]
    state["now"] = sample.code
    if verified:
        known_by = sample.code if printed is not None else None
        checks.verify(sample=sample, read=sample.code, known_by=known_by, by=work.by)
    else:
        jobs.order(codes=[sample.code], by=work.by, site_id=sample.site_id, station=work.by.station)
    params = {"sample": sample.code, "type": sample.type, "number": len(state["tubes"]),
              "count": len(state["tubes"]) + len(state["left"]) + len(state.get("expected", ()))}  # fmt: skip
    code = "receive_tube"
    if verified:
        code = "receive_complete_labelled" if sticking.is_complete(state) else "receive_tube_labelled"
    return Told(
        code, params, outcome="done", act=act,
        undo={"act": act, "sample": sample.code}, shown={"code": sample.code, "position": label},
    )  # fmt: skip


def _non_conformity(work: Work, heard: Heard) -> Told:
    """What is wrong with the tube that was scanned last."""
    state = work.state
    tube = next((each for each in reversed(state["tubes"]) if each["sample"] == state["now"]), None)
    tube = tube or (state["tubes"][-1] if state["tubes"] else None)
    if tube is None:
        raise RuleViolation("receive_tube_first")
    sample = find_told(tube["sample"], work.by)
    if not heard.reason:
        return Told("fault_tube", {"sample": sample.code}, tone="look", shown={"code": sample.code})
    state["tubes"] = [
        each | {"wrong": [*each["wrong"], heard.reason]} if each is tube else each for each in state["tubes"]
    ]
    return nonconforming.record(work, sample, heard.reason, "arrival")


def sentence(state: dict[str, Any]) -> Reason:
    if not state["patient"]:
        return Reason("receive_sentence_patient", {"kit": state.get("title", "")})
    waiting = sticking.waiting_for(state)
    if waiting is not None:
        return Reason("receive_sentence_label", {"sample": waiting["sample"]})
    if state.get("expected"):
        return Reason(
            "receive_sentence_expected", {"patient": state["patient"], "count": len(state["expected"])}
        )
    if not state["kit"]:
        return Reason("receive_sentence_kit", {"patient": state["patient"]})
    if state["left"]:
        tube = state["left"][0]
        return Reason("receive_sentence_tube", {"patient": state["patient"], "type": tube["type"]})
    return Reason("receive_sentence_done", {"patient": state["patient"], "count": len(state["tubes"])})


_WAYS = {
    "patient": _patient_again, "kit": _other_kit, "number": awaited.drawn_at, "sample": _known, "new": _new_tube,
    "allotted": _labelled_ahead,
}  # fmt: skip
TASK = Task("receive", begins, begin, hear, sentence)
