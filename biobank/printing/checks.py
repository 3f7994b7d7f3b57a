"""Was the right label stuck on the right tube? It is scanned once it is on; a wrong one is refused, and kept."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock, settings
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import current_unit, db, fetch, lock
from biobank.core.errors import NotFound, RuleViolation
from biobank.printing.models import LabelCheck
from biobank.samples.models import Sample


def verify(*, sample: Sample, expected: str, read: str, by: Actor) -> LabelCheck:
    """The label that was just stuck on a tube was scanned.

    expected  what must stand on it: the number of the sample
    read      what the scanner read, understood
    returns   the check that matched; the first one, when its label was verified before
    raises    RuleViolation `label_mismatch` with both codes: the wrong label is on the tube
    """
    if not by.sees(sample.site_id):
        raise NotFound("sample_unknown", sample=sample.code)
    lock(Sample, [sample.id])  # two who scan it at once: one check
    if read != expected or expected != sample.code:
        sample_id, code = sample.id, sample.code

        def keep() -> None:
            _keep(sample_id, code, expected, read, matched=False, by=by)

        current_unit().after_refusal.append(keep)
        raise RuleViolation("label_mismatch", sample=sample.code, expected=expected[:100], read=read[:100])
    query = select(LabelCheck).where(LabelCheck.sample_id == sample.id, LabelCheck.matched)
    before = db.session.scalar(query)
    return before or _keep(sample.id, sample.code, expected, read, matched=True, by=by)


def _keep(sample_id: int, code: str, expected: str, read: str, *, matched: bool, by: Actor) -> LabelCheck:
    check = LabelCheck(
        sample_id=sample_id, expected=expected[:100], read=read[:256], matched=matched, station=by.station,
        recorded_at=clock.now(), recorded_by=by.key,
    )  # fmt: skip
    db.session.add(check)
    db.session.flush()
    act = "label_verified" if matched else "label_wrong"
    told = {} if matched else {"expected": check.expected, "check": check.id}
    audit.record(by=by, act=act, subject=("sample", code), after=told)
    return check


_VERIFIED = select(LabelCheck.sample_id).where(among(LabelCheck.sample_id, "ids"), LabelCheck.matched)


def verified(sample_ids: Iterable[int]) -> set[int]:
    """Those whose label was scanned on the tube and was the right one."""
    return {key for (key,) in fetch(_VERIFIED, {"ids": sorted(set(sample_ids))})}


def require_verified(samples: Sequence[Sample]) -> None:
    """Where the settings ask for it: nothing leaves whose label nobody has verified. raises RuleViolation"""
    if not settings.labels_must_be_verified():
        return
    right = verified([sample.id for sample in samples])
    missing = [sample.code for sample in samples if sample.id not in right]
    if missing:
        raise RuleViolation("labels_not_verified", samples=", ".join(missing[:20]), count=len(missing))


def checks_of(sample: Sample) -> Sequence[LabelCheck]:
    """Every scan of its label, the newest first."""
    query = select(LabelCheck).where(LabelCheck.sample_id == sample.id).order_by(LabelCheck.id.desc())
    return db.session.scalars(query.limit(50)).all()
