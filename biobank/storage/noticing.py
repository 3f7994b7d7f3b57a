"""Somebody looked into a freezer and saw something else than the record says. Whoever keeps the worklist hears of it.

Told inside the unit of work of the act that noticed it, so that the worklist and the act stand or fall together.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.samples.models import Sample
from biobank.storage import places
from biobank.storage.models import Container, Placement


@dataclass(frozen=True)
class Noticed:
    """What was seen.

    kind    missing, foreign, moved, unreadable
    source  inventory, rack_scan, pick, bench
    found   what was read there, when it was something else
    """

    kind: str
    source: str
    container: Container
    position: str | None = None
    sample: Sample | None = None
    found: str | None = None
    source_id: int | None = None


_listeners: list[Callable[[Noticed, Actor], None]] = []


def listen(hear: Callable[[Noticed, Actor], None]) -> None:
    """Hear of everything that is noticed."""
    if hear not in _listeners:
        _listeners.append(hear)


def notice(noticed: Noticed, by: Actor) -> None:
    """Tell it to everybody who listens."""
    for hear in _listeners:
        hear(noticed, by)


def stands(sample: Sample) -> tuple[Container, str | None] | None:
    """The container in which a sample stands now, and its place there; None: nowhere."""
    query = select(Container, Placement.position).join(Placement, Placement.container_id == Container.id)
    row = db.session.execute(query.where(Placement.sample_id == sample.id, places.current())).one_or_none()
    return (row[0], row[1]) if row is not None else None
