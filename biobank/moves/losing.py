"""Places that a plan has lost: their time was over and somebody else took them, or somebody gave them back. Each thing
that was to go there gets another place."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select

from biobank.core.db import db
from biobank.moves.models import MovePlan, MoveStep
from biobank.storage import places
from biobank.storage.models import Placement, PositionClaim


def lost_steps(plan: MovePlan) -> Sequence[MoveStep]:
    """Steps that wait, in walking order, for a place that is not kept for the plan any more; one query."""
    return db.session.scalars(select(MoveStep).where(_lost(plan)).order_by(MoveStep.seq)).all()


def count_lost(plan: MovePlan) -> int:
    """How many they are."""
    return db.session.scalar(select(func.count()).where(_lost(plan))) or 0


def _lost(plan: MovePlan) -> ColumnElement[bool]:
    kept = select(PositionClaim.id).where(
        PositionClaim.container_id == MoveStep.to_container_id, PositionClaim.position == MoveStep.to_position,
        PositionClaim.plan_id == MoveStep.plan_id, PositionClaim.ended_at.is_(None),
    )  # fmt: skip
    stands_there = select(Placement.id).where(
        Placement.container_id == MoveStep.to_container_id, Placement.position == MoveStep.to_position,
        or_(Placement.sample_id == MoveStep.sample_id, Placement.child_id == MoveStep.child_id), places.current(),
    )  # fmt: skip
    return and_(
        MoveStep.plan_id == plan.id, MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None),
        MoveStep.to_position.is_not(None), ~kept.exists(), ~stands_there.exists(),
    )  # fmt: skip
