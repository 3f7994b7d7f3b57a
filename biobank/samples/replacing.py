"""A tube gets another number: the old one is void for ever, whoever scans it is told, and nothing else changes."""

from sqlalchemy import select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.samples import allotments, rules
from biobank.samples.allotted import kit_of
from biobank.samples.models import AllottedNumber, CodeReplacement, CollectionEvent, Sample
from biobank.studies.models import Study

#: A tube that is in our hands, or on its way to them: only on such a one can a label be stuck.
HERE = (rules.Status.EXPECTED, rules.Status.COLLECTED, rules.Status.AVAILABLE, rules.Status.DEPLETED)


def replace_code(*, sample: Sample, reason: str, by: Actor, new_code: str | None = None) -> CodeReplacement:
    """Give a tube another number. It is the same tube: its story, its place, its promises and what its donor said
    stay with it. Also one whose donor has withdrawn must be known until it is destroyed.

    new_code  a number that was printed ahead and is on no tube; the next one unless given
    raises    Malformed without a reason; RuleViolation `replace_not_here` for a tube that left, is lost or destroyed,
              `code_replaced` when somebody else did it just now; as `allotments.lock_free` and `fitting_visit` for the
              number, and `number_before` for one that another tube was given before
    """
    if not by.sees(sample.site_id):
        raise NotFound("sample_unknown", sample=sample.code)
    if not reason.strip():
        raise Malformed({"reason": Reason("replace_reason_needed")})
    old = sample.code
    number = allotments.lock_free(new_code, site_id=sample.site_id, by=by) if new_code is not None else None
    (sample,) = lock(Sample, [sample.id])
    if sample.code != old:
        raise codes.refusal_of_void(codes.Found(old, "sample", sample.id, sample.site_id, True))
    if sample.status not in HERE:
        raise RuleViolation("replace_not_here", sample=old, status=sample.status)
    if number is not None:
        _require_fitting(number, sample)
    new = number.code if number else codes.issue("sample", access.site_code(sample.site_id))[0]
    told = CodeReplacement(
        sample_id=sample.id, old_code=old, new_code=new, reason=reason.strip(), recorded_at=clock.now(),
        recorded_by=by.key,
    )  # fmt: skip
    db.session.add(told)
    db.session.flush()
    codes.register(new, "sample", sample.id, sample.site_id)
    codes.void(old, sample.site_id)
    sample.code = new
    db.session.flush()
    allotments.void_replaced(old, told.reason, by)
    if number is not None:
        allotments.use(number, sample, by)
    audit.record(
        by=by, act="code_replaced", subject=("sample", new), before={"code": old}, after={"code": new},
        reason=told.reason,
    )  # fmt: skip
    return told


def _require_fitting(number: AllottedNumber, sample: Sample) -> None:
    """What is printed on its label must be true of this tube: a label that lies is worse than none."""
    again = select(CodeReplacement.id).where(CodeReplacement.new_code == number.code)
    if db.session.scalar(again) is not None:
        raise RuleViolation("number_before", number=number.code)
    event = (
        db.session.get(CollectionEvent, sample.collection_event_id) if sample.collection_event_id else None
    )
    study, visit = db.session.get_one(Study, sample.study_id), event.visit if event is not None else None
    if allotments.fitting_visit(number, study=study, type=sample.type, visit=visit) != visit:
        kit = kit_of(number)
        title = kit.title if kit is not None else "–"
        raise RuleViolation("number_other_visit", number=number.code, kit=title, visit="–")
