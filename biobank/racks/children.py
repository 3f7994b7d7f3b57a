"""Aliquots that are read with their rack: the parent is debited, the children exist, and each stands in its well. Whole
or not at all."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import NotFound, RuleViolation
from biobank.racks import apply_rules, scans, service
from biobank.racks.models import RackScan
from biobank.racks.service import Compared
from biobank.samples import gate, processing
from biobank.samples.models import Sample
from biobank.storage import bulk, places
from biobank.storage.models import Container, Placement


@dataclass(frozen=True)
class Divided:
    """What was made of a tube, and where each stands: position -> the child."""

    scan: RackScan
    container: Container
    parent: Sample
    children: dict[str, Sample]

    @property
    def placements(self) -> list[int]:
        """The keys of the placements, for who takes it back."""
        keys = [child.id for child in self.children.values()]
        query = select(Placement.id).where(Placement.sample_id.in_(keys), places.current())
        return list(db.session.scalars(query.order_by(Placement.id)))


@dataclass(frozen=True)
class NewTubes:
    """The tubes of a rack that nobody knows yet, in the order of the rack; `shown` as `aliquot` takes it."""

    container: Container
    codes: list[str]
    shown: str


def new_tubes(*, scan: RackScan, by: Actor) -> NewTubes:
    """What could be filled. raises as `aliquot`, for the rack"""
    compared = service.compare(scan=scan, by=by)
    if scan.applied_at is not None and not scans.may_be_read_again(scan):
        raise RuleViolation("rack_scan_applied", applied=scans.shown(scan.applied_at))
    coming = _coming(compared, None, ())
    return NewTubes(compared.container, list(coming.values()), compared.difference.digest)


def aliquot(
    *,
    scan: RackScan,
    sample: Sample,
    amount: int,
    by: Actor,
    close_parent: bool = False,
    turned: bool | None = None,
    confirmed: Collection[str] = (),
    shown: str | None = None,
) -> Divided:
    """Divide a sample into the tubes of a rack that nobody knows yet. They stand in the rack at once.

    amount   of each child, in base units of the parent's quantity
    turned, confirmed, shown  as for `service.apply`
    raises   RuleViolation as `service.compare` for the rack; `rack_not_for_children` when anything in it is not as
             recorded; as `processing.aliquot` for the parent, and as `bulk.put_many` for the places
    """
    container, _kind, _reading = service.whole(scan, by)
    if sample.site_id != container.site_id:
        raise NotFound("sample_unknown", sample=sample.code)
    gate.lock_donors([sample.id])
    service.lock_for(scan, by, [sample.id])
    compared = service.compare(scan=scan, by=by, turned=bool(turned))
    if shown is not None and shown != compared.difference.digest:
        raise RuleViolation("rack_box_changed", container=container.code)
    scan = service.going_on(scan, by)
    coming = _coming(compared, turned, confirmed)
    children = processing.aliquot(
        sample=sample, count=len(coming), amount=amount, close_parent=close_parent,
        container_codes=list(coming.values()), by=by,
    )  # fmt: skip
    at = dict(zip(coming, children, strict=True))
    db.session.flush()
    bulk.put_many(container, {position: child.id for position, child in at.items()}, by)
    _note(scan, compared, sample, at, by)
    return Divided(scan, container, sample, at)


def _coming(compared: Compared, turned: bool | None, confirmed: Collection[str]) -> dict[str, str]:
    """Position -> the code of a tube that comes there."""
    apply_rules.require_confirmed(compared.doubts, confirmed)
    entries = apply_rules.children_of(compared.difference, turn_known=turned is not None)
    found = {entry.position: entry.read for entry in entries if entry.read}
    codes.require_free(list(found.values()), compared.container.site_id)
    return found


def _note(scan: RackScan, compared: Compared, parent: Sample, at: dict[str, Sample], by: Actor) -> None:
    """Say on the scan what was made of it."""
    told = {
        "turned": compared.difference.turned,
        "aliquots_of": parent.code,
        "placed": {position: child.code for position, child in at.items()},
        "confirmed": compared.doubts,
    }
    scan.applied_at, scan.applied_by, scan.applied = clock.now(), by.key, told
    db.session.flush()
    audit.record(
        by=by, act="rack_scan_applied", subject=("container", compared.container.code),
        after={"rack_scan": scan.id, "sha256": scan.sha256, "aliquots_of": parent.code, "count": len(at)},
    )  # fmt: skip
