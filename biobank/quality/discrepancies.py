"""The record and the freezer say two things: a worklist, settled by acts, each of which puts one of the two right.

A sample that is missing is held until it is settled. Locks: donors, containers, samples, as everywhere.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select

from biobank.audit import service as audit
from biobank.core import clock, scans
from biobank.core.actor import Actor
from biobank.core.db import chunks, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.quality.discrepancy_reading import (
    Listed,
    count_open,
    find_discrepancy,
    list_open,
    listed,
)
from biobank.quality.models import Discrepancy
from biobank.racks import service as racks
from biobank.racks.rules import State
from biobank.samples import gate, holds, life
from biobank.samples.models import Sample
from biobank.samples.rules import Status
from biobank.storage import destruction, noticing, places, standing
from biobank.storage import service as storage
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement
from biobank.storage.noticing import Noticed
from biobank.storage.rules import parse_position

KINDS = ("missing", "foreign", "moved", "unreadable")
#: The hold of a sample that is not where it should be.
HOLD = "inventory"
#: How a difference is settled.
WAYS = ("found", "put_right", "lost", "dismissed")


def open_discrepancy(
    *,
    container: Container,
    kind: str,
    source: str,
    by: Actor,
    sample: Sample | None = None,
    position: str | None = None,
    source_id: int | None = None,
    found: str | None = None,
) -> Discrepancy:
    """Put one on the worklist; a sample that has one of this kind there already keeps that one, and so does a place
    with the same unknown code.

    container, position  where somebody looked
    found                what was read there, when it was something else
    """
    if not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)
    if sample is not None:
        lock(Sample, [sample.id])
        query = _open(sample.id).where(Discrepancy.kind == kind)
    else:
        query = select(Discrepancy).where(
            Discrepancy.sample_id.is_(None), Discrepancy.container_id == container.id, Discrepancy.position == position,
            Discrepancy.found == found, Discrepancy.settled_at.is_(None),
        )  # fmt: skip
    if (there := db.session.scalars(query.limit(1)).one_or_none()) is not None:
        return there
    row = Discrepancy(
        site_id=container.site_id, sample_id=sample.id if sample is not None else None, container_id=container.id,
        position=position, kind=kind, source=source, source_id=source_id, found=found[:256] if found else None,
        opened_at=clock.now(), opened_by=by.key,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    subject = ("sample", sample.code) if sample is not None else ("container", container.code)
    after = {"kind": kind, "container": container.code, "position": position, "source": source}
    audit.record(by=by, act="discrepancy", subject=subject, after=after)
    if sample is not None and kind == "missing":
        holds.hold_many([sample.id], code=HOLD, note=None, by=by)
    return row


def settle(
    *,
    discrepancy: Discrepancy,
    how: str,
    by: Actor,
    reason: str = "",
    to: Container | None = None,
    position: str | None = None,
) -> Discrepancy:
    """Put one of the two right. Where a sample is said to be, everything else that was open about it is settled too.

    how     found: it is where the record said after all. put_right: it stands where it was found (or in `to`), and the
            record says so from now on. lost: it was looked for in vain. dismissed: it is nothing, and `reason` says why
    to      another container than that of the discrepancy, for found and put_right
    raises  Malformed for another word, or a dismissal without a reason; RuleViolation `discrepancy_settled`,
            `discrepancy_of_nobody` for a code that is still unknown, `lost_takes_two`, and as for placing and losing
    """
    if how not in WAYS:
        raise Malformed({"how": Reason("way_unknown", {"given": how[:20], "known": ", ".join(WAYS)})})
    if how == "dismissed" and not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    if not by.sees(discrepancy.site_id):
        raise NotFound("discrepancy_unknown", discrepancy=discrepancy.id)
    sample = _locked(discrepancy, to, by)
    if discrepancy.settled_at is not None:
        raise RuleViolation("discrepancy_settled", discrepancy=discrepancy.id)
    if sample is None and how != "dismissed":
        raise RuleViolation("discrepancy_of_nobody", found=discrepancy.found or "–")
    if sample is not None:
        _carry_out(discrepancy, sample, how, to, position, reason.strip(), by)
    said = f"{how}: {reason.strip()}" if reason.strip() else how
    _end(discrepancy, sample, said, by)
    for other in _open_about(sample) if sample is not None and how != "dismissed" else ():
        if other.kind != "unreadable" or how == "lost":
            _end(other, sample, said, by)
    if sample is not None and not _missing(sample.id):
        holds.release_many([sample.id], code=HOLD, reason=said, by=by)
    return discrepancy


def needs_second(discrepancy: Discrepancy, sample: Sample | None) -> bool:
    """May only somebody else than who missed it say that it is lost? So it is for a tube that two people are to
    destroy: one alone does not make it vanish."""
    return sample is not None and sample.id in destruction.open_of([sample.id])


def known(code: str | None, by: Actor) -> Sample | None:
    """The sample that a code stands for, if it does by now."""
    if not code:
        return None
    try:
        meant = scans.meant(code, by, kinds=("sample", "tube"))
    except (Malformed, NotFound, RuleViolation):
        return None
    return db.session.get(Sample, meant.found.target_id)


def _locked(discrepancy: Discrepancy, to: Container | None, by: Actor) -> Sample | None:
    """Donors, containers and samples, then the row as it is now. Who stands in the way is locked too."""
    container_ids = [discrepancy.container_id, *([to.id] if to is not None else [])]
    mine = discrepancy.sample_id
    if mine is None and (registered := known(discrepancy.found, by)) is not None:
        mine = registered.id  # nobody knew it when it was found
    in_the_way = _occupant_id(discrepancy)
    ids = [key for key in (mine, in_the_way) if key is not None]
    gate.lock_donors(ids)
    standing.lock_paths(*container_ids)
    locked = {row.id: row for row in gate.lock_samples(ids)}
    db.session.refresh(discrepancy)
    return locked.get(mine) if mine is not None else None


def _end(discrepancy: Discrepancy, sample: Sample | None, how: str, by: Actor) -> None:
    discrepancy.settled_at, discrepancy.settled_by, discrepancy.how = clock.now(), by.key, how
    db.session.flush()
    _tell(discrepancy, sample, by)


def _open(sample_id: int) -> Select[Any]:
    return select(Discrepancy).where(Discrepancy.sample_id == sample_id, Discrepancy.settled_at.is_(None))


def _open_about(sample: Sample) -> Sequence[Discrepancy]:
    return db.session.scalars(_open(sample.id).order_by(Discrepancy.id)).all()


def _carry_out(
    discrepancy: Discrepancy, sample: Sample, how: str, to: Container | None, position: str | None, reason: str,
    by: Actor,
) -> None:  # fmt: skip
    if how == "lost":
        if needs_second(discrepancy, sample) and by.key == discrepancy.opened_by:
            raise RuleViolation("lost_takes_two", sample=sample.code)
        if sample.status != Status.LOST:
            storage.lose(sample=sample, by=by, reason=reason or None)
        return
    if how == "dismissed":
        return
    if sample.status == Status.LOST:
        life.find(sample=sample, by=by, reason=reason or None)
    if how == "found" and to is None and noticing.stands(sample) is not None:
        return  # the record says already where
    container = to or db.session.get_one(Container, discrepancy.container_id)
    wanted = position or (discrepancy.position if to is None else None)
    if to is None:
        _make_way(discrepancy, sample, wanted, by)
    if wanted is not None:
        wanted = parse_position(wanted, kind_of(container)).text
    storage.put(container=container, position=wanted, sample=sample, by=by, next_free=wanted is None)


def _make_way(discrepancy: Discrepancy, sample: Sample, position: str | None, by: Actor) -> None:
    """What the record says stands there, and is itself known to be missing from there or seen elsewhere, stands nowhere
    from now on, until its own difference is settled."""
    there = _occupant_id(discrepancy)
    if there is None or there == sample.id or position != discrepancy.position:
        return
    if not any(_is_away(other, discrepancy) for other in db.session.scalars(_open(there))):
        return
    storage.take_out(sample=db.session.get_one(Sample, there), why="missing", by=by)


def _is_away(other: Discrepancy, here: Discrepancy) -> bool:
    """Does this one say that its sample is not where the other one was found?"""
    elsewhere = (other.container_id, other.position) != (here.container_id, here.position)
    return other.kind == "missing" or (other.kind in ("moved", "foreign") and elsewhere)


def _occupant_id(discrepancy: Discrepancy) -> int | None:
    if discrepancy.position is None:
        return None
    query = select(Placement.sample_id).where(
        Placement.container_id == discrepancy.container_id,
        Placement.position == discrepancy.position,
        places.current(),
    )
    return db.session.scalar(query)


def _missing(sample_id: int) -> bool:
    query = _open(sample_id).with_only_columns(Discrepancy.id).where(Discrepancy.kind == "missing")
    return db.session.scalar(query) is not None


def _tell(discrepancy: Discrepancy, sample: Sample | None, by: Actor) -> None:
    container = db.session.get_one(Container, discrepancy.container_id)
    subject = ("sample", sample.code) if sample is not None else ("container", container.code)
    before = {"kind": discrepancy.kind, "container": container.code, "position": discrepancy.position}
    audit.record(by=by, act="discrepancy_settled", subject=subject, before=before, reason=discrepancy.how)


# --- heard from elsewhere


def _hear(noticed: Noticed, by: Actor) -> None:
    open_discrepancy(
        container=noticed.container, position=noticed.position, sample=noticed.sample, kind=noticed.kind,
        source=noticed.source, source_id=noticed.source_id, found=noticed.found, by=by,
    )  # fmt: skip


def _after_rack_scan(done: racks.Applied, by: Actor) -> None:
    """A tube that was not in its rack any more is looked for; one that was seen is found."""
    for entry in done.difference.entries:
        if entry.gone is not None:
            open_discrepancy(
                container=done.container, position=entry.position, kind="missing", source="rack_scan",
                sample=db.session.get_one(Sample, entry.gone.sample_id), source_id=done.scan.id, by=by,
            )  # fmt: skip
    seen = [
        entry.tube.sample_id
        for entry in done.difference.entries
        if entry.tube is not None and entry.state in (State.NEW, State.PRESENT, State.MOVED)
    ]
    seen_at_its_place(seen, by)


def seen_at_its_place(sample_ids: Sequence[int], by: Actor) -> None:
    """These were read where the record says that they stand: nothing is open about them any more. Their rows are
    locked."""
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = select(Discrepancy).where(Discrepancy.sample_id.in_(chunk), Discrepancy.settled_at.is_(None))
        for row in db.session.scalars(query.order_by(Discrepancy.id)).all():
            _end(row, db.session.get(Sample, row.sample_id), "found", by)
            if row.kind == "missing":
                holds.release_many([row.sample_id or 0], code=HOLD, reason="found", by=by)


noticing.listen(_hear)
if _after_rack_scan not in racks.after_apply:
    racks.after_apply.append(_after_rack_scan)

__all__ = [
    "HOLD", "KINDS", "WAYS", "Listed", "count_open", "find_discrepancy", "known", "list_open", "listed", "needs_second",
    "open_discrepancy", "seen_at_its_place", "settle",
]  # fmt: skip
