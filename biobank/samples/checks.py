"""What must hold of samples whatever happened: looked for every night, for the guards may have been gone round."""

from collections.abc import Callable, Iterator

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.orm import aliased

from biobank.core import checks as nightly
from biobank.core.db import db
from biobank.samples import replay
from biobank.samples.models import Decision, QuantityEntry, Sample, SampleDonor, SampleParent, SampleUse


def ledgers() -> Iterator[str]:
    """A sample whose ledger adds up to something else than what is said to remain in it."""
    entered = (
        select(func.coalesce(func.sum(QuantityEntry.amount), 0))
        .where(QuantityEntry.sample_id == Sample.id)
        .scalar_subquery()
    )
    query = select(Sample.code, Sample.remaining, entered).where(
        Sample.remaining.is_not(None), Sample.remaining != entered
    )
    for code, remaining, total in db.session.execute(query.execution_options(yield_per=1000)):
        yield f"{code} holds {remaining}, and its ledger says {total}"


def uses_without_permit() -> Iterator[str]:
    """A use that does not rest on a permit made for that sample, act and moment."""
    made_for_it = and_(
        Decision.id == SampleUse.decision_id,
        Decision.sample_id == SampleUse.sample_id,
        Decision.act == SampleUse.act,
        Decision.recorded_at == SampleUse.recorded_at,
        Decision.verdict == "permit",
    )
    query = select(SampleUse.id, Sample.code).join(Sample, Sample.id == SampleUse.sample_id)
    for number, code in db.session.execute(query.where(~exists().where(made_for_it))):
        yield f"use {number} of {code} has no permit"


def nobodys() -> Iterator[str]:
    """A sample without a donor."""
    query = select(Sample.code).where(~exists().where(SampleDonor.sample_id == Sample.id))
    for code in db.session.scalars(query):
        yield f"{code} has no donor"


def unlike_their_parents() -> Iterator[str]:
    """A sample whose donors are not those of its parents together."""
    for query in (_donors_too_many(), _donors_too_few()):
        for code in db.session.scalars(query):
            yield f"{code} has other donors than its parents"


def decisions_made_again() -> Iterator[str]:
    """A decision that the rules would make otherwise from what was known then."""
    yield from replay.replay().differences


def _donors_too_many() -> Select[str]:
    of_parent = aliased(SampleDonor)
    from_a_parent = exists().where(
        SampleParent.child_id == SampleDonor.sample_id,
        of_parent.sample_id == SampleParent.parent_id,
        of_parent.patient_id == SampleDonor.patient_id,
    )
    made = exists().where(SampleParent.child_id == SampleDonor.sample_id)
    return (
        select(Sample.code)
        .join(SampleDonor, SampleDonor.sample_id == Sample.id)
        .where(made, ~from_a_parent)
        .distinct()
    )


def _donors_too_few() -> Select[str]:
    own = aliased(SampleDonor)
    has_it = exists().where(own.sample_id == SampleParent.child_id, own.patient_id == SampleDonor.patient_id)
    return (
        select(Sample.code)
        .join(SampleParent, SampleParent.child_id == Sample.id)
        .join(SampleDonor, SampleDonor.sample_id == SampleParent.parent_id)
        .where(~has_it)
        .distinct()
    )


#: Name -> the check; each yields one sentence for each thing that is wrong.
CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "samples: ledgers": ledgers,
    "samples: uses without permit": uses_without_permit,
    "samples: nobody's": nobodys,
    "samples: unlike their parents": unlike_their_parents,
    "samples: decisions made again": decisions_made_again,
}


def register() -> None:
    """Have them asked every night."""
    for name, check in CHECKS.items():
        nightly.register(name, lambda check=check: list(check()))  # type: ignore[misc]
