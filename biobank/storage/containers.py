"""Setting up freezers, racks and boxes, and finding them again."""

from dataclasses import dataclass

from sqlalchemy import func, select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import chunks, db, fetch
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.core.times import When
from biobank.storage import kinds, places, placing, rules, standing, tally
from biobank.storage.models import Container, Placement, StockTally
from biobank.storage.tally_queries import CONTENT


def make_container(
    *,
    site_id: int,
    kind: str,
    name: str,
    by: Actor,
    parent: Container | None = None,
    position: str | None = None,
    at: When | None = None,
) -> Container:
    """Set up a container under a number of its own; with a parent, it stands in it at once.

    position  in the parent; its first free place unless given
    raises    Malformed for an unknown kind or an empty name; RuleViolation as for placing
    """
    wanted = kinds.find_kind(kind)
    if not name.strip():
        raise Malformed({"name": Reason("container_name_needed")})
    if position and parent is None:
        raise Malformed({"position": Reason("position_without_parent")})
    if parent is not None:
        _may_hold(parent, wanted, site_id, by)
    (code,) = codes.issue("container", access.site_code(site_id))
    container = Container(site_id=site_id, code=code, kind=kind, name=name.strip(), recorded_at=clock.now())
    db.session.add(container)
    db.session.flush()
    codes.register(code, "container", container.id, site_id)
    tally.containers_made({container.id: None})
    after = {"kind": kind, "name": container.name}
    audit.record(by=by, act="container_made", subject=("container", code), after=after)
    if parent is not None:
        placing.put(
            container=parent, position=position, child=container, by=by, at=at, next_free=not position
        )
    return container


def _may_hold(parent: Container, kind: rules.ContainerKind, site_id: int, by: Actor) -> None:
    """Refuse early, and lock the parent before the counter of numbers: see LOCK_ORDER."""
    if not by.sees(parent.site_id) or parent.site_id != site_id:
        raise NotFound("container_unknown", container=parent.code)
    standing.lock_paths(parent.id)
    rules.require_fit(kinds.kind_of(parent), kind.key)


def find_container(code: str, by: Actor) -> Container:
    """By its number, with or without the blanks it is printed with. raises NotFound, also for another site's"""
    number = "".join(code.split())[:20]
    container = db.session.scalars(select(Container).where(Container.code == number)).one_or_none()
    if container is None or not by.sees(container.site_id):
        raise NotFound("container_unknown", container=code[:40])
    return container


def container_of(placement: Placement) -> Container:
    """Where a placement is."""
    return db.session.get_one(Container, placement.container_id)


def list_containers(
    by: Actor,
    *,
    kind: str | None = None,
    parent: Container | None = None,
    loose: bool = False,
    after: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[Container]:
    """Containers in the order they were set up, a page at a time.

    parent  only what stands in it
    loose   only what stands nowhere: freezers and rooms, and boxes that were taken out
    """
    query = select(Container)
    if by.site_id is not None:
        query = query.where(Container.site_id == by.site_id)
    if kind:
        query = query.where(Container.kind == kind)
    standing_here = select(Placement.id).where(Placement.child_id == Container.id, places.current())
    if parent is not None:
        query = query.where(standing_here.where(Placement.container_id == parent.id).exists())
    if loose:  # few among many: those that are tallied as roots
        roots = select(StockTally.root_id).where(StockTally.containers > 0)
        query = query.where(Container.id.in_(roots), ~standing_here.exists())
    return page_of(query, Container.id, after=after, limit=limit, newest_first=False)


def roots(by: Actor) -> list[Container]:
    """The freezers, tanks and rooms that the actor sees: everything that counts as storage and stands in nothing."""
    inside = select(Placement.id).where(Placement.child_id == Container.id, places.current()).exists()
    query = select(Container).where(Container.kind.in_(kinds.storage_kinds()), ~inside)
    if by.site_id is not None:
        query = query.where(Container.site_id == by.site_id)
    return list(db.session.scalars(query.order_by(Container.name, Container.id)))


@dataclass(frozen=True)
class KindCount:
    """Of one kind: how many containers there are, how much goes into them, and how much of it is used."""

    kind: str
    containers: int
    capacity: int
    used: int

    @property
    def free(self) -> int:
        return self.capacity - self.used


def count_by_kind(by: Actor) -> list[KindCount]:
    """Free and used room of each kind of container, in the order of containers.toml."""
    query = (
        select(
            StockTally.kind,
            func.sum(StockTally.containers),
            func.sum(StockTally.samples + StockTally.children),
        )
        .where(StockTally.containers > 0)
        .group_by(StockTally.kind)
    )
    if by.site_id is not None:
        query = query.join(Container, Container.id == StockTally.root_id).where(
            Container.site_id == by.site_id
        )
    rows = {kind: (int(count), int(used)) for kind, count, used in db.session.execute(query)}
    return [
        KindCount(key, rows[key][0], rows[key][0] * kind.capacity, rows[key][1])
        for key, kind in kinds.kinds().items()
        if key in rows
    ]


def used_in(container_ids: list[int]) -> dict[int, int]:
    """Container key -> how many things stand in it directly."""
    used = dict.fromkeys(container_ids, 0)
    for chunk in chunks(container_ids, 2000):
        query = (
            select(Placement.container_id, func.count())
            .where(Placement.container_id.in_(chunk), places.current())
            .group_by(Placement.container_id)
        )
        for key, count in db.session.execute(query):
            used[key] = count
    return used


@dataclass(frozen=True)
class Room:
    """What stands below a container at any depth: samples, and places that are for samples alone."""

    samples: int = 0
    places: int = 0


def room_below(container_ids: list[int]) -> dict[int, Room]:
    """Container key -> how many samples stand in it, at any depth, and how many places for samples there are."""
    found = dict.fromkeys(container_ids, Room())
    known = kinds.kinds()
    for row in fetch(CONTENT, {"ids": sorted(set(container_ids))}):
        capacity = known[row.kind].capacity * row.containers if row.kind in kinds.tube_kinds() else 0
        before = found[row.start]
        found[row.start] = Room(before.samples + int(row.samples), before.places + capacity)
    return found
