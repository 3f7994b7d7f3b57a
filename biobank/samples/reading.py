"""Reads samples: by any code, in lists, with their lineage and their story. Changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from biobank.audit import service as audit
from biobank.core import codes, scans
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.codes import ScannableCode
from biobank.core.db import chunks, db, fetch
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.samples.models import CollectionEvent, Hold, Sample, SampleDonor, SampleParent
from biobank.studies.models import Study


def find_sample(code: str, by: Actor) -> Sample:
    """The sample of this number, or of this maker's tube code.

    raises  NotFound `sample_unknown` (also for another site's), RuleViolation `code_voided` or `ambiguous_code`
    """
    found = [entry for entry in codes.find([code], by) if entry.kind in ("sample", "tube")]
    if not found:
        raise NotFound("sample_unknown", sample=code[:100])
    if len({entry.target_id for entry in found}) > 1:
        raise RuleViolation("ambiguous_code", sample=code[:100])
    if found[0].voided:
        raise RuleViolation("code_voided", sample=code[:100])
    return db.session.get_one(Sample, found[0].target_id)


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

    raises  Malformed naming the codes that are unknown
    """
    asked = [code for code in dict.fromkeys(wanted) if code.isprintable()]
    rows = fetch(_TOLD, {"codes": asked})
    found = {row[0]: Told(*row[3:]) for row in rows if row[1] in ("sample", "tube") and by.sees(row[2])}
    if missing := [code for code in dict.fromkeys(wanted) if code not in found]:
        raise Malformed({"samples": Reason("samples_unknown", {"samples": ", ".join(missing[:20])})})
    return [found[code] for code in wanted]


def find_samples(wanted: Sequence[str], by: Actor) -> list[Sample]:
    """The rows of the same, a constant number of queries a thousand codes. raises as `told_of`"""
    told = told_of(wanted, by)
    rows: dict[int, Sample] = {}
    for keys in chunks(sorted({each.id for each in told}), 500):
        rows |= {
            sample.id: sample for sample in db.session.scalars(select(Sample).where(Sample.id.in_(keys)))
        }
    return [rows[each.id] for each in told]


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


def children_of(sample: Sample) -> list[str]:
    """Codes of what was made of it, in the order they were made."""
    query = select(Sample.code).join(SampleParent, SampleParent.child_id == Sample.id)
    return list(db.session.scalars(query.where(SampleParent.parent_id == sample.id).order_by(Sample.id)))


def study_code(sample: Sample) -> str:
    """The study it was taken for."""
    return db.session.get_one(Study, sample.study_id).code


def hold_codes(sample: Sample) -> list[str]:
    """Why it may not be used now."""
    query = select(Hold.code).where(Hold.sample_id == sample.id, Hold.released_at.is_(None))
    return list(db.session.scalars(query.order_by(Hold.id)))


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


def _ancestor_ids(sample_id: int) -> set[int]:
    tree = select(Sample.id).where(Sample.id == sample_id).cte(recursive=True)
    tree = tree.union(select(SampleParent.parent_id).join(tree, SampleParent.child_id == tree.c.id))
    return set(db.session.scalars(select(tree.c.id)))


@dataclass
class Branch:
    """One sample in a lineage, with what was made of it."""

    sample: Sample
    is_asked: bool
    children: list["Branch"] = field(default_factory=list)


#: A lineage page shows at most this many samples; the rest is counted.
MOST_SHOWN = 300


def lineage(sample: Sample) -> tuple[list[Branch], int]:
    """The family of a sample as trees, from its first ancestors down.

    returns  (trees, how many more there are). A pool stands under each of its parents' trees once
    """
    above = _ancestor_ids(sample.id)
    family = sorted(above | set(descendant_ids(above)))
    shown = set(family[:MOST_SHOWN]) | above
    rows: dict[int, Sample] = {}
    links: dict[int, list[int]] = {}
    for chunk in chunks(sorted(shown), 500):
        rows |= {row.id: row for row in db.session.scalars(select(Sample).where(Sample.id.in_(chunk)))}
        query = select(SampleParent.parent_id, SampleParent.child_id).where(SampleParent.child_id.in_(chunk))
        for parent, child in db.session.execute(query.order_by(SampleParent.child_id)):
            links.setdefault(parent, []).append(child)
    children = {child for below in links.values() for child in below}

    def grow(key: int) -> Branch:
        below = [grow(child) for child in links.get(key, []) if child in rows]
        return Branch(rows[key], key == sample.id, below)

    roots = [key for key in sorted(above) if key not in children]
    return [grow(root) for root in roots], len(family) - len(shown & set(family))


def events_of(samples: Sequence[Sample]) -> dict[int, CollectionEvent]:
    """Event key -> event, for these samples."""
    keys = sorted({sample.collection_event_id for sample in samples if sample.collection_event_id})
    found: dict[int, CollectionEvent] = {}
    for chunk in chunks(keys, 500):
        query = select(CollectionEvent).where(CollectionEvent.id.in_(chunk))
        found |= {event.id: event for event in db.session.scalars(query)}
    return found


def story(sample: Sample) -> list[dict[str, Any]]:
    """What happened to a sample, oldest first: entries of the record, about it alone."""
    return audit.history("sample", sample.code)
