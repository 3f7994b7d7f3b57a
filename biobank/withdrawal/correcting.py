"""A tube was another patient's: it is corrected, and what the withdrawals of the right one ask for is carried out."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from biobank.consent.facts import SampleFacts
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.distribution import recalls
from biobank.distribution import service as distribution
from biobank.distribution.models import Recall, RecallSample
from biobank.patients.models import Patient
from biobank.samples import correction, gate
from biobank.samples.covering import covering
from biobank.samples.models import Sample
from biobank.storage import destruction
from biobank.withdrawal import service
from biobank.withdrawal.reach import OUT


def wrong_patient(*, sample: Sample, patient: Patient, reason: str, by: Actor) -> list[Sample]:
    """As `samples.correction.wrong_patient`; and what became covered by a withdrawal is let go, asked back and to be
    destroyed as if it had been the right patient's all along. What no withdrawal wants destroyed any more is not.

    returns  every sample that changed
    raises   as `samples.correction.wrong_patient`
    """
    changed = correction.wrong_patient(sample=sample, patient=patient, reason=reason, by=by)
    left = [member for member in changed if member.status not in correction.GONE]
    facts = gate.facts_of(left)
    covered = [member for member in left if gate.is_withdrawn(facts[member.id])]
    distribution.release_for_withdrawal([member.id for member in covered], by=by)
    _settle_destruction(left, facts, reason, by)
    _recall([member for member in covered if member.status in OUT], facts, by)
    return changed


def _settle_destruction(
    samples: Sequence[Sample], facts: Mapping[int, SampleFacts], reason: str, by: Actor
) -> None:
    """The tasks of withdrawals that cover a sample no more are cancelled; those that cover it now get theirs."""
    asked = destruction.open_of(facts)
    ended = [
        key
        for key, task in asked.items()
        if task.withdrawal_id is not None
        and task.withdrawal_id not in {each.id for each in covering(facts[key])}
    ]
    destruction.cancel_many(sample_ids=ended, reason=reason, of_withdrawals=True, by=by)
    destruction.open_wanted([member for member in samples if member.status not in OUT], by)


def _recall(samples: Sequence[Sample], facts: Mapping[int, SampleFacts], by: Actor) -> None:
    """Whoever has them is told, unless a letter about this withdrawal names them already."""
    newest: dict[int, list[int]] = {}
    for member in samples:
        for withdrawal in covering(facts[member.id])[-1:]:
            newest.setdefault(withdrawal.id, []).append(member.id)
    for withdrawal_id, ids in sorted(newest.items()):
        asked = _asked_back(withdrawal_id, ids)
        recalls.open_recalls(
            sample_ids=[key for key in ids if key not in asked],
            withdrawal_id=withdrawal_id,
            due_on=service.answer_by(),
            by=by,
        )


def _asked_back(withdrawal_id: int, sample_ids: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for chunk in chunks(sample_ids, 500):
        query = select(RecallSample.sample_id).join(Recall, Recall.id == RecallSample.recall_id)
        query = query.where(Recall.withdrawal_id == withdrawal_id, RecallSample.sample_id.in_(chunk))
        found |= set(db.session.scalars(query))
    return found
