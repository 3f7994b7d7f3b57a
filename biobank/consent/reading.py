"""Shows what a patient answered and took back, as it was recorded, and what of it holds now. Decides nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from biobank.consent import answers
from biobank.consent.documents import documents_of
from biobank.consent.loading import donor_facts
from biobank.consent.models import (
    Clause,
    Consent,
    ConsentForm,
    SignedDocument,
    Withdrawal,
    WithdrawalReversal,
)
from biobank.core import clock
from biobank.core.db import MAX_INTEGER, chunks, db
from biobank.core.errors import NotFound
from biobank.core.times import local_day
from biobank.core.vocabularies import consent_vocabulary
from biobank.patients.models import Patient
from biobank.studies import service as studies


@dataclass(frozen=True)
class RecordedConsent:
    """One record, with its form."""

    id: int
    form: ConsentForm
    study: str | None
    """The study that the form covers; None for all."""
    basis: str
    given_by: str
    channel: str | None
    ethics_reference: str | None
    basis_reason: str | None
    signed_on: date
    recorded_at: datetime
    recorded_by: str
    documents: tuple[SignedDocument, ...]
    """The newest first; those that were replaced as well."""
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
    documents = documents_of(patient)
    codes = studies.study_codes({consent.form.study_id for consent in consents if consent.form.study_id})
    return [
        RecordedConsent(
            id=consent.id,
            form=consent.form,
            study=codes.get(consent.form.study_id or 0),
            basis=consent.basis,
            given_by=consent.given_by,
            channel=consent.channel,
            ethics_reference=consent.ethics_reference,
            basis_reason=consent.basis_reason,
            documents=tuple(each for each in documents if each.consent_id == consent.id),
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


@dataclass(frozen=True)
class HeldAnswer:
    """What holds of one clause now."""

    clause: Clause
    record: RecordedConsent
    """The newest one that answers it."""
    state: str
    """granted, refused, blank or withdrawn"""
    forbids: bool
    """It had to be granted, and is not: nothing is allowed under this form."""
    terms: tuple[str, ...]
    """What it brings."""


@dataclass(frozen=True)
class HeldForm:
    """What the patient's papers on one form say together, today."""

    form: ConsentForm
    """The version that was answered last."""
    answers: tuple[HeldAnswer, ...]


def what_holds(patient: Patient, records: Sequence[RecordedConsent]) -> list[HeldForm]:
    """The newest answer to each clause of each form, after everything that was corrected or taken back."""
    if not records:
        return []
    facts, now = donor_facts([patient.id])[patient.id], clock.now()
    by_id = {record.id: record for record in records}
    found = []
    for study in sorted({record.study or "" for record in records}):
        papers = answers.read(facts, study, as_of=local_day(now, clock.zone()), known_at=now)
        found += [
            HeldForm(by_id[family.newest.id].form, tuple(_held(by_id, answer) for answer in family.answers))
            for family in papers.families
            if (family.newest.study or "") == study
        ]
    return found


def _held(by_id: Mapping[int, RecordedConsent], answer: answers.Answer) -> HeldAnswer:
    record = by_id[answer.consent.id]
    clause = next(each for each in record.form.clauses if each.key == answer.clause.key)
    terms = tuple(term.text for term in answer.terms(consent_vocabulary()))
    return HeldAnswer(clause, record, answer.state, answer.forbids, terms)


def withdrawals_of(patient: Patient) -> list[Withdrawal]:
    """Everything the patient took back, the newest first; also what turned out to be a mistake (`reversals_of`)."""
    query = select(Withdrawal).where(Withdrawal.patient_id == patient.id).order_by(Withdrawal.id.desc())
    return list(db.session.scalars(query))


def reversals_of(withdrawals: Iterable[Withdrawal]) -> dict[int, WithdrawalReversal]:
    """Withdrawal -> how it was taken out of force; those that stand are left out."""
    found: dict[int, WithdrawalReversal] = {}
    for ids in chunks(sorted({each.id for each in withdrawals}), 500):
        query = select(WithdrawalReversal).where(WithdrawalReversal.withdrawal_id.in_(ids))
        found |= {row.withdrawal_id: row for row in db.session.scalars(query)}
    return found


def reversal_of(withdrawal: Withdrawal) -> WithdrawalReversal | None:
    """How a withdrawal was taken out of force; None while it stands."""
    return reversals_of([withdrawal]).get(withdrawal.id)


def find_withdrawal(patient: Patient, key: int) -> Withdrawal:
    """raises NotFound unless it is this patient's"""
    found = db.session.get(Withdrawal, key) if 0 < key <= MAX_INTEGER else None
    if found is None or found.patient_id != patient.id:
        raise NotFound("withdrawal_unknown", withdrawal=key)
    return found


def _by_key(consent: Consent) -> dict[str, str]:
    given = {answer.clause_id: answer.answer for answer in consent.answers}
    return {clause.key: given[clause.id] for clause in consent.form.clauses if clause.id in given}
