"""COLLECTION: a tube is drawn from a patient, and reaches the bank."""

from sqlalchemy import select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.consent import service as consent
from biobank.core import clock, vocabularies
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.times import When
from biobank.patients.models import Patient
from biobank.samples import allotments, gate, making, rules
from biobank.samples.models import CollectionEvent, Sample
from biobank.studies.models import Study


def collect(
    *,
    patient: Patient,
    study: Study,
    type: str,
    collected: When,
    by: Actor,
    quantity: tuple[str, int] | None = None,
    container_code: str | None = None,
    visit: str | None = None,
    vessel: str = "tube",
    receive: bool = True,
    received: When | None = None,
    code: str | None = None,
) -> Sample:
    """Register a tube that was drawn; unless `receive` is False, it is in the bank's hands as well.

    quantity  (kind, base units), None when unknown
    received  when it reached the bank; now unless given
    code      the number on its label, where that was printed ahead; else it gets the next one
    raises    RuleViolation for a future draw, a reception before the draw, a withdrawn patient or a code that is taken;
              Malformed for an unknown type; as `allotments.lock_free` and `fitting_visit` for the number
    """
    received = received or When.now(clock.now)
    check_type(type)
    check_vessel(vessel)
    if patient.site_id != study.site_id:
        raise RuleViolation("study_of_another_site", study=study.code)
    rules.refuse(
        [
            rules.collection_not_in_future(collected, clock.now(), clock.zone()),
            rules.act_not_in_future(received, clock.now(), clock.zone()) if receive else None,
            rules.act_not_before_collection(received, collected, clock.zone()) if receive else None,
        ]
    )
    consent.lock_patients([patient.id])
    gate.require_preserving_of(patient, study, "receive")
    number = allotments.lock_free(code, site_id=patient.site_id, by=by) if code is not None else None
    if number is not None:
        visit = allotments.fitting_visit(number, study=study, type=type, visit=visit)
    event = event_of(patient, study, visit, collected)
    site_code = access.site_code(patient.site_id)
    step = making.start("receive", patient.site_id, happened=received, by=by) if receive else None
    item = making.NewSample(
        study_id=study.id, type=type, origin="collected", donors=[patient.id], collection_event_id=event.id,
        vessel=vessel, status="available" if receive else "collected", quantity=quantity,
        container_code=container_code, code=code, told={"subject": patient.subject_key, "study": study.code},
    )  # fmt: skip
    (sample,) = making.make(
        [item], site_id=patient.site_id, site_code=site_code, step=step, happened=received if receive else collected,
        by=by,
    )  # fmt: skip
    if number is not None:
        allotments.use(number, sample, by)
    if receive:
        audit.record(by=by, act="received", subject=("sample", sample.code), happened=received)
    return sample


def receive(*, sample: Sample, by: Actor, at: When | None = None) -> Sample:
    """A collected tube reaches the bank. raises RuleViolation after a withdrawal, or when it is there already"""
    happened = at or When.now(clock.now)
    (sample,) = gate.lock_samples([sample.id])
    gate.require_preserving([sample], "receive")
    event = (
        db.session.get(CollectionEvent, sample.collection_event_id) if sample.collection_event_id else None
    )
    collected = When(event.happened_at, event.precision) if event else When.unknown()
    rules.refuse(
        [
            rules.act_not_in_future(happened, clock.now(), clock.zone()),
            rules.act_not_before_collection(happened, collected, clock.zone()),
        ]
    )
    before = sample.status
    sample.status = rules.next_status(sample.status, rules.Act.RECEIVE).value
    step = making.start("receive", sample.site_id, happened=happened, by=by)
    sample.processing_id, sample.treated_at, sample.treated_precision = (
        step.id,
        happened.at,
        happened.precision,
    )
    audit.record(by=by, act="received", subject=("sample", sample.code), before={"status": before},
                 after={"status": sample.status}, happened=happened)  # fmt: skip
    return sample


def event_of(patient: Patient, study: Study, visit: str | None, collected: When) -> CollectionEvent:
    """The draw, entered if need be; its tubes share it. The patient's lock keeps two tubes from making two."""
    if collected.at is not None:
        query = select(CollectionEvent).where(
            CollectionEvent.patient_id == patient.id,
            CollectionEvent.study_id == study.id,
            CollectionEvent.happened_at == collected.at,
            CollectionEvent.precision == collected.precision,
            CollectionEvent.visit.is_not_distinct_from(visit),
        )
        if found := db.session.scalars(query.limit(1)).first():
            return found
    event = CollectionEvent(
        site_id=patient.site_id, patient_id=patient.id, study_id=study.id, visit=visit, happened_at=collected.at,
        precision=collected.precision, recorded_at=clock.now(),
    )  # fmt: skip
    db.session.add(event)
    db.session.flush()
    return event


def check_type(type: str) -> None:
    """raises Malformed unless it is a sample type of the vocabulary"""
    if type not in vocabularies.sample_types():
        raise Malformed({"type": Reason("type_unknown", {"type": type[:60]})})


def check_vessel(vessel: str) -> None:
    """raises Malformed unless it is a vessel we know"""
    if vessel not in set(rules.Vessel):
        raise Malformed(
            {"vessel": Reason("vessel_unknown", {"given": vessel[:40], "known": ", ".join(rules.Vessel)})}
        )
