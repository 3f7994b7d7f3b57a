"""Taking back what was done to one thing in one place: the reversing act, recorded as such. Nothing is removed.

Only the last thing that was done can be taken back; a reservation that a placement used up is not made again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, update

from biobank.audit import service as audit
from biobank.audit.models import AuditEntry
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import Again, chunks, db
from biobank.core.errors import NotFound, RuleViolation
from biobank.core.times import When
from biobank.samples import gate, quantities
from biobank.samples import rules as life
from biobank.samples.models import QuantityEntry, Sample
from biobank.samples.numbers import numbers_of
from biobank.storage import placing, standing
from biobank.storage.models import Container, DestructionTask, DiscardReversal, Placement

#: What a placement keeps that ended because it was a slip of the hand.
UNDONE = "undone"
#: How long a tube that was thrown away can be fetched out of the bin again.
DISCARD_MINUTES = 60


@dataclass(frozen=True)
class _Thing:
    """A placement, with what stood there; of the two one is None."""

    placement: Placement
    sample: Sample | None
    child: Container | None

    @property
    def code(self) -> str:
        found = self.sample or self.child
        return found.code if found is not None else ""


def undo_placed(placement_id: int, by: Actor) -> Placement:
    """Take back a placement: what was moved there goes back to where it was, what was put there is taken out.

    raises  RuleViolation `undo_not_last` when it was moved since, `position_taken` (with the occupant) when somebody
            stands where it was
    """
    thing = _thing(placement_id, by)
    if thing.placement.removed_at is not None:
        raise RuleViolation("undo_not_last", code=thing.code)
    before = _before(thing)
    if before is not None:
        return _put_back_to(before, thing, by)
    ended = placing.take_out(sample=thing.sample, child=thing.child, why=UNDONE, by=by)
    if ended.id != placement_id:  # somebody moved it between our look and our lock
        raise Again
    return ended


def undo_moved(placement_id: int, by: Actor) -> Placement:
    """Take back a move, by the placement that it made.

    raises  as `undo_placed`, and `undo_not_last` for one that moved nothing
    """
    thing = _thing(placement_id, by)
    if _before(thing) is None:
        raise RuleViolation("undo_not_last", code=thing.code)
    return undo_placed(placement_id, by)


def undo_taken_out(placement_id: int, by: Actor) -> Placement:
    """Take back that something was taken out: it stands there again, and a thaw that was told counts no more.

    raises  RuleViolation `undo_not_last` when it was placed since, `position_taken` (with the occupant)
    """
    thing = _thing(placement_id, by)
    placement = thing.placement
    if placement.removed_at is None or placement.why == "moved" or _last_of(thing) != placement.id:
        raise RuleViolation("undo_not_last", code=thing.code)
    container = db.session.get_one(Container, placement.container_id)
    put = placing.put(
        container=container, position=placement.position, sample=thing.sample, child=thing.child,
        back_from=placement.id, by=by,
    )  # fmt: skip
    if placement.why == "thawed":
        _unthaw(thing, by)
    return put.placement


def undo_discarded(*, sample: Sample, by: Actor) -> RuleViolation | None:
    """Take back that a tube was thrown away: it is what it was, with what it held, and stands where it stood.

    Only who did it, within the hour and as long as the record tells of nothing after it; never what two people saw
    destroyed, nor what its donor took back meanwhile.

    returns  why it is not in its place again, such as that somebody stands there; None: it is, or stood nowhere
    raises   RuleViolation `undo_too_late`, `undo_discard_of_another`, `undo_discard_late`, `undo_destroyed_by_two`,
             `undo_withdrawn_since`
    """
    if not by.sees(sample.site_id):
        raise NotFound("sample_unknown", sample=sample.code)
    gate.lock_donors([sample.id])
    last = db.session.scalar(
        select(Placement).where(Placement.sample_id == sample.id).order_by(Placement.id.desc()).limit(1)
    )
    if last is not None:
        standing.lock_paths(last.container_id)
    (sample,) = gate.lock_samples([sample.id])
    entry = _require_own_discard(sample, by)
    db.session.add(
        DiscardReversal(sample_id=sample.id, entry_seq=entry.seq, recorded_at=clock.now(), recorded_by=by.key)
    )
    db.session.flush()
    life.next_status(sample.status, life.Act.UNDO)
    sample.status = life.Status(json.loads(entry.content)["before"]["status"]).value
    _fill_again(sample, by)
    audit.record(
        by=by, act=UNDONE, subject=("sample", sample.code), before={"status": "destroyed"},
        after={"status": sample.status},
    )  # fmt: skip
    db.session.flush()
    stood = "container" in json.loads(entry.content)["before"]
    return _back_to_its_place(sample, last, by) if stood else None


def _require_own_discard(sample: Sample, by: Actor) -> AuditEntry:
    """The entry of the record that tells of it, if this person may still take it back."""
    entry = db.session.scalar(
        select(AuditEntry)
        .where(AuditEntry.subject_kind == "sample", AuditEntry.subject_key.in_(numbers_of(sample.id)))
        .order_by(AuditEntry.seq.desc())
        .limit(1)
    )
    seen = select(DestructionTask.id).where(
        DestructionTask.sample_id == sample.id, DestructionTask.cancelled_at.is_(None)
    )
    if db.session.scalar(seen.limit(1)) is not None:
        raise RuleViolation("undo_destroyed_by_two", sample=sample.code)
    told = json.loads(entry.content) if entry is not None else {}
    if entry is None or told["act"] != "discarded" or sample.status != life.Status.DESTROYED:
        raise RuleViolation("undo_too_late", sample=sample.code)
    if told["actor"] != by.key:
        raise RuleViolation("undo_discard_of_another", sample=sample.code)
    if clock.now() - entry.recorded_at > timedelta(minutes=DISCARD_MINUTES):
        raise RuleViolation("undo_discard_late", sample=sample.code, minutes=DISCARD_MINUTES)
    donors = gate.facts_of([sample])[sample.id].donors
    # Whenever it was recorded: of two machines' clocks nobody knows which is right.
    if any(withdrawal.reversed_at is None for donor in donors for withdrawal in donor.withdrawals):
        raise RuleViolation("undo_withdrawn_since", sample=sample.code)
    return entry


def _fill_again(sample: Sample, by: Actor) -> None:
    """What throwing it away wrote off."""
    written = select(QuantityEntry).where(QuantityEntry.sample_id == sample.id)
    entry = db.session.scalar(written.order_by(QuantityEntry.id.desc()).limit(1))
    if entry is not None and entry.act == life.Act.DISCARD:
        quantities.write(sample, -entry.amount, act=UNDONE, happened=When.now(clock.now), by=by)


def _back_to_its_place(sample: Sample, last: Placement | None, by: Actor) -> RuleViolation | None:
    if last is None or last.why != "discarded":
        return None
    container = db.session.get_one(Container, last.container_id)
    try:
        placing.put(container=container, position=last.position, sample=sample, back_from=last.id, by=by)
    except RuleViolation as refusal:
        return refusal
    return None


def containers_of(placement_ids: Iterable[int]) -> set[int]:
    """The containers that taking these back touches, to be locked before any sample: two queries a thousand."""
    found: set[int] = set()
    for chunk in chunks(sorted(set(placement_ids)), 1000):
        rows = db.session.execute(
            select(
                Placement.container_id, Placement.sample_id, Placement.child_id, Placement.placed_at
            ).where(Placement.id.in_(chunk))
        ).all()
        found |= {row.container_id for row in rows} | {row.child_id for row in rows if row.child_id}
        came = select(Placement.container_id).where(
            Placement.why == "moved", Placement.removed_at.in_({row.placed_at for row in rows}),
            Placement.sample_id.in_({row.sample_id for row in rows if row.sample_id})
            | Placement.child_id.in_({row.child_id for row in rows if row.child_id}),
        )  # fmt: skip
        found |= set(db.session.scalars(came))
    return found


def thrown_out_of(sample_ids: Iterable[int]) -> set[int]:
    """The containers that these stood in when they were thrown away."""
    found: set[int] = set()
    for chunk in chunks(sorted(set(sample_ids)), 1000):
        query = select(Placement.container_id).where(
            Placement.sample_id.in_(chunk), Placement.why == "discarded"
        )
        found |= set(db.session.scalars(query))
    return found


def _thing(placement_id: int, by: Actor) -> _Thing:
    placement = db.session.get(Placement, placement_id, populate_existing=True)
    container = db.session.get_one(Container, placement.container_id) if placement is not None else None
    if placement is None or container is None or not by.sees(container.site_id):
        raise NotFound("placement_unknown", placement=placement_id)
    sample = db.session.get(Sample, placement.sample_id) if placement.sample_id is not None else None
    child = db.session.get(Container, placement.child_id) if placement.child_id is not None else None
    return _Thing(placement, sample, child)


def _same_thing(thing: _Thing) -> object:
    if thing.sample is not None:
        return Placement.sample_id == thing.sample.id
    return Placement.child_id == thing.placement.child_id


def _last_of(thing: _Thing) -> int | None:
    return db.session.scalar(select(func.max(Placement.id)).where(_same_thing(thing)))  # type: ignore[arg-type]


def _before(thing: _Thing) -> Placement | None:
    """Where it was moved from; None when it stood nowhere before."""
    query = (
        select(Placement)
        .where(_same_thing(thing), Placement.id < thing.placement.id)  # type: ignore[arg-type]
        .order_by(Placement.id.desc())
        .limit(1)
    )
    before = db.session.scalars(query).one_or_none()
    if before is None or before.why != "moved" or before.removed_at != thing.placement.placed_at:
        return None
    return before


def _put_back_to(before: Placement, thing: _Thing, by: Actor) -> Placement:
    container = db.session.get_one(Container, before.container_id)
    put = placing.put(
        container=container, position=before.position, sample=thing.sample, child=thing.child, by=by
    )
    stood = db.session.get_one(Container, thing.placement.container_id)
    if put.came_from != (stood.code, thing.placement.position):  # somebody moved it before our lock
        raise Again
    return put.placement


def _unthaw(thing: _Thing, by: Actor) -> None:
    """It was not thawed after all: only the minutes out of the cold are counted."""
    db.session.execute(
        update(Placement).where(Placement.id == thing.placement.id).values(why=UNDONE),
        execution_options={"synchronize_session": False},
    )
    subject = ("sample", thing.code)
    audit.record(by=by, act="thaw_undone", subject=subject, before={"why": "thawed"}, after={"why": UNDONE})
