"""Plans that move many things: emptying a failing freezer, tidying up, and taking back what was moved.

A plan is made in one unit of work, with its places kept; then each step is confirmed in one of its own, by whoever has
the box in hand (`stepping`). So it goes on after a crash, and with other hands.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.moves import evacuating, facts, losing, rooms, rules, tidying
from biobank.moves.carrying import carry
from biobank.moves.ending import end, finish
from biobank.moves.facts import Node
from biobank.moves.models import MovePlan, MoveStep
from biobank.moves.replanning import replan
from biobank.moves.stepping import (
    Confirmed,
    confirm,
    confirm_elsewhere,
    give_up,
    open_steps,
    ready,
    skip,
    step_for,
)
from biobank.moves.writing import add_steps
from biobank.storage import claims_many, standing
from biobank.storage.models import Container

__all__ = [
    "Confirmed",
    "carry",
    "confirm",
    "confirm_elsewhere",
    "defragment",
    "evacuate",
    "extend",
    "find_plan",
    "find_step",
    "give_up",
    "list_plans",
    "preview",
    "ready",
    "reverse",
    "skip",
    "step_for",
]

#: Boxes that hold at most this share of what goes in are emptied when a container is tidied up.
NEARLY_EMPTY = 0.25


def evacuate(*, container: Container, why: str, by: Actor) -> MovePlan:
    """Plan where everything in a failing container goes, and keep the places.

    raises  Malformed without a reason; RuleViolation `nothing_to_move`, or `move_plan_open` when another plan still
            moves some of it
    """
    reason = _reason(why)
    _locked(container, by)
    nodes = facts.tree_of(container.site_id)
    load = facts.load_of(nodes[container.id])
    _require_unplanned(load)
    if not any(True for _ in rules.tubes_of(load)):
        raise RuleViolation("nothing_to_move", container=container.code)
    found = _evacuation(nodes, container, load)
    return _write("evacuate", container, nodes, found, why=reason, by=by)


def preview(container: Container, by: Actor) -> rules.Plan:
    """Where everything would go, and what would find no place; nothing is written."""
    _require_seen(container, by)
    nodes = facts.tree_of(container.site_id)
    return _evacuation(nodes, container, facts.load_of(nodes[container.id]))


def extend(*, plan: MovePlan, by: Actor) -> int:
    """Look once more for places: for what lost the one that was kept for it, and, where a container is emptied, for
    what has none (somebody made room, or put something in).

    returns  how many steps were added
    raises   RuleViolation `move_plan_closed`, `nothing_to_extend` for a plan that empties nothing and lost nothing
    """
    container = db.session.get_one(Container, plan.container_id)
    _locked(container, by)
    _require_open(plan)
    claims_many.renew_plan(plan.id, by)
    lost = losing.lost_steps(plan)
    if plan.kind != "evacuate":
        if not lost:
            raise RuleViolation("nothing_to_extend", plan=plan.id)
        return sum(replan(plan, step, by) is not None for step in lost)
    for step in lost:
        end(step, "place_taken", by)
    nodes = facts.tree_of(container.site_id)
    waiting = _without_steps(facts.load_of(nodes[container.id]), _planned(open_steps(plan)))
    found = _evacuation(nodes, container, waiting)
    add_steps(plan, nodes, found, by)
    finish(plan, by)
    return len(found.moves)


def defragment(
    *, container: Container, by: Actor, why: str = "", most_full: float = NEARLY_EMPTY
) -> MovePlan:
    """Plan how nearly empty boxes in a container are emptied into others, box for box.

    most_full  how full a box may be to be emptied, as a share of its places
    raises     RuleViolation `nothing_to_tidy`, `move_plan_open`; Malformed for a share that is none
    """
    if not 0 < most_full <= 1:
        raise Malformed({"most_full": Reason("share_out_of_range")})
    _locked(container, by)
    nodes = facts.tree_of(container.site_id)
    node = nodes[container.id]
    boxes = rooms.boxes_in(node, nodes, container.site_id, most_full=most_full)
    found = tidying.defragment(boxes)
    if not found.moves:
        raise RuleViolation("nothing_to_tidy", container=container.code)
    _require_unplanned(facts.load_of(node))
    return _write("defragment", container, nodes, found, why=why.strip(), by=by)


def reverse(*, plan: MovePlan, why: str, by: Actor) -> MovePlan:
    """Plan how everything that a plan moved comes back to where it stood. What is still open in the plan is given up.

    What somebody has moved on since is left where it is; where the old place is taken, the next free one in the same
    container is used.
    raises  Malformed without a reason; RuleViolation `nothing_to_bring_back`, `reversed_already`
    """
    reason = _reason(why)
    container = db.session.get_one(Container, plan.container_id)
    _locked(container, by)
    if (other := db.session.scalar(select(MovePlan.id).where(MovePlan.reverses_id == plan.id))) is not None:
        raise RuleViolation("reversed_already", plan=plan.id, other=other)
    if plan.closed_at is None:
        give_up(plan=plan, why=reason, by=by)
    nodes = facts.tree_of(container.site_id)
    found = _way_back(plan, nodes)
    if not found.moves:
        raise RuleViolation("nothing_to_bring_back", plan=plan.id)
    return _write("return", container, nodes, found, why=reason, by=by, reverses=plan)


def find_plan(key: int, by: Actor) -> MovePlan:
    """raises NotFound, also for another site's"""
    found = db.session.get(MovePlan, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("move_plan_unknown", plan=key)
    return found


def find_step(plan: MovePlan, seq: int) -> MoveStep:
    """raises NotFound"""
    query = select(MoveStep).where(MoveStep.plan_id == plan.id, MoveStep.seq == min(seq, MAX_INTEGER))
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("move_step_unknown", plan=plan.id, step=seq)
    return found


def list_plans(
    by: Actor, *, open_only: bool = False, container: Container | None = None, after: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[MovePlan]:  # fmt: skip
    """Plans, the newest first, a page at a time."""
    query = select(MovePlan)
    if by.site_id is not None:
        query = query.where(MovePlan.site_id == by.site_id)
    if open_only:
        query = query.where(MovePlan.closed_at.is_(None))
    if container is not None:
        query = query.where(MovePlan.container_id == container.id)
    return page_of(query, MovePlan.id, after=after, limit=limit)


# --- planning


def _evacuation(nodes: Mapping[int, Node], container: Container, load: rules.Load) -> rules.Plan:
    node = nodes[container.id]
    there = rooms.rooms_of(nodes, container.site_id, load, without=node, temperature=node.temperature)
    return evacuating.evacuate(load, there)


def _way_back(plan: MovePlan, nodes: Mapping[int, Node]) -> rules.Plan:
    done = db.session.scalars(
        select(MoveStep).where(MoveStep.plan_id == plan.id, MoveStep.done_at.is_not(None)).order_by(MoveStep.seq.desc())
    ).all()  # fmt: skip
    stands = facts.places_of(
        [step.sample_id for step in done if step.sample_id], [step.child_id for step in done if step.child_id]
    )
    there = rooms.rooms_in({step.from_container_id for step in done}, nodes, plan.site_id)
    back = [
        rules.Back(step.sample_id, step.child_id, step.from_container_id, step.from_position,
                   step.to_container_id, step.to_position)
        for step in done
        if stands.get((step.sample_id, step.child_id)) == (step.to_container_id, step.to_position)
    ]  # fmt: skip
    return rules.bring_back(back, there)


def _without_steps(load: rules.Load, planned: set[tuple[int | None, int | None]]) -> rules.Load:
    """What is in no open step, nor stands in anything that is."""
    return rules.Load(
        load.id, load.kind, load.position, load.fixed,
        tuple(_without_steps(inside, planned) for inside in load.inside if (None, inside.id) not in planned),
        tuple(tube for tube in load.tubes if (tube.id, None) not in planned),
    )  # fmt: skip


def _planned(steps: Iterable[MoveStep]) -> set[tuple[int | None, int | None]]:
    return {(step.sample_id, step.child_id) for step in steps}


def _require_unplanned(load: rules.Load) -> None:
    """No two plans move one thing."""
    samples = [tube.id for tube in rules.tubes_of(load)]
    plan_id = facts.plan_that_moves(samples, [each.id for each in _loads(load)])
    if plan_id is not None:
        raise RuleViolation("move_plan_open", plan=plan_id)


def _loads(load: rules.Load) -> Iterable[rules.Load]:
    yield load
    for inside in load.inside:
        yield from _loads(inside)


def _write(
    kind: str, container: Container, nodes: Mapping[int, Node], found: rules.Plan, *, why: str, by: Actor,
    reverses: MovePlan | None = None,
) -> MovePlan:  # fmt: skip
    plan = MovePlan(
        site_id=container.site_id, kind=kind, container_id=container.id, why=why, made_at=clock.now(), made_by=by.key,
        reverses_id=reverses.id if reverses is not None else None,
    )  # fmt: skip
    db.session.add(plan)
    db.session.flush()
    add_steps(plan, nodes, found, by)
    told = {"plan": plan.id, "kind": kind, "steps": len(found.moves), "no_place": len(found.left)}
    audit.record(
        by=by, act="moves_planned", subject=("container", container.code), after=told, reason=why or None
    )
    return plan


# --- what must hold


def _locked(container: Container, by: Actor) -> None:
    """Two people who plan for one container come one after the other."""
    _require_seen(container, by)
    standing.lock_paths(container.id)


def _require_seen(container: Container, by: Actor) -> None:
    if not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)


def _require_open(plan: MovePlan) -> None:
    db.session.refresh(plan)
    if plan.closed_at is not None:
        raise RuleViolation("move_plan_closed", plan=plan.id)


def _reason(why: str) -> str:
    if not why.strip():
        raise Malformed({"why": Reason("reason_needed")})
    return why.strip()
