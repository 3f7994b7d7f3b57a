"""RACKS: a whole rack read at once, compared with the record, and carried out whole or not at all.

The difference is told in a constant number of queries, and carried out in a constant number of statements, for one tube
or for 96. Carrying it out compares anew, under the locks: what was shown is carried out, or nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.codes import Found
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.racks import apply_rules, facts, naming, place_rules, readings, rules, scans
from biobank.racks.models import RackScan
from biobank.racks.rules import Difference, State
from biobank.racks.wells import LONGEST_CODE, RackReading
from biobank.storage import bulk
from biobank.storage import rules as storage_rules
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container
from biobank.storage.rules import ContainerKind

#: Why a tube that is not in its rack any more was taken out.
MISSING = "missing"


@dataclass(frozen=True)
class Compared:
    """A scan against its box, as both are now."""

    scan: RackScan
    container: Container
    kind: ContainerKind
    reading: RackReading
    difference: Difference
    #: Nobody knows the rack that the file names: whose it is must be said first.
    unnamed: bool = False

    @property
    def doubts(self) -> list[str]:
        """What a person must have looked at before anything is carried out: the codes of these doubts."""
        return apply_rules.doubts_of(self.reading.doubts)


@dataclass(frozen=True)
class Applied(Compared):
    """What was carried out. `nothing_to_do`: all stood where it should, or the scan was carried out before."""

    nothing_to_do: bool = False
    confirmed: tuple[str, ...] = ()


#: Called inside the unit of work that carries a scan out, after the tubes have moved: with what was done, and by whom.
after_apply: list[Callable[[Applied, Actor], None]] = []


def compare(*, scan: RackScan, by: Actor, turned: bool = False, looking: bool = False) -> Compared:
    """What the scan says against the record.

    turned   take it as read the other way round
    looking  nothing is to be carried out yet: a rack that nobody knows is remarked on, not refused
    raises   RuleViolation for a wrong rack, an older scan, another size, one place twice; `rack_layout_unknown`;
             `rack_code_new` until somebody has said which box it is, see `naming.say_box`
    """
    container, kind, reading = whole(scan, by)
    unsaid = naming.require_this_rack(reading, container, by)
    if unsaid is not None and not looking:
        raise RuleViolation(unsaid.code, **unsaid.params)
    _require_newer(scan, container)
    found = rules.difference(
        reading, kind, container_id=container.id, turned=turned, **facts.gather(container, kind, reading, by)
    )
    if unsaid is not None:
        found = replace(found, remarks=(unsaid, *found.remarks))
    return Compared(scan, container, kind, reading, found, unnamed=unsaid is not None)


def apply(
    *,
    scan: RackScan,
    by: Actor,
    turned: bool | None = None,
    leave_unknown: bool = False,
    empty_unlisted: bool = False,
    confirmed: Collection[str] = (),
    shown: str | None = None,
) -> Applied:
    """Carry the scan out: every tube stands where it was read, what was not read stands nowhere; or nothing happens.

    turned         which way round it was read; None: nobody has said, and it must not look turned
    leave_unknown  tubes that nobody knows are left out; otherwise they stand in the way
    empty_unlisted  places that the file does not name are empty, somebody says; otherwise what stands there stays
    confirmed      the doubts about the picture, by their codes, of which the actor says that it is right all the same
    shown          the digest of the difference that was seen: `rack_box_changed` when it would do something else now
    raises         RuleViolation with every place that stands in the way
    """
    container, kind, reading = lock_for(scan, by)
    compared = compare(scan=scan, by=by, turned=bool(turned))
    found = compared.difference
    if shown is not None and shown != found.digest:
        raise RuleViolation("rack_box_changed", container=container.code)
    if empty_unlisted:
        found = found.emptied()
    if scan.applied_at is not None and not found.changes:
        return Applied(scan, container, kind, reading, found, nothing_to_do=True)
    scan = going_on(scan, by)
    apply_rules.require_confirmed(compared.doubts, confirmed)
    apply_rules.require_applicable(found, leave_unknown=leave_unknown, turn_known=turned is not None)
    bulk.put_many(
        container,
        found.to_place,
        by,
        out=[tube.sample_id for tube in found.to_take_out.values()],
        why=MISSING,
    )
    done = Applied(
        scan, container, kind, reading, found, nothing_to_do=not found.changes, confirmed=tuple(compared.doubts)
    )  # fmt: skip
    _note(done, by)
    for hook in after_apply:
        hook(done, by)
    return done


def type_codes(
    *, scan: RackScan, typed: Mapping[str, tuple[str, str]], by: Actor, turned: bool = False
) -> None:
    """Keep codes that people typed, twice each, for wells that could not be read.

    typed   place, as the difference shows it -> the code, and the code once more
    raises  Malformed for two that differ, or what cannot be a code; RuleViolation for a well that was read
    """
    container, kind, _reading = whole(scan, by)
    scans.refresh(scan, container.id)
    wrong: dict[str, Reason] = {}
    codes_typed: dict[str, str] = {}
    for place, (one, other) in typed.items():
        first, second = one.strip(), other.strip()
        if not first and not second:
            continue
        position = storage_rules.parse_position(place, kind).text
        if first != second:
            wrong[place] = Reason("rack_typed_twice_differs", {"one": first[:40], "other": second[:40]})
        elif (
            not first.isprintable() or len(first) > LONGEST_CODE or any(letter.isspace() for letter in first)
        ):
            wrong[place] = Reason("rack_typed_unreadable", {"code": first[:40]})
        else:
            codes_typed[place_rules.opposite(kind, position).text if turned else position] = first
    if wrong:
        raise Malformed(wrong)
    if not codes_typed:
        raise RuleViolation("rack_typed_nothing")
    if scan.applied_at is not None or scan.dismissed_at is not None:
        raise RuleViolation("rack_scan_dismissed")
    plain = scans.reading_of(scan)
    if plain is None:
        raise RuleViolation("rack_box_needed")
    place_rules.type_in(plain, codes_typed, kind)
    kept = dict(scan.reading or {})
    scan.reading = kept | {scans.TYPED: {**scans.typed_in(scan), **codes_typed}}
    db.session.flush()
    audit.record(
        by=by, act="rack_codes_typed", subject=("rack_scan", str(scan.id)),
        after={"container": container.code, "places": sorted(codes_typed)},
    )  # fmt: skip


# --- what the box and the tubes are now


def lock_for(
    scan: RackScan, by: Actor, more: Sequence[int] = ()
) -> tuple[Container, ContainerKind, RackReading]:
    """Lock the box, everything that was read and stands in it, and `more`; the scan as it is under the locks."""
    container, kind, reading = whole(scan, by)
    read = [found for found in facts.look_up(reading, by).values() if isinstance(found, Found)]
    here = [found.target_id for found in read if found.site_id == container.site_id]
    bulk.lock_box(container, [*here, *more], by)
    scans.refresh(scan, None)
    return container, kind, reading


def going_on(scan: RackScan, by: Actor) -> RackScan:
    """The scan that is carried out: one that has ended is read again, where its reader tells no time.

    raises  RuleViolation `rack_scan_applied`
    """
    if not scans.has_ended(scan):
        return scan
    if scan.applied_at is not None and not scans.may_be_read_again(scan):
        raise RuleViolation("rack_scan_applied", applied=scans.shown(scan.applied_at))
    return scans.read_again(scan, by)


def whole(scan: RackScan, by: Actor) -> tuple[Container, ContainerKind, RackReading]:
    """The box, and the reading with what people typed into it."""
    if scan.container_id is None:
        raise RuleViolation("rack_box_needed")
    container = db.session.get_one(Container, scan.container_id)
    if not by.sees(container.site_id):
        raise NotFound("rack_scan_unknown", scan=scan.id)
    kind = kind_of(container)
    reading = scans.reading_of(scan)
    if reading is None:
        code = "rack_picture_unreadable" if readings.is_picture(scan.media_type) else "rack_layout_needed"
        raise RuleViolation(code, scan=scan.id)
    typed = scans.typed_in(scan)
    return container, kind, place_rules.type_in(reading, typed, kind) if typed else reading


def _require_newer(scan: RackScan, container: Container) -> None:
    query = select(func.max(RackScan.scanned_at)).where(
        RackScan.container_id == container.id, RackScan.applied_at.is_not(None), RackScan.id != scan.id
    )
    last = db.session.scalar(query)
    if scan.scanned_at is not None and last is not None:
        apply_rules.require_newer(
            scan.scanned_at, last, shown=scans.shown(scan.scanned_at), last_shown=scans.shown(last)
        )


# --- what is written


def _note(done: Applied, by: Actor) -> None:
    """Say on the scan what was carried out, and when."""
    found, scan = done.difference, done.scan
    scan.applied_at, scan.applied_by = clock.now(), by.key
    scan.applied = {
        "turned": found.turned,
        "counts": found.counts,
        "placed": {
            entry.position: entry.tube.code for entry in found.of(State.NEW, State.MOVED) if entry.tube
        },
        "out": {position: tube.code for position, tube in found.to_take_out.items()},
        "unread": [entry.position for entry in found.of(State.UNREAD)],
        "left_out": {entry.position: entry.read for entry in found.of(State.UNKNOWN)},
        "confirmed": list(done.confirmed),
    }
    db.session.flush()
    audit.record(
        by=by, act="rack_scan_applied", subject=("container", done.container.code),
        after={"rack_scan": scan.id, "sha256": scan.sha256, "turned": found.turned, "counts": found.counts}
        | ({"confirmed": list(done.confirmed)} if done.confirmed else {}),
    )  # fmt: skip
