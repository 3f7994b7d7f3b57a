"""A tube that was handed out comes back, with what is measured in it."""

from sqlalchemy import select

from biobank.core import clock, units
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.times import When
from biobank.distribution import recalls
from biobank.samples import gate, life, quantities
from biobank.samples import rules as sample_rules
from biobank.samples.models import QuantityEntry, Sample


def return_sample(*, sample: Sample, by: Actor, amount: int | None = None, at: When | None = None) -> Sample:
    """A tube that was handed out comes back; it stands nowhere until it is placed, or destroyed where a withdrawal
    recalled it.

    amount  what is in it now, in its base units: needed where it was known when it left
    raises  Malformed without it; RuleViolation for more than left, or a tube that was not handed out
    """
    (locked,) = gate.lock_samples([sample.id])  # its donors too: a withdrawal comes before this, or after it
    happened = at or When.now(clock.now)
    sample_rules.next_status(locked.status, sample_rules.Act.RETURN)
    left = _handed_out_amount(locked)
    _check_return(locked, amount, left)
    if amount:
        quantities.write(locked, amount, act="return", happened=happened, by=by)
    life.set_status(locked, sample_rules.Act.RETURN, by=by, told="returned", happened=happened)
    if amount == 0:
        life.set_status(locked, sample_rules.Act.DEPLETE, by=by, told="depleted", happened=happened)
    else:
        recalls.ask_for_destruction(locked, by)
    return locked


def _handed_out_amount(sample: Sample) -> int | None:
    """What the ledger wrote off when it left; None where nobody knew."""
    if sample.remaining is None or sample.quantity_kind is None:
        return None
    query = select(QuantityEntry.amount).where(
        QuantityEntry.sample_id == sample.id, QuantityEntry.act == "hand_out"
    )
    return -(db.session.scalar(query.order_by(QuantityEntry.id.desc()).limit(1)) or 0)


def _check_return(sample: Sample, amount: int | None, left: int | None) -> None:
    if left is None:
        if amount is not None:
            raise RuleViolation("given_amount_unknown", sample=sample.code)
        return
    kind = units.KINDS[sample.quantity_kind or units.VOLUME]
    if amount is None:
        raise Malformed({kind.field: Reason("given_amount_needed", {"sample": sample.code})})
    if amount > left:
        given, asked = units.show(kind.key, left), units.show(kind.key, amount)
        raise RuleViolation(
            "more_than_was_given", sample=sample.code, given=given, asked=asked, unit=kind.unit
        )
