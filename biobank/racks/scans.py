"""Keeps what rack readers sent: every byte with its hash, once a box; finds it again, and says which box it is of."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import defer

from biobank.audit import service as audit
from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, current_unit, db
from biobank.core.errors import BiobankError, NotFound, RuleViolation, TooLarge, Unreadable, WrongKind
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.core.times import When
from biobank.racks import readings, sheets
from biobank.racks.files import LayoutUnknown
from biobank.racks.models import RackScan
from biobank.racks.wells import RackReading
from biobank.storage import standing
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container

#: The key in `RackScan.reading` of what people typed for wells that could not be read: place -> code.
TYPED = "typed"


@dataclass(frozen=True)
class Kept:
    """A scan, and whether these very bytes were kept for this box before."""

    scan: RackScan
    again: bool


def keep(
    *,
    content: bytes,
    file_name: str,
    source: str,
    by: Actor,
    container: Container | None = None,
    site_id: int | None = None,
    below: bool = False,
) -> Kept:
    """Keep a file and read it. The same bytes for the same box are the same scan.

    container  the box that is open; None: nobody has said which, and `site_id` says whose it is
    below      of a picture: it was taken from below, so that A01 is at the right
    raises     Unreadable, WrongKind, TooLarge or RuleViolation for what cannot be read; then it is kept all the same,
               in a unit of its own. A layout that is not known is kept without a reading, for somebody to teach it
    """
    site = container.site_id if container is not None else site_id
    if site is None:
        raise TypeError("whose scan is it?")
    digest = hashlib.sha256(content).hexdigest()
    found = _same(site, digest, container)
    if found is not None and (_is_told_anew(found, source) or _is_seen_anew(found, below)):
        found = None
    if found is not None and found.reading is not None:
        look_from(scan=found, below=below, by=by)
        return Kept(found, True)
    told: dict[str, Any] = {
        "content": content, "file_name": file_name, "source": source, "site_id": site, "by": by,
        "container_id": container.id if container is not None else None, "digest": digest, "below": below,
    }  # fmt: skip
    current_unit().after_refusal.append(lambda: _keep_refused(told))
    try:
        kind = kind_of(container) if container is not None else None
        reading = readings.read(content, site, kind, below=below)
    except LayoutUnknown:
        reading = None
    if container is not None:
        # A row that points at a box holds the box a little: two who write theirs and then want it whole would wait for
        # each other. Read is before that: a picture takes a while, and a whole freezer would wait for it.
        standing.lock_paths(container.id)
    scan = found or _write(told)
    if reading is not None:
        note(scan, reading)
    if found is None:
        audit.record(
            by=by, act="rack_scanned", subject=("rack_scan", str(scan.id)),
            after={"container": container.code if container is not None else None, "sha256": digest,
                   "layout": scan.layout, "source": source},
        )  # fmt: skip
    return Kept(scan, found is not None)


def read_again(scan: RackScan, by: Actor) -> RackScan:
    """The same bytes, kept once more because the rack was read again: the scan before has ended.

    A reader that writes no time writes the same file whenever the same tubes stand in the same places.
    """
    told = {
        "content": content_of(scan), "file_name": scan.file_name, "source": scan.source, "site_id": scan.site_id,
        "container_id": scan.container_id, "digest": scan.sha256, "by": by, "below": False,
    }  # fmt: skip
    fresh = _write(told)
    fresh.layout, fresh.rack_code, fresh.reading = scan.layout, scan.rack_code, scan.reading
    fresh.scanned_at = scan.scanned_at
    db.session.flush()
    audit.record(
        by=by,
        act="rack_scanned",
        subject=("rack_scan", str(fresh.id)),
        after={"again": scan.id, "sha256": scan.sha256},
    )
    return fresh


def has_ended(scan: RackScan) -> bool:
    """It was carried out, or put aside."""
    return scan.applied_at is not None or scan.dismissed_at is not None


def may_be_read_again(scan: RackScan) -> bool:
    """A scan that was carried out and tells its time is that very scan; without a time it may be a new one."""
    return scan.dismissed_at is not None or scan.scanned_at is None


def _is_told_anew(scan: RackScan, source: str) -> bool:
    """The folder brings the same bytes once more, though what it brought has ended: it waits for somebody anew."""
    return source == "folder" and has_ended(scan) and may_be_read_again(scan)


def _is_seen_anew(scan: RackScan, below: bool) -> bool:
    """The same picture, said to be seen from another side than when it was dealt with."""
    return has_ended(scan) and is_other_side(scan, below)


def is_other_side(scan: RackScan, below: bool) -> bool:
    """Was this picture read as one that was taken from the other side?"""
    reading = reading_of(scan)
    return reading is not None and reading.size is not None and reading.below != below


def look_from(*, scan: RackScan, below: bool, by: Actor) -> None:
    """Read a picture again as taken from below, or from above; what was typed into it is gone: the places are others.

    raises  RuleViolation for a scan that has ended
    """
    if not is_other_side(scan, below):
        return
    refresh(scan, scan.container_id)
    if scan.applied_at is not None:
        raise RuleViolation("rack_scan_applied", applied=shown(scan.applied_at))
    if scan.dismissed_at is not None:
        raise RuleViolation("rack_scan_dismissed")
    container = db.session.get_one(Container, scan.container_id)
    reading = readings.read(content_of(scan), scan.site_id, kind_of(container), below=below)
    if reading is not None:
        note(scan, reading)
        audit.record(
            by=by, act="rack_picture_side_said", subject=("rack_scan", str(scan.id)), after={"below": below}
        )


def note(scan: RackScan, reading: RackReading) -> None:
    """Keep what was read beside the file."""
    scan.layout, scan.rack_code, scan.scanned_at = reading.layout, reading.rack_code, reading.scanned_at
    now = clock.now()
    if scan.scanned_at is not None and scan.scanned_at > now:
        scan.scanned_at = None  # the reader's clock is ahead of ours: it cannot be compared
    scan.reading = reading.as_json()
    db.session.flush()


def find_scan(key: int, by: Actor) -> RackScan:
    """raises NotFound, also for another site's"""
    query = select(RackScan).where(RackScan.id == key).options(defer(RackScan.content))
    found = db.session.scalar(query) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("rack_scan_unknown", scan=str(key)[:20])
    return found


