"""Shows what a patient answered and took back, as it was recorded. Decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from biobank.consent.models import Consent, ConsentForm, Withdrawal
from biobank.core.db import MAX_INTEGER, db
from biobank.core.errors import NotFound
from biobank.patients.models import Patient
from biobank.studies import service as studies


@dataclass(frozen=True)
class RecordedConsent:
    """One record, with its form."""

    id: int
    form: ConsentForm
    study: str | None
    """The study that the form covers; None for all."""
    signed_on: date
    recorded_at: datetime
    recorded_by: str
    answers: Mapping[str, str]
    """Clause key -> granted or refused; what is not here was left blank."""
    corrects: int | None
    corrected_by: int | None
    reason: str | None


def consents_of(patient: Patient) -> list[RecordedConsent]:
    """Every record of the patient, corrected ones too, the newest first. A constant number of queries."""
    query = select(Consent).where(Consent.patient_id == patient.id).options(joinedload(Consent.form))
    consents = db.session.scalars(query.order_by(Consent.id.desc())).all()
    corrected = {consent.corrects_id: consent.id for consent in consents}
    codes = studies.study_codes({consent.form.study_id for consent in consents if consent.form.study_id})
    return [
        RecordedConsent(
            id=consent.id,
            form=consent.form,
            study=codes.get(consent.form.study_id or 0),
            signed_on=consent.signed_on,
            recorded_at=consent.recorded_at,
            recorded_by=consent.recorded_by,
            answers=_by_key(consent),
            corrects=consent.corrects_id,
            corrected_by=corrected.get(consent.id),
            reason=consent.reason,
        )
        for consent in consents
    ]


def withdrawals_of(patient: Patient) -> list[Withdrawal]:
    """Everything the patient took back, the newest first."""
    query = select(Withdrawal).where(Withdrawal.patient_id == patient.id).order_by(Withdrawal.id.desc())
    return list(db.session.scalars(query))


def find_withdrawal(patient: Patient, key: int) -> Withdrawal:
    """raises NotFound unless it is this patient's"""
    found = db.session.get(Withdrawal, key) if 0 < key <= MAX_INTEGER else None
    if found is None or found.patient_id != patient.id:
        raise NotFound("withdrawal_unknown", withdrawal=key)
    return found


def _by_key(consent: Consent) -> dict[str, str]:
    given = {answer.clause_id: answer.answer for answer in consent.answers}
    return {clause.key: given[clause.id] for clause in consent.form.clauses if clause.id in given}
