"""Which box a scan is of: the file names a rack, or somebody says it. A rack that nobody knows gets its box by one act,
and is known from then on, wherever its code is scanned."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import accession, codes
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import BiobankError, Malformed, NotFound, Reason, RuleViolation
from biobank.racks import place_rules, readings, scans
from biobank.racks.files import LayoutUnknown
from biobank.racks.models import RackScan
from biobank.racks.wells import RackReading
from biobank.storage import containers, kinds, standing
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container
from biobank.storage.rules import ContainerKind

#: What a maker prints on a rack; and what our own numbers, command cards and places look like.
_FIT = re.compile(r"[!-~](?:[ -~]{0,98})[!-~]")
_OURS = re.compile(r"([A-Za-z][0-9]+).*")
#: Boxes of one name that are looked at: with more than one, the name tells nothing.
_ONE_TOO_MANY = 2


def require_this_rack(reading: RackReading, container: Container, by: Actor) -> Reason | None:
    """Refuse the file of another rack that is known.

    returns  why nothing can be carried out yet, when nobody knows the rack that the file names: see `say_box`
    raises   RuleViolation `rack_of_other_box`, with the box that it is
    """
    told = reading.rack_code
    if told in (container.code, container.name) or (told is None and not reading.hints):
        return None
    boxes = _known_as([told] if told is not None else reading.hints, container.site_id, by)
    if not boxes and told is not None:
        boxes = _named(told, container.site_id)
    if container.id in [box.id for box in boxes]:
        return None
    shown: dict[str, Any] = {"container": container.code, "name": container.name[:80]}
    for other in boxes:
        of = f"{other.name} ({other.code})"[:80]
        raise RuleViolation(
            "rack_of_other_box", rack=(told or other.code)[:40], of=of, other=other.code, **shown
        )
    return None if told is None else Reason("rack_code_new", {"rack": told[:40]} | shown)


def box_for(scan: RackScan, by: Actor) -> Container | None:
    """The box that a scan seems to be of: by the rack's code, or by the name of the file; None when nobody knows."""
    for name in (scan.rack_code, scan.file_name.rpartition(".")[0], scan.file_name):
        if name:
            boxes = _known_as([name], scan.site_id, by) or _named(name, scan.site_id)
            if boxes:
                return boxes[0] if len(boxes) == 1 else None
    return None


def is_unknown(scan: RackScan, by: Actor) -> bool:
    """Does the file name a rack that nobody here knows?"""
    if not scan.rack_code:
        return False
    return not (_known_as([scan.rack_code], scan.site_id, by) or _named(scan.rack_code, scan.site_id))


def take_to_its_box(scan: RackScan, by: Actor) -> tuple[RackScan, Container | None]:
    """What needs nobody: the scan of a rack that is known, or whose file has a box's name and names no rack.

    returns  the scan that goes on, and the box that it is, or seems to be, of
    """
    if scan.container_id is not None:
        return scan, db.session.get_one(Container, scan.container_id)
    box = box_for(scan, by)
    if box is None or is_unknown(scan, by):
        return scan, box
    return say_box(scan=scan, container=box, by=by), box


def say_box(*, scan: RackScan, container: Container, by: Actor) -> RackScan:
    """Say which box a scan is of: a rack's code in its file that nobody has yet becomes that box's.

    returns  the scan that goes on: where another box was said before, that scan is put aside and the file kept for this
             one; where the same bytes wait for this box already, those
    raises   RuleViolation `rack_of_other_box`, `rack_scan_applied`, `rack_scan_dismissed`, and `code_taken` when the
             code is that of something else; Malformed for a code that none can be
    """
    if not by.sees(container.site_id) or container.site_id != scan.site_id:
        raise NotFound("container_unknown", container=container.code)
    standing.lock_paths(container.id, *([scan.container_id] if scan.container_id is not None else []))
    scans.refresh(scan, None)
    if scan.container_id != container.id:
        scan = _kept_for(scan, container, by)
    reading = scans.reading_of(scan)
    if reading is not None and require_this_rack(reading, container, by) is not None and reading.rack_code:
        _give_code(container, reading.rack_code, by)
    return scan


