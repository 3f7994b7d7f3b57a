"""Who may put something into a place that is reserved or blocked. Pure.

A reservation never ends by the clock alone. Once its time is over, somebody else may take the place over, and whose it
was is told so before anything of theirs is saved there.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True)
class Kept:
    """What a claim says.

    for_key   whose hand is on the way; None: the place is blocked
    until_at  when it may be taken over
    plan_id   the plan of moves that it is kept for: whoever carries that plan out is the one it waits for
    """

    for_key: str | None
    until_at: datetime | None
    plan_id: int | None = None


class Answer(StrEnum):
    """What a claim means for somebody who comes with a tube."""

    BLOCKED = "blocked"
    """Nobody puts anything there."""
    RESERVED = "reserved"
    """It waits for somebody else."""
    OVERDUE = "overdue"
    """It waited for somebody else, whose time is over."""
    OWN = "own"
    """It waits for them."""
    OWN_OVERDUE = "own_overdue"
    """It waited for them, and their time is over."""


def answer(kept: Kept, *, key: str, plan_id: int | None, now: datetime) -> Answer:
    """What the claim means for the actor of that key, who carries out that plan or none."""
    if kept.for_key is None or kept.until_at is None:
        return Answer.BLOCKED
    own = kept.plan_id == plan_id and (plan_id is not None or kept.for_key == key)
    if now < kept.until_at:
        return Answer.OWN if own else Answer.RESERVED
    if not own:
        return Answer.OVERDUE
    # A plan is carried out by scans that name it: it needs no second confirmation that it still means the place.
    return Answer.OWN if plan_id is not None else Answer.OWN_OVERDUE
