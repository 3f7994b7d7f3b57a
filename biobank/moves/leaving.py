"""What an evacuation leaves behind: tubes that have neither moved nor a place to move to. Read as it is now."""

from typing import Any, NamedTuple

from sqlalchemy import CTE, Select, bindparam, func, select

from biobank.core.db import db
from biobank.moves.facts import MOVABLE
from biobank.moves.models import MovePlan, MoveStep
from biobank.samples.models import Sample
from biobank.storage import places
from biobank.storage.models import Container, Placement


class Left(NamedTuple):
    """Tubes of one container that find no place."""

    code: str
    name: str
    tubes: int


def count_left(plan: MovePlan) -> int:
    """How many tubes find no place; none for a plan that empties nothing."""
    if plan.kind != "evacuate":
        return 0
    return db.session.scalar(select(func.count()).select_from(_left().subquery()), _about(plan)) or 0


def left_by_box(plan: MovePlan, limit: int = 200) -> list[Left]:
    """The same, container by container, the fullest first."""
    if plan.kind != "evacuate":
        return []
    left = _left().subquery()
    query = (
        select(Container.code, Container.name, func.count())
        .join(left, left.c.container_id == Container.id)
        .group_by(Container.id, Container.code, Container.name)
        .order_by(func.count().desc(), Container.id)
        .limit(limit)
    )
    return [Left(*row) for row in db.session.execute(query, _about(plan))]


def left_codes(plan: MovePlan, limit: int = 1000) -> list[str]:
    """The numbers of these tubes."""
    if plan.kind != "evacuate":
        return []
    left = _left().subquery()
    query = select(Sample.code).join(left, left.c.sample_id == Sample.id).order_by(Sample.id).limit(limit)
    return list(db.session.scalars(query, _about(plan)))


def _about(plan: MovePlan) -> dict[str, Any]:
    return {"container_id": plan.container_id, "plan_id": plan.id}


def _left() -> Select[*tuple[Any, ...]]:
    below = _staying()
    waiting = _waiting(MoveStep.sample_id)
    return (
        select(Placement.container_id, Placement.sample_id)
        .join(below, below.c.id == Placement.container_id)
        .join(Sample, Sample.id == Placement.sample_id)
        .where(places.current(), Sample.status.in_(sorted(MOVABLE)), Placement.sample_id.not_in(waiting))
    )


def _staying() -> CTE:
    """The container, and what stands in it without waiting to be carried as a whole."""
    down = (
        select(Container.id.label("id")).where(Container.id == bindparam("container_id")).cte(recursive=True)
    )
    return down.union(
        select(Placement.child_id)
        .join(down, Placement.container_id == down.c.id)
        .where(
            Placement.child_id.is_not(None),
            places.current(),
            Placement.child_id.not_in(_waiting(MoveStep.child_id)),
        )
    )


def _waiting(column: Any) -> Select[Any]:
    return select(column).where(
        MoveStep.plan_id == bindparam("plan_id"), MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None),
        column.is_not(None),
    )  # fmt: skip
