"""What happens to a person and changes what their answers are worth: a child comes of age, somebody dies."""

from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import aliased

from biobank.audit import service as audit
from biobank.consent.events import lock_patients, next_event, tell, wrong_day
from biobank.consent.models import Consent, ConsentEvent
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.core.times import YEARS, local_day
from biobank.patients import service as patients
from biobank.patients.models import Patient


class _Unsaid:
    """Nothing was said of it: what is known stays. None takes back what was known."""


UNSAID: Final = _Unsaid()


def note_status(
    *,
    patient: Patient,
    by: Actor,
    of_age_on: date | _Unsaid | None = UNSAID,
    died_on: date | _Unsaid | None = UNSAID,
    reason: str | None = None,
) -> ConsentEvent | None:
    """The day on which a child comes of age, and the day of death; None takes back what was noted by mistake.

    reason   needed as soon as it changes what was known
    returns  the event; None when nothing is new
    raises   Malformed naming every bad field: a day that does not fit what the patient is recorded to have signed
    """
    lock_patients([patient.id])
    if not by.sees(patient.site_id):
        raise NotFound("patient_unknown", patient=patient.code)
    patients.require_linked(patient)
    said = {"of_age_on": of_age_on, "died_on": died_on}
    new = {
        name: day
        for name, day in said.items()
        if not isinstance(day, _Unsaid) and day != getattr(patient, name)
    }
    if wrong := _wrong(patient, new, reason):
        raise Malformed(wrong)
    if not new:
        return None
    event = next_event(patient, "status")
    before = {name: audit.veil(getattr(patient, name), patient.veil_key) for name in new}
    for name, day in new.items():
        setattr(patient, name, day)
    db.session.flush()
    after = {name: audit.veil(day, patient.veil_key) for name, day in new.items()}
    tell(patient, "status_noted", by, after, reason, before=before)
    return event


def wrong_of_age(patient: Patient, of_age_on: date, *, leaving_out: int | None = None) -> Reason | None:
    """Why this cannot be the day on which the patient comes of age.

    leaving_out  the key of a record that is being corrected, and says nothing any more
    """
    if of_age_on.year not in YEARS:
        return Reason("of_age_out_of_range", {"first": YEARS.start, "last": YEARS.stop - 1})
    if patient.birth_year is not None and of_age_on.year <= patient.birth_year:
        return Reason("of_age_before_birth")
    for consent in _standing(patient):
        told = {"consent": consent.id, "signed_on": consent.signed_on.isoformat()}
        if consent.id == leaving_out:
            continue
        if consent.given_by == "guardian" and consent.signed_on >= of_age_on:
            return Reason("of_age_before_guardian", told)
        if consent.given_by == "patient" and consent.signed_on < of_age_on:
            return Reason("of_age_after_own_consent", told)
        if consent.given_by == "representative" and consent.signed_on < of_age_on:
            return Reason("minor_needs_guardian", told)
    return None


def _wrong(patient: Patient, new: dict[str, date | None], reason: str | None) -> dict[str, Reason]:
    wrong: dict[str, Reason] = {}
    if (day := new.get("of_age_on")) is not None and (bad := wrong_of_age(patient, day)):
        wrong["of_age_on"] = bad
    if (day := new.get("died_on")) is not None and (bad := _wrong_death(patient, day)):
        wrong["died_on"] = bad
    if "of_age_on" in new and new["of_age_on"] is None and _needs_majority(patient):
        wrong["of_age_on"] = Reason("of_age_missing")
    known = any(getattr(patient, name) is not None for name in new)
    if known and not (reason or "").strip():
        wrong["reason"] = Reason("correction_needs_reason")
    return wrong


def _wrong_death(patient: Patient, died_on: date) -> Reason | None:
    if bad := wrong_day(died_on, local_day(clock.now(), clock.zone())):
        return bad
    if patient.birth_year is not None and died_on.year < patient.birth_year:
        return Reason("died_before_birth")
    signed = [consent for consent in _standing(patient) if consent.basis != "waiver"]
    last = max(signed, key=lambda consent: consent.signed_on, default=None)
    if last is not None and died_on < last.signed_on:
        return Reason("died_before_signature", {"consent": last.id, "signed_on": last.signed_on.isoformat()})
    return None


def _needs_majority(patient: Patient) -> bool:
    return any(consent.given_by == "guardian" for consent in _standing(patient))


def _standing(patient: Patient) -> list[Consent]:
    """The records that no later one corrects."""
    newer = aliased(Consent)
    query = (
        select(Consent)
        .outerjoin(newer, newer.corrects_id == Consent.id)
        .where(Consent.patient_id == patient.id, newer.id.is_(None))
        .order_by(Consent.id)
    )
    return list(db.session.scalars(query))
