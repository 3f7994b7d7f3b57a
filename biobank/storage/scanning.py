"""What a scan at a box stands for: a tube, by our number or its maker's code, or another container."""

from dataclasses import dataclass

from biobank.core import scans
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import NotFound
from biobank.samples.models import Sample
from biobank.storage import position_codes
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container


@dataclass(frozen=True)
class Scanned:
    """One of the two is None."""

    sample: Sample | None = None
    child: Container | None = None

    @property
    def code(self) -> str:
        found = self.sample or self.child
        return found.code if found is not None else ""


def find_thing(raw: str, by: Actor) -> Scanned:
    """What was scanned.

    raises  NotFound `scanned_unknown` with what was read; as `core.scans.meant` for a code that is void or means two
            things
    """
    try:
        meant = scans.meant(raw, by, kinds=("sample", "tube", "container", "rack"))
    except NotFound as unknown:
        raise NotFound("scanned_unknown", reasons=unknown.reasons, scanned=raw.strip()[:100]) from None
    if meant.found.kind in ("sample", "tube"):
        return Scanned(sample=db.session.get_one(Sample, meant.found.target_id))
    return Scanned(child=db.session.get_one(Container, meant.found.target_id))


def find_scanned_container(raw: str, by: Actor) -> Container:
    """The container that was scanned, by its own label or the maker's code on it, or by a place in it.

    raises  NotFound `container_unknown` with what was read; as `core.scans.meant`
    """
    return _container_meant(raw, by)[0]


def find_scanned_place(raw: str, by: Actor) -> tuple[Container, str | None]:
    """The same, with the place where the code of a place was scanned."""
    container, meant = _container_meant(raw, by)
    parsed = position_codes.parse_position_code(meant.found.code) if meant.found.kind == "position" else None
    if parsed is None:
        return container, None
    place = position_codes.position_at(parsed[1], kind_of(container))
    if place is None:
        raise NotFound("container_unknown", container=raw.strip()[:40])
    return container, place.text


def _container_meant(raw: str, by: Actor) -> tuple[Container, scans.Meant]:
    try:
        meant = scans.meant(raw, by, kinds=("container", "rack", "position"))
    except NotFound as unknown:
        raise NotFound("container_unknown", reasons=unknown.reasons, container=raw.strip()[:40]) from None
    return db.session.get_one(Container, meant.found.target_id), meant
