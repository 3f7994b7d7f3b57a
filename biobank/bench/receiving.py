"""Receiving a kit: the patient, then each tube and its new label. Four tubes are 1 + 4 + 4 scans, and nothing else.

A tube that was announced is received; one that was not becomes the next tube of the kit. Its label prints by itself,
and scanning it on the tube proves that the right one was stuck there. A tube whose label was printed before the draw
has its number already, and is one scan.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from biobank.bench import kept, nonconforming
from biobank.bench import labelled_ahead as ahead
from biobank.bench.heard import Heard, require_new_code
from biobank.bench.models import WorkSession
from biobank.bench.task import Task, Told, Work, require
from biobank.consent.models import Consent, ConsentForm
from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.printing import checks, jobs
from biobank.procedures import kits
from biobank.procedures.models import CollectionKit
from biobank.samples import collection, gate, rules
from biobank.samples.models import Sample, SampleDonor
from biobank.samples.reading import find_sample
from biobank.studies.models import Study

COLLECT = "sample:collect"
#: A kit of the same person within these hours may be the same kit, brought twice.
KIT_BEFORE_HOURS = 12
_ON_THE_WAY = (rules.Status.EXPECTED.value, rules.Status.COLLECTED.value)


def begins(heard: Heard) -> bool:
    return heard.kind in ("patient", "kit")


def begin(work: Work, heard: Heard) -> Told | None:
    require(work.by, COLLECT)
    work.state.update(patient=None, kit=None, tubes=[], left=[], now=None, collected=None)
    work.state["site_id"] = heard.thing.site_id
    work.site_id = heard.thing.site_id
    return _kit(work, heard.thing) if heard.kind == "kit" else _patient(work, heard.thing)


def hear(work: Work, heard: Heard) -> Told | None:
    """A tube, a label, the kit's card, the time of the draw, or what is wrong with the last tube."""
    if heard.verb == "non_conformity":
        return _non_conformity(work, heard)
    way = _WAYS.get(heard.kind)
    return way(work, heard) if way is not None else None


def _patient_again(work: Work, heard: Heard) -> Told | None:
    """Another patient is another session."""
    return _patient(work, heard.thing) if work.state["patient"] in (None, heard.thing.code) else None


def _other_kit(work: Work, heard: Heard) -> Told | None:
    return _kit(work, heard.thing) if not work.state["tubes"] else None


# --- who, and what is expected


def _patient(work: Work, patient: Patient) -> Told:
    state = work.state
    if patient.site_id != work.site_id:
        raise NotFound("patient_unknown", patient=patient.code)
    state["patient"] = patient.code
    state["expected"] = [sample.code for sample in _on_the_way(patient)]
    if state["kit"] is None and not state["expected"]:
        fitting = kits_for(patient)
        if len(fitting) == 1:
            _take(work, fitting[0])
        elif not fitting:
            return Told("receive_no_kit", {"patient": patient.code}, tone="look")
        else:
            return Told("receive_which_kit", {"patient": patient.code, "count": len(fitting)}, tone="look")
    count = len(state["expected"]) or len(state["left"])
    shown: dict[str, Any] = {"code": patient.code}
    if before := _received_today(patient):
        shown["reasons"] = [Reason("receive_kit_before", {"time": before}).as_dict()]
    params = {"patient": patient.code, "count": count}
    code = "receive_patient" if count != 1 else "receive_patient_one"
    return Told(code, params, tone="look" if before else "yes", shown=shown)


def _received_today(patient: Patient) -> str | None:
    """When tubes of this person were last received at a station, where that was in the last hours."""
    query = (
        select(WorkSession)
        .where(
            WorkSession.task == "receive", WorkSession.site_id == patient.site_id,
            WorkSession.closed_at > clock.now() - timedelta(hours=KIT_BEFORE_HOURS),
        )
        .order_by(WorkSession.id.desc()).limit(100)
    )  # fmt: skip
    for session in db.session.scalars(query):
        if session.state["patient"] == patient.code and kept.count_done(session) and session.closed_at:
            return session.closed_at.astimezone(clock.zone()).strftime("%H:%M")
    return None


def kits_for(patient: Patient) -> Sequence[CollectionKit]:
    """The kits of the studies that this person was asked for, or has given samples to."""
    asked = (
        select(ConsentForm.study_id)
        .join(Consent, Consent.form_id == ConsentForm.id)
        .where(Consent.patient_id == patient.id, ConsentForm.study_id.is_not(None))
    )
    gave = (
        select(Sample.study_id)
        .join(SampleDonor, SampleDonor.sample_id == Sample.id)
        .where(SampleDonor.patient_id == patient.id)
    )
    return kits.kits_of(set(db.session.scalars(asked.union(gave))))


def _on_the_way(patient: Patient) -> list[Sample]:
    query = (
        select(Sample)
        .join(SampleDonor, SampleDonor.sample_id == Sample.id)
        .where(SampleDonor.patient_id == patient.id, Sample.status.in_(_ON_THE_WAY))
        .order_by(Sample.id)
    )
    return list(db.session.scalars(query.limit(50)))


def _kit(work: Work, kit: CollectionKit) -> Told:
    if kit.retired_at is not None:
        raise RuleViolation("kit_retired", kit=kit.code)
    if kit.site_id != work.site_id:
        raise NotFound("kit_unknown", kit=kit.code)
    _take(work, kit)
    params = {"kit": kit.title, "count": len(work.state["left"])}
    return Told("receive_kit", params, shown={"code": kit.title, "position": str(len(work.state["left"]))})


