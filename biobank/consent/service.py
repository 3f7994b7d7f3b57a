"""Records what patients answer and what they take back. Nothing is overwritten; every record is a new event.

Forms are made in `forms`, what is on file is shown by `reading`, and handed to the rules by `loading`; all of it is
asked for here.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.consent.forms import (
    find_form,
    forms_to_sign,
    make_form,
    page_of_forms,
    put_in_force,
    redraft,
    retire,
)
from biobank.consent.loading import donor_facts, forms_in_force, latest_events
from biobank.consent.models import Consent, ConsentAnswer, ConsentEvent, ConsentForm, Withdrawal
from biobank.consent.reading import RecordedConsent, consents_of, find_withdrawal, withdrawals_of
from biobank.consent.scopes import Scope, read_scope
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import YEARS, local_day
from biobank.patients.models import Patient

__all__ = [
    "RecordedConsent",
    "Scope",
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
    "page_of_forms",
    "put_in_force",
    "read_scope",
    "record_consent",
    "record_withdrawal",
    "redraft",
    "retire",
    "withdrawals_of",
]

ANSWERS = ("granted", "refused")
FATES = ("keep", "destroy", "anonymise")


def lock_patients(patient_ids: Iterable[int]) -> list[Patient]:
    """Lock patients until the unit of work ends: before what they said is read, and before it changes."""
    return lock(Patient, patient_ids)


def record_consent(
    *,
    patient: Patient,
    form: ConsentForm,
    signed_on: date,
    answers: Mapping[str, str],
    by: Actor,
    corrects: int | None = None,
    reason: str | None = None,
) -> Consent:
    """A patient's dated answers to one version of one form.

    answers   clause key -> granted or refused; a clause that is not there was left blank, which is no yes
    corrects  the key of a mistaken record of this patient that this one replaces; then `reason` says why
    raises    Malformed naming every bad field; RuleViolation for a form nobody could sign that day, or a record that
              was corrected already
    """
    lock_patients([patient.id])
    if not by.sees(patient.site_id) or form.site_id != patient.site_id:
        raise NotFound("form_unknown", form=form.code, version=form.version)
    _check_form(form, signed_on)
    wrong = _wrong_answers(form, answers) | _wrong_correction(patient, corrects, reason)
    if bad_day := _wrong_signature(patient, signed_on):
        wrong["signed_on"] = bad_day
    if wrong:
        raise Malformed(wrong)
    _check_uncorrected(corrects)
    event = _event(patient, "consent")
    consent = Consent(
        id=event.id,
        patient_id=patient.id,
        form_id=form.id,
        signed_on=signed_on,
        recorded_at=event.recorded_at,
        recorded_by=by.key,
        corrects_id=corrects,
        reason=reason or None,
    )
    db.session.add(consent)
    db.session.flush()
    ids = {clause.key: clause.id for clause in form.clauses}
    db.session.add_all(
        ConsentAnswer(consent_id=consent.id, clause_id=ids[key], answer=answer)
        for key, answer in answers.items()
    )
    db.session.flush()
    after = {
        "consent": consent.id,
        "form": form.code,
        "version": form.version,
        "signed_on": signed_on.isoformat(),
        "answers": dict(answers),
    } | ({"corrects": corrects} if corrects else {})
    _record(patient, "consent_recorded", by, after, reason)
    return consent


def record_withdrawal(
    *, patient: Patient, scope: str | Mapping[str, str], received_on: date, fate: str, by: Actor
) -> Withdrawal:
    """A patient takes back all, one clause, or one study; whoever never consented objects.

    The row only: what it does to samples is `biobank.withdrawal.service`.

    scope   "all", {"form", "clause"} or {"study"}
    fate    keep, destroy or anonymise what is left
    raises  NotFound for an unknown form or study; Malformed naming every other bad field
    """
    lock_patients([patient.id])
    if not by.sees(patient.site_id):
        raise NotFound("patient_unknown", patient=patient.code)
    named = read_scope(scope, patient=patient, by=by)
    check_withdrawal(patient=patient, received_on=received_on, fate=fate)
    event = _event(patient, "withdrawal")
    withdrawal = Withdrawal(
        id=event.id,
        patient_id=patient.id,
        scope=named.kind,
        form_code=named.form,
        clause_key=named.clause,
        study_id=named.study.id if named.study else None,
        received_on=received_on,
        fate=fate,
        recorded_at=event.recorded_at,
        recorded_by=by.key,
    )
    db.session.add(withdrawal)
    db.session.flush()
    after = {
        "withdrawal": withdrawal.id,
        "scope": named.as_given(),
        "received_on": received_on.isoformat(),
        "fate": fate,
    }
    _record(patient, "withdrawal_recorded", by, after)
    return withdrawal


def check_withdrawal(*, patient: Patient, received_on: date, fate: str) -> None:
    """raises Malformed for a day to come, one before anything was given, or an unknown fate"""
    wrong: dict[str, Reason] = {}
    today = local_day(clock.now(), clock.zone())
    if fate not in FATES:
        wrong["fate"] = Reason("fate_unknown", {"given": fate[:40], "known": ", ".join(FATES)})
    first = db.session.scalar(select(func.min(Consent.signed_on)).where(Consent.patient_id == patient.id))
    if bad_day := _wrong_day(received_on, today):
        wrong["received_on"] = bad_day
    elif first is not None and received_on < first:
        days = {"received_on": received_on.isoformat(), "signed_on": first.isoformat()}
        wrong["received_on"] = Reason("withdrawn_before_consent", days)
    if wrong:
        raise Malformed(wrong)


def _check_form(form: ConsentForm, signed_on: date) -> None:
    """A form in force may be signed, and one that has retired since, if it was signed before that."""
    if form.status == "in_force":
        return
    if form.retired_at is None:
        raise RuleViolation("form_is_draft", form=form.code, version=form.version)
    retired_on = local_day(form.retired_at, clock.zone())
    if signed_on > retired_on:
        raise RuleViolation(
            "form_is_retired",
            form=form.code,
            version=form.version,
            retired_on=retired_on.isoformat(),
            signed_on=signed_on.isoformat(),
        )


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


def _wrong_signature(patient: Patient, signed_on: date) -> Reason | None:
    if patient.birth_year is not None and signed_on.year < patient.birth_year:
        # The year itself is personal, and is not repeated.
        return Reason("signed_before_birth", {"signed_on": signed_on.isoformat()})
    return _wrong_day(signed_on, local_day(clock.now(), clock.zone()))


def _wrong_day(day: date, today: date) -> Reason | None:
    if day > today:
        return Reason("day_in_future", {"day": day.isoformat(), "today": today.isoformat()})
    return None if day.year in YEARS else Reason("day_long_ago", {"day": day.isoformat()})


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


def _event(patient: Patient, kind: str) -> ConsentEvent:
    """The next number in the order of recording. The patient is locked, so that order is the true one."""
    event = ConsentEvent(patient_id=patient.id, kind=kind, recorded_at=clock.now())
    db.session.add(event)
    db.session.flush()
    return event


def _record(
    patient: Patient, act: str, by: Actor, after: Mapping[str, Any], reason: str | None = None
) -> None:
    audit.record(
        by=by, act=act, subject=("patient", patient.subject_key or "erased"), after=after, reason=reason
    )


def attribute(patient: Patient) -> ConsentEvent:
    """A sample turned out to be this patient's: decisions made before no longer count for what is theirs.

    The caller holds the patient's lock.
    """
    return _event(patient, "attribution")
