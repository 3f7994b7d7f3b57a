"""Receiving a kit: whose it is, which tubes are still to come, and when they were drawn."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from biobank.bench import kept
from biobank.bench.heard import Heard
from biobank.bench.models import WorkSession
from biobank.bench.task import Told, Work
from biobank.consent.models import Consent, ConsentForm
from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.patients.models import Patient
from biobank.procedures import kits
from biobank.procedures.models import CollectionKit
from biobank.samples import rules
from biobank.samples.models import Sample, SampleDonor

#: A kit of the same person within these hours may be the same kit, brought twice.
KIT_BEFORE_HOURS = 12
_ON_THE_WAY = (rules.Status.EXPECTED.value, rules.Status.COLLECTED.value)


def patient_is(work: Work, patient: Patient) -> Told:
    state = work.state
    if patient.site_id != work.site_id:
        raise NotFound("patient_unknown", patient=patient.code)
    state["patient"] = patient.code
    state["expected"] = [sample.code for sample in _on_the_way(patient)]
    if state["kit"] is None and not state["expected"]:
        fitting = kits_for(patient)
        if len(fitting) == 1:
            take(work, fitting[0])
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


def kit_is(work: Work, kit: CollectionKit) -> Told:
    if kit.retired_at is not None:
        raise RuleViolation("kit_retired", kit=kit.code)
    if kit.site_id != work.site_id:
        raise NotFound("kit_unknown", kit=kit.code)
    take(work, kit)
    params = {"kit": kit.title, "count": len(work.state["left"])}
    return Told("receive_kit", params, shown={"code": kit.title, "position": str(len(work.state["left"]))})


def take(work: Work, kit: CollectionKit) -> None:
    state = work.state
    state["kit"], state["title"] = kit.number, kit.title
    state["left"] = kits.tubes_of(kit)


def drawn_at(work: Work, heard: Heard) -> Told:
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


def collected(state: dict[str, Any]) -> When:
    """The time of the draw where somebody said it; a time is never made up."""
    if not state["collected"]:
        return When.unknown()
    return When(datetime.fromisoformat(state["collected"]), "minute")
