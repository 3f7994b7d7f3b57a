"""What is free in a site, and for whom: read in a constant number of queries, whatever stands there."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from biobank.core.among import among
from biobank.core.db import chunks, fetch
from biobank.moves import rules
from biobank.moves.facts import MANY, Node, tubes_in
from biobank.moves.models import MoveStep
from biobank.moves.tidying import Box
from biobank.samples.models import Sample, SampleDonor
from biobank.storage import kinds, places
from biobank.storage import rules as storage_rules
from biobank.storage.models import Container, Placement, PositionClaim
from biobank.studies.models import Study


def rooms_of(
    nodes: Mapping[int, Node], site_id: int, load: rules.Load, *, without: Node, temperature: str | None
) -> list[rules.Room]:
    """Where there is room for anything of the load in the site's storage; a constant number of queries.

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
    used, kin = used_in([node.id for node in open_to]), kin_of(nodes, tubes)
    chosen = [node for node in open_to if node.kind.holds & boxes]
    for_tubes_alone = [node for node in open_to if not node.kind.holds & boxes]
    chosen += _enough(for_tubes_alone, used, tubes, temperature, kin)
    return _rooms(chosen, used, temperature, claimed_in(site_id), kin, nodes)


def _kinds_in(load: rules.Load) -> Iterator[str]:
    for inside in load.inside:
        if not inside.fixed:
            yield inside.kind
        yield from _kinds_in(inside)


def _enough(
    nodes: Sequence[Node],
    used: Mapping[int, int],
    tubes: Sequence[rules.Tube],
    temperature: str | None,
    kin: Mapping[int, set[int]],
) -> list[Node]:
    """Of boxes with gaps as many as can be needed, the emptiest first, of each temperature and each rule: of a hundred
    thousand boxes a plan looks at the places of a few hundred. And those where others of a family are that is kept
    together."""
    wanted = len(tubes)
    largest = max(Counter(tube.family for tube in tubes if tube.family is not None).values(), default=0)
    groups: dict[tuple[Any, ...], list[tuple[int, int, Node]]] = {}
    for node in nodes:
        free = node.kind.capacity - used.get(node.id, 0)
        if free > 0:
            suits = rules.fit(temperature, node.temperature)
            key = (suits, node.rules, node.kind.holds, node.together, bool(node.apart))
            groups.setdefault(key, []).append((-free, node.id, node))
    chosen = []
    for (*_key, apart), group in groups.items():
        room = 0
        for number, (less, _id, node) in enumerate(sorted(group, key=lambda each: each[:2])):
            # Some of it may be kept for others; of a family that is kept apart each may need a box of its own.
            if room < 2 * wanted + node.kind.capacity or (apart and number < 2 * largest):
                room -= less
                chosen.append(node)
            elif not kin:
                break
            elif node.id in kin and node.together:
                chosen.append(node)
    return chosen


def _rooms(
    chosen: Sequence[Node],
    used: Mapping[int, int],
    temperature: str | None,
    claims: Mapping[int, set[str]],
    kin: Mapping[int, set[int]],
    nodes: Mapping[int, Node],
) -> list[rules.Room]:
    taken = taken_in([node.id for node in chosen if node.kind.positioned and used.get(node.id)])
    contents = contents_of([node.id for node in chosen if used.get(node.id)])
    busy = busy_in(kin, nodes)
    found = []
    for order, node in enumerate(sorted(chosen, key=lambda node: node.way)):
        gone = taken.get(node.id, set()) | claims.get(node.id, set())
        free = tuple(place.text for place in storage_rules.positions(node.kind) if place.text not in gone)
        loose = 0 if node.kind.positioned else max(0, node.kind.capacity - used.get(node.id, 0))
        if not (free or loose):
            continue
        suits = rules.fit(temperature, node.temperature)
        found.append(
            rules.Room(
                node.id, node.kind.holds, free, loose, suits, node.rules, order,
                rack=node.above.id if node.above is not None else 0, kinds=frozenset(contents.get(node.id, ())),
                together=node.together, here=frozenset(kin.get(node.id, ())),
                apart={key: frozenset(busy.get(key, ())) for key in node.apart}, kind=node.kind.key,
            )
        )  # fmt: skip
    return found


def rooms_in(container_ids: Iterable[int], nodes: Mapping[int, Node], site_id: int) -> list[rules.Room]:
    """What is free in these containers; a constant number of queries."""
    there = [nodes[key] for key in set(container_ids) if key in nodes]
    return _rooms(there, used_in([node.id for node in there]), None, claimed_in(site_id), {}, nodes)


