"""Reads samples: by any code, in lists, with their lineage and their story. Changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select

from biobank.core import codes, scans
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.codes import Found, ScannableCode
from biobank.core.db import chunks, db, fetch
from biobank.core.errors import BiobankError, Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.samples import numbers
from biobank.samples.models import CollectionEvent, Sample, SampleDonor, SampleParent


def find_sample(code: str, by: Actor) -> Sample:
    """The sample of this number, or of this maker's tube code.

    raises  NotFound `sample_unknown` (also for another site's), RuleViolation `code_replaced`, which tells the number
            it has now, or `ambiguous_code`
    """
    try:
        return db.session.get_one(Sample, the_one(code, codes.find([code], by)))
    except RuleViolation as refusal:
        raise _fit_for(by, refusal) from None


def _fit_for(by: Actor, refusal: RuleViolation) -> RuleViolation:
    """Why a number is void is what people of the bank typed for each other: whoever reads no samples is not told."""
    if "why" not in refusal.params or by.may("sample:read") or "job" in by.roles:
        return refusal
    return RuleViolation(refusal.code, reasons=refusal.reasons, **{**refusal.params, "why": "–"})


def the_one(code: str, found: Sequence[Found]) -> int:
    """The key of the sample that a code stands for, out of everything it stands for. raises as find_sample"""
    tubes = [entry for entry in found if entry.kind in ("sample", "tube")]
    if not tubes:
        raise _no_tube(code, found)
    if len({entry.target_id for entry in tubes}) > 1:
        raise RuleViolation("ambiguous_code", sample=code[:100])
    if tubes[0].voided:
        raise codes.refusal_of_void(tubes[0])
    return tubes[0].target_id


def _no_tube(code: str, found: Sequence[Found]) -> BiobankError:
    """It may be a number that was printed ahead."""
    ahead = next((entry for entry in found if entry.kind == codes.ALLOTTED), None)
    if ahead is not None and ahead.voided:
        return codes.refusal_of_void(ahead)
    why = [Reason("number_on_no_tube", {"number": code[:100]})] if ahead is not None else []
    return NotFound("sample_unknown", reasons=why, sample=code[:100])


def find_scanned(raw: str, by: Actor, *, clean: bool = False) -> Sample:
    """The sample whose tube was scanned, also with a badly set scanner.

    clean   a reading that had to be repaired will not do
    raises  NotFound `sample_unknown`, with the check digits as a reason where they are wrong; as `core.scans.meant`
    """
    try:
        meant = scans.meant(raw, by, clean=clean, kinds=("sample", "tube"))
    except NotFound as unknown:
        raise NotFound("sample_unknown", reasons=unknown.reasons, sample=raw.strip()[:100]) from None
    return db.session.get_one(Sample, meant.found.target_id)


class Told(NamedTuple):
    """What must be known of a sample to ask about its use."""

    id: int
    code: str
    study_id: int
    type: str


# What kind of thing a code stands for is looked at afterwards: asked here, SQLite would look through all of that kind.
_TOLD = (
    select(
        ScannableCode.code,
        ScannableCode.kind,
        ScannableCode.site_id,
        Sample.id,
        Sample.code,
        Sample.study_id,
        Sample.type,
    )
    .join(Sample, Sample.id == ScannableCode.target_id)
    .where(among(ScannableCode.code, "codes"), ScannableCode.voided_at.is_(None))
)


def told_of(wanted: Sequence[str], by: Actor) -> list[Told]:
    """The samples of these codes, in the order given, as few columns: one query for any number of them.

    raises  RuleViolation `code_replaced` for a number that a tube no longer has; Malformed naming the unknown ones
    """
    asked = [code for code in dict.fromkeys(wanted) if code.isprintable()]
    rows = fetch(_TOLD, {"codes": asked})
    found = {row[0]: Told(*row[3:]) for row in rows if row[1] in ("sample", "tube") and by.sees(row[2])}
    if missing := [code for code in dict.fromkeys(wanted) if code not in found]:
        for entry in codes.find(missing, by):
            if entry.voided and entry.kind in ("sample", "tube"):
                raise _fit_for(by, codes.refusal_of_void(entry))
        raise Malformed({"samples": Reason("samples_unknown", {"samples": ", ".join(missing[:20])})})
    return [found[code] for code in wanted]


def find_samples(wanted: Sequence[str], by: Actor) -> list[Sample]:
    """The rows of the same, in two queries for any number of codes. raises as `told_of`"""
    told = told_of(wanted, by)
    rows = by_keys(each.id for each in told)
    return [rows[each.id] for each in told]


_BY_KEYS = select(Sample).where(among(Sample.id, "ids"))


def by_keys(sample_ids: Iterable[int]) -> dict[int, Sample]:
    """Sample key -> its row; one query for any number of them."""
    rows = db.session.scalars(_BY_KEYS, {"ids": sorted(set(sample_ids))})
    return {sample.id: sample for sample in rows}


def visible(by: Actor) -> Select[Any]:
    """Samples the actor may see."""
    query = select(Sample)
    return query if by.site_id is None else query.where(Sample.site_id == by.site_id)


def list_samples(
    by: Actor,
    *,
    study_id: int | None = None,
    patient_id: int | None = None,
    type: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[Sample]:
    """Samples, newest first, a page at a time."""
    query = visible(by)
    if study_id is not None:
        query = query.where(Sample.study_id == study_id)
    if patient_id is not None:
        query = query.join(SampleDonor, SampleDonor.sample_id == Sample.id)
        query = query.where(SampleDonor.patient_id == patient_id)
    if type:
        query = query.where(Sample.type == type)
    if status:
        query = query.where(Sample.status == status)
    return page_of(query, Sample.id, after=after, limit=limit)


def parents_of(sample_ids: Iterable[int]) -> dict[int, list[str]]:
    """Sample key -> codes of what it was made from."""
    parents: dict[int, list[str]] = {}
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = (
            select(SampleParent.child_id, Sample.code)
            .join(Sample, Sample.id == SampleParent.parent_id)
            .where(SampleParent.child_id.in_(chunk))
            .order_by(Sample.id)
        )
        for child, code in db.session.execute(query):
            parents.setdefault(child, []).append(code)
    return parents


def children_of(sample_id: int) -> list[str]:
    """Codes of what was made of it, in the order they were made."""
    query = select(Sample.code).join(SampleParent, SampleParent.child_id == Sample.id)
    return list(db.session.scalars(query.where(SampleParent.parent_id == sample_id).order_by(Sample.id)))


def descendant_ids(sample_ids: Iterable[int]) -> list[int]:
    """Everything made of these, however deep, without them; in the order of their keys."""
    roots = sorted(set(sample_ids))
    tree = (
        select(SampleParent.child_id.label("id")).where(SampleParent.parent_id.in_(roots)).cte(recursive=True)
    )
    tree = tree.union(select(SampleParent.child_id).join(tree, SampleParent.parent_id == tree.c.id))
    return sorted(set(db.session.scalars(select(tree.c.id))) - set(roots))


def family_ids(sample: Sample) -> list[int]:
    """Keys of a sample and of all that was made of it."""
    return [sample.id, *descendant_ids([sample.id])]


@dataclass
class Branch:
    """One sample in a lineage, with what was made of it.

    sample  its id, code, type, status, quantity_kind and remaining
    """

    sample: Any
    is_asked: bool
    children: list["Branch"] = field(default_factory=list)


#: A lineage page shows at most this many samples; the rest is counted.
MOST_SHOWN = 300


def _family() -> Select[Any]:
    """A sample, what it was made from, and what was made of all these: a row for each and each of its parents.

    When there are more than can be shown, itself, its parents and theirs come before the others.
    """
    above = select(Sample.id.label("id")).where(Sample.id == bindparam("id")).cte("above", recursive=True)
    above = above.union(select(SampleParent.parent_id).join(above, SampleParent.child_id == above.c.id))
    family = select(above.c.id).cte("family", recursive=True)
    family = family.union(select(SampleParent.child_id).join(family, SampleParent.parent_id == family.c.id))
    is_above = family.c.id.in_(select(above.c.id))
    first = (
        select(family.c.id, func.count().over().label("total"))
        .order_by(family.c.id != bindparam("id"), ~is_above, family.c.id)
        .limit(MOST_SHOWN)
        .subquery("first")
    )
    return (
        select(
            Sample.id, Sample.code, Sample.type, Sample.status, Sample.quantity_kind, Sample.remaining,
            SampleParent.parent_id, first.c.total,
        )
        .join(first, first.c.id == Sample.id)
        .outerjoin(SampleParent, SampleParent.child_id == Sample.id)
        .order_by(Sample.id, SampleParent.parent_id)
    )  # fmt: skip


_FAMILY = _family()


def lineage(sample_id: int) -> tuple[list[Branch], int]:
    """The family of a sample as trees, from its first ancestors down; one query.

    returns  (trees, how many more there are). A pool stands under each of its parents' trees once
    """
    found = fetch(_FAMILY, {"id": sample_id})
    rows = {row.id: row for row in found}
    links: dict[int, list[int]] = {}
    for row in found:
        if row.parent_id in rows:
            links.setdefault(row.parent_id, []).append(row.id)
    children = {child for below in links.values() for child in below}

    def grow(key: int) -> Branch:
        return Branch(rows[key], key == sample_id, [grow(child) for child in links.get(key, [])])

    return [grow(key) for key in rows if key not in children], found[0].total - len(rows)


def events_of(samples: Sequence[Sample]) -> dict[int, CollectionEvent]:
    """Event key -> event, for these samples."""
    keys = sorted({sample.collection_event_id for sample in samples if sample.collection_event_id})
    found: dict[int, CollectionEvent] = {}
    for chunk in chunks(keys, 500):
        query = select(CollectionEvent).where(CollectionEvent.id.in_(chunk))
        found |= {event.id: event for event in db.session.scalars(query)}
    return found


def ever_called(wanted: Iterable[str], by: Actor) -> dict[str, Sample]:
    """Code -> the sample that has it, or had it before it was replaced. So is looked up what we wrote down."""
    keys = numbers.ever_called(wanted, by)
    rows = by_keys(keys.values())
    return {code: rows[key] for code, key in keys.items()}


def find_told(code: str, by: Actor) -> Sample:
    """The same of one. raises NotFound `sample_unknown`"""
    found = ever_called([code], by).get(code)
    if found is None:
        raise NotFound("sample_unknown", sample=code[:100])
    return found
