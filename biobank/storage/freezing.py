"""The moment a tube comes into the frozen cold, alone or in its box: that is its freezing time, and nobody types it."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.times import When
from biobank.samples import steps
from biobank.samples.models import Sample
from biobank.storage import places, temperatures
from biobank.storage.cold_rules import FROZEN
from biobank.storage.models import Container, Placement
from biobank.storage.standing import Thing


def is_frozen(above: Iterable[Container]) -> bool:
    """Does a thing freeze in there? The nearest container with a temperature of its own decides.

    above  the nearest first
    """
    return temperatures.of_way(above) in FROZEN


def note(thing: Thing, sample: Sample | None, by: Actor, happened: When) -> None:
    """Something was put there: tubes that went through a procedure with a freeze step have now done that step.

    Costs nothing where nothing freezes, and one query for a tube whose procedure does not ask.
    """
    if not is_frozen(thing.above):
        return
    if sample is not None:
        steps.record_freeze(samples=[sample], at=happened, by=by)
    elif not _came_frozen(thing):
        steps.record_freeze(samples=_samples_in(thing.id), at=happened, by=by)


def note_many(above: Sequence[Container], samples: Sequence[Sample], by: Actor, happened: When) -> None:
    """The same for many tubes of one box."""
    if samples and is_frozen(above):
        steps.record_freeze(samples=samples, at=happened, by=by)


def _came_frozen(thing: Thing) -> bool:
    """A box that is carried from one freezer to another has frozen before."""
    return is_frozen(db.session.get_one(Container, key) for key in thing.stood_in)


def _samples_in(container_id: int) -> Sequence[Sample]:
    """Every sample in a container, at any depth."""
    tree = select(Container.id).where(Container.id == container_id).cte(recursive=True)
    tree = tree.union(
        select(Placement.child_id)
        .join(tree, Placement.container_id == tree.c.id)
        .where(Placement.child_id.is_not(None), places.current())
    )
    query = (
        select(Sample)
        .join(Placement, Placement.sample_id == Sample.id)
        .where(Placement.container_id.in_(select(tree.c.id)), places.current())
        .order_by(Sample.id)
    )
    return db.session.scalars(query).all()
