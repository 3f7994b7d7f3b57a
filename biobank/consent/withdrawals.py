"""Records what patients take back, and what turned out to be a mistake. The rows only: what they do to samples is
`biobank.withdrawal.service`."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import func, select

from biobank.consent.bases import CHANNELS
from biobank.consent.events import lock_patients, next_event, tell, wrong_day
from biobank.consent.models import Consent, Withdrawal, WithdrawalReversal
from biobank.consent.reading import reversal_of
from biobank.consent.scopes import Scope, read_scope
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import local_day
from biobank.patients import service as patients
from biobank.patients.models import Patient

FATES = ("keep", "destroy", "anonymise")


def record_withdrawal(
    *,
    patient: Patient,
    scope: str | Mapping[str, str],
    received_on: date,
    fate: str,
    by: Actor,
    channel: str | None = None,
) -> Withdrawal:
    """A patient takes back all, one clause, or one study; or objects to one thing, whatever they signed.

    The row only: what it does to samples is `biobank.withdrawal.service`.

    scope    "all", {"form", "clause"}, {"study"} or {"objection"}
    fate     keep, destroy or anonymise what is left
    channel  how it reached us: in_person, post, email, phone or portal
    raises   NotFound for an unknown form or study; Malformed naming every other bad field; RuleViolation where the link
             to the person is broken already
    """
    lock_patients([patient.id])
    if not by.sees(patient.site_id):
        raise NotFound("patient_unknown", patient=patient.code)
    patients.require_linked(patient)
    named = read_scope(scope, patient=patient, by=by)
    check_withdrawal(patient=patient, received_on=received_on, fate=fate, channel=channel, scope=named)
    event = next_event(patient, "withdrawal")
    withdrawal = Withdrawal(
        id=event.id,
        patient_id=patient.id,
        scope=named.kind,
        form_code=named.form,
        clause_key=named.clause,
        study_id=named.study.id if named.study else None,
        objects_to=named.objects_to,
        received_on=received_on,
        channel=channel,
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
        "channel": channel,
        "fate": fate,
    }
    tell(patient, "withdrawal_recorded", by, after)
    return withdrawal


def check_withdrawal(
    *,
    patient: Patient,
    received_on: date,
    fate: str,
    channel: str | None = None,
    scope: Scope | None = None,
) -> None:
    """raises Malformed for a day to come, one before anything was given, an unknown fate or channel"""
    wrong: dict[str, Reason] = {}
    today = local_day(clock.now(), clock.zone())
    if fate not in FATES:
        wrong["fate"] = Reason("fate_unknown", {"given": fate[:40], "known": ", ".join(FATES)})
    elif fate == "anonymise" and scope is not None and scope.kind != "all":
        wrong["fate"] = Reason("anonymise_needs_all")
    if channel is not None and channel not in CHANNELS:
        params = {"given": channel[:40], "known": ", ".join(CHANNELS)}
        wrong["channel"] = Reason("channel_unknown", params)
    if bad_day := wrong_day(received_on, today):
        wrong["received_on"] = bad_day
    elif (first := _first_signature(patient, scope)) is not None and received_on < first:
        days = {"received_on": received_on.isoformat(), "signed_on": first.isoformat()}
        wrong["received_on"] = Reason("withdrawn_before_consent", days)
    if wrong:
        raise Malformed(wrong)


def _first_signature(patient: Patient, scope: Scope | None) -> date | None:
    """The day before which nothing can have been taken back. One may object before one ever signed."""
    if scope is not None and scope.kind == "objection":
        return None
    return db.session.scalar(select(func.min(Consent.signed_on)).where(Consent.patient_id == patient.id))


def reverse_withdrawal(*, withdrawal: Withdrawal, reason: str, by: Actor) -> WithdrawalReversal:
    """A withdrawal that the person never meant is taken out of force, by somebody else than who recorded it.

    What was let go, sent or destroyed meanwhile does not come back; both records stay.
    raises  Malformed without a reason; RuleViolation for who recorded it, the second time, and where the link to the
            person is broken, so that nobody can be asked any more
    """
    (patient,) = lock_patients([withdrawal.patient_id])
    if not by.sees(patient.site_id):
        raise NotFound("withdrawal_unknown", withdrawal=withdrawal.id)
    if not reason.strip():
        raise Malformed({"reason": Reason("reversal_needs_reason")})
    patients.require_linked(patient)
    if reversal_of(withdrawal) is not None:
        raise RuleViolation("withdrawal_reversed_already", withdrawal=withdrawal.id)
    if withdrawal.recorded_by == by.key:
        raise RuleViolation("reversal_by_recorder")
    event = next_event(patient, "reversal")
    reversal = WithdrawalReversal(
        id=event.id,
        withdrawal_id=withdrawal.id,
        reason=reason.strip(),
        recorded_at=event.recorded_at,
        recorded_by=by.key,
    )
    db.session.add(reversal)
    db.session.flush()
    tell(patient, "withdrawal_reversed", by, {"withdrawal": withdrawal.id}, reason.strip())
    return reversal
