"""How a step ends without being carried out, and how a plan ends."""

from typing import Any

from sqlalchemy import Select, select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.moves import leaving
from biobank.moves.models import MovePlan, MoveStep
from biobank.storage import claims


def end(step: MoveStep, why: str, by: Actor) -> None:
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


def finish(plan: MovePlan, by: Actor) -> None:
    """Close a plan in which nothing waits any more, and which has left nothing behind."""
    db.session.flush()
    if db.session.scalar(
        open_query(plan).with_only_columns(MoveStep.id).limit(1)
    ) is None and not leaving.count_left(plan):
        close(plan, by)


def close(plan: MovePlan, by: Actor, reason: str | None = None) -> None:
    plan.closed_at, plan.closed_by = clock.now(), by.key
    db.session.flush()
    audit.record(by=by, act="move_plan_closed", subject=("move_plan", str(plan.id)), reason=reason)


def open_query(plan: MovePlan) -> Select[Any]:
    """Its steps that wait."""
    return select(MoveStep).where(
        MoveStep.plan_id == plan.id, MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None)
    )
