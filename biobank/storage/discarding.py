"""The end of a sample: thrown away, or looked for and not found. Either way its place is free again."""

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.times import When
from biobank.samples import quantities
from biobank.samples import rules as life
from biobank.samples.models import Sample
from biobank.storage import placing, standing
from biobank.storage.models import DestructionTask


def discard(*, sample: Sample, reason: str, by: Actor, at: When | None = None) -> Sample:
    """Throw a sample away, for good: nothing is left in it, its place is free, and the record says why.

    raises  Malformed without a reason; RuleViolation when some of it is promised to a request, when it is gone
            already, for a time to come, or when two people are to destroy it (`destruction`)
    """
    if not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    thing = standing.locked_sample(sample, by)
    _require_no_task(sample)
    happened = at or When.now(clock.now)
    life.refuse([life.act_not_in_future(happened, clock.now(), clock.zone())])
    before = {"status": sample.status}
    status = life.next_status(sample.status, life.Act.DISCARD)
    left = quantities.whole(sample)
    if left:
        quantities.write(sample, -left, act=life.Act.DISCARD.value, happened=happened, by=by)
    sample.status = status.value
    freed = placing.end_placement(thing, why="discarded", by=by, at=at, record=False)
    audit.record(
        by=by, act="discarded", subject=("sample", sample.code), before=before | placing.told(freed),
        after={"status": sample.status}, reason=reason.strip(), happened=happened,
    )  # fmt: skip
    return sample


def _require_no_task(sample: Sample) -> None:
    """One person alone does not throw away what two people are asked to destroy."""
    query = select(DestructionTask.id).where(
        DestructionTask.sample_id == sample.id,
        DestructionTask.done_at.is_(None),
        DestructionTask.cancelled_at.is_(None),
    )
    if db.session.scalar(query) is not None:
        raise RuleViolation("destruction_takes_two", sample=sample.code)


def lose(*, sample: Sample, by: Actor, reason: str | None = None, at: When | None = None) -> Sample:
    """It was looked for and is not there: its place is free again, and it may yet be found."""
    thing = standing.locked_sample(sample, by)
    happened = at or When.now(clock.now)
    life.refuse([life.act_not_in_future(happened, clock.now(), clock.zone())])
    before = {"status": sample.status}
    sample.status = life.next_status(sample.status, life.Act.LOSE).value
    freed = placing.end_placement(thing, why="lost", by=by, at=at, record=False)
    audit.record(
        by=by, act="lost", subject=("sample", sample.code), before=before | placing.told(freed),
        after={"status": sample.status}, reason=reason, happened=happened,
    )  # fmt: skip
    return sample
