"""How the demonstration's people act: each act is a unit of work of its own, at the hour when it is said to happen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from biobank.access import permissions
from biobank.access import service as access
from biobank.core import clock
from biobank.core.actor import Actor, job
from biobank.core.db import Base, db, unit_of_work
from biobank.samples.models import Sample
from biobank.storage import service as storage
from biobank.storage.models import Container

T = TypeVar("T", bound=Base)
DEMO = job("demo")


def get(model: type[T], key: int) -> T:
    """A row as it stands now."""
    return db.session.get_one(model, key)


class Acting:
    """The people of the bank and its boxes, by name, while it is filled."""

    def __init__(self, today: datetime) -> None:
        self.today = today
        self.by: dict[str, Actor] = {}
        self.boxes: dict[str, int] = {}
        self.studies: list[int] = []
        self.site = 0

    @contextmanager
    def at(self, days_ago: float) -> Iterator[None]:
        """Then it happened."""
        with clock.freeze(self.today - timedelta(days=days_ago)):
            yield

    def do(self, act: Callable[..., Any], role: str = "technician", **told: Any) -> Any:
        """One act by somebody of that role, in the unit of work that is open or in one of its own.

        returns the key of what it made, or of the things it made
        """
        by = self.by.get(role, DEMO)

        def work() -> Any:
            made = act(by=by, **told)
            db.session.flush()
            return [each.id for each in made] if isinstance(made, list) else getattr(made, "id", None)

        return work() if db.session.info.get("unit") else unit_of_work(work)

    def put(self, sample: int, box: str) -> None:
        """Into the next free place."""
        self.do(
            storage.put, sample=get(Sample, sample), container=get(Container, self.boxes[box]), next_free=True
        )

    @staticmethod
    def actor(name: str) -> Actor:
        """Somebody who has the role that they are called after."""
        user, roles = access.find_user(name, DEMO), frozenset({name})
        return Actor(user.actor_key, user.name, roles, permissions.of_roles(roles), user.site_id, user.id)
