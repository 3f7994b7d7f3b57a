"""What was just done to a sample, taken back by an act of its own: nothing is removed, the record tells both."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import RuleViolation
from biobank.core.times import When
from biobank.samples import allotments, gate, holds, quantities, rules
from biobank.samples.models import QuantityEntry, Sample, SampleParent, SampleUse, StepRun

#: What the ledger and the record call it.
UNDONE = "undone"


def undo_receive(*, sample: Sample, by: Actor) -> Sample:
    """It did not reach the bank after all: it is on its way again, and does not count as treated.

    Where it stands is for storage to say: the caller has seen that it stands nowhere.

    raises  RuleViolation `undo_too_late` when something was made of it or it was used since
    """
    (sample,) = gate.lock_samples([sample.id])
    if sample.origin != "collected" or sample.status != rules.Status.AVAILABLE:
        raise RuleViolation("undo_too_late", sample=sample.code)
    _require_untouched([sample])
    _require_unheld([sample])
    before = sample.status
    sample.status = rules.next_status(sample.status, rules.Act.UNDO).value
    sample.processing_id = sample.treated_at = sample.treated_precision = None
    _tell(sample, {"status": before}, {"status": sample.status}, by)
    return sample


def undo_register(*, sample: Sample, by: Actor) -> Sample:
    """It was entered by mistake: somebody else's tube, or none of ours. Its number goes out of the world and does not
    count as treated; the maker's code on the tube, or the number that was printed ahead, may be entered again, for
    whose it is.

    raises  RuleViolation `undo_too_late` when something was made or drawn of it, promised or used since
    """
    (sample,) = gate.lock_samples([sample.id])
    if sample.origin != "collected" or sample.status != rules.Status.AVAILABLE:
        raise RuleViolation("undo_too_late", sample=sample.code)
    _require_whole([sample], sample)
    _require_untouched([sample])
    _require_unheld([sample])
    tube, before = sample.container_code, sample.status
    _put_out_of_the_world(sample, by)
    if tube:
        sample.container_code = None
        codes.give_back(tube, "tube", sample.site_id)
    db.session.flush()
    number = allotments.give_back(sample, by)
    told = {"status": before, "tube": tube} | ({"number": number} if number else {})
    _tell(sample, told, {"status": sample.status}, by)
    return sample


def _require_whole(samples: Sequence[Sample], told: Sample) -> None:
    if any(each.remaining != each.initial or each.reserved for each in samples):
        raise RuleViolation("undo_too_late", sample=told.code)


def _put_out_of_the_world(sample: Sample, by: Actor) -> None:
    """It never was: it holds nothing and was not treated."""
    if sample.remaining:
        quantities.write(sample, -sample.remaining, act=UNDONE, happened=When.now(clock.now), by=by)
    sample.status = rules.next_status(sample.status, rules.Act.DISCARD).value
    sample.treated_at = sample.treated_precision = None


def undo_aliquot(*, parent: Sample, children: Sequence[Sample], by: Actor) -> Sample:
    """The aliquots of one dividing go out of the world, and what they hold is in the parent again.

    raises  RuleViolation `undo_too_late` when one of them was used, drawn from or divided since, or after a withdrawal
    """
    locked = gate.lock_samples([parent.id, *(child.id for child in children)])
    (parent,) = [each for each in locked if each.id == parent.id]
    made = [each for each in locked if each.id != parent.id]
    steps = {child.processing_id for child in made}
    if len(steps) != 1 or any(child.status != rules.Status.AVAILABLE for child in made):
        raise RuleViolation("undo_too_late", sample=parent.code)
    if parent.status not in (rules.Status.AVAILABLE, rules.Status.DEPLETED):
        raise RuleViolation("undo_too_late", sample=parent.code)
    _require_whole(made, parent)
    _require_untouched(made)
    _require_unheld(made)
    gate.require_preserving([parent], "aliquot")
    for child in made:
        _put_out_of_the_world(child, by)
        _tell(child, {"parents": [parent.code]}, {"status": child.status}, by)
    drawn = _drawn(parent, steps.pop())
    quantities.write(parent, drawn, act=UNDONE, happened=When.now(clock.now), by=by)
    before = parent.status
    if parent.status == rules.Status.DEPLETED:
        parent.status = rules.next_status(parent.status, rules.Act.UNDO).value
    told = {"status": before, "children": [child.code for child in made]}
    _tell(parent, told, {"status": parent.status}, by)
    return parent


def undo_stop(*, runs: Sequence[int], by: Actor) -> list[StepRun]:
    """A step was ended by a slip of the hand: it goes on, from when it began. What was judged at its end is void.

    runs    keys of what was ended together
    raises  RuleViolation `undo_too_late` when one of its tubes went on to another step, or is in our hands no more
    """
    ended = db.session.scalars(select(StepRun).where(StepRun.id.in_(runs)).order_by(StepRun.id)).all()
    tubes = {tube.id: tube for tube in lock(Sample, [run.sample_id for run in ended])}
    since = select(StepRun.sample_id).where(
        StepRun.sample_id.in_(tubes), StepRun.id > max(run.id for run in ended)
    )
    gone_on = set(db.session.scalars(since))
    again = []
    for run in ended:
        db.session.refresh(run)
        tube = tubes[run.sample_id]
        if tube.id in gone_on or run.cancelled or tube.status != rules.Status.AVAILABLE:
            raise RuleViolation("undo_too_late", sample=tube.code)
        run.cancelled = True
        again.append(
            StepRun(
                site_id=run.site_id, procedure_id=run.procedure_id, step=run.step, sample_id=run.sample_id,
                batch=run.batch, started_at=run.started_at, started_by=run.started_by, cancelled=False,
            )
        )  # fmt: skip
        _tell(tube, {"step": run.step, "stopped": True}, {"step": run.step, "running": True}, by)
    db.session.add_all(again)
    db.session.flush()
    return again


def _drawn(parent: Sample, step_id: int | None) -> int:
    """What that step took out of the parent, in its base units, what closing it wrote off among it."""
    query = select(QuantityEntry.amount).where(
        QuantityEntry.sample_id == parent.id, QuantityEntry.processing_id == step_id
    )
    return -sum(db.session.scalars(query))


def _require_untouched(samples: Sequence[Sample]) -> None:
    """Nothing was made of them, and they were not used: what came after cannot be taken back from under it."""
    keys = [sample.id for sample in samples]
    made = select(SampleParent.parent_id).where(SampleParent.parent_id.in_(keys))
    used = select(SampleUse.sample_id).where(SampleUse.sample_id.in_(keys))
    touched = set(db.session.scalars(made)) | set(db.session.scalars(used))
    for sample in samples:
        if sample.id in touched:
            raise RuleViolation("undo_too_late", sample=sample.code)


def _require_unheld(samples: Sequence[Sample]) -> None:
    """Nobody holds them, and nobody took anything back: what is to be kept or destroyed does not go by one hand."""
    held = holds.open_holds([sample.id for sample in samples])
    facts = gate.facts_of(samples)
    for sample in samples:
        if sample.id in held or gate.is_withdrawn(facts[sample.id]):
            raise RuleViolation("undo_too_late", sample=sample.code)


def _tell(sample: Sample, before: Mapping[str, Any], after: Mapping[str, Any], by: Actor) -> None:
    audit.record(by=by, act=UNDONE, subject=("sample", sample.code), before=before, after=after)
