"""The order in which anything that changes a patient's standing is recorded; each is one event, under their lock."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from biobank.audit import service as audit
from biobank.consent.models import ConsentEvent
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import Reason
from biobank.core.times import YEARS
from biobank.patients import service as patients
from biobank.patients.models import Patient


def lock_patients(patient_ids: Iterable[int]) -> list[Patient]:
    """Lock patients until the unit of work ends: before what they said is read, and before it changes."""
    return lock(Patient, patient_ids)


def wrong_day(day: date, today: date) -> Reason | None:
    if day > today:
        return Reason("day_in_future", {"day": day.isoformat(), "today": today.isoformat()})
    return None if day.year in YEARS else Reason("day_long_ago", {"day": day.isoformat()})


def next_event(patient: Patient, kind: str) -> ConsentEvent:
    """The next number in the order of recording. The patient is locked, so that order is the true one.

    raises  RuleViolation `patient_anonymised`
    """
    patients.require_linked(patient)
    event = ConsentEvent(patient_id=patient.id, kind=kind, recorded_at=clock.now())
    db.session.add(event)
    db.session.flush()
    return event


def tell(
    patient: Patient,
    act: str,
    by: Actor,
    after: Mapping[str, Any],
    reason: str | None = None,
    before: Mapping[str, Any] | None = None,
) -> None:
    subject = ("patient", patient.subject_key or "erased")
    audit.record(by=by, act=act, subject=subject, before=before, after=after, reason=reason)


def attribute(patient: Patient) -> ConsentEvent:
    """A sample turned out to be this patient's: decisions made before no longer count for what is theirs.

    The caller holds the patient's lock.
    """
    return next_event(patient, "attribution")
