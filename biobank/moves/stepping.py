"""One step of a plan after the other: whatever box comes to hand is scanned, then where it was put.

A step is an ordinary placement with the step's mark, in one unit of work: after a crash nothing is half done, and of
two people who confirm the same step the second one is told that it is done.
"""

from dataclasses import dataclass

from sqlalchemy import func, select, update

from biobank.access import service as access
from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.times import When
from biobank.moves.ending import close, end, finish, open_query
from biobank.moves.models import MovePlan, MoveStep
from biobank.moves.replanning import replan, stands_there, taken
from biobank.moves.scanning import Target, find_target
from biobank.samples.models import Sample
from biobank.storage import claims_many, placing, standing
from biobank.storage.models import Container
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
    return list(db.session.scalars(open_query(plan).order_by(MoveStep.seq)))


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
            open_query(plan)
            .where(MoveStep.from_container_id == scanned.child.id)
            .order_by(MoveStep.seq)
            .limit(1)
        )
        if (first := db.session.scalars(inside).one_or_none()) is not None:
            return first
    if found and found[-1].done_at is not None:
        raise _done_already(found[-1], scanned.code)
    raise RuleViolation("not_in_plan", code=scanned.code, plan=plan.id)


def ready(*, step: MoveStep, by: Actor) -> Confirmed:
    """Before anybody sets out: is the place still free? `done` is False where it is not, as in `confirm`."""
    plan = _plan(step, by)
    _lock(plan, step)
    claims_many.renew_plan(plan.id, by)
    target = db.session.get_one(Container, step.to_container_id)
    if stands_there(step) or (in_the_way := taken(target, step, plan)) is None:
        return Confirmed(step, True)
    return Confirmed(step, False, replan(plan, step, by), in_the_way or None)


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
    _lock(plan, step, thing)
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
    _lock(plan, step, thing, target.container)
    wanted = position or target.position
    placed = placing.put(
        container=target.container, position=wanted, sample=thing.sample, child=thing.child, by=by,
        next_free=wanted is None, plan_id=plan.id,
    )  # fmt: skip
    end(step, "put_elsewhere", by)
    instead = _new_step(plan, step, target.container.id, placed.placement.position)
    instead.done_at, instead.done_by = clock.now(), by.key
    db.session.flush()
    finish(plan, by)
    claims_many.renew_plan(plan.id, by)
    return Confirmed(instead, True)


def skip(*, step: MoveStep, why: str, by: Actor) -> MoveStep:
    """Leave it where it is. raises Malformed without a reason; RuleViolation when it is done or given up already"""
    if not why.strip():
        raise Malformed({"why": Reason("reason_needed")})
    plan = _plan(step, by)
    _lock(plan, step)
    end(step, why.strip(), by)
    finish(plan, by)
    return step


def give_up(*, plan: MovePlan, why: str, by: Actor) -> MovePlan:
    """End a plan: what was not moved stays, and its places are given back."""
    if not why.strip():
        raise Malformed({"why": Reason("reason_needed")})
    if not by.sees(plan.site_id):
        raise NotFound("move_plan_unknown", plan=plan.id)
    claims_many.release_plan(plan.id, by, plan.container_id)
    _require_open(plan)
    ended = update(MoveStep).where(
        MoveStep.plan_id == plan.id, MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None)
    )
    db.session.execute(
        ended.values(skipped_at=clock.now(), skipped_by=by.key, why_skipped=why.strip()),
        execution_options={"synchronize_session": False},
    )
    db.session.expire_all()
    close(plan, by, reason=why.strip())
    return plan


# --- carrying it out; the containers are locked


def _carry_out(plan: MovePlan, step: MoveStep, thing: Scanned, by: Actor) -> Confirmed:
    target = db.session.get_one(Container, step.to_container_id)
    if not stands_there(step):
        if (in_the_way := taken(target, step, plan)) is not None:
            return Confirmed(step, False, replan(plan, step, by), in_the_way or None)
        placing.put(
            container=target, position=step.to_position, sample=thing.sample, child=thing.child, by=by,
            plan_id=plan.id,
        )  # fmt: skip
    step.done_at, step.done_by = clock.now(), by.key
    finish(plan, by)
    claims_many.renew_plan(plan.id, by)
    return Confirmed(step, True)


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
        "wrong_target", scanned=" · ".join(filter(None, (target.container.name, target.position))),
        container=expected.code, name=expected.name, position=step.to_position or "–",
    )  # fmt: skip


def _lock(plan: MovePlan, step: MoveStep, thing: Scanned | None = None, *more: Container) -> None:
    """Lock what the plan empties, so that its acts come one after the other, where it goes and what is carried; then
    see whether the step still waits."""
    ids = [plan.container_id, step.to_container_id, *(each.id for each in more)]
    if thing is not None and thing.child is not None:
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
