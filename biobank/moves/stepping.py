"""One step of a plan after the other: whatever box comes to hand is scanned, then where it was put.

A step is an ordinary placement with the step's mark, in one unit of work: after a crash nothing is half done, and of
two people who confirm the same step the second one is told that it is done.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.moves import facts, leaving, rules
from biobank.moves.models import MovePlan, MoveStep
from biobank.moves.scanning import Target, find_target
from biobank.moves.writing import add_steps
from biobank.samples.models import Sample
from biobank.storage import claims, claims_many, placing, standing
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement
from biobank.storage.places import current
from biobank.storage.scanning import Scanned, find_thing


@dataclass(frozen=True)
class Confirmed:
    """What came of a step.

    done      it stands where the plan says
    instead   its place was taken meanwhile: the step that takes its place; None: there is no other place
    because   then, what was in the way: the code of what stands there, or nothing where the place is kept or blocked
    """

    step: MoveStep
    done: bool
    instead: MoveStep | None = None
    because: str | None = None


def open_steps(plan: MovePlan) -> list[MoveStep]:
    """Steps that wait, in walking order."""
    query = select(MoveStep).where(
        MoveStep.plan_id == plan.id, MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(MoveStep.seq)))


def step_for(plan: MovePlan, raw: str, by: Actor) -> MoveStep:
    """The open step of what is in hand. A box whose tubes go one by one stands for the first of them that waits.

    raises  NotFound for an unknown code; RuleViolation `not_in_plan`, or `step_done` when it is where it should be
    """
    _require_open(plan)
    scanned = find_thing(raw, by)
    found = _of_thing(plan, scanned)
    waiting = [step for step in found if step.done_at is None and step.skipped_at is None]
    if waiting:
        return waiting[0]
    if scanned.child is not None:
        inside = (
            _open(plan).where(MoveStep.from_container_id == scanned.child.id).order_by(MoveStep.seq).limit(1)
        )
        if (first := db.session.scalars(inside).one_or_none()) is not None:
            return first
    if found and found[-1].done_at is not None:
        raise _done_already(found[-1], scanned.code)
    raise RuleViolation("not_in_plan", code=scanned.code, plan=plan.id)


def ready(*, step: MoveStep, by: Actor) -> Confirmed:
    """Before anybody sets out: is the place still free? `done` is False where it is not, as in `confirm`."""
    plan = _plan(step, by)
    standing.lock_paths(step.to_container_id)
    _require_waiting(step)
    target = db.session.get_one(Container, step.to_container_id)
    if _stands_there(step) or (taken := _taken(target, step, plan)) is None:
        return Confirmed(step, True)
    return Confirmed(step, False, _replan(plan, step, by), taken or None)


def confirm(*, step: MoveStep, scanned: str, by: Actor, to: str | None = None) -> Confirmed:
    """Say that the thing in hand stands in its place.

    scanned  the thing, as read
    to       what was scanned at the place: the code of the place, or of the container; None: Enter was pressed
    raises   RuleViolation `wrong_thing`, `wrong_target`, `step_done` (with who and when), `step_given_up`
    """
    plan = _plan(step, by)
    thing = _require_thing(step, find_thing(scanned, by))
    if to:
        _require_target(step, find_target(to, by))
    _lock(step, thing, by)
    return _carry_out(plan, step, thing, by)


def confirm_elsewhere(
    *, step: MoveStep, scanned: str, to: str, by: Actor, position: str | None = None
) -> Confirmed:
    """It was put somewhere else than planned: that is recorded, and the place that was kept is given back.

    position  in that container; what `to` says, else its first free place
    """
    plan = _plan(step, by)
    thing = _require_thing(step, find_thing(scanned, by))
    target = find_target(to, by)
    _lock(step, thing, by, target.container)
    wanted = position or target.position
    placed = placing.put(
        container=target.container, position=wanted, sample=thing.sample, child=thing.child, by=by,
        next_free=wanted is None, plan_id=plan.id,
    )  # fmt: skip
    _end(step, "put_elsewhere", by)
    instead = _new_step(plan, step, target.container.id, placed.placement.position)
    instead.done_at, instead.done_by = clock.now(), by.key
    db.session.flush()
    finish(plan, by)
    return Confirmed(instead, True)


def skip(*, step: MoveStep, why: str, by: Actor) -> MoveStep:
    """Leave it where it is. raises Malformed without a reason; RuleViolation when it is done or given up already"""
    if not why.strip():
        raise Malformed({"why": Reason("reason_needed")})
    plan = _plan(step, by)
    standing.lock_paths(step.to_container_id)
    _require_waiting(step)
    _end(step, why.strip(), by)
    finish(plan, by)
    return step


def give_up(*, plan: MovePlan, why: str, by: Actor) -> MovePlan:
    """End a plan: what was not moved stays, and its places are given back."""
    if not why.strip():
        raise Malformed({"why": Reason("reason_needed")})
    if not by.sees(plan.site_id):
        raise NotFound("move_plan_unknown", plan=plan.id)
    claims_many.release_plan(plan.id, by)
    standing.lock_paths(plan.container_id)
    _require_open(plan)
    ended = update(MoveStep).where(
        MoveStep.plan_id == plan.id, MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None)
    )
    db.session.execute(
        ended.values(skipped_at=clock.now(), skipped_by=by.key, why_skipped=why.strip()),
        execution_options={"synchronize_session": False},
    )
    db.session.expire_all()
    _close(plan, by, reason=why.strip())
    return plan


def finish(plan: MovePlan, by: Actor) -> None:
    """Close a plan in which nothing waits any more, and which has left nothing behind."""
    db.session.flush()
    if db.session.scalar(
        _open(plan).with_only_columns(MoveStep.id).limit(1)
    ) is None and not leaving.count_left(plan):
        _close(plan, by)


# --- carrying it out; the containers are locked


def _carry_out(plan: MovePlan, step: MoveStep, thing: Scanned, by: Actor) -> Confirmed:
    target = db.session.get_one(Container, step.to_container_id)
    if not _stands_there(step):
        if (taken := _taken(target, step, plan)) is not None:
            return Confirmed(step, False, _replan(plan, step, by), taken or None)
        placing.put(
            container=target, position=step.to_position, sample=thing.sample, child=thing.child, by=by,
            plan_id=plan.id,
        )  # fmt: skip
    step.done_at, step.done_by = clock.now(), by.key
    finish(plan, by)
    return Confirmed(step, True)


def _stands_there(step: MoveStep) -> bool:
    """Somebody put it there without a word."""
    there = facts.places_of(
        [step.sample_id] if step.sample_id else [], [step.child_id] if step.child_id else []
    )
    return there.get((step.sample_id, step.child_id)) == (step.to_container_id, step.to_position)


def _taken(target: Container, step: MoveStep, plan: MovePlan) -> str | None:
    """What is in the way: a code, an empty text where the place is kept for somebody else, blocked, or no room is left.
    None: it is free."""
    if step.to_position is None:
        used = facts.used_in([target.id]).get(target.id, 0)
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


def _replan(plan: MovePlan, step: MoveStep, by: Actor) -> MoveStep | None:
    """Another place for this one thing, or several for what is in it, kept at once; None where there is none.

    returns  the first of the steps that take its place
    """
    nodes = facts.tree_of(plan.site_id)
    here = nodes[step.from_container_id]
    load = facts.load_of_one(step, nodes)
    shut = nodes[plan.container_id] if plan.kind == "evacuate" else here
    rooms = facts.rooms_of(nodes, plan.site_id, load, without=shut, temperature=here.temperature)
    if plan.kind == "return":  # back into the container that it came from, as long as there is room
        home = {node.id for node in nodes[plan.container_id].down()}
        rooms = [room for room in rooms if room.id in home] or rooms
    found = rules.evacuate(load, rooms)
    _end(step, "place_taken", by)
    if not found.moves:
        finish(plan, by)
        return None
    first = add_steps(plan, nodes, found, by)
    return db.session.scalars(
        select(MoveStep).where(MoveStep.plan_id == plan.id, MoveStep.seq == first)
    ).one()


def _new_step(plan: MovePlan, old: MoveStep, to_id: int, to_position: str | None) -> MoveStep:
    """A step of the same thing to another place. The old one has ended."""
    db.session.flush()
    last = db.session.scalar(select(func.max(MoveStep.seq)).where(MoveStep.plan_id == plan.id)) or 0
    step = MoveStep(
        plan_id=plan.id, seq=last + 1, sample_id=old.sample_id, child_id=old.child_id,
        from_container_id=old.from_container_id, from_position=old.from_position, to_container_id=to_id,
        to_position=to_position,
    )  # fmt: skip
    db.session.add(step)
    db.session.flush()
    return step


def _end(step: MoveStep, why: str, by: Actor) -> None:
    """Give a step up, and its place back."""
    step.skipped_at, step.skipped_by, step.why_skipped = clock.now(), by.key, why
    db.session.flush()
    if step.to_position is not None:
        kept = claims.open_claims([step.to_container_id]).get(step.to_container_id, {}).get(step.to_position)
        if kept is not None and kept.plan_id == step.plan_id:
            claims.release(claims=[kept], by=by)
    audit.record(
        by=by,
        act="move_step_given_up",
        subject=("move_plan", str(step.plan_id)),
        after={"step": step.seq},
        reason=why,
    )


def _close(plan: MovePlan, by: Actor, reason: str | None = None) -> None:
    plan.closed_at, plan.closed_by = clock.now(), by.key
    db.session.flush()
    audit.record(by=by, act="move_plan_closed", subject=("move_plan", str(plan.id)), reason=reason)


# --- what must hold


def _plan(step: MoveStep, by: Actor) -> MovePlan:
    plan = db.session.get_one(MovePlan, step.plan_id)
    if not by.sees(plan.site_id):
        raise NotFound("move_plan_unknown", plan=plan.id)
    return plan


def _require_open(plan: MovePlan) -> None:
    db.session.refresh(plan)
    if plan.closed_at is not None:
        raise RuleViolation("move_plan_closed", plan=plan.id)


def _require_thing(step: MoveStep, scanned: Scanned) -> Scanned:
    sample_id = scanned.sample.id if scanned.sample is not None else None
    child_id = scanned.child.id if scanned.child is not None else None
    if (sample_id, child_id) != (step.sample_id, step.child_id):
        raise RuleViolation("wrong_thing", scanned=scanned.code, expected=thing_code(step))
    return scanned


def _require_target(step: MoveStep, target: Target) -> None:
    """The very place, or the container that it is in, or one that this stands in: who scans the shelf has found it."""
    if target.position is not None:
        right = (target.container.id, target.position) == (step.to_container_id, step.to_position)
    else:
        right = target.container.id == step.to_container_id
    if right:
        return
    expected = db.session.get_one(Container, step.to_container_id)
    raise RuleViolation(
        "wrong_target", scanned=target.code, container=expected.code, name=expected.name,
        position=step.to_position or "–",
    )  # fmt: skip


def _lock(step: MoveStep, thing: Scanned, by: Actor, *more: Container) -> None:
    """Lock where it goes and what is carried; then see whether the step still waits."""
    ids = [step.to_container_id, *(each.id for each in more)]
    if thing.child is not None:
        ids.append(thing.child.id)
    standing.lock_paths(*ids)
    _require_waiting(step)


def _require_waiting(step: MoveStep) -> None:
    db.session.refresh(step)
    if step.done_at is not None:
        raise _done_already(step, thing_code(step))
    if step.skipped_at is not None:
        raise RuleViolation("step_given_up", code=thing_code(step))


def _done_already(step: MoveStep, code: str) -> RuleViolation:
    who = access.names_of([step.done_by] if step.done_by else []).get(step.done_by or "", "–")
    when = times.show(When.exactly(step.done_at), clock.zone()) if step.done_at else "–"
    return RuleViolation("step_done", code=code, who=who, when=when)


def thing_code(step: MoveStep) -> str:
    """The number of what a step moves."""
    if step.sample_id is not None:
        return db.session.get_one(Sample, step.sample_id).code
    return db.session.get_one(Container, step.child_id).code


def _of_thing(plan: MovePlan, scanned: Scanned) -> list[MoveStep]:
    query = select(MoveStep).where(MoveStep.plan_id == plan.id).order_by(MoveStep.seq)
    if scanned.sample is not None:
        return list(db.session.scalars(query.where(MoveStep.sample_id == scanned.sample.id)))
    child_id = scanned.child.id if scanned.child is not None else None
    return list(db.session.scalars(query.where(MoveStep.child_id == child_id)))


def _open(plan: MovePlan) -> Any:
    return select(MoveStep).where(
        MoveStep.plan_id == plan.id, MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None)
    )
