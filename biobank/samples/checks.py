"""What must hold of samples whatever happened: looked for every night, for the guards may have been gone round."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.orm import aliased

from biobank.audit.models import AuditEntry
from biobank.core import checks as nightly
from biobank.core import codes
from biobank.core.codes import ScannableCode
from biobank.core.db import db
from biobank.samples import replay
from biobank.samples.models import (
    Allotment,
    AllottedNumber,
    CodeReplacement,
    Decision,
    QuantityEntry,
    Sample,
    SampleDonor,
    SampleParent,
    SampleUse,
)


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


def codes_astray() -> Iterator[str]:
    """A sample that its own number, or the maker's code on its tube, does not lead to; and a code in use that leads to
    a sample that does not bear it."""
    for kind, column in (("sample", Sample.code), ("tube", Sample.container_code)):
        leads_to_it = exists().where(
            ScannableCode.code == column,
            ScannableCode.site_id == Sample.site_id,
            ScannableCode.kind == kind,
            ScannableCode.target_id == Sample.id,
            ScannableCode.voided_at.is_(None),
        )
        query = select(Sample.code, column).where(
            Sample.status != "destroyed", column.is_not(None), ~leads_to_it
        )
        for number, code in db.session.execute(query.order_by(Sample.id)):
            yield f"{code} does not lead to {number}"
        bears_it = exists().where(
            Sample.id == ScannableCode.target_id,
            Sample.site_id == ScannableCode.site_id,
            column == ScannableCode.code,
        )
        strays = select(ScannableCode.code).where(
            ScannableCode.kind == kind,
            ScannableCode.target_id != codes.NOTHING,
            ScannableCode.voided_at.is_(None),
            ~bears_it,
        )
        for code in db.session.scalars(strays.order_by(ScannableCode.id)):
            yield f"{code} leads to a sample that does not bear it"


def numbers_astray() -> Iterator[str]:
    """A number that was replaced and is not void; and one that was printed ahead and is not where it is said to be."""
    # With the site the whole key is asked for; without it SQLite looks through all codes of that kind for each number.
    code = exists().where(
        ScannableCode.code == CodeReplacement.old_code,
        ScannableCode.site_id == Sample.site_id,
        ScannableCode.kind == "sample",
        ScannableCode.target_id == CodeReplacement.sample_id,
        ScannableCode.voided_at.is_not(None),
    )
    replaced = select(CodeReplacement.old_code).join(Sample, Sample.id == CodeReplacement.sample_id)
    for number in db.session.scalars(replaced.where(~code)):
        yield f"{number} was replaced, and is not void"
    bears_it = exists().where(Sample.id == AllottedNumber.sample_id, Sample.code == AllottedNumber.code)
    is_void = exists().where(
        ScannableCode.code == AllottedNumber.code,
        ScannableCode.site_id == Allotment.site_id,
        ScannableCode.kind == "sample",
        ScannableCode.voided_at.is_not(None),
    )
    astray = case(
        (AllottedNumber.state == "used", ~bears_it),
        else_=(AllottedNumber.state == "voided") != is_void,
    )
    query = select(AllottedNumber.code, AllottedNumber.state).where(astray).order_by(AllottedNumber.id)
    query = query.join(Allotment, Allotment.id == AllottedNumber.allotment_id)
    for number, state in db.session.execute(query):
        yield f"{number} was printed ahead, and is not {state}"


def numbers_untold() -> Iterator[str]:
    """A number that was replaced, or is on another tube than before, and the record does not tell of it."""
    told = exists().where(_entry(AuditEntry, CodeReplacement.new_code, "code_replaced"))
    query = select(CodeReplacement.old_code, CodeReplacement.new_code).where(~told)
    for old, new in db.session.execute(query.order_by(CodeReplacement.id)):
        yield f"{old} was replaced by {new}, and the record does not tell of it"
    back = aliased(AuditEntry)
    since = exists().where(_entry(back, AllottedNumber.code, "number_given_back"), back.seq > AuditEntry.seq)
    tubes = (
        select(func.count())
        .select_from(AuditEntry)
        .where(_entry(AuditEntry, AllottedNumber.code, "collected"), ~since)
        .scalar_subquery()
    )
    most = case((AllottedNumber.state.in_(("out", "returned")), 0), else_=1)
    for number in db.session.scalars(select(AllottedNumber.code).where(tubes > most)):
        yield f"{number} is off a tube, and the record does not tell of it"


def _entry(entry: Any, code: Any, act: str) -> ColumnElement[bool]:
    """SQL: this entry of the record is about the tube with this number, and tells of this act."""
    begins = entry.content.like(f'{{"act":"{act}",%')
    return and_(entry.subject_kind == "sample", entry.subject_key == code, begins)


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
    "samples: codes astray": codes_astray,
    "samples: numbers astray": numbers_astray,
    "samples: numbers untold": numbers_untold,
    "samples: decisions made again": decisions_made_again,
}


def register() -> None:
    """Have them asked every night."""
    for name, check in CHECKS.items():
        nightly.register(name, lambda check=check: list(check()))  # type: ignore[misc]