def boxes_in(node: Node, nodes: Mapping[int, Node], site_id: int, *, most_full: float) -> list[Box]:
    """The boxes of tubes in a container, for tidying up; a constant number of queries.

    most_full  boxes that are fuller than this, as a share of their places, are not emptied
    """

    tube_kinds = set(kinds.tube_kinds())
    boxes = [below for below in node.down() if below.kind.key in tube_kinds and below.kind.positioned]
    tubes = tubes_in([box.id for box in boxes])
    claims = claimed_in(site_id)
    kin = kin_of(nodes, [tube for there in tubes.values() for tube in there])
    busy = busy_in(kin, nodes)
    found = []
    for order, box in enumerate(sorted(boxes, key=lambda box: box.way)):
        here = tubes.get(box.id, [])
        gone = {tube.position for tube in here} | claims.get(box.id, set())
        free = tuple(place.text for place in storage_rules.positions(box.kind) if place.text not in gone)
        found.append(
            Box(
                box.id, box.kind.key, tuple(here), free, box.rules, box.temperature, order,
                receives_only=len(here) > most_full * box.kind.capacity,
                rack=box.above.id if box.above is not None else 0, together=box.together,
                apart={key: frozenset(busy.get(key, ())) for key in box.apart},
            )
        )  # fmt: skip
    return found


# --- whose they are


def kin_of(nodes: Mapping[int, Node], tubes: Sequence[rules.Tube]) -> dict[int, set[int]]:
    """Container key -> families of these tubes of which others stand in it, or are on their way there. Asked only where
    some container has a rule about families; two queries then."""
    families = sorted({tube.family for tube in tubes if tube.family is not None})
    if not families or not any(node.families for node in nodes.values()):
        return {}
    ours = {tube.id for tube in tubes}
    found: dict[int, set[int]] = {}
    for chunk in chunks(families, MANY):
        for query in (_KIN, _KIN_TO_COME):
            for container_id, sample_id, family in fetch(query, {"ids": list(chunk)}):
                if sample_id not in ours:
                    found.setdefault(container_id, set()).add(family)
    return found


def busy_in(kin: Mapping[int, set[int]], nodes: Mapping[int, Node]) -> dict[int, set[int]]:
    """Container key -> families that are kept apart in it, at whatever depth, and of which one is there already."""
    found: dict[int, set[int]] = {}
    for key, families in kin.items():
        for group in nodes[key].apart if key in nodes else ():
            found.setdefault(group, set()).update(families)
    return found


_KIN = (
    select(Placement.container_id, Placement.sample_id, SampleDonor.patient_id)
    .join(SampleDonor, SampleDonor.sample_id == Placement.sample_id)
    .where(among(SampleDonor.patient_id, "ids"), places.current())
)
_KIN_TO_COME = (
    select(MoveStep.to_container_id, MoveStep.sample_id, SampleDonor.patient_id)
    .join(SampleDonor, SampleDonor.sample_id == MoveStep.sample_id)
    .where(among(SampleDonor.patient_id, "ids"), MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None))
)


# --- what is there


def contents_of(container_ids: Iterable[int]) -> dict[int, set[tuple[str, str]]]:
    """Container key -> studies and types of what stands in it directly."""
    found: dict[int, set[tuple[str, str]]] = {}
    for chunk in chunks(sorted(set(container_ids)), MANY):
        for key, study, type_ in fetch(_CONTENTS, {"ids": list(chunk)}):
            found.setdefault(key, set()).add((study, type_))
    return found


def taken_in(container_ids: Iterable[int]) -> dict[int, set[str]]:
    """Container key -> positions at which something stands."""
    found: dict[int, set[str]] = {}
    for chunk in chunks(sorted(set(container_ids)), MANY):
        for key, position in fetch(_TAKEN, {"ids": list(chunk)}):
            found.setdefault(key, set()).add(position)
    return found


def used_in(container_ids: Iterable[int]) -> dict[int, int]:
    """Container key -> how many things stand in it directly; those in which nothing stands are left out."""
    found: dict[int, int] = {}
    for chunk in chunks(sorted(set(container_ids)), MANY):
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
_CONTENTS = (
    select(Placement.container_id, Study.code, Sample.type)
    .join(Sample, Sample.id == Placement.sample_id)
    .join(Study, Study.id == Sample.study_id)
    .where(among(Placement.container_id, "ids"), places.current())
    .distinct()
)
