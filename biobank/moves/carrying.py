"""A whole box, rack or drawer from here to there in one pair of scans, with everything that stands in it."""

from biobank.core.actor import Actor
from biobank.core.errors import RuleViolation
from biobank.moves import facts
from biobank.moves.scanning import find_target
from biobank.storage import placing
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container
from biobank.storage.placing import Placed
from biobank.storage.scanning import find_thing


def find_load(raw: str, by: Actor) -> Container:
    """The container in hand. raises RuleViolation `not_carried_whole` for a tube, or what is built in"""
    scanned = find_thing(raw, by)
    if scanned.child is None:
        raise RuleViolation("not_carried_whole", code=scanned.code)
    kind = kind_of(scanned.child)
    if kind.fixed or kind.storage:
        raise RuleViolation("not_carried_whole", code=scanned.code)
    return scanned.child


def carry(*, what: str, where: str, by: Actor, position: str | None = None) -> Placed:
    """Two scans: what is carried, and where it stands now.

    where     the code of the place, or of the container: then its first free place, or `position`
    raises    RuleViolation `move_plan_open` when a plan moves it: there it is confirmed; as `storage.put`
    """
    child = find_load(what, by)
    target = find_target(where, by)
    plan_id = facts.plan_that_moves([], [child.id])
    if plan_id is not None:
        raise RuleViolation("move_plan_open", plan=plan_id)
    wanted = position or target.position
    return placing.put(
        container=target.container, position=wanted, child=child, by=by, next_free=wanted is None
    )
