"""The record and the freezer say two things: a worklist, settled by acts, each of which puts one of the two right.

A sample that is missing is held until it is settled. Locks: donors, containers, samples, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, chunks, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.quality.models import Discrepancy
from biobank.racks import service as racks
from biobank.racks.rules import State
from biobank.samples import gate, holds, life
from biobank.samples.models import Sample
from biobank.samples.rules import Status
from biobank.storage import noticing, places, standing
from biobank.storage import service as storage
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement
from biobank.storage.noticing import Noticed
from biobank.storage.places import Step
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
    """Put one on the worklist; a sample that has one of this kind there already keeps that one.

    container, position  where somebody looked
    found                what was read there, when it was something else
    """
    if not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)
    if sample is not None:
        lock(Sample, [sample.id])
        query = select(Discrepancy).where(
            Discrepancy.sample_id == sample.id, Discrepancy.kind == kind, Discrepancy.settled_at.is_(None)
        )
        if (there := db.session.scalars(query).one_or_none()) is not None:
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
    """Put one of the two right.

    how     found: it is where the record said after all. put_right: it stands where it was found (or in `to`), and the
            record says so from now on. lost: it was looked for in vain. dismissed: it is nothing, and `reason` says why
    to      another container than that of the discrepancy, for found and put_right
    raises  Malformed for another word, or a dismissal without a reason; RuleViolation `discrepancy_settled`,
            `discrepancy_of_nobody` for an unknown code, and as for placing and losing
    """
    if how not in WAYS:
        raise Malformed({"how": Reason("way_unknown", {"given": how[:20], "known": ", ".join(WAYS)})})
    if how == "dismissed" and not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    if not by.sees(discrepancy.site_id):
        raise NotFound("discrepancy_unknown", discrepancy=discrepancy.id)
    sample = _locked(discrepancy, to)
    if discrepancy.settled_at is not None:
        raise RuleViolation("discrepancy_settled", discrepancy=discrepancy.id)
    if sample is None and how != "dismissed":
        raise RuleViolation("discrepancy_of_nobody", found=discrepancy.found or "–")
    if sample is not None:
        _carry_out(discrepancy, sample, how, to, position, reason.strip(), by)
    discrepancy.settled_at, discrepancy.settled_by = clock.now(), by.key
    discrepancy.how = f"{how}: {reason.strip()}" if reason.strip() else how
    db.session.flush()
    if sample is not None and not _missing(sample.id):
        holds.release_many([sample.id], code=HOLD, reason=discrepancy.how, by=by)
    _tell(discrepancy, sample, by)
    return discrepancy


def _locked(discrepancy: Discrepancy, to: Container | None) -> Sample | None:
    """Donors, containers and samples, then the row as it is now. Who stands in the way is locked too."""
    container_ids = [discrepancy.container_id, *([to.id] if to is not None else [])]
    in_the_way = _occupant_id(discrepancy)
    ids = [key for key in (discrepancy.sample_id, in_the_way) if key is not None]
    gate.lock_donors(ids)
    standing.lock_paths(*container_ids)
    locked = {row.id: row for row in gate.lock_samples(ids)}
    db.session.refresh(discrepancy)
    return locked.get(discrepancy.sample_id) if discrepancy.sample_id is not None else None


def _carry_out(
    discrepancy: Discrepancy, sample: Sample, how: str, to: Container | None, position: str | None, reason: str,
    by: Actor,
) -> None:  # fmt: skip
    if how == "lost":
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
    """What the record says stands there, and is itself known to be missing from there, stands nowhere from now on."""
    there = _occupant_id(discrepancy)
    if there is None or there == sample.id or position != discrepancy.position or not _missing(there):
        return
    storage.take_out(sample=db.session.get_one(Sample, there), why="missing", by=by)


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
    query = select(Discrepancy.id).where(
        Discrepancy.sample_id == sample_id, Discrepancy.kind == "missing", Discrepancy.settled_at.is_(None)
    )
    return db.session.scalar(query) is not None


def _tell(discrepancy: Discrepancy, sample: Sample | None, by: Actor) -> None:
    container = db.session.get_one(Container, discrepancy.container_id)
    subject = ("sample", sample.code) if sample is not None else ("container", container.code)
    before = {"kind": discrepancy.kind, "container": container.code, "position": discrepancy.position}
    audit.record(by=by, act="discrepancy_settled", subject=subject, before=before, reason=discrepancy.how)


# --- reading


@dataclass(frozen=True)
class Listed:
    """One difference, with the sample it is about and where each of the two says that it stands."""

    row: Discrepancy
    sample: Sample | None
    container: Container
    path: Sequence[Step]
    """The way to where somebody looked."""
    recorded: Sequence[Step]
    """The way to where the record says it stands now; empty: nowhere."""


def find_discrepancy(key: int, by: Actor) -> Discrepancy:
    """raises NotFound, also for another site's"""
    found = db.session.get(Discrepancy, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("discrepancy_unknown", discrepancy=key)
    return found


def list_open(
    by: Actor, *, kind: str | None = None, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[Discrepancy]:
    """What nobody has settled, the oldest first, a page at a time."""
    query = _of_site(select(Discrepancy).where(Discrepancy.settled_at.is_(None)), by)
    if kind:
        query = query.where(Discrepancy.kind == kind)
    return page_of(query, Discrepancy.id, after=after, limit=limit, newest_first=False)


def count_open(by: Actor) -> int:
    """How many nobody has settled."""
    query = _of_site(select(func.count(Discrepancy.id)).where(Discrepancy.settled_at.is_(None)), by)
    return db.session.scalar(query) or 0


def listed(rows: Sequence[Discrepancy]) -> list[Listed]:
    """A constant number of queries."""
    samples = _by_id(Sample, [row.sample_id for row in rows if row.sample_id is not None])
    containers = _by_id(Container, [row.container_id for row in rows])
    paths, where = places.path_of(containers), places.where_is(samples)
    return [
        Listed(
            row, samples.get(row.sample_id), containers[row.container_id], paths.get(row.container_id, []),
            where.get(row.sample_id or 0, []),
        )
        for row in rows
    ]  # fmt: skip


def _by_id(model: Any, keys: Sequence[int]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for chunk in chunks(sorted(set(keys)), 2000):
        found |= {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(chunk)))}
    return found


def _of_site(query: Select[Any], by: Actor) -> Select[Any]:
    return query if by.site_id is None else query.where(Discrepancy.site_id == by.site_id)


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
    _seen(seen, by)


def _seen(sample_ids: Sequence[int], by: Actor) -> None:
    """What was looked for stands somewhere again, and the record says where. Their rows are locked."""
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = select(Discrepancy).where(
            Discrepancy.sample_id.in_(chunk), Discrepancy.kind == "missing", Discrepancy.settled_at.is_(None)
        )
        for row in db.session.scalars(query).all():
            row.settled_at, row.settled_by, row.how = clock.now(), by.key, "found"
            db.session.flush()
            holds.release_many([row.sample_id or 0], code=HOLD, reason="found", by=by)
            _tell(row, db.session.get(Sample, row.sample_id), by)


noticing.listen(_hear)
if _after_rack_scan not in racks.after_apply:
    racks.after_apply.append(_after_rack_scan)
