"""An inventory: somebody looks at places by chance, or at all of a container, and says what stands there.

What is found otherwise goes on the worklist of discrepancies; how right the record was is told at the end.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.core import clock, scans
from biobank.core.actor import Actor
from biobank.core.bulk import insert_rows
from biobank.core.db import MAX_INTEGER, chunks, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.moves import facts
from biobank.quality import rules
from biobank.quality.discrepancies import open_discrepancy
from biobank.quality.models import Inventory, InventoryLine
from biobank.racks import service as racks
from biobank.racks.models import RackScan
from biobank.racks.rules import Entry, State
from biobank.samples.models import Sample
from biobank.storage import noticing, places, standing
from biobank.storage.models import Container
from biobank.storage.places import Step
from biobank.storage.scanning import find_thing
from biobank.storage.walking import natural

#: How many places are looked at unless told otherwise.
USUAL_COUNT = 30


def open_inventory(
    *, container: Container, kind: str, by: Actor, count: int = USUAL_COUNT, seed: int | None = None
) -> Inventory:
    """Begin one: the samples that are looked for, each where the record says that it stands.

    kind    random: `count` of them by chance; whole: every one
    seed    whence the choice can be made again; a fresh one unless given
    raises  Malformed for another kind, or too many; RuleViolation `nothing_to_check` where nothing stands
    """
    if kind not in ("random", "whole"):
        raise Malformed({"kind": Reason("inventory_kind", {"given": kind[:20]})})
    if not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)
    chosen = secrets.randbits(31) if seed is None else seed
    nodes = facts.tree_of(container.site_id)
    below = [node.id for node in nodes[container.id].down()]
    standing_there = _standing_in(below)
    if not standing_there:
        raise RuleViolation("nothing_to_check", container=container.code)
    if kind == "random":
        picked = rules.draw(list(standing_there), count, chosen)
    elif len(standing_there) > rules.MOST_LINES:
        raise Malformed({"count": Reason("inventory_count", {"most": rules.MOST_LINES})})
    else:
        picked = list(standing_there)
    inventory = Inventory(
        site_id=container.site_id, container_id=container.id, kind=kind, seed=chosen, opened_at=clock.now(),
        opened_by=by.key,
    )  # fmt: skip
    db.session.add(inventory)
    db.session.flush()
    walk = sorted(
        (nodes[standing_there[key][0]].way, natural(standing_there[key][1] or ""), key) for key in picked
    )
    insert_rows(
        InventoryLine,
        [
            {"inventory_id": inventory.id, "sample_id": key, "container_id": standing_there[key][0],
             "position": standing_there[key][1]}
            for *_way, key in walk
        ],
    )  # fmt: skip
    audit.record(
        by=by, act="inventory_opened", subject=("container", container.code),
        after={"inventory": inventory.id, "kind": kind, "lines": len(picked), "seed": chosen},
    )  # fmt: skip
    return inventory


def mark(*, line: InventoryLine, outcome: str, by: Actor, found: str | None = None) -> InventoryLine:
    """Say what stands at a place. Anything but `right` goes on the worklist.

    found   the code that was read there, for `other`
    raises  Malformed for another word; RuleViolation `line_checked` (by whom), `inventory_closed`
    """
    if outcome not in rules.OUTCOMES:
        known = ", ".join(rules.OUTCOMES)
        raise Malformed({"outcome": Reason("outcome_unknown", {"given": outcome[:20], "known": known})})
    inventory = _lock(line, by)
    _mark(inventory, line, outcome, found, by)
    _finish(inventory, by)
    return line


def check_scan(*, line: InventoryLine, raw: str, by: Actor) -> InventoryLine:
    """The tube at the place was scanned: the right one is marked. Another one is not, for a neighbour is easily hit.

    raises  RuleViolation `another_tube`, saying which is expected; NotFound `scanned_unknown`
    """
    sample = db.session.get_one(Sample, line.sample_id)
    try:
        read = find_thing(raw, by)
    except NotFound as unknown:
        raise RuleViolation(
            "another_tube", reasons=unknown.reasons, scanned=raw.strip()[:100], expected=sample.code
        ) from None
    if read.sample is None or read.sample.id != sample.id:
        raise RuleViolation("another_tube", scanned=read.code, expected=sample.code)
    return mark(line=line, outcome="right", by=by)


def check_rack(*, inventory: Inventory, scan: RackScan, by: Actor) -> int:
    """Every waiting line of one box at once, from a scan of the whole rack. The record is not changed.

    returns  how many lines were marked
    raises   RuleViolation `scan_of_another_box`; as `racks.compare`
    """
    compared = racks.compare(scan=scan, by=by)
    waiting = select(InventoryLine).where(
        InventoryLine.inventory_id == inventory.id, InventoryLine.container_id == compared.container.id,
        InventoryLine.outcome.is_(None),
    )  # fmt: skip
    standing.lock_paths(compared.container.id)
    lines = db.session.scalars(waiting.order_by(InventoryLine.id)).all()
    if not lines:
        raise RuleViolation("scan_of_another_box", container=compared.container.code, inventory=inventory.id)
    _require_open(inventory, by)
    lock(Sample, [line.sample_id for line in lines])
    entries = {entry.position: entry for entry in compared.difference.entries}
    for line in lines:
        outcome, found = _told_by(entries.get(line.position or ""), line)
        _mark(inventory, line, outcome, found, by)
    _finish(inventory, by)
    return len(lines)


def _told_by(entry: Entry | None, line: InventoryLine) -> tuple[str, str | None]:
    if entry is None:
        return "missing", None
    if entry.state is State.PRESENT and entry.tube is not None and entry.tube.sample_id == line.sample_id:
        return "right", None
    if entry.state is State.UNREAD:
        return "unreadable", None
    return ("other", entry.read) if entry.read else ("missing", None)


def close(*, inventory: Inventory, by: Actor) -> Inventory:
    """End it; what nobody looked at does not count."""
    standing.lock_paths(inventory.container_id)
    _require_open(inventory, by)
    _close(inventory, by)
    return inventory


def _mark(inventory: Inventory, line: InventoryLine, outcome: str, found: str | None, by: Actor) -> None:
    line.outcome, line.checked_at, line.checked_by = outcome, clock.now(), by.key
    line.found = found[:256] if found else None
    db.session.flush()
    if outcome == "right":
        return
    sample = db.session.get_one(Sample, line.sample_id)
    container = db.session.get_one(Container, line.container_id)
    told: dict[str, Any] = {
        "container": container, "position": line.position, "source": "inventory", "source_id": inventory.id, "by": by,
    }  # fmt: skip
    if outcome == "unreadable":
        open_discrepancy(sample=sample, kind="unreadable", **told)
        return
    open_discrepancy(sample=sample, kind="missing", **told)
    if outcome == "other" and found:
        stranger = _known(found, by)
        stands = noticing.stands(stranger) if stranger is not None else None
        open_discrepancy(sample=stranger, kind="moved" if stands else "foreign", found=found, **told)


def _known(code: str, by: Actor) -> Sample | None:
    try:
        meant = scans.meant(code, by, kinds=("sample", "tube"))
    except (Malformed, NotFound, RuleViolation):
        return None
    return db.session.get(Sample, meant.found.target_id)


def _lock(line: InventoryLine, by: Actor) -> Inventory:
    standing.lock_paths(line.container_id)
    inventory = db.session.get_one(Inventory, line.inventory_id)
    _require_open(inventory, by)
    lock(Sample, [line.sample_id])
    db.session.refresh(line)
    if line.outcome is not None:
        code = db.session.get_one(Sample, line.sample_id).code
        raise RuleViolation("line_checked", sample=code, outcome=line.outcome)
    return inventory


def _require_open(inventory: Inventory, by: Actor) -> None:
    if not by.sees(inventory.site_id):
        raise NotFound("inventory_unknown", inventory=inventory.id)
    db.session.refresh(inventory)
    if inventory.closed_at is not None:
        raise RuleViolation("inventory_closed", inventory=inventory.id)


def _finish(inventory: Inventory, by: Actor) -> None:
    waiting = select(InventoryLine.id).where(
        InventoryLine.inventory_id == inventory.id, InventoryLine.outcome.is_(None)
    )
    if db.session.scalar(waiting.limit(1)) is None:
        _close(inventory, by)


def _close(inventory: Inventory, by: Actor) -> None:
    inventory.closed_at, inventory.closed_by = clock.now(), by.key
    db.session.flush()
    container = db.session.get_one(Container, inventory.container_id)
    after = {"inventory": inventory.id, "counts": dict(counts_of([inventory])[inventory.id].by_outcome)}
    audit.record(by=by, act="inventory_closed", subject=("container", container.code), after=after)


def _standing_in(container_ids: Sequence[int]) -> dict[int, tuple[int, str | None]]:
    """Sample key -> container key and position."""
    found: dict[int, tuple[int, str | None]] = {}
    for key, tubes in facts.tubes_in(container_ids).items():
        found |= {tube.id: (key, tube.position) for tube in tubes}
    return found


# --- reading


@dataclass(frozen=True)
class Counts:
    """How far an inventory is, and how right the record was so far."""

    lines: int
    by_outcome: Mapping[str, int]

    @property
    def checked(self) -> int:
        return sum(self.by_outcome.values())

    @property
    def accuracy(self) -> float | None:
        return rules.accuracy(self.by_outcome.get("right", 0), self.checked)


@dataclass(frozen=True)
class Stop:
    """One place to look at."""

    line: InventoryLine
    sample: Sample
    path: Sequence[Step]
    """The way to it; the last step has its position."""


def counts_of(inventories: Sequence[Inventory]) -> dict[int, Counts]:
    """Inventory key -> how far it is; one query."""
    query = (
        select(InventoryLine.inventory_id, InventoryLine.outcome, func.count())
        .where(InventoryLine.inventory_id.in_([each.id for each in inventories]))
        .group_by(InventoryLine.inventory_id, InventoryLine.outcome)
    )
    found: dict[int, dict[str | None, int]] = {each.id: {} for each in inventories}
    for key, outcome, count in db.session.execute(query):
        found[key][outcome] = count
    return {
        key: Counts(sum(counted.values()), {name: count for name, count in counted.items() if name})
        for key, counted in found.items()
    }


def waiting(inventory: Inventory, limit: int = 30) -> list[Stop]:
    """Places that nobody has looked at, in walking order."""
    query = select(InventoryLine).where(
        InventoryLine.inventory_id == inventory.id, InventoryLine.outcome.is_(None)
    )
    return stops(db.session.scalars(query.order_by(InventoryLine.id).limit(limit)).all())


def otherwise(inventory: Inventory, limit: int = 500) -> list[Stop]:
    """Places at which the record was not right."""
    query = select(InventoryLine).where(
        InventoryLine.inventory_id == inventory.id, InventoryLine.outcome.is_not(None),
        InventoryLine.outcome != "right",
    )  # fmt: skip
    return stops(db.session.scalars(query.order_by(InventoryLine.id).limit(limit)).all())


def stops(lines: Sequence[InventoryLine]) -> list[Stop]:
    """Lines with what is looked for, and the way to where it should stand."""
    samples: dict[int, Sample] = {}
    for chunk in chunks(sorted({line.sample_id for line in lines}), 2000):
        samples |= {row.id: row for row in db.session.scalars(select(Sample).where(Sample.id.in_(chunk)))}
    ids = sorted({line.container_id for line in lines})
    boxes = {row.id: row for row in db.session.scalars(select(Container).where(Container.id.in_(ids)))}
    paths = places.path_of(ids)
    return [
        Stop(line, samples[line.sample_id], [*paths.get(line.container_id, []), _step(boxes[line.container_id], line)])
        for line in lines
    ]  # fmt: skip


def _step(box: Container, line: InventoryLine) -> Step:
    return Step(box.code, box.name, box.kind, line.position)


def find_inventory(key: int, by: Actor) -> Inventory:
    """raises NotFound, also for another site's"""
    found = db.session.get(Inventory, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("inventory_unknown", inventory=key)
    return found


def find_line(inventory: Inventory, key: int) -> InventoryLine:
    """raises NotFound"""
    found = db.session.get(InventoryLine, key) if 0 < key <= MAX_INTEGER else None
    if found is None or found.inventory_id != inventory.id:
        raise NotFound("inventory_line_unknown", inventory=inventory.id, line=key)
    return found


def list_inventories(by: Actor, *, after: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[Inventory]:
    """The newest first, a page at a time."""
    query = select(Inventory)
    if by.site_id is not None:
        query = query.where(Inventory.site_id == by.site_id)
    return page_of(query, Inventory.id, after=after, limit=limit)


__all__ = [
    "Counts", "Stop", "check_rack", "check_scan", "close", "counts_of", "find_inventory", "find_line",
    "list_inventories", "mark", "open_inventory", "otherwise", "stops", "waiting",
]  # fmt: skip
