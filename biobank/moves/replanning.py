"""What stands in the way of a step, and another place where the one that was kept for it is gone."""

from sqlalchemy import func, select

from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.moves import evacuating, facts, rooms
from biobank.moves.ending import end, finish
from biobank.moves.models import MovePlan, MoveStep
from biobank.moves.writing import add_steps
from biobank.samples.models import Sample
from biobank.storage import claims
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement
from biobank.storage.places import current


def stands_there(step: MoveStep) -> bool:
    """Somebody put it there without a word."""
    there = facts.places_of(
        [step.sample_id] if step.sample_id else [], [step.child_id] if step.child_id else []
    )
    return there.get((step.sample_id, step.child_id)) == (step.to_container_id, step.to_position)


def taken(target: Container, step: MoveStep, plan: MovePlan) -> str | None:
    """What is in the way: a code, an empty text where the place is kept for somebody else, blocked, or no room is left.
    None: it is free."""
    if step.to_position is None:
        used = rooms.used_in([target.id]).get(target.id, 0)
        return "" if used >= kind_of(target).capacity else None
    query = (
        select(func.coalesce(Sample.code, Container.code))
        .select_from(Placement)
        .outerjoin(Sample, Sample.id == Placement.sample_id)
        .outerjoin(Container, Container.id == Placement.child_id)
        .where(Placement.container_id == target.id, Placement.position == step.to_position, current())
    )
    if (code := db.session.scalar(query)) is not None:
        return str(code)
    kept = claims.open_claims([target.id]).get(target.id, {}).get(step.to_position)
    if kept is None or kept.plan_id == plan.id or (kept.kind == "reserved" and claims.is_over(kept)):
        return None
    return ""


def replan(plan: MovePlan, step: MoveStep, by: Actor) -> MoveStep | None:
    """Another place for this one thing, or several for what is in it, kept at once; None where there is none.

    returns  the first of the steps that take its place
    """
    nodes = facts.tree_of(plan.site_id)
    here = nodes[step.from_container_id]
    load = facts.load_of_one(step, nodes)
    shut = nodes[plan.container_id] if plan.kind == "evacuate" else here
    there = rooms.rooms_of(nodes, plan.site_id, load, without=shut, temperature=here.temperature)
    if plan.kind == "return":  # back into the container that it came from, as long as there is room
        home = {node.id for node in nodes[plan.container_id].down()}
        there = [room for room in there if room.id in home] or there
    found = evacuating.evacuate(load, there)
    end(step, "place_taken", by)
    if not found.moves:
        finish(plan, by)
        return None
    first = add_steps(plan, nodes, found, by)
    return db.session.scalars(
        select(MoveStep).where(MoveStep.plan_id == plan.id, MoveStep.seq == first)
    ).one()
