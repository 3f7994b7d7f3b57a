"""An inventory: somebody looks at places by chance, or at all of a container, and says what stands there.

What is found otherwise goes on the worklist of discrepancies; how right the record was is told at the end.
"""

import secrets
from collections.abc import Sequence

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.bulk import insert_rows
from biobank.core.db import db, lock
from biobank.core.errors import BiobankError, Malformed, NotFound, Reason, RuleViolation
from biobank.moves import facts
from biobank.quality import rules
from biobank.quality.discrepancies import known, open_discrepancy, seen_at_its_place
from biobank.quality.inventory_reading import (
    Counts,
    Stop,
    counts_of,
    find_inventory,
    find_line,
    list_inventories,
    otherwise,
    stops,
    waiting,
)
from biobank.quality.models import Inventory, InventoryLine
from biobank.racks import service as racks
from biobank.racks.models import RackScan
from biobank.racks.rules import Entry, State
from biobank.samples.models import Sample
from biobank.storage import noticing, standing
from biobank.storage.models import Container
from biobank.storage.scanning import Scanned, find_thing
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
    raises  Malformed for another word; RuleViolation `line_checked` (by whom), `inventory_closed`, `scanned_the_box`,
            `scanned_a_container`
    """
    if outcome not in rules.OUTCOMES:
        known = ", ".join(rules.OUTCOMES)
        raise Malformed({"outcome": Reason("outcome_unknown", {"given": outcome[:20], "known": known})})
    if found is not None and is_container(found, by):
        _require_tube(line, find_thing(found, by))
    inventory = _lock(line, by)
    _mark(inventory, line, outcome, found, by)
    _finish(inventory, by)
    return line


def check_scan(*, line: InventoryLine, raw: str, by: Actor) -> InventoryLine:
    """The tube at the place was scanned: the right one is marked. Another one is not, for a neighbour is easily hit.

    raises  RuleViolation `another_tube`, saying which is expected; `scanned_the_box`, `scanned_a_container`
    """
    sample = db.session.get_one(Sample, line.sample_id)
    try:
        read = find_thing(raw, by)
    except NotFound as unknown:
        raise RuleViolation(
            "another_tube", reasons=unknown.reasons, scanned=raw.strip()[:100], expected=sample.code
        ) from None
    _require_tube(line, read)
    if read.sample is None or read.sample.id != sample.id:
        raise RuleViolation("another_tube", scanned=read.code, expected=sample.code)
    return mark(line=line, outcome="right", by=by)


def is_container(raw: str, by: Actor) -> bool:
    """Was a box read, or another container, rather than a tube?"""
    try:
        return find_thing(raw, by).child is not None
    except BiobankError:  # nobody's, or void: it may be on a tube
        return False


def _require_tube(line: InventoryLine, read: Scanned) -> None:
    if read.child is not None and read.child.id == line.container_id:
        raise RuleViolation("scanned_the_box", scanned=read.code)
    if read.child is not None:
        raise RuleViolation("scanned_a_container", scanned=read.code)


def check_rack(*, inventory: Inventory, scan: RackScan, by: Actor, turned: bool | None = None) -> int:
    """Every waiting line of one box at once, from a scan of the whole rack. The record is not changed; whatever else
    was read there goes on the worklist too.

    turned   it was read the other way round; None: nobody has said, and it must not look so
    returns  how many lines were marked
    raises   RuleViolation `scan_of_another_box`, `inventory_rack_turned`; as `racks.compare`
    """
    compared = racks.compare(scan=scan, by=by, turned=bool(turned))
    if turned is None and compared.difference.looks_turned:
        raise RuleViolation("inventory_rack_turned")
    unanswered = select(InventoryLine).where(
        InventoryLine.inventory_id == inventory.id, InventoryLine.container_id == compared.container.id,
        InventoryLine.outcome.is_(None),
    )  # fmt: skip
    standing.lock_paths(compared.container.id)
    lines = db.session.scalars(unanswered.order_by(InventoryLine.id)).all()
    if not lines:
        raise RuleViolation("scan_of_another_box", container=compared.container.code, inventory=inventory.id)
    _require_open(inventory, by)
    entries = {entry.position: entry for entry in compared.difference.entries}
    strange = {
        key: entry for key, entry in entries.items() if entry.read and entry.state in (*_ELSEWHERE, *_STRANGE)
    }
    elsewhere = {entry.tube.sample_id for entry in strange.values() if entry.tube is not None}
    lock(Sample, {line.sample_id for line in lines} | elsewhere)
    lines = [line for line in lines if not _unlisted(entries.get(line.position or ""))]
    for line in lines:
        outcome, found = _told_by(entries.get(line.position or ""), line)
        _answer(line, outcome, found, by)
        if line.sample_id not in elsewhere:
            _notice(inventory, line, outcome, by)
    for position, entry in strange.items():
        sample = db.session.get_one(Sample, entry.tube.sample_id) if entry.tube is not None else None
        _notice_stranger(inventory, compared.container, position, sample, entry.read or "", by)
    _finish(inventory, by)
    return len(lines)


#: Of a rack, what is read where the record does not expect it.
_ELSEWHERE = (State.NEW, State.MOVED)
_STRANGE = (State.UNKNOWN, State.ERROR)


def _unlisted(entry: Entry | None) -> bool:
    """The file does not name the place: nobody has looked there yet."""
    return entry is not None and entry.unlisted


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
    _answer(line, outcome, found, by)
    _notice(inventory, line, outcome, by)
    if outcome == "other" and found:
        container = db.session.get_one(Container, line.container_id)
        _notice_stranger(inventory, container, line.position, known(found, by), found, by)


def _answer(line: InventoryLine, outcome: str, found: str | None, by: Actor) -> None:
    line.outcome, line.checked_at, line.checked_by = outcome, clock.now(), by.key
    line.found = found[:256] if found else None
    db.session.flush()


def _notice(inventory: Inventory, line: InventoryLine, outcome: str, by: Actor) -> None:
    """What stands at its place is not looked for any more; what does not goes on the worklist."""
    if outcome == "right":
        seen_at_its_place([line.sample_id], by)
        return
    open_discrepancy(
        sample=db.session.get_one(Sample, line.sample_id), container=db.session.get_one(Container, line.container_id),
        kind="unreadable" if outcome == "unreadable" else "missing", position=line.position, source="inventory",
        source_id=inventory.id, by=by,
    )  # fmt: skip


def _notice_stranger(
    inventory: Inventory,
    container: Container,
    position: str | None,
    sample: Sample | None,
    found: str,
    by: Actor,
) -> None:
    """A tube stands where the record does not expect it."""
    stands = noticing.stands(sample) if sample is not None else None
    open_discrepancy(
        sample=sample, container=container, kind="moved" if stands else "foreign", position=position, found=found,
        source="inventory", source_id=inventory.id, by=by,
    )  # fmt: skip


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
    unanswered = select(InventoryLine.id).where(
        InventoryLine.inventory_id == inventory.id, InventoryLine.outcome.is_(None)
    )
    if db.session.scalar(unanswered.limit(1)) is None:
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


__all__ = [
    "Counts", "Stop", "check_rack", "check_scan", "close", "counts_of", "find_inventory", "find_line", "is_container",
    "list_inventories", "mark", "open_inventory", "otherwise", "stops", "waiting",
]  # fmt: skip
