"""The ledger: every draw is a row, and a sample's rows add up to what remains."""

from collections.abc import Callable, Iterable

from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.times import When
from biobank.samples import rules
from biobank.samples.models import Processing, QuantityEntry, Sample

#: Each tells which of these samples, by their keys, are promised. Whoever promises tubes registers theirs.
promises: list[Callable[[Iterable[int]], set[int]]] = []


def draw(
    sample: Sample, amount: int, *, act: str, happened: When, by: Actor, step: Processing | None = None
) -> None:
    """Take an amount out of a sample whose row is locked; an emptied sample is depleted.

    amount  in the sample's base units
    raises  RuleViolation `overdraw` (with what is left) or `quantity_unknown`
    """
    left = rules.debit(
        sample.remaining, sample.reserved, amount, kind=sample.quantity_kind, sample=sample.code
    )
    write(sample, -amount, act=act, happened=happened, by=by, step=step)
    if left == 0:
        sample.status = rules.next_status(sample.status, rules.Act.DEPLETE).value


def empty(
    sample: Sample, *, act: str, happened: When, by: Actor, step: Processing | None = None
) -> int | None:
    """Take all that is in a sample and close it. returns the amount, None when nobody knew it

    raises  RuleViolation `part_is_reserved`, `tube_is_reserved`
    """
    amount = whole(sample)
    if amount:
        write(sample, -amount, act=act, happened=happened, by=by, step=step)
    if sample.status != rules.Status.DEPLETED:
        sample.status = rules.next_status(sample.status, rules.Act.DEPLETE).value
    return amount


def whole(sample: Sample) -> int | None:
    """All that is in a sample whose row is locked; None when nobody knows it.

    raises  RuleViolation `part_is_reserved` when some of it is promised, `tube_is_reserved` when it is as a whole
    """
    # A known quantity keeps the promise beside it.
    promised = sample.remaining is None and any(sample.id in asked([sample.id]) for asked in promises)
    return rules.whole(
        sample.remaining, sample.reserved, kind=sample.quantity_kind, sample=sample.code, promised=promised
    )


def write(
    sample: Sample, amount: int, *, act: str, happened: When, by: Actor, step: Processing | None = None
) -> None:
    """One line of the ledger, and the sum beside it."""
    db.session.add(
        QuantityEntry(
            sample_id=sample.id,
            amount=amount,
            act=act,
            processing_id=step.id if step else None,
            happened_at=happened.at,
            recorded_at=clock.now(),
            actor_key=by.key,
        )
    )
    sample.remaining = (sample.remaining or 0) + amount