def _take(work: Work, kit: CollectionKit) -> None:
    state = work.state
    state["kit"], state["title"] = kit.number, kit.title
    state["left"] = kits.tubes_of(kit)


def _time(work: Work, heard: Heard) -> Told:
    """Four digits are the time of the draw, today or, if that is still to come, yesterday."""
    text = heard.text
    if len(text) != 4 or work.state["tubes"]:
        raise RuleViolation("receive_time_wrong", read=text)
    zone = clock.zone()
    now = clock.now().astimezone(zone)
    try:
        drawn = datetime.combine(now.date(), datetime.strptime(text, "%H%M").time(), zone)  # noqa: DTZ007
    except ValueError:
        raise RuleViolation("receive_time_wrong", read=text) from None
    if drawn > now:
        drawn -= timedelta(days=1)
    work.state["collected"] = drawn.isoformat()
    return Told("receive_time", {"time": drawn.strftime("%H:%M")}, shown={"code": drawn.strftime("%H:%M")})


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
        collected=_collected(state),
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
        _take(work, kit)
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
    here = next((tube for tube in state["tubes"] if tube["sample"] == sample.code), None)
    if here is not None:
        return _label(work, heard, here)
    if not state["patient"]:
        raise RuleViolation("receive_patient_first")
    if sample.code in state.get("expected", ()):
        collection.receive(sample=sample, by=work.by, at=When.exactly(work.at) if work.at else None)
        state["expected"] = [code for code in state["expected"] if code != sample.code]
        own_label = heard.text == sample.code
        return _received(work, sample, None, "received", verified=own_label)
    _require_same_patient(work, sample)
    if _waiting(state) is not None and heard.text == sample.code:
        return _label(work, heard, None)
    return None


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
        code = "receive_complete_labelled" if _is_complete(state) else "receive_tube_labelled"
    return Told(
        code, params, outcome="done", act=act,
        undo={"act": act, "sample": sample.code}, shown={"code": sample.code, "position": label},
    )  # fmt: skip


def _is_complete(state: dict[str, Any]) -> bool:
    rest = any(not tube["verified"] for tube in state["tubes"])
    return not rest and not state["left"] and not state.get("expected")


# --- the labels


def _waiting(state: dict[str, Any]) -> dict[str, Any] | None:
    """The tube whose label comes next: the one that was scanned last, else the first that has none."""
    unverified = [tube for tube in state["tubes"] if not tube["verified"]]
    return next(
        (tube for tube in unverified if tube["sample"] == state["now"]), unverified[0] if unverified else None
    )


def _label(work: Work, heard: Heard, here: dict[str, Any] | None) -> Told:
    """A maker's code says which tube is in the hand; our number is the label that was stuck on it."""
    state = work.state
    if here is not None and heard.text != here["sample"]:
        state["now"] = here["sample"]
        params = {"sample": here["sample"], "tube": heard.text}
        return Told(
            "receive_in_hand",
            params,
            tone="look" if here["verified"] else "yes",
            shown={"code": here["sample"]},
        )
    waiting = _waiting(state)
    if waiting is None or (here is not None and here["verified"]):
        return Told("receive_label_again", {"sample": heard.text}, tone="look", shown={"code": heard.text})
    sample = find_sample(waiting["sample"], work.by)
    in_hand = waiting["tube"] if waiting["sample"] == state["now"] else None
    checks.verify(sample=sample, read=heard.text, known_by=in_hand, by=work.by)
    state["tubes"] = [tube | {"verified": True} if tube is waiting else tube for tube in state["tubes"]]
    state["now"] = None
    code = "receive_complete" if _is_complete(state) else "receive_label_right"
    params = {"sample": heard.text, "count": len(state["tubes"])}
    return Told(code, params, act="label_checked", shown={"code": heard.text})


def _non_conformity(work: Work, heard: Heard) -> Told:
    """What is wrong with the tube that was scanned last."""
    state = work.state
    tube = next((each for each in reversed(state["tubes"]) if each["sample"] == state["now"]), None)
    tube = tube or (state["tubes"][-1] if state["tubes"] else None)
    if tube is None:
        raise RuleViolation("receive_tube_first")
    sample = find_sample(tube["sample"], work.by)
    if not heard.reason:
        return Told("fault_tube", {"sample": sample.code}, tone="look", shown={"code": sample.code})
    state["tubes"] = [
        each | {"wrong": [*each["wrong"], heard.reason]} if each is tube else each for each in state["tubes"]
    ]
    return nonconforming.record(work, sample, heard.reason, "arrival")


def _collected(state: dict[str, Any]) -> When:
    """The time of the draw where somebody said it; a time is never made up."""
    if not state["collected"]:
        return When.unknown()
    return When(datetime.fromisoformat(state["collected"]), "minute")


def sentence(state: dict[str, Any]) -> Reason:
    if not state["patient"]:
        return Reason("receive_sentence_patient", {"kit": state.get("title", "")})
    waiting = _waiting(state)
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
    "patient": _patient_again, "kit": _other_kit, "number": _time, "sample": _known, "new": _new_tube,
    "allotted": _labelled_ahead,
}  # fmt: skip
TASK = Task("receive", begins, begin, hear, sentence)