def make_box(*, scan: RackScan, kind: str, name: str, by: Actor) -> RackScan:
    """Set up a new box for a rack that nobody knows; the code that its file names is its own from the first.

    kind    one that the file can be of
    raises  Malformed for a kind that no tubes stand in; RuleViolation `rack_code_known`, and as `places_of` for another
            size
    """
    if not by.sees(scan.site_id):
        raise NotFound("rack_scan_unknown", scan=scan.id)
    if not is_unknown(scan, by):
        raise RuleViolation("rack_code_known", rack=(scan.rack_code or "–")[:40])
    wanted = kinds.find_kind(kind)
    if wanted not in racks():
        raise Malformed({"kind": Reason("rack_kind_without_tubes", {"kind": wanted.label})})
    reading = scans.reading_of(scan)
    if reading is not None:
        place_rules.places_of(reading, wanted)
    if scan.container_id is not None:
        standing.lock_paths(scan.container_id)  # before the counter of numbers
    made = containers.make_container(site_id=scan.site_id, kind=kind, name=name, by=by)
    return say_box(scan=scan, container=made, by=by)


def fitting(scan: RackScan) -> list[ContainerKind]:
    """The kinds that a new box for this scan can be of, the likeliest first."""
    reading = scans.reading_of(scan)
    return place_rules.fitting(reading, racks()) if reading is not None else racks()


def racks() -> list[ContainerKind]:
    """The kinds of box whose places are for tubes alone."""
    return [kind for key in kinds.tube_kinds() if (kind := kinds.kinds()[key]).positioned]


def _kept_for(scan: RackScan, container: Container, by: Actor) -> RackScan:
    """The scan as one of this box."""
    if scan.applied_at is not None:
        raise RuleViolation("rack_scan_applied", applied=scans.shown(scan.applied_at))
    if scan.dismissed_at is not None:
        raise RuleViolation("rack_scan_dismissed")
    content = scans.content_of(scan)
    twin = scans.open_twin(scan, container)
    if twin is not None or scan.container_id is not None:
        scans.dismiss(scan=scan, by=by)
        if twin is not None:
            return twin
        reading = scans.reading_of(scan)
        kept = scans.keep(
            content=content, file_name=scan.file_name, source=scan.source, container=container,
            below=reading is not None and reading.below, by=by,
        )  # fmt: skip
        return kept.scan
    scan.container_id = container.id
    if scan.reading is None:
        try:
            reading = readings.read(content, scan.site_id, kind_of(container))
        except LayoutUnknown:
            reading = None
        if reading is not None:
            scans.note(scan, reading)
    db.session.flush()
    after = {"container": container.code}
    audit.record(by=by, act="rack_scan_box_said", subject=("rack_scan", str(scan.id)), after=after)
    return scan


def _give_code(container: Container, code: str, by: Actor) -> None:
    """From now on that code is a code of this box, wherever it is scanned: it must not read as something of ours."""
    if not _FIT.fullmatch(code) or _is_ours(code):
        raise Malformed({"rack": Reason("rack_code_no_code", {"rack": code[:40]})})
    codes.register(code, "rack", container.id, container.site_id)
    after = {"rack_code": code}
    audit.record(by=by, act="rack_code_given", subject=("container", container.code), after=after)


def _is_ours(code: str) -> bool:
    """Does it begin with a number of ours, by its check digits? So do places and command cards."""
    begins = _OURS.fullmatch(code)
    if begins is None:
        return False
    try:
        accession.parse_number(begins[1].upper())
    except BiobankError:
        return False
    return True


def _known_as(names: Iterable[str], site_id: int, by: Actor) -> Sequence[Container]:
    """The boxes whose code, or maker's code, one of these is."""
    keys = {
        found.target_id
        for found in codes.find(names, by)
        if found.kind in ("container", "rack") and not found.voided and found.site_id == site_id
    }
    query = select(Container).where(Container.id.in_(keys)).order_by(Container.id)
    return list(db.session.scalars(query)) if keys else []


def _named(name: str, site_id: int) -> Sequence[Container]:
    """The box of that name, where only one has it."""
    query = select(Container).where(Container.site_id == site_id, Container.name == name)
    found = list(db.session.scalars(query.limit(_ONE_TOO_MANY)))
    return found if len(found) < _ONE_TOO_MANY else []
