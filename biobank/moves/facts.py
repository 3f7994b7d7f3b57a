"""What a plan of moves must know of a site: its containers, what stands in them, and what waits to be moved.

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
from biobank.samples.models import Sample, SampleDonor
from biobank.samples.rules import LIFE, Act, Status
from biobank.storage import kinds, places
from biobank.storage.models import Container, Placement
from biobank.storage.rules import ContainerKind
from biobank.storage.walking import natural
from biobank.studies.models import Study

#: Keys in one parameter: JSON or an array, so that there may be many.
MANY = 50_000
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
    families: str | None = None
    """Its own rule: together, apart, or none."""
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

    @cached_property
    def together(self) -> bool:
        """Are families kept together in it? The nearest rule says so."""
        return next((node.families for node in self.up() if node.families), None) == "together"

    @cached_property
    def apart(self) -> list[int]:
        """What it stands in, itself among it, that keeps families apart: container keys."""
        return [node.id for node in self.up() if node.families == "apart"]

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
        row.id: Node(
            row.id, known[row.kind], row.name, row.position, _rules(row.accepts), (row.accepts or {}).get("families")
        )
        for row in rows
        if row.kind in known
    }  # fmt: skip
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
    for chunk in chunks(sorted(set(container_ids)), MANY):
        for where, position, key, vessel, study, type_, status, family in fetch(_TUBES, {"ids": list(chunk)}):
            tube = rules.Tube(key, vessel, study, type_, position, status in MOVABLE, family)
            found.setdefault(where, []).append(tube)
    return found


#: The donor of a sample; of a pool, the first.
_FAMILY = (
    select(func.min(SampleDonor.patient_id))
    .where(SampleDonor.sample_id == Sample.id)
    .correlate(Sample)
    .scalar_subquery()
)
_TUBES = (
    select(
        Placement.container_id,
        Placement.position,
        Sample.id,
        Sample.vessel,
        Study.code,
        Sample.type,
        Sample.status,
        _FAMILY,
    )
    .join(Sample, Sample.id == Placement.sample_id)
    .join(Study, Study.id == Sample.study_id)
    .where(among(Placement.container_id, "ids"), places.current())
    .order_by(Placement.container_id, Placement.position, Sample.id)
)


def places_of(
    sample_ids: Iterable[int], child_ids: Iterable[int]
) -> dict[tuple[int | None, int | None], tuple[int, str | None]]:
    """(sample key or None, container key or None) -> where it stands: container key, position."""
    found: dict[tuple[int | None, int | None], tuple[int, str | None]] = {}
    for query, ids in ((_WHERE_SAMPLES, sample_ids), (_WHERE_CHILDREN, child_ids)):
        for chunk in chunks(sorted(set(ids)), MANY):
            for sample_id, child_id, container_id, position in fetch(query, {"ids": list(chunk)}):
                found[sample_id, child_id] = (container_id, position)
    return found


def plan_that_moves(sample_ids: Iterable[int], child_ids: Iterable[int]) -> int | None:
    """The plan in which one of these still waits to be moved, if there is one."""
    for query, ids in ((_PLANNED_SAMPLES, sample_ids), (_PLANNED_CHILDREN, child_ids)):
        for chunk in chunks(sorted(set(ids)), MANY):
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


def load_of_one(step: MoveStep, nodes: Mapping[int, Node]) -> rules.Load:
    """One thing of a plan, as if it were all that its container holds."""
    here = nodes[step.from_container_id]
    if step.child_id is not None:
        inside = load_of(nodes[step.child_id])
        return rules.Load(here.id, here.kind.key, None, True, (inside,))
    for key, vessel, study, type_, status, family in fetch(_ONE_TUBE, {"id": step.sample_id}):
        tube = rules.Tube(key, vessel, study, type_, step.from_position, status in MOVABLE, family)
        return rules.Load(here.id, here.kind.key, None, True, (), (tube,))
    raise ValueError("a step moves one thing")


_ONE_TUBE = (
    select(Sample.id, Sample.vessel, Study.code, Sample.type, Sample.status, _FAMILY)
    .join(Study, Study.id == Sample.study_id)
    .where(Sample.id == bindparam("id"))
)
