"""A plan as people read it: how far it is, what comes next, what goes where. A constant number of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from biobank.core.db import chunks, db
from biobank.moves import leaving, losing, rules
from biobank.moves.leaving import Left
from biobank.moves.models import MovePlan, MoveStep
from biobank.samples.models import Sample
from biobank.storage import kinds, places
from biobank.storage.models import Container
from biobank.storage.places import Step


@dataclass(frozen=True)
class Place:
    """A container, the way to it, and a place in it."""

    container: Container
    path: Sequence[Step]
    position: str | None

    @property
    def way(self) -> str:
        """Freezer 2 › Rack 4."""
        return " › ".join([*(step.name for step in self.path), self.container.name])

    @property
    def temperature(self) -> str | None:
        """What it is kept at."""
        for kind in (self.container.kind, *(step.kind for step in reversed(self.path))):
            known = kinds.kinds().get(kind)
            if known is not None and known.storage:
                return known.temperature
        return None


@dataclass(frozen=True)
class Shown:
    """One step with everything that is said about it."""

    step: MoveStep
    sample: Sample | None
    child: Container | None
    origin: Place
    target: Place

    @property
    def code(self) -> str:
        found = self.sample or self.child
        return found.code if found is not None else ""

    @property
    def doubtful(self) -> bool:
        """Its new place is warmer, or freezes what was not frozen."""
        return rules.fit(self.origin.temperature, self.target.temperature) == rules.Fit.DOUBTFUL


@dataclass(frozen=True)
class Progress:
    """How far a plan is."""

    steps: int
    done: int
    skipped: int
    left: int
    """Tubes that find no place."""
    lost: int = 0
    """Steps whose place somebody else has now."""

    @property
    def waiting(self) -> int:
        return self.steps - self.done - self.skipped


def progress_of(plan: MovePlan) -> Progress:
    """Counted as it is now. A step that another one took the place of is not counted."""
    query = select(func.count(), func.count(MoveStep.done_at), func.count(MoveStep.skipped_at)).where(
        MoveStep.plan_id == plan.id
    )
    replaced = select(func.count()).where(
        MoveStep.plan_id == plan.id, MoveStep.why_skipped.in_(("place_taken", "put_elsewhere"))
    )
    steps, done, skipped = db.session.execute(query).one()
    again = db.session.scalar(replaced) or 0
    return Progress(steps - again, done, skipped - again, leaving.count_left(plan), losing.count_lost(plan))


def progress_many(plans: Sequence[MovePlan]) -> dict[int, tuple[int, int]]:
    """Plan key -> how many steps still wait, and how many there are; one query."""
    waiting = func.count().filter(MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None))
    query = (
        select(MoveStep.plan_id, waiting, func.count())
        .where(MoveStep.plan_id.in_([plan.id for plan in plans]))
        .group_by(MoveStep.plan_id)
    )
    return {key: (open_, all_) for key, open_, all_ in db.session.execute(query)}


def waiting_steps(plan: MovePlan, *, after: int = 0, limit: int = 30) -> list[Shown]:
    """Steps that wait, in walking order."""
    query = (
        select(MoveStep)
        .where(
            MoveStep.plan_id == plan.id, MoveStep.done_at.is_(None), MoveStep.skipped_at.is_(None),
            MoveStep.seq > after,
        )
        .order_by(MoveStep.seq)
        .limit(limit)
    )  # fmt: skip
    return shown(db.session.scalars(query).all())


def lost_places(plan: MovePlan) -> dict[int, Shown]:
    """Number of the step -> what waits for a place that somebody else has now."""
    return {each.step.seq: each for each in shown(losing.lost_steps(plan))}


def all_steps(plan: MovePlan, *, after: int = 0, limit: int | None = None) -> list[Shown]:
    """Every step, ended or not, in walking order."""
    query = select(MoveStep).where(MoveStep.plan_id == plan.id, MoveStep.seq > after).order_by(MoveStep.seq)
    return shown(db.session.scalars(query if limit is None else query.limit(limit)).all())


def shown(steps: Sequence[MoveStep]) -> list[Shown]:
    """Steps with what they move, from where, to where."""
    samples = _by_id(Sample, (step.sample_id for step in steps))
    boxes = _by_id(
        Container,
        (key for step in steps for key in (step.child_id, step.from_container_id, step.to_container_id)),
    )
    paths = places.path_of(boxes)
    return [
        Shown(
            step,
            samples.get(step.sample_id),
            boxes.get(step.child_id),
            Place(boxes[step.from_container_id], paths.get(step.from_container_id, []), step.from_position),
            Place(boxes[step.to_container_id], paths.get(step.to_container_id, []), step.to_position),
        )
        for step in steps
    ]


def _by_id(model: Any, keys: Iterable[int | None]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for chunk in chunks(sorted({key for key in keys if key is not None}), 2000):
        found |= {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(chunk)))}
    return found


def containers_of(plans: Sequence[MovePlan]) -> dict[int, Container]:
    """Container key -> the container that a plan is about."""
    return _by_id(Container, (plan.container_id for plan in plans))


__all__ = [
    "Left", "Place", "Progress", "Shown", "all_steps", "containers_of", "lost_places", "progress_many", "progress_of",
    "shown", "waiting_steps",
]  # fmt: skip
