"""Takes back what a withdrawal did, as far as that is possible: after a mistake, or when the patient agreed again.

A new act with a reason, never a deletion. What was let go, handed back or destroyed meanwhile does not come back.
"""

from collections.abc import Sequence
from typing import Any

from biobank.consent import service as consent
from biobank.consent.models import Withdrawal
from biobank.core.actor import Actor
from biobank.core.db import Again, db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.patients.models import Patient
from biobank.samples import gate
from biobank.samples.holds import WITHDRAWAL, release_many
from biobank.samples.models import Sample
from biobank.samples.releasing import on_their_word
from biobank.storage import destruction
from biobank.withdrawal import anonymising
from biobank.withdrawal.reach import scope_of, touched


def reverse(*, withdrawal: Withdrawal, reason: str, by: Actor) -> dict[str, Any]:
    """A withdrawal that was recorded by mistake is taken out of force by somebody else, and what it held is let go.

    returns  as `lift`, and the key of the `reversal`
    raises   as `consent.service.reverse_withdrawal`
    """
    samples = _locked(withdrawal, by)
    reversal = consent.reverse_withdrawal(withdrawal=withdrawal, reason=reason, by=by)
    kept = destruction.cancel_many(
        sample_ids=[sample.id for sample in samples], reason=reason, withdrawal_id=withdrawal.id, by=by
    )
    theirs, _ = _free(samples, by)
    done = _let_go(withdrawal, samples, theirs, reason, by, cancelled=kept)
    # What another withdrawal wants destroyed as well is still to be destroyed, now for that one.
    destruction.open_wanted([sample for sample in samples if sample.id in set(kept)], by)
    return {"reversal": reversal.id} | done


def lift(*, withdrawal: Withdrawal, reason: str, by: Actor) -> dict[str, Any]:
    """End what a withdrawal holds of the samples that no withdrawal covers any more, because the patient agreed again.

    returns  `withdrawal`, and the numbers of the samples that are no longer held (`let_go`) and no longer to be
             destroyed (`kept`)
    raises   Malformed without a reason; RuleViolation when everything it holds is still covered, or
             `lift_needs_another` for who recorded it, or every consent that outlives it; NotFound
    """
    samples = _locked(withdrawal, by)
    if withdrawal.recorded_by == by.key:
        raise RuleViolation("lift_needs_another")
    if not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    theirs, not_theirs = _free(samples, by)
    done = _let_go(withdrawal, samples, theirs, reason, by)
    if not done["let_go"] and not done["kept"]:
        raise RuleViolation("lift_needs_another" if not_theirs else "nothing_to_let_go")
    return done


def _locked(withdrawal: Withdrawal, by: Actor) -> list[Sample]:
    """Everything it reaches that is not gone; all its donors and the rows themselves are locked."""
    patient = db.session.get_one(Patient, withdrawal.patient_id)
    if not by.sees(patient.site_id):
        raise NotFound("withdrawal_unknown", withdrawal=withdrawal.id)
    scope = scope_of(withdrawal)
    ids = touched(patient=patient, scope=scope).ids
    gate.lock_donors(ids, more_patients=[patient.id])
    samples = gate.lock_samples(ids)
    if touched(patient=patient, scope=scope).ids != ids:
        raise Again  # something was made of it, or it was corrected, before the locks were had
    return samples


def _free(samples: Sequence[Sample], by: Actor) -> tuple[list[int], set[int]]:
    """What no withdrawal covers any more: what this person may let go, and what somebody else must."""
    facts = gate.facts_of(samples)
    free = {key: each for key, each in facts.items() if not gate.is_withdrawn(each)}
    not_theirs = on_their_word(free, by)
    return [key for key in free if key not in not_theirs], not_theirs


def _let_go(
    withdrawal: Withdrawal,
    samples: Sequence[Sample],
    theirs: Sequence[int],
    reason: str,
    by: Actor,
    cancelled: Sequence[int] = (),
) -> dict[str, Any]:
    codes = {sample.id: sample.code for sample in samples}
    let_go = release_many(theirs, code=WITHDRAWAL, reason=reason.strip(), by=by)
    kept = [
        *cancelled,
        *destruction.cancel_many(sample_ids=theirs, reason=reason, of_withdrawals=True, by=by),
    ]
    patient = db.session.get_one(Patient, withdrawal.patient_id)
    waiting = anonymising.open_of(patient)
    if waiting is not None and anonymising.withdrawal_in_force(patient) is None:
        anonymising.cancel(anonymisation=waiting, reason=reason, by=by)
    return {"withdrawal": withdrawal.id, "let_go": let_go, "kept": [codes[key] for key in sorted(kept)]}
