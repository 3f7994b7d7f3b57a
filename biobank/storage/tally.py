"""How much stands in each freezer, and how much came and left by the day: kept by the acts themselves, so that a report
costs the same whatever the bank holds.

An act only notes what it changed. The notes are added up as the last step of its unit of work, behind the lock of the
record's head, which every unit takes last and for a moment: no freezer's row is waited for while tubes are handled, and
what was committed before is seen, so that a box carried away takes exactly what stands in it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import delete, text

from biobank.audit.models import AuditHead
from biobank.core.db import Unit, current_unit, db, fetch, last_steps, lock
from biobank.storage import places
from biobank.storage.models import StockFlow, StockTally
from biobank.storage.tally_queries import CONTENT, DIFFERENT, DIFFERENT_FLOWS, FLOWED, ROOTS, flows_from

#: (root, kind)
Key = tuple[int, str]


@dataclass
class Notes:
    """What one unit of work changed.

    samples    (container, day) -> how many more samples stand in it
    children   container -> how many more containers stand in it
    made       containers that there were not before
    carried    container that was put elsewhere -> the root it stood in before, itself where it stood nowhere
    tops       every such root
    known      container -> (root, kind) as its locks hold it; asked of the database for the others
    """

    samples: Counter[tuple[int, date]] = field(default_factory=Counter)
    children: Counter[int] = field(default_factory=Counter)
    made: set[int] = field(default_factory=set)
    carried: dict[int, int] = field(default_factory=dict)
    tops: set[int] = field(default_factory=set)
    known: dict[int, Key] = field(default_factory=dict)


def _notes() -> Notes:
    """Of the open unit of work; those of one that was given up are forgotten."""
    unit, info = current_unit(), db.session.info
    kept = info.get("stock_notes")
    if kept is None or kept[0] is not unit:
        kept = info["stock_notes"] = (unit, Notes())
    notes: Notes = kept[1]
    return notes


def sample_moved(container_id: int, at: datetime, by: int, known: Key | None = None) -> None:
    """So many more samples stand in a container since then (fewer: below nought).

    known  its root and its kind, where what it stands in is locked
    """
    notes = _notes()
    notes.samples[container_id, at.astimezone(UTC).date()] += by
    if known is not None:
        notes.known[container_id] = known


def container_moved(child_id: int, container_id: int, by: int, top: int) -> None:
    """One container more, or less, stands in another. top: the root the child stood in before, or itself"""
    notes = _notes()
    notes.children[container_id] += by
    notes.tops.add(top)
    notes.carried.setdefault(child_id, top)


def containers_made(inside: Mapping[int, int | None]) -> None:
    """There are new containers: key -> what it was put into at once."""
    notes = _notes()
    notes.made |= inside.keys()
    notes.children.update(key for key in inside.values() if key is not None)


def _add_up(unit: Unit) -> None:
    """Last step of a unit, after the record's: the head is locked."""
    kept = db.session.info.pop("stock_notes", None)
    if kept is None or kept[0] is not unit:
        return
    notes: Notes = kept[1]
    if ("audit_head", 1) not in unit.locked:
        lock(AuditHead, [1])
    carried = {key: top for key, top in notes.carried.items() if key not in notes.made}
    if carried or notes.made:
        notes.known.clear()  # what stood where may be otherwise now
    where = _where(notes, carried)
    if len(carried) > 1:
        recount({*notes.tops - notes.made, *(root for root, _ in where.values())})
        return
    tally, flow = _own(notes, where)
    for child, top in carried.items():
        _carry(child, top, where[child][0], notes, tally, flow)
    _write(tally, flow)
    for child, top in carried.items():
        if top == child != where[child][0]:
            _forget([child])


def _where(notes: Notes, carried: Iterable[int]) -> dict[int, Key]:
    """Container key -> its root now, and its own kind; one query for those that are not known."""
    touched = {key for key, _ in notes.samples} | notes.children.keys() | notes.made | set(carried)
    unknown = touched - notes.known.keys()
    found = {key: notes.known[key] for key in touched & notes.known.keys()}
    return found | (places.roots_of(unknown) if unknown else {})


def _own(notes: Notes, where: Mapping[int, Key]) -> tuple[dict[Key, Counter[str]], Counter[tuple[Key, date]]]:
    """What the notes come to, each container's under the root that it has now."""
    tally: dict[Key, Counter[str]] = {}
    flow: Counter[tuple[Key, date]] = Counter()
    for (container, day), count in notes.samples.items():
        tally.setdefault(where[container], Counter())["samples"] += count
        flow[where[container], day] += count
    for container, count in notes.children.items():
        tally.setdefault(where[container], Counter())["children"] += count
    for container in notes.made:
        tally.setdefault(where[container], Counter())["containers"] += 1
    return tally, flow


