"""Writes new samples, many at a time: rows, numbers, donors, parents, ledger, inherited holds, and the record of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select

from biobank.audit import service as audit
from biobank.core import clock, codes, units
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.times import When
from biobank.samples.models import Hold, Processing, QuantityEntry, Sample, SampleDonor, SampleParent


@dataclass
class NewSample:
    """What is known of a sample that is about to exist.

    quantity  (kind, amount in base units) or None when nobody knows
    parents   the samples it is made from, with what their holds and codes are
    donors    patient keys
    """

    study_id: int
    type: str
    origin: str
    donors: Sequence[int]
    collection_event_id: int | None = None
    vessel: str = "tube"
    status: str = "available"
    quantity: tuple[str, int] | None = None
    container_code: str | None = None
    parents: Sequence[Sample] = field(default_factory=tuple)
    told: dict[str, Any] = field(default_factory=dict)
    """What the record says besides."""


def start(act: str, site_id: int, *, happened: When, by: Actor) -> Processing:
    """Begin a step that makes samples."""
    step = Processing(
        site_id=site_id, act=act, happened_at=happened.at, precision=happened.precision, recorded_at=clock.now(),
        actor_key=by.key,
    )  # fmt: skip
    db.session.add(step)
    db.session.flush()
    return step


def make(
    items: Sequence[NewSample],
    *,
    site_id: int,
    site_code: str,
    step: Processing | None,
    happened: When,
    by: Actor,
) -> list[Sample]:
    """Write samples, set by set. The caller holds the locks of their donors and parents.

    step      what made them; None for what is only collected and not received
    happened  when they were received or made
    returns   the samples, in the order given
    """
    numbers = codes.issue("sample", site_code, len(items))
    rows = [_row(item, code, site_id, step, happened) for item, code in zip(items, numbers, strict=True)]
    samples: list[Sample] = []
    for chunk in chunks(rows, 500):
        samples += db.session.scalars(
            insert(Sample).returning(Sample, sort_by_parameter_order=True), list(chunk)
        )
    _enter_codes(samples, site_id)
    _link(samples, items)
    _open_ledger(samples, items, step, happened, by)
    _inherit_holds(samples, items, by)
    for sample, item in zip(samples, items, strict=True):
        audit.record(by=by, act=_ACTS[item.origin], subject=("sample", sample.code), after=_told(sample, item),
                     happened=happened)  # fmt: skip
    return samples


#: What the record calls the birth of a sample, by its origin.
_ACTS = {
    "collected": "collected", "aliquoted": "created_from", "derived": "created_from", "pooled": "pooled_from",
    "imported": "imported",
}  # fmt: skip


def _row(item: NewSample, code: str, site_id: int, step: Processing | None, happened: When) -> dict[str, Any]:
    kind, amount = item.quantity or (None, None)
    treated = item.status == "available"
    return {
        "site_id": site_id,
        "code": code,
        "container_code": item.container_code,
        "study_id": item.study_id,
        "collection_event_id": item.collection_event_id,
        "type": item.type,
        "vessel": item.vessel,
        "status": item.status,
        "origin": item.origin,
        "processing_id": step.id if step else None,
        "treated_at": happened.at if treated else None,
        "treated_precision": happened.precision if treated else None,
        "quantity_kind": kind,
        "initial": amount,
        "remaining": amount,
        "reserved": 0,
        "recorded_at": clock.now(),
    }


def _enter_codes(samples: Sequence[Sample], site_id: int) -> None:
    entries = [(sample.code, "sample", sample.id) for sample in samples]
    entries += [(sample.container_code, "tube", sample.id) for sample in samples if sample.container_code]
    codes.register_many(entries, site_id)


def _link(samples: Sequence[Sample], items: Sequence[NewSample]) -> None:
    pairs = list(zip(samples, items, strict=True))
    donors = [
        {"sample_id": sample.id, "patient_id": key}
        for sample, item in pairs
        for key in sorted(set(item.donors))
    ]
    parents = [
        {"child_id": sample.id, "parent_id": parent.id} for sample, item in pairs for parent in item.parents
    ]
    for table, rows in ((SampleDonor, donors), (SampleParent, parents)):
        for chunk in chunks(rows, 2000):
            db.session.execute(insert(table), list(chunk))


def _open_ledger(
    samples: Sequence[Sample], items: Sequence[NewSample], step: Processing | None, happened: When, by: Actor
) -> None:
    rows = [
        {
            "sample_id": sample.id,
            "amount": item.quantity[1],
            "act": item.origin,
            "processing_id": step.id if step else None,
            "happened_at": happened.at,
            "recorded_at": clock.now(),
            "actor_key": by.key,
        }
        for sample, item in zip(samples, items, strict=True)
        if item.quantity
    ]
    for chunk in chunks(rows, 2000):
        db.session.execute(insert(QuantityEntry), list(chunk))


def _inherit_holds(samples: Sequence[Sample], items: Sequence[NewSample], by: Actor) -> None:
    """A child of a held parent is born held, for the same reason, once per reason."""
    parents = sorted({parent.id for item in items for parent in item.parents})
    if not parents:
        return
    query = select(Hold).where(Hold.sample_id.in_(parents), Hold.released_at.is_(None))
    held: dict[int, list[Hold]] = {}
    for hold in db.session.scalars(query):
        held.setdefault(hold.sample_id, []).append(hold)
    rows = [
        {"sample_id": sample.id, "code": code, "note": hold.note, "inherited_from_id": hold.id,
         "opened_at": clock.now(), "opened_by": by.key}
        for sample, item in zip(samples, items, strict=True)
        for code, hold in {h.code: h for parent in item.parents for h in held.get(parent.id, ())}.items()
    ]  # fmt: skip
    if rows:
        db.session.execute(insert(Hold), rows)


def _told(sample: Sample, item: NewSample) -> dict[str, Any]:
    told: dict[str, Any] = {"type": sample.type, "status": sample.status}
    if item.quantity:
        kind, amount = item.quantity
        told["quantity"] = f"{units.show(kind, amount)} {units.KINDS[kind].unit}"
    if item.parents:
        told["parents"] = [parent.code for parent in item.parents]
    if item.container_code:
        told["container_code"] = item.container_code
    return told | item.told
