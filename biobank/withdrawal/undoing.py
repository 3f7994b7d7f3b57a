"""Takes back what a withdrawal did, as far as that is possible: after a mistake, or when the patient agreed again.

A new act with a reason, never a deletion. What was let go, handed back or destroyed meanwhile does not come back.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from biobank.consent import service as consent
from biobank.consent.models import Consent, Withdrawal, WithdrawalReversal
from biobank.core.actor import Actor
from biobank.core.db import Again, chunks, db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.patients.models import Patient
from biobank.samples import gate
from biobank.samples.holds import release_many
from biobank.samples.models import Sample, SampleDonor
from biobank.storage import destruction
from biobank.withdrawal import anonymising
from biobank.withdrawal.reach import scope_of, touched

#: The hold that a withdrawal puts.
HOLD = "withdrawal"


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
    done = _let_go(withdrawal, samples, reason, by, cancelled=kept)
    _ask_again(set(kept), by)
    return {"reversal": reversal.id} | done


def lift(*, withdrawal: Withdrawal, reason: str, by: Actor) -> dict[str, Any]:
    """End what a withdrawal holds of the samples that no withdrawal covers any more, because the patient agreed again.

    returns  `withdrawal`, and the numbers of the samples that are no longer held (`let_go`) and no longer to be
             destroyed (`kept`)
    raises   Malformed without a reason; RuleViolation when everything it holds is still covered; NotFound
    """
    samples = _locked(withdrawal, by)
    if not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    done = _let_go(withdrawal, samples, reason, by)
    if not done["let_go"] and not done["kept"]:
        raise RuleViolation("nothing_to_let_go")
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


def _let_go(
    withdrawal: Withdrawal, samples: Sequence[Sample], reason: str, by: Actor, cancelled: Sequence[int] = ()
) -> dict[str, Any]:
    facts = gate.facts_of(samples)
    free = [sample.id for sample in samples if not gate.is_withdrawn(facts[sample.id])]
    codes = {sample.id: sample.code for sample in samples}
    let_go = release_many(free, code=HOLD, reason=reason.strip(), by=by)
    kept = [*cancelled, *destruction.cancel_many(sample_ids=free, reason=reason, of_withdrawals=True, by=by)]
    patient = db.session.get_one(Patient, withdrawal.patient_id)
    waiting = anonymising.open_of(patient)
    if waiting is not None and anonymising.withdrawal_in_force(patient) is None:
        anonymising.cancel(anonymisation=waiting, reason=reason, by=by)
    return {"withdrawal": withdrawal.id, "let_go": let_go, "kept": [codes[key] for key in sorted(kept)]}


def _ask_again(sample_ids: Iterable[int], by: Actor) -> None:
    """What another withdrawal wants destroyed as well is still to be destroyed, now for that one."""
    wanted: dict[int, list[int]] = {}
    later = aliased(Consent)
    agreed_since = exists().where(
        later.patient_id == Withdrawal.patient_id, later.id > Withdrawal.id, later.corrects_id.is_(None)
    )
    reversed_ = exists().where(WithdrawalReversal.withdrawal_id == Withdrawal.id)
    for chunk in chunks(sorted(sample_ids), 500):
        query = (
            select(Sample.id, Withdrawal.id)
            .join(SampleDonor, SampleDonor.sample_id == Sample.id)
            .join(Withdrawal, Withdrawal.patient_id == SampleDonor.patient_id)
            .where(Sample.id.in_(chunk), Withdrawal.fate == "destroy", ~reversed_, ~agreed_since)
            .where(or_(Withdrawal.scope == "all", Withdrawal.study_id == Sample.study_id))
            .order_by(Withdrawal.id.desc())
        )
        for sample_id, withdrawal_id in dict(db.session.execute(query).all()).items():
            wanted.setdefault(withdrawal_id, []).append(sample_id)
    for withdrawal_id, ids in sorted(wanted.items()):
        destruction.open_tasks(
            sample_ids=ids, reason=destruction.WITHDRAWN, withdrawal_id=withdrawal_id, by=by
        )