def content_of(scan: RackScan) -> bytes:
    """Every byte as it came. raises RuleViolation when it is not what was kept any more"""
    content = db.session.scalar(select(RackScan.content).where(RackScan.id == scan.id)) or b""
    if hashlib.sha256(content).hexdigest() != scan.sha256:
        raise RuleViolation("rack_scan_damaged", scan=scan.id)
    return content


def reading_of(scan: RackScan) -> RackReading | None:
    """What was read, without what was typed; None while the layout is not known."""
    return RackReading.from_json(scan.reading) if scan.reading is not None else None


def typed_in(scan: RackScan) -> Mapping[str, str]:
    """Place -> code, as people typed it for wells that could not be read; places as the file has them."""
    typed: Mapping[str, str] = (scan.reading or {}).get(TYPED, {})
    return typed


def scans_of(container: Container, *, after: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[RackScan]:
    """Everything that was read of a box, the newest first."""
    query = select(RackScan).where(RackScan.container_id == container.id).options(defer(RackScan.content))
    return page_of(query, RackScan.id, after=after, limit=limit)


def waiting(by: Actor, *, after: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[RackScan]:
    """What was read and neither carried out nor put aside, the newest first."""
    query = (
        select(RackScan)
        .where(RackScan.applied_at.is_(None), RackScan.dismissed_at.is_(None))
        .options(defer(RackScan.content))
    )
    if by.site_id is not None:
        query = query.where(RackScan.site_id == by.site_id)
    return page_of(query, RackScan.id, after=after, limit=limit)


def boxes_of(scans: Sequence[RackScan]) -> dict[int, Container]:
    """Container key -> the box, of all of these; one query."""
    keys = sorted({scan.container_id for scan in scans if scan.container_id is not None})
    found = db.session.scalars(select(Container).where(Container.id.in_(keys)))
    return {container.id: container for container in found}


def dismiss(*, scan: RackScan, by: Actor) -> RackScan:
    """Put a scan aside: it is kept, and not carried out. raises RuleViolation for one that was"""
    refresh(scan, scan.container_id)
    if scan.applied_at is not None:
        raise RuleViolation("rack_scan_applied", applied=shown(scan.applied_at))
    if scan.dismissed_at is None:
        scan.dismissed_at, scan.dismissed_by = clock.now(), by.key
        db.session.flush()
        audit.record(by=by, act="rack_scan_dismissed", subject=("rack_scan", str(scan.id)))
    return scan


def refresh(scan: RackScan, container_id: int | None) -> None:
    """Read its row anew, holding its box and what that stands in: whoever ends a scan holds them."""
    if container_id is not None:
        standing.lock_paths(container_id)
    query = select(RackScan).where(RackScan.id == scan.id).options(defer(RackScan.content))
    db.session.scalars(query.execution_options(populate_existing=True)).one()


def shown(at: datetime) -> str:
    """An instant as sentences tell it, by the bank's clock."""
    return times.show(When.exactly(at), clock.zone()) or ""


def open_twin(scan: RackScan, container: Container) -> RackScan | None:
    """The same bytes, waiting for that box."""
    twin = _same(scan.site_id, scan.sha256, container)
    return twin if twin is not None and not has_ended(twin) else None


def _same(site_id: int, digest: str, container: Container | None) -> RackScan | None:
    query = select(RackScan).where(RackScan.site_id == site_id, RackScan.sha256 == digest)
    if container is not None:
        query = query.where(RackScan.container_id == container.id)
    else:  # the folder brings a file again: whatever box it turned out to be of
        query = query.where(RackScan.source == "folder")
    # The newest: of several, all but that one have ended.
    newest = query.options(defer(RackScan.content)).order_by(RackScan.id.desc()).limit(1)
    return db.session.scalars(newest).one_or_none()


def _write(told: Mapping[str, Any]) -> RackScan:
    content = told["content"]
    media_type = readings.media_type_of(content)
    source = told["source"]
    scan = RackScan(
        site_id=told["site_id"], container_id=told["container_id"],
        source="picture" if source == "upload" and readings.is_picture(media_type) else source,
        file_name=_plain_name(told["file_name"]), media_type=media_type, size=len(content), sha256=told["digest"],
        content=content, recorded_at=clock.now(), recorded_by=told["by"].key,
    )  # fmt: skip
    db.session.add(scan)
    db.session.flush()
    return scan


def _keep_refused(told: Mapping[str, Any]) -> None:
    """What was refused is kept as it came, so that somebody can look at it; what is no such file at all is not."""
    content = told["content"]
    container = db.session.get(Container, told["container_id"]) if told["container_id"] else None
    if _same(told["site_id"], told["digest"], container) is not None:
        return
    if not readings.is_picture(readings.media_type_of(content)):
        try:
            sheets.open_content(content)
        except (WrongKind, TooLarge, Unreadable):
            return
    scan = _write(told)
    try:
        kind = kind_of(container) if container is not None else None
        reading = readings.read(content, scan.site_id, kind, below=told["below"])
    except BiobankError:
        reading = None
    if reading is not None:
        note(scan, reading)


def _plain_name(name: str) -> str:
    """The last part of what the sender called it, without what cannot be kept."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:200] or "rack"
