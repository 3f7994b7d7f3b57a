"""What a plan of moves must know: what stands in a container, and what is free elsewhere in its site.

Read in a constant number of queries, whatever stands there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import and_, bindparam, func, select

from biobank.core.among import among
from biobank.core.db import chunks, fetch
from biobank.moves import rules
from biobank.moves.models import MoveStep
from biobank.moves.tidying import Box
from biobank.samples.models import Sample
from biobank.samples.rules import LIFE, Act, Status
from biobank.storage import kinds, places
from biobank.storage import rules as storage_rules
from biobank.storage.models import Container, Placement, PositionClaim
from biobank.storage.rules import ContainerKind
from biobank.storage.walking import natural
from biobank.studies.models import Study

#: Keys in one parameter: JSON or an array, so that there may be many.
_MANY = 50_000
#: What may be moved alone.
MOVABLE = frozenset(status.value for status in Status if (status, Act.MOVE) in LIFE)


@dataclass
class Node:
    """A container of the site, and the way to it."""

    id: int
    kind: ContainerKind
    name: str
    position: str | None
    rules: tuple[rules.Rule, ...]
    """Of itself and of everything it stands in."""
    above: "Node | None" = None
    inside: list["Node"] = field(default_factory=list)

    @property
    def temperature(self) -> str | None:
        """What it is kept at; None: it is not stored."""
        return next((node.kind.temperature for node in self.up() if node.kind.storage), None)

    def up(self) -> Iterator["Node"]:
        node: Node | None = self
        while node is not None:
            yield node
            node = node.above

    def down(self) -> Iterator["Node"]:
        yield self
        for node in self.inside:
            yield from node.down()

    @cached_property
    def way(self) -> tuple[Any, ...]:
        """What it is sorted by, from the freezer down: by place, then by name."""
        here = (natural(self.position or ""), natural(self.name), self.id)
        return (*(self.above.way if self.above is not None else ()), here)


def tree_of(site_id: int) -> dict[int, Node]:
    """Every container of a site in what it stands in; one query. Kinds that the bank no longer has are left out."""
    rows = fetch(_CONTAINERS, {"site_id": site_id})
    known = kinds.kinds()
    nodes = {
        row.id: Node(row.id, known[row.kind], row.name, row.position, _rules(row.accepts))
        for row in rows
        if row.kind in known
    }
    for row in rows:
        if row.id in nodes and row.parent in nodes:
            nodes[row.id].above = nodes[row.parent]
            nodes[row.parent].inside.append(nodes[row.id])
    ruled = [node for node in nodes.values() if node.rules]
    inherited = {below.id for node in ruled for below in node.down()}
    own = {node.id: node.rules for node in ruled}
    for key in inherited:
        nodes[key].rules = tuple(rule for node in nodes[key].up() for rule in own.get(node.id, ()))
    return nodes


_CONTAINERS = (
    select(
        Container.id,
        Container.kind,
        Container.name,
        Container.accepts,
        Placement.container_id.label("parent"),
        Placement.position,
    )
    .outerjoin(Placement, and_(Placement.child_id == Container.id, places.current()))
    .where(Container.site_id == bindparam("site_id"))
)


def _rules(accepts: Mapping[str, Any] | None) -> tuple[rules.Rule, ...]:
    studies = frozenset((accepts or {}).get("studies") or ())
    types = frozenset((accepts or {}).get("types") or ())
    return (rules.Rule(studies, types),) if studies or types else ()


# --- what stands in it


def load_of(node: Node) -> rules.Load:
    """Everything that stands in a container, at any depth; one query."""
    return _load(node, tubes_in([below.id for below in node.down()]))


def _load(node: Node, tubes: Mapping[int, Sequence[rules.Tube]]) -> rules.Load:
    inside = tuple(_load(child, tubes) for child in node.inside)
    fixed = node.kind.fixed or node.kind.storage
    return rules.Load(node.id, node.kind.key, node.position, fixed, inside, tuple(tubes.get(node.id, ())))


def tubes_in(container_ids: Iterable[int]) -> dict[int, list[rules.Tube]]:
    """Container key -> the samples that stand in it directly."""
    found: dict[int, list[rules.Tube]] = {}
    for chunk in chunks(sorted(set(container_ids)), _MANY):
        for where, position, key, vessel, study, type_, status in fetch(_TUBES, {"ids": list(chunk)}):
            tube = rules.Tube(key, vessel, study, type_, position, status in MOVABLE)
            found.setdefault(where, []).append(tube)
    return found


_TUBES = (
    select(
        Placement.container_id,
        Placement.position,
        Sample.id,
        Sample.vessel,
        Study.code,
        Sample.type,
        Sample.status,
    )
    .join(Sample, Sample.id == Placement.sample_id)
    .join(Study, Study.id == Sample.study_id)
    .where(among(Placement.container_id, "ids"), places.current())
    .order_by(Placement.container_id, Placement.position, Sample.id)
)


# --- what is free


def rooms_of(
    nodes: Mapping[int, Node], site_id: int, load: rules.Load, *, without: Node, temperature: str | None
) -> list[rules.Room]:
    """Where there is room for anything of the load in the site's storage; three queries.

    without  a container in which nothing is looked for, nor in what stands in it
    """
    shut = {node.id for node in without.down()}
    tubes = list(rules.tubes_of(load))
    boxes, vessels = set(_kinds_in(load)), {tube.vessel for tube in tubes}
    open_to = [
        node
        for node in nodes.values()
        if node.id not in shut and node.kind.holds & (boxes | vessels) and node.temperature is not None
    ]
    used = used_in([node.id for node in open_to])
    chosen = [node for node in open_to if node.kind.holds & boxes]
    for_tubes_alone = [node for node in open_to if not node.kind.holds & boxes]
    chosen += _enough(for_tubes_alone, used, len(tubes), temperature)
    return _rooms(chosen, used, temperature, claimed_in(site_id))


def _kinds_in(load: rules.Load) -> Iterator[str]:
    for inside in load.inside:
        if not inside.fixed:
            yield inside.kind
        yield from _kinds_in(inside)


def _enough(
    nodes: Sequence[Node], used: Mapping[int, int], wanted: int, temperature: str | None
) -> list[Node]:
    """Of boxes with gaps as many as can be needed, the emptiest first, of each temperature and each rule: of a hundred
    thousand boxes a plan looks at the places of a few hundred."""
    groups: dict[tuple[Any, ...], list[tuple[int, int, Node]]] = {}
    for node in nodes:
        free = node.kind.capacity - used.get(node.id, 0)
        if free > 0:
            key = (rules.fit(temperature, node.temperature), node.rules, node.kind.holds)
            groups.setdefault(key, []).append((-free, node.id, node))
    chosen = []
    for group in groups.values():
        room = 0
        for less, _id, node in sorted(group, key=lambda each: each[:2]):
            if room >= 2 * wanted + node.kind.capacity:  # some of it may be kept for others
                break
            room -= less
            chosen.append(node)
    return chosen


def _rooms(
    nodes: Sequence[Node],
    used: Mapping[int, int],
    temperature: str | None,
    claims: Mapping[int, set[str]],
) -> list[rules.Room]:
    taken = taken_in([node.id for node in nodes if node.kind.positioned and used.get(node.id)])
    found = []
    for order, node in enumerate(sorted(nodes, key=lambda node: node.way)):
        gone = taken.get(node.id, set()) | claims.get(node.id, set())
        free = tuple(place.text for place in storage_rules.positions(node.kind) if place.text not in gone)
        loose = 0 if node.kind.positioned else max(0, node.kind.capacity - used.get(node.id, 0))
        if free or loose:
            suits = rules.fit(temperature, node.temperature)
            found.append(rules.Room(node.id, node.kind.holds, free, loose, suits, node.rules, order))
    return found


def rooms_in(container_ids: Iterable[int], nodes: Mapping[int, Node], site_id: int) -> list[rules.Room]:
    """What is free in these containers; three queries."""
    there = [nodes[key] for key in set(container_ids) if key in nodes]
    return _rooms(there, used_in([node.id for node in there]), None, claimed_in(site_id))


def places_of(
    sample_ids: Iterable[int], child_ids: Iterable[int]
) -> dict[tuple[int | None, int | None], tuple[int, str | None]]:
    """(sample key or None, container key or None) -> where it stands: container key, position."""
    found: dict[tuple[int | None, int | None], tuple[int, str | None]] = {}
    for query, ids in ((_WHERE_SAMPLES, sample_ids), (_WHERE_CHILDREN, child_ids)):
        for chunk in chunks(sorted(set(ids)), _MANY):
            for sample_id, child_id, container_id, position in fetch(query, {"ids": list(chunk)}):
                found[sample_id, child_id] = (container_id, position)
    return found


def plan_that_moves(sample_ids: Iterable[int], child_ids: Iterable[int]) -> int | None:
    """The plan in which one of these still waits to be moved, if there is one."""
    for query, ids in ((_PLANNED_SAMPLES, sample_ids), (_PLANNED_CHILDREN, child_ids)):
        for chunk in chunks(sorted(set(ids)), _MANY):
            for (plan_id,) in fetch(query, {"ids": list(chunk)}):
                return int(plan_id)
    return None


_WHERE = select(Placement.sample_id, Placement.child_id, Placement.container_id, Placement.position).where(
    places.current()
)
_WHERE_SAMPLES = _WHERE.where(among(Placement.sample_id, "ids"))
_WHERE_CHILDREN = _WHERE.where(among(Placement.child_id, "ids"))
_PLANNED = select(MoveStep.plan_id).where(MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None)).limit(1)
_PLANNED_SAMPLES = _PLANNED.where(among(MoveStep.sample_id, "ids"))
_PLANNED_CHILDREN = _PLANNED.where(among(MoveStep.child_id, "ids"))


def taken_in(container_ids: Iterable[int]) -> dict[int, set[str]]:
    """Container key -> positions at which something stands."""
    found: dict[int, set[str]] = {}
    for chunk in chunks(sorted(set(container_ids)), _MANY):
        for key, position in fetch(_TAKEN, {"ids": list(chunk)}):
            found.setdefault(key, set()).add(position)
    return found


def used_in(container_ids: Iterable[int]) -> dict[int, int]:
    """Container key -> how many things stand in it directly; those in which nothing stands are left out."""
    found: dict[int, int] = {}
    for chunk in chunks(sorted(set(container_ids)), _MANY):
        found |= dict(fetch(_USED, {"ids": list(chunk)}))
    return found


def claimed_in(site_id: int) -> dict[int, set[str]]:
    """Container key -> positions that are kept for somebody, or blocked."""
    found: dict[int, set[str]] = {}
    for key, position in fetch(_CLAIMED, {"site_id": site_id}):
        found.setdefault(key, set()).add(position)
    return found


_TAKEN = select(Placement.container_id, Placement.position).where(
    among(Placement.container_id, "ids"), Placement.position.is_not(None), places.current()
)
_USED = (
    select(Placement.container_id, func.count())
    .where(among(Placement.container_id, "ids"), places.current())
    .group_by(Placement.container_id)
)
_CLAIMED = (
    select(PositionClaim.container_id, PositionClaim.position)
    .join(Container, Container.id == PositionClaim.container_id)
    .where(Container.site_id == bindparam("site_id"), PositionClaim.ended_at.is_(None))
)


def boxes_in(node: Node, site_id: int, *, most_full: float) -> list[Box]:
    """The boxes of tubes in a container, for tidying up; three queries.

    most_full  boxes that are fuller than this, as a share of their places, are not emptied
    """

    tube_kinds = set(kinds.tube_kinds())
    boxes = [below for below in node.down() if below.kind.key in tube_kinds and below.kind.positioned]
    tubes = tubes_in([box.id for box in boxes])
    claims = claimed_in(site_id)
    found = []
    for order, box in enumerate(sorted(boxes, key=lambda box: box.way)):
        here = tubes.get(box.id, [])
        gone = {tube.position for tube in here} | claims.get(box.id, set())
        free = tuple(place.text for place in storage_rules.positions(box.kind) if place.text not in gone)
        full = len(here) > most_full * box.kind.capacity
        found.append(
            Box(
                box.id, box.kind.key, tuple(here), free, box.rules, box.temperature, order, receives_only=full
            )
        )
    return found


def load_of_one(step: MoveStep, nodes: Mapping[int, Node]) -> rules.Load:
    """One thing of a plan, as if it were all that its container holds."""
    here = nodes[step.from_container_id]
    if step.child_id is not None:
        inside = load_of(nodes[step.child_id])
        return rules.Load(here.id, here.kind.key, None, True, (inside,))
    for key, vessel, study, type_, status in fetch(_ONE_TUBE, {"id": step.sample_id}):
        tube = rules.Tube(key, vessel, study, type_, step.from_position, status in MOVABLE)
        return rules.Load(here.id, here.kind.key, None, True, (), (tube,))
    raise ValueError("a step moves one thing")


_ONE_TUBE = (
    select(Sample.id, Sample.vessel, Study.code, Sample.type, Sample.status)
    .join(Study, Study.id == Sample.study_id)
    .where(Sample.id == bindparam("id"))
)
