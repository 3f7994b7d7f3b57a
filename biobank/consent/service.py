"""Records what patients answer and what they take back. Nothing is overwritten; every record is a new event.

Forms are made in `forms`, what is on file is shown by `reading`, and handed to the rules by `loading`; all of it is
asked for here.
"""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.consent import bases
from biobank.consent.events import attribute, lock_patients, next_event, tell, wrong_day
from biobank.consent.forms import (
    find_form,
    forms_to_sign,
    make_form,
    next_version,
    page_of_forms,
    put_in_force,
    redraft,
    require_draft,
    retire,
    version_in_force,
)
from biobank.consent.loading import donor_facts, forms_in_force, latest_events
from biobank.consent.models import Consent, ConsentAnswer, ConsentForm
from biobank.consent.reading import (
    RecordedConsent,
    consents_of,
    find_withdrawal,
    reversal_of,
    reversals_of,
    withdrawals_of,
)
from biobank.consent.scopes import Scope, objections, read_scope
from biobank.consent.status import note_status, wrong_of_age
from biobank.consent.withdrawals import FATES, check_withdrawal, record_withdrawal, reverse_withdrawal
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import local_day
from biobank.patients import service as patients
from biobank.patients.models import Patient

__all__ = [
    "FATES",
    "RecordedConsent",
    "Scope",
    "attribute",
    "check_withdrawal",
    "consents_of",
    "donor_facts",
    "find_form",
    "find_withdrawal",
    "forms_in_force",
    "forms_to_sign",
    "latest_events",
    "lock_patients",
    "make_form",
    "next_version",
    "note_status",
    "objections",
    "page_of_forms",
    "put_in_force",
    "read_scope",
    "record_consent",
    "record_withdrawal",
    "redraft",
    "require_draft",
    "retire",
    "reversal_of",
    "reversals_of",
    "reverse_withdrawal",
    "version_in_force",
    "withdrawals_of",
]

ANSWERS = ("granted", "refused")


def record_consent(
    *,
    patient: Patient,
    form: ConsentForm,
    signed_on: date,
    answers: Mapping[str, str],
    by: Actor,
    basis: str | None = None,
    given_by: str | None = None,
    channel: str | None = None,
    ethics_reference: str | None = None,
    basis_reason: str | None = None,
    of_age_on: date | None = None,
    corrects: int | None = None,
    reason: str | None = None,
) -> Consent:
    """A patient's dated answers to one version of one form; what it takes on which basis stands in `bases`.

    signed_on  the day of the signature, of the information, or of the committee's opinion
    answers    clause key -> granted or refused; a clause that is not there was left blank, which is no yes
    basis      consent for a form that is signed, non_opposition or waiver for a notice; the first unless given
    given_by   patient unless given, guardian or representative; of a waiver the committee
    of_age_on  with a guardian's first answer: when the person comes of age. Kept on the patient
    corrects   the key of a mistaken record of this patient that this one replaces; then `reason` says why
    raises     Malformed naming every bad field; RuleViolation for a form nobody could sign that day, or a record that
               was corrected already
    """
    lock_patients([patient.id])
    if not by.sees(patient.site_id) or form.site_id != patient.site_id:
        raise NotFound("form_unknown", form=form.code, version=form.version)
    patients.require_linked(patient)
    _check_form(form, signed_on)
    given = bases.Grounds(
        *bases.usual(form.kind, basis, given_by), channel, ethics_reference, basis_reason, of_age_on
    )
    wrong = _wrong_answers(form, answers) | _wrong_correction(patient, corrects, reason)
    wrong |= bases.wrong_grounds(form.kind, given)
    wrong |= _wrong_days(patient, given, signed_on, corrects)
    if wrong:
        raise Malformed(wrong)
    _check_uncorrected(corrects)
    consent = _write(patient, form, signed_on, given, corrects, reason, by)
    _write_answers(consent, form, answers)
    if given.of_age_on is not None:
        patient.of_age_on = given.of_age_on
    _tell(patient, consent, form, answers, given, by)
    return consent