def _carry(
    child: int, top: int, root: int, notes: Notes, tally: dict[Key, Counter[str]], flow: Counter[Any]
) -> None:
    """What stands in a container now goes with it from one root to another. What this unit did in it is counted under
    the new root already: the old one gives only what was there before."""
    if top == root:
        return
    inside = [key for (key,) in fetch(ROOTS, {"ids": [child]})]
    before, flowed = Notes(), Counter[tuple[str, date]]()
    before.samples.update({key: count for key, count in notes.samples.items() if key[0] in set(inside)})
    before.children.update({key: count for key, count in notes.children.items() if key in set(inside)})
    before.made |= notes.made & set(inside)
    own, own_flow = _own(before, places.roots_of(inside))
    since = flows_from()
    for row in fetch(FLOWED, {"ids": [child], "since": since[1]}):
        flowed[row.kind, row.day] += int(row.net)
    for row in fetch(CONTENT, {"ids": [child]}):
        mine = own.get((root, row.kind), Counter())
        there = {name: int(getattr(row, name)) - mine[name] for name in ("containers", "samples", "children")}
        tally.setdefault((root, row.kind), Counter()).update(there)
        tally.setdefault((top, row.kind), Counter()).subtract(there)
    for (kind, day), net in flowed.items():
        moved = net - own_flow[(root, kind), day]
        flow[(root, kind), day] += moved
        flow[(top, kind), day] -= moved


_TALLY = (
    "INSERT INTO stock_tally (root_id, kind, containers, samples, children)"
    " VALUES (:root, :kind, :containers, :samples, :children) ON CONFLICT (root_id, kind) DO UPDATE SET"
    " containers = stock_tally.containers + excluded.containers, samples = stock_tally.samples + excluded.samples,"
    " children = stock_tally.children + excluded.children"
)
_FLOW = (
    "INSERT INTO stock_flow (root_id, kind, day, net) VALUES (:root, :kind, :day, :net)"
    " ON CONFLICT (root_id, kind, day) DO UPDATE SET net = stock_flow.net + excluded.net"
)
_ADD, _ADD_FLOW = text(_TALLY), text(_FLOW)
#: PostgreSQL says both in one breath: the head is locked meanwhile, and everybody waits for it.
_ADD_BOTH = text(f"WITH tallied AS ({_TALLY} RETURNING 1) {_FLOW}")


def _write(tally: Mapping[Key, Counter[str]], flow: Mapping[tuple[Key, date], int]) -> None:
    counted = [
        {"root": root, "kind": kind, **{name: count[name] for name in ("containers", "samples", "children")}}
        for (root, kind), count in sorted(tally.items())
        if any(count.values())
    ]
    moved = [
        {"root": root, "kind": kind, "day": day.isoformat() if _text_days() else day, "net": net}
        for ((root, kind), day), net in sorted(flow.items())
        if net
    ]
    connection = db.session.connection()
    one = len(counted) == len(moved) == 1  # a tube was put in or taken out: both are of its box
    if one and not _text_days() and counted[0]["root"] == moved[0]["root"]:
        connection.execute(_ADD_BOTH, counted[0] | moved[0])
        return
    if counted:
        connection.execute(_ADD, counted)
    if moved:
        connection.execute(_ADD_FLOW, moved)


def _text_days() -> bool:
    return db.engine.dialect.name == "sqlite"


def _forget(root_ids: Iterable[int]) -> None:
    """They stand in something now, and are roots no more."""
    for table in (StockTally, StockFlow):
        db.session.execute(
            delete(table).where(table.root_id.in_(sorted(root_ids))),
            execution_options={"synchronize_session": False},
        )


def recount(root_ids: Iterable[int] | None = None) -> None:
    """Count anew what stands in these roots, or in all; whoever of them is a root no more is forgotten."""
    if ("audit_head", 1) not in current_unit().locked:
        lock(AuditHead, [1])
    if root_ids is None:
        for table in (StockFlow, StockTally):
            db.session.execute(delete(table), execution_options={"synchronize_session": False})
        ids = [key for (key,) in fetch(_EVERY_ROOT)]
    else:
        _forget(root_ids)
        ids = [key for key, (root, _) in places.roots_of(root_ids).items() if key == root]
    tally: dict[Key, Counter[str]] = {}
    flow: Counter[tuple[Key, date]] = Counter()
    for row in fetch(CONTENT, {"ids": ids}):
        tally[row.start, row.kind] = Counter(
            {name: int(getattr(row, name)) for name in ("containers", "samples", "children")}
        )
    for row in fetch(FLOWED, {"ids": ids, "since": flows_from()[1]}):
        flow[(row.start, row.kind), row.day] += int(row.net)
    _write(tally, flow)


_EVERY_ROOT = text(
    "SELECT c.id FROM container c WHERE NOT EXISTS (SELECT 1 FROM placement p WHERE p.child_id = c.id"
    " AND p.removed_recorded_at IS NULL) ORDER BY c.id"
)


def differences() -> Iterable[str]:
    """Where what is kept is not what is there: all of it counted anew, each in one statement, so at one moment."""
    for row in fetch(DIFFERENT):
        told = [
            f"{name} {int(row[at])}"
            for at, name in ((2, "containers"), (3, "samples"), (4, "children"))
            if row[at]
        ]
        yield f"{row.code}, {row.kind}: off by {', '.join(told)}"
    day, since = flows_from()
    for row in fetch(DIFFERENT_FLOWS, {"since": since, "day": day}):
        yield f"{row.code}, {row.kind}: what came on {row.day} is off by {int(row.net)}"


last_steps.append(_add_up)
