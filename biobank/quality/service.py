"""QUALITY: what went wrong with a tube or a container, at which stage, and what was done about it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select

from biobank.audit import service as audit
from biobank.core import clock, vocabularies
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, chunks, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.core.times import When
from biobank.core.vocabularies import NonConformityReason
from biobank.quality.models import NonConformity
from biobank.samples import holds
from biobank.samples import rules as life
from biobank.samples.models import Sample
from biobank.storage.models import Container

STAGES = ("arrival", "processing", "storage", "transfer")
#: The hold on a tube that must not be shipped.
HOLD = "non_conformity"


def record(
    *,
    code: str,
    stage: str,
    by: Actor,
    sample: Sample | None = None,
    container: Container | None = None,
    note: str | None = None,
    at: When | None = None,
) -> NonConformity:
    """Say what is wrong with a sample or a container. A sample that may not be shipped so is held.

    code    from config/vocabularies/non_conformities.csv
    at      when it happened; now unless given
    raises  Malformed for an unknown code or stage; NotFound for another site's; RuleViolation for a time to come
    """
    reason = _reason(code)
    if stage not in STAGES:
        known = ", ".join(STAGES)
        raise Malformed({"stage": Reason("stage_unknown", {"given": stage[:20], "known": known})})
    happened = at or When.now(clock.now)
    life.refuse([life.act_not_in_future(happened, clock.now(), clock.zone())])
    site_id, subject = _subject(sample, container, by)
    if sample is not None and reason.bars_shipping:
        lock(Sample, [sample.id])
        holds.hold_many([sample.id], code=HOLD, note=reason.label, by=by)
    item = NonConformity(
        site_id=site_id, sample_id=sample.id if sample is not None else None,
        container_id=container.id if container is not None else None, code=code, stage=stage, note=note or None,
        happened_at=happened.at or clock.now(), recorded_at=clock.now(), recorded_by=by.key,
    )  # fmt: skip
    db.session.add(item)
    db.session.flush()
    audit.record(
        by=by, act="non_conformity", subject=subject, after={"what": code, "stage": stage, "item": item.id},
        reason=note or None, happened=happened,
    )  # fmt: skip
    return item


def close(*, item: NonConformity, action: str, by: Actor) -> NonConformity:
    """Say what was done about it. The hold of a sample ends with the last thing that keeps it from being shipped.

    raises  Malformed without an action; RuleViolation when it is closed already
    """
    if not action.strip():
        raise Malformed({"action": Reason("action_needed")})
    if not by.sees(item.site_id):
        raise NotFound("non_conformity_unknown", item=item.id)
    if item.sample_id is not None:
        lock(Sample, [item.sample_id])
    else:
        lock(Container, [item.container_id] if item.container_id is not None else [])
    db.session.refresh(item)
    if item.closed_at is not None:
        raise RuleViolation("non_conformity_closed", item=item.id)
    item.closed_at, item.closed_by, item.action = clock.now(), by.key, action.strip()
    db.session.flush()
    sample = db.session.get(Sample, item.sample_id) if item.sample_id is not None else None
    if sample is not None and not _bars(sample.id):
        holds.release_many([sample.id], code=HOLD, reason=action.strip(), by=by)
    audit.record(
        by=by, act="non_conformity_closed", subject=_named(item), before={"what": item.code, "item": item.id},
        reason=action.strip(),
    )  # fmt: skip
    return item


def open_of(sample_ids: Sequence[int]) -> dict[int, list[NonConformity]]:
    """Sample key -> what is wrong with it and not dealt with, the oldest first."""
    found: dict[int, list[NonConformity]] = {}
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = select(NonConformity).where(
            NonConformity.sample_id.in_(chunk), NonConformity.closed_at.is_(None)
        )
        for item in db.session.scalars(query.order_by(NonConformity.id)):
            found.setdefault(item.sample_id or 0, []).append(item)
    return found


def history(*, sample: Sample | None = None, container: Container | None = None) -> list[NonConformity]:
    """Everything that was ever wrong with one thing, the newest first."""
    query = select(NonConformity).order_by(NonConformity.id.desc())
    if sample is not None:
        return list(db.session.scalars(query.where(NonConformity.sample_id == sample.id)))
    return list(
        db.session.scalars(query.where(NonConformity.container_id == (container.id if container else None)))
    )


def find_item(key: int, by: Actor) -> NonConformity:
    """raises NotFound, also for another site's"""
    found = db.session.get(NonConformity, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("non_conformity_unknown", item=key)
    return found


def list_open(
    by: Actor, *, stage: str | None = None, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[NonConformity]:
    """What nobody has dealt with, the oldest first, a page at a time."""
    query = _of_site(select(NonConformity).where(NonConformity.closed_at.is_(None)), by)
    if stage:
        query = query.where(NonConformity.stage == stage)
    return page_of(query, NonConformity.id, after=after, limit=limit, newest_first=False)


def count_open(by: Actor) -> int:
    """How much nobody has dealt with."""
    query = _of_site(select(func.count(NonConformity.id)).where(NonConformity.closed_at.is_(None)), by)
    return db.session.scalar(query) or 0


def offered(stage: str) -> list[NonConformityReason]:
    """What is offered at a stage, in the order of the list."""
    return [reason for reason in vocabularies.non_conformities().values() if stage in reason.stages]


def _of_site(query: Select[Any], by: Actor) -> Select[Any]:
    return query if by.site_id is None else query.where(NonConformity.site_id == by.site_id)


def _reason(code: str) -> NonConformityReason:
    known = vocabularies.non_conformities()
    if code not in known:
        params = {"given": code[:40], "known": ", ".join(known)}
        raise Malformed({"code": Reason("non_conformity_code_unknown", params)})
    return known[code]


def _subject(sample: Sample | None, container: Container | None, by: Actor) -> tuple[int, tuple[str, str]]:
    if (sample is None) == (container is None):
        raise TypeError("one of sample and container is what is wrong")
    if sample is not None:
        if not by.sees(sample.site_id):
            raise NotFound("sample_unknown", sample=sample.code)
        return sample.site_id, ("sample", sample.code)
    assert container is not None  # noqa: S101  one of the two is given
    if not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)
    return container.site_id, ("container", container.code)


def _named(item: NonConformity) -> tuple[str, str]:
    if item.sample_id is not None:
        return "sample", db.session.get_one(Sample, item.sample_id).code
    return "container", db.session.get_one(Container, item.container_id).code


def _bars(sample_id: int) -> bool:
    barring = {code for code, reason in vocabularies.non_conformities().items() if reason.bars_shipping}
    return any(item.code in barring for item in open_of([sample_id]).get(sample_id, []))
