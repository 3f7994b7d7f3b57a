"""Was the right label stuck on the right tube? It is scanned once it is on; a wrong one is refused, and kept.

What says which tube it is, its maker's code or its old label, is scanned before: only then is a swap of two seen. A
label that was only seen by itself, and is then read on another tube, counts no more.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.audit.models import AuditEntry
from biobank.core import checks as nightly
from biobank.core import clock, codes, scans, settings
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import current_unit, db, fetch, lock
from biobank.core.errors import BiobankError, NotFound, RuleViolation
from biobank.printing.models import LabelCheck, LabelJob
from biobank.samples import numbers
from biobank.samples.models import Sample, SampleDonor
from biobank.samples.reading import find_told

#: Kept in place of a patient's code that was read on a tube: it could never be forgotten with the person.
SOMEBODY = "…"
#: A batch shows at most so many tubes of one person.
MOST_IN_BATCH = 200


def verify(*, sample: Sample, read: str, by: Actor, known_by: str | None = None) -> LabelCheck:
    """The label that was just stuck on a tube was scanned.

    read      what the scanner read, understood: the number of the sample, or it is the wrong label
    known_by  what was read on the tube before, to know which it is: its maker's code, or its old label
    returns   the check that matched; the first one, when this print of its label was verified before
    raises    RuleViolation `label_mismatch` with both codes: the wrong label is on the tube; `label_seen_elsewhere`:
              it was read on another tube since it was verified, and is to be printed again; `label_not_out`: it was
              asked for again and has not come out, so what was read is the label of before
    """
    if not by.sees(sample.site_id):
        raise NotFound("sample_unknown", sample=sample.code)
    (sample,) = lock(Sample, [sample.id])  # two who scan it at once: one check
    print_ = newest_print(sample.code)
    if read != sample.code:
        _refuse(sample, read, known_by, print_, by)
    if not is_out(sample.code, print_):
        raise RuleViolation("label_not_out", sample=sample.code, mark=f"R{print_}")
    query = select(LabelCheck).where(
        LabelCheck.sample_id == sample.id, LabelCheck.matched, LabelCheck.expected == sample.code,
        LabelCheck.reprint == print_,
    )  # fmt: skip
    before = db.session.scalar(query)
    if before is None:
        return _keep(sample.id, sample.code, read, known_by, print_, by, matched=True)
    if sample.id not in verified([sample.id]):
        raise RuleViolation("label_seen_elsewhere", sample=sample.code)
    return before


def _refuse(sample: Sample, read: str, known_by: str | None, print_: int, by: Actor) -> None:
    """Keep what was read, of this tube and of the one whose label it is: both are to be put right."""
    sample_id, expected, code = sample.id, sample.code, read
    if any(found.kind == "patient" for found in codes.find([read], by)):
        read = SOMEBODY
    key = numbers.ever_called([code], by).get(code)
    other = db.session.get(Sample, key) if key is not None and key != sample_id else None
    theirs = (other.id, other.code, newest_print(other.code)) if other is not None else None

    def keep() -> None:
        _keep(sample_id, expected, read, known_by, print_, by, matched=False)
        if theirs is not None and theirs[1] == read:
            _keep(theirs[0], theirs[1], read, known_by or expected, theirs[2], by, matched=False)

    current_unit().after_refusal.append(keep)
    raise RuleViolation("label_mismatch", sample=expected, expected=expected, read=code[:100])


def _keep(
    sample_id: int, code: str, read: str, known_by: str | None, print_: int, by: Actor, *, matched: bool
) -> LabelCheck:
    check = LabelCheck(
        sample_id=sample_id, expected=code, read=read[:256], matched=matched, reprint=print_,
        known_by=known_by and known_by[:256], station=by.station, recorded_at=clock.now(), recorded_by=by.key,
    )  # fmt: skip
    db.session.add(check)
    db.session.flush()
    act = "label_verified" if matched else "label_wrong"
    told = {} if matched else {"expected": check.expected, "check": check.id}
    audit.record(by=by, act=act, subject=("sample", code), after=told)
    return check


def newest_print(code: str) -> int:
    """0 for a label as it was first printed; what R1, R2 … stands on after that."""
    query = select(func.max(LabelJob.reprint)).where(LabelJob.code == code, LabelJob.state != "cancelled")
    return db.session.scalar(query) or 0


def is_out(code: str, print_: int | None = None) -> bool:
    """May the newest print of this label be on a tube? What was asked for again, and waits, is not; a first label may
    have been printed anywhere."""
    print_ = newest_print(code) if print_ is None else print_
    if not print_:
        return True
    query = select(LabelJob.id).where(
        LabelJob.code == code, LabelJob.reprint == print_, LabelJob.state.not_in(("waiting", "cancelled"))
    )
    return db.session.scalar(query.limit(1)) is not None


# --- is it verified?


def is_verified(sample: Any = Sample) -> ColumnElement[bool]:
    """SQL: the present label of this sample, in its newest print, was read on the tube and was the right one.

    A check that knows the tube by something else than the label holds; another one, as of a label that was printed
    ahead, holds until the label is read on another tube.
    """
    newest = (
        select(func.coalesce(func.max(LabelJob.reprint), 0))
        .where(LabelJob.code == sample.code, LabelJob.state != "cancelled")
        .correlate(sample)
        .scalar_subquery()
    )
    elsewhere = aliased(LabelCheck)
    seen_elsewhere = exists().where(
        elsewhere.sample_id == LabelCheck.sample_id, ~elsewhere.matched, elsewhere.id > LabelCheck.id,
        elsewhere.read == elsewhere.expected,
    )  # fmt: skip
    return (
        exists()
        .where(
            LabelCheck.sample_id == sample.id, LabelCheck.matched, LabelCheck.expected == sample.code,
            LabelCheck.reprint >= newest,
            (LabelCheck.known_by != LabelCheck.expected) | ~seen_elsewhere,
        )
        .correlate(sample)
    )  # fmt: skip


def is_labelled(sample: Any = Sample) -> ColumnElement[bool]:
    """SQL: a label with the present number of this sample was printed by us, or is being."""
    asked = exists().where(LabelJob.code == sample.code, LabelJob.state != "cancelled")
    return asked.correlate(sample)


_VERIFIED = select(Sample.id).where(among(Sample.id, "ids"), is_verified())
_UNVERIFIED = select(Sample.id).where(among(Sample.id, "ids"), is_labelled(), ~is_verified())


def verified(sample_ids: Iterable[int]) -> set[int]:
    """Those whose label was scanned on the tube and was the right one."""
    return {key for (key,) in fetch(_VERIFIED, {"ids": sorted(set(sample_ids))})}


def unverified(sample_ids: Iterable[int]) -> set[int]:
    """Those that have a label of ours, and nobody has verified it."""
    return {key for (key,) in fetch(_UNVERIFIED, {"ids": sorted(set(sample_ids))})}


def must_be_verified(site_id: int) -> bool:
    """Does this site let nothing out whose label nobody has verified?"""
    return settings.labels_must_be_verified(
        access.site_code(site_id) if settings.sites_that_verify() else None
    )


def require_verified(samples: Sequence[Sample]) -> None:
    """Where the site asks for it: nothing leaves whose label nobody has verified. raises RuleViolation"""
    asked = {site_id for site_id in {sample.site_id for sample in samples} if must_be_verified(site_id)}
    if not asked:
        return
    right = verified([sample.id for sample in samples])
    missing = [sample.code for sample in samples if sample.site_id in asked and sample.id not in right]
    if missing:
        raise RuleViolation("labels_not_verified", samples=", ".join(missing[:20]), count=len(missing))


def checks_of(sample: Sample) -> Sequence[LabelCheck]:
    """Every scan of its label, the newest first."""
    query = select(LabelCheck).where(LabelCheck.sample_id == sample.id).order_by(LabelCheck.id.desc())
    return db.session.scalars(query.limit(50)).all()


def batch_of(patient_id: int) -> list[Sample]:
    """Tubes of one person that are here and whose labels are still to be verified, in the order they were made."""
    query = (
        select(Sample)
        .join(SampleDonor, SampleDonor.sample_id == Sample.id)
        .where(
            SampleDonor.patient_id == patient_id, Sample.status.in_(("collected", "available")), is_labelled(),
            ~is_verified(),
        )
        .order_by(Sample.id)
    )  # fmt: skip
    return list(db.session.scalars(query.limit(MOST_IN_BATCH)))


def _verified_by_nobody() -> list[str]:
    """Labels that are said to be verified, and the record does not tell of it."""
    told = exists().where(
        AuditEntry.subject_kind == "sample", AuditEntry.subject_key == LabelCheck.expected,
        AuditEntry.content.like('{"act":"label_verified","actor":"' + LabelCheck.recorded_by + '",%'),
    )  # fmt: skip
    query = select(LabelCheck.expected).where(LabelCheck.matched, ~told).order_by(LabelCheck.id)
    return [f"the label of {code} was verified by nobody" for code in db.session.scalars(query)]


nightly.register("labels: verified by nobody", _verified_by_nobody)


# --- scanned as a pair


def tube_in_hand(raw: str, by: Actor) -> tuple[Sample, str]:
    """The tube whose maker's code or old label was scanned, and that text: so it is known which label belongs on it.

    The old label of a tube that got another number is no longer valid, and still says which tube it is.

    raises  RuleViolation `pair_label_first` for a label that is valid: it is what is to be verified, and proves nothing
            of the tube that it is stuck on; as `core.scans.meant`
    """
    try:
        meant = scans.meant(raw, by, kinds=("sample", "tube"))
    except BiobankError as refusal:
        if refusal.code != "code_replaced":
            raise
        old = str(refusal.params["sample"])
        return find_told(old, by), old
    sample = db.session.get_one(Sample, meant.found.target_id)
    if meant.found.kind == "sample":
        raise RuleViolation("pair_label_first", sample=sample.code)
    return sample, meant.found.code


def known_by(sample: Sample, raw: str, by: Actor) -> str:
    """What was scanned to know this tube. raises RuleViolation `pair_other_tube` where it is another one"""
    found, text = tube_in_hand(raw, by)
    if found.id != sample.id:
        raise RuleViolation("pair_other_tube", sample=sample.code, tube=found.code)
    return text


def read_label(raw: str, by: Actor) -> str:
    """What was scanned, also with a badly set scanner; a code that nobody knows, as it came."""
    try:
        return scans.meant(raw[:300], by).found.code
    except BiobankError as refusal:
        if refusal.code == "code_replaced":
            return str(refusal.params["sample"])
        return raw.strip()[:256]
