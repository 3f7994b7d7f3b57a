"""Where something is put, as it is scanned there: the code of a place, or that of a container."""

from dataclasses import dataclass

from biobank.core import scans
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import NotFound, RuleViolation
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container
from biobank.storage.position_codes import parse_position_code, position_at


@dataclass(frozen=True)
class Target:
    """A container, and a place in it where one was scanned."""

    container: Container
    position: str | None
    code: str
    """What was read."""


def find_target(raw: str, by: Actor) -> Target:
    """raises  NotFound `container_unknown` with what was read; RuleViolation for a place that the container has not;
    as `core.scans.meant`"""
    try:
        meant = scans.meant(raw, by, kinds=("container", "rack", "position"))
    except NotFound as unknown:
        raise NotFound("container_unknown", reasons=unknown.reasons, container=raw.strip()[:40]) from None
    container = db.session.get_one(Container, meant.found.target_id)
    place = parse_position_code(meant.text) if meant.found.kind == "position" else None
    if place is None:
        return Target(container, None, container.code)
    kind = kind_of(container)
    position = position_at(place[1], kind)
    if position is None:
        raise RuleViolation("container_has_no_such_place", container=container.code, position=place[1])
    return Target(container, position.text, meant.text)