def _write(
    patient: Patient,
    form: ConsentForm,
    signed_on: date,
    given: bases.Grounds,
    corrects: int | None,
    reason: str | None,
    by: Actor,
) -> Consent:
    event = next_event(patient, "consent")
    consent = Consent(
        id=event.id,
        patient_id=patient.id,
        form_id=form.id,
        basis=given.basis,
        given_by=given.given_by,
        channel=given.channel,
        ethics_reference=given.ethics_reference,
        basis_reason=given.basis_reason,
        signed_on=signed_on,
        recorded_at=event.recorded_at,
        recorded_by=by.key,
        corrects_id=corrects,
        reason=reason or None,
    )
    db.session.add(consent)
    db.session.flush()
    return consent


def _write_answers(consent: Consent, form: ConsentForm, answers: Mapping[str, str]) -> None:
    ids = {clause.key: clause.id for clause in form.clauses}
    db.session.add_all(
        ConsentAnswer(consent_id=consent.id, clause_id=ids[key], answer=answer)
        for key, answer in answers.items()
    )
    db.session.flush()


def _tell(
    patient: Patient,
    consent: Consent,
    form: ConsentForm,
    answers: Mapping[str, str],
    given: bases.Grounds,
    by: Actor,
) -> None:
    after = {
        "consent": consent.id,
        "form": form.code,
        "version": form.version,
        "basis": given.basis,
        "given_by": given.given_by,
        "signed_on": consent.signed_on.isoformat(),
        "answers": dict(answers),
    }
    more = {
        "channel": given.channel,
        "ethics_reference": given.ethics_reference,
        "of_age_on": audit.veil(given.of_age_on, patient.veil_key),
        "corrects": consent.corrects_id,
    }
    after |= {name: value for name, value in more.items() if value is not None}
    tell(patient, "consent_recorded", by, after, consent.reason)


def _check_form(form: ConsentForm, signed_on: date) -> None:
    """A form is signed from the day it is in force until the day it retires."""
    if form.status == "draft":
        raise RuleViolation("form_is_draft", form=form.code, version=form.version)
    retired_on = local_day(form.retired_at, clock.zone()) if form.retired_at else None
    if form.in_force_on is not None and signed_on < form.in_force_on:
        code = "form_not_yet_in_force"
    elif retired_on is not None and signed_on > retired_on:
        code = "form_is_retired"
    else:
        return
    raise RuleViolation(
        code,
        form=form.code,
        version=form.version,
        in_force_on=_iso(form.in_force_on),
        retired_on=_iso(retired_on),
        signed_on=_iso(signed_on),
    )


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _wrong_answers(form: ConsentForm, answers: Mapping[str, str]) -> dict[str, Reason]:
    keys = [clause.key for clause in form.clauses]
    wrong = {
        f"answers.{key}": Reason(
            "clause_unknown",
            {"clause": key[:40], "form": form.code, "version": form.version, "known": ", ".join(keys)},
        )
        for key in answers
        if key not in keys
    }
    return wrong | {
        f"answers.{key}": Reason("answer_unknown", {"clause": key[:40], "given": str(answer)[:40]})
        for key, answer in answers.items()
        if key in keys and answer not in ANSWERS
    }


def _wrong_days(
    patient: Patient, given: bases.Grounds, signed_on: date, corrects: int | None
) -> dict[str, Reason]:
    """What is wrong with the day of the answer, and with the day of coming of age where it was said with it."""
    person = bases.Person(patient.birth_year, patient.of_age_on, patient.died_on)
    wrong = {
        "signed_on": bases.wrong_signature(given, person, signed_on)
        or wrong_day(signed_on, local_day(clock.now(), clock.zone())),
        "of_age_on": bases.wrong_majority(given, person, signed_on)
        or (wrong_of_age(patient, given.of_age_on, leaving_out=corrects) if given.of_age_on else None),
    }
    return {name: reason for name, reason in wrong.items() if reason}


def _wrong_correction(patient: Patient, corrects: int | None, reason: str | None) -> dict[str, Reason]:
    if corrects is None:
        return {}
    wrong: dict[str, Reason] = {}
    owner = db.session.scalar(select(Consent.patient_id).where(Consent.id == corrects))
    if owner != patient.id:
        wrong["corrects"] = Reason("consent_unknown", {"consent": corrects})
    if not (reason or "").strip():
        wrong["reason"] = Reason("correction_needs_reason")
    return wrong


def _check_uncorrected(corrects: int | None) -> None:
    if corrects is None:
        return
    newer = db.session.scalar(select(Consent.id).where(Consent.corrects_id == corrects))
    if newer is not None:
        raise RuleViolation("consent_corrected_already", consent=corrects, newer=newer)
