"""Writes new samples, many at a time: rows, numbers, donors, parents, ledger, inherited holds, and the record of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import insert, select

from biobank.audit import service as audit
from biobank.core import bulk, clock, codes, units
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.times import When
from biobank.samples.models import Hold, Processing, QuantityEntry, Sample, SampleDonor, SampleParent


class Named(Protocol):
    """A sample that stands here: its key and its number are all that is asked of a parent."""

    @property
    def id(self) -> int: ...

    @property
    def code(self) -> str: ...


class Made(NamedTuple):
    """A sample that was just written."""

    id: int
    code: str


@dataclass
class NewSample:
    """What is known of a sample that is about to exist.

    quantity    (kind, amount in base units) or None when nobody knows
    left_known  False: the quantity is what there was in the beginning, and nobody knows what is left of it
    parents     the samples it is made from
    donors      patient keys
    code        its number, where that was printed ahead; else it gets the next one
    """

    study_id: int
    type: str
    origin: str
    donors: Sequence[int]
    collection_event_id: int | None = None
    vessel: str = "tube"
    status: str = "available"
    quantity: tuple[str, int] | None = None
    left_known: bool = True
    container_code: str | None = None
    code: str | None = None
    parents: Sequence[Named] = field(default_factory=tuple)
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
    codes.require_free([item.container_code for item in items if item.container_code], site_id)
    issued = iter(codes.issue("sample", site_code, sum(item.code is None for item in items)))
    now = clock.now()
    rows = [_row(item, item.code or next(issued), site_id, step, happened, now) for item in items]
    samples: list[Sample] = []
    for chunk in chunks(rows, 500):
        samples += db.session.scalars(
            insert(Sample).returning(Sample, sort_by_parameter_order=True), list(chunk)
        )
    made = [Made(sample.id, sample.code) for sample in samples]
    codes.register_many(_codes(made, items), site_id)
    _write_around(made, items, step, happened, by)
    return samples


def make_many(
    items: Sequence[NewSample], *, site_id: int, site_code: str, step: Processing, happened: When, by: Actor
) -> list[Made]:
    """The same for thousands at once, for who needs nothing back but keys and numbers.

    The caller has asked whether the makers' codes are free; one that is taken meanwhile is refused by the database.
    """
    numbers = codes.issue("sample", site_code, len(items))
    keys = bulk.next_keys(Sample, len(items))
    made = [Made(key, number) for key, number in zip(keys, numbers, strict=True)]
    now = clock.now()
    rows = [
        _row(item, code, site_id, step, happened, now) | {"id": key}
        for (key, code), item in zip(made, items, strict=True)
    ]
    bulk.insert_rows(Sample, rows)
    bulk.insert_rows(
        codes.ScannableCode,
        [
            {"code": code, "kind": kind, "target_id": key, "site_id": site_id}
            for code, kind, key in _codes(made, items)
        ],
    )
    _write_around(made, items, step, happened, by)
    return made


def _write_around(
    made: Sequence[Made], items: Sequence[NewSample], step: Processing | None, happened: When, by: Actor
) -> None:
    """All that is written of new samples beside their own rows and codes."""
    _link(made, items)
    _open_ledger(made, items, step, happened, by)
    _inherit_holds(made, items, by)
    for sample, item in zip(made, items, strict=True):
        audit.record(by=by, act=_ACTS[item.origin], subject=("sample", sample.code), after=_told(item),
                     happened=happened)  # fmt: skip


#: What the record calls the birth of a sample, by its origin.
_ACTS = {
    "collected": "collected", "aliquoted": "created_from", "derived": "created_from", "pooled": "pooled_from",
    "imported": "imported",
}  # fmt: skip


def _row(
    item: NewSample, code: str, site_id: int, step: Processing | None, happened: When, now: datetime
) -> dict[str, Any]:
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
        "remaining": amount if item.left_known else None,
        "reserved": 0,
        "recorded_at": now,
    }


def _codes(made: Sequence[Made], items: Sequence[NewSample]) -> list[tuple[str, str, int]]:
    """Everything on these tubes that a scanner can read."""
    entries = [(sample.code, "sample", sample.id) for sample in made]
    entries += [
        (item.container_code, "tube", sample.id)
        for sample, item in zip(made, items, strict=True)
        if item.container_code
    ]
    return entries


def _link(made: Sequence[Made], items: Sequence[NewSample]) -> None:
    pairs = list(zip(made, items, strict=True))
    donors = [
        {"sample_id": sample.id, "patient_id": key}
        for sample, item in pairs
        for key in sorted(set(item.donors))
    ]
    parents = [
        {"child_id": sample.id, "parent_id": parent.id} for sample, item in pairs for parent in item.parents
    ]
    bulk.insert_rows(SampleDonor, donors)
    bulk.insert_rows(SampleParent, parents)


def _open_ledger(
    made: Sequence[Made], items: Sequence[NewSample], step: Processing | None, happened: When, by: Actor
) -> None:
    now = clock.now()
    rows = [
        {
            "sample_id": sample.id,
            "amount": item.quantity[1],
            "act": item.origin,
            "processing_id": step.id if step else None,
            "happened_at": happened.at,
            "recorded_at": now,
            "actor_key": by.key,
        }
        for sample, item in zip(made, items, strict=True)
        if item.quantity and item.left_known
    ]
    bulk.insert_rows(QuantityEntry, rows)


def _inherit_holds(made: Sequence[Made], items: Sequence[NewSample], by: Actor) -> None:
    """A child of a held parent is born held, for the same reason, once per reason."""
    parents = sorted({parent.id for item in items for parent in item.parents})
    if not parents:
        return
    held: dict[int, list[Hold]] = {}
    for chunk in chunks(parents, 1000):
        query = select(Hold).where(Hold.sample_id.in_(chunk), Hold.released_at.is_(None))
        for hold in db.session.scalars(query):
            held.setdefault(hold.sample_id, []).append(hold)
    rows = [
        {"sample_id": sample.id, "code": code, "note": hold.note, "inherited_from_id": hold.id,
         "opened_at": clock.now(), "opened_by": by.key}
        for sample, item in zip(made, items, strict=True)
        for code, hold in {h.code: h for parent in item.parents for h in held.get(parent.id, ())}.items()
    ]  # fmt: skip
    bulk.insert_rows(Hold, rows)


def _told(item: NewSample) -> dict[str, Any]:
    told: dict[str, Any] = {"type": item.type, "status": item.status}
    if item.quantity:
        kind, amount = item.quantity
        name = "quantity" if item.left_known else "initial"
        told[name] = f"{units.show(kind, amount)} {units.KINDS[kind].unit}"
    if item.parents:
        told["parents"] = [parent.code for parent in item.parents]
    if item.container_code and item.origin != "imported":  # other people's codes may be made of a patient's
        told["container_code"] = item.container_code
    return told | item.told
