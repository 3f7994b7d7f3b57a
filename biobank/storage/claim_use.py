"""What a placement asks of the claims on a place. The container is locked."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import current_unit, db
from biobank.core.errors import RuleViolation
from biobank.storage import claim_rows, standing
from biobank.storage.claim_rows import reservation_minutes, until_of
from biobank.storage.claim_rules import Answer
from biobank.storage.models import Container, PositionClaim

#: Who saves into a place within this time of losing it is told that they lost it, and to whom.
TOLD_FOR = timedelta(hours=12)


def require_unclaimed(
    container: Container,
    positions: Iterable[str],
    by: Actor,
    plan_id: int | None = None,
    *,
    confirm_lapsed: bool = False,
) -> None:
    """Raise unless each of these free places may be filled by the actor; what is theirs is used up by it.

    positions       canonical
    confirm_lapsed  true: they know that their time was over, and that the place is still free
    raises          RuleViolation `position_blocked`, `position_reserved` or `reservation_lapsed_free`
    """
    there = claim_rows.open_at(container, list(positions))
    _settle(container, list(there.values()), by, plan_id, confirm_lapsed)


def use(
    container: Container,
    claim: PositionClaim,
    by: Actor,
    *,
    plan_id: int | None = None,
    confirm_lapsed: bool = False,
) -> None:
    """End one claim because something is put there, or refuse. raises as `require_unclaimed`"""
    _settle(container, [claim], by, plan_id, confirm_lapsed)


def _settle(
    container: Container, there: list[PositionClaim], by: Actor, plan_id: int | None, confirm_lapsed: bool
) -> None:
    """Refuse for the first of these claims that stands in the way, or end all of them: two statements."""
    means = {claim.position: claim_rows.answer_to(claim, by, plan_id) for claim in there}
    lost = []
    for claim in there:
        if means[claim.position] in (Answer.BLOCKED, Answer.RESERVED):
            raise claim_rows.refusal(container, claim, means[claim.position])
        if means[claim.position] is Answer.OWN_OVERDUE:
            lost.append(claim)
    if lost and not confirm_lapsed:
        ids = [claim.id for claim in lost]
        current_unit().after_refusal.append(lambda: _keep_on(container.id, ids, by))
        raise RuleViolation(
            "reservation_lapsed_free", container=container.code, position=lost[0].position,
            **until_of(lost[0]), minutes=reservation_minutes(),
        )  # fmt: skip
    overdue = [claim for claim in there if means[claim.position] is Answer.OVERDUE]
    claim_rows.end(overdue, "lapsed", by)
    for claim in overdue:
        claim_rows.tell_taken_over(container, claim, by)
    claim_rows.end([claim for claim in there if claim not in overdue], "used", by)


def _keep_on(container_id: int, claim_ids: list[int], by: Actor) -> None:
    """Who comes too late has been told so: the places are theirs for a while again, so that the next scan confirms."""
    standing.lock_paths(container_id)
    claims = claim_rows.open_of(claim_ids)
    until = clock.now() + timedelta(minutes=reservation_minutes())
    for claim in claims:
        claim.until_at = max(claim.until_at or until, until)
    if claims:
        container = db.session.get_one(Container, container_id)
        told = {"positions": sorted(claim.position for claim in claims), "until": until.isoformat()}
        audit.record(
            by=by,
            act="positions_reserved",
            subject=("container", container.code),
            after=told | {"plan": None},
        )


def lapsed_to(container: Container, position: str, by: Actor, occupant: str) -> RuleViolation | None:
    """What to say to somebody who comes to a taken place that they had reserved, and lost; None when they had not."""
    query = (
        select(PositionClaim)
        .where(
            PositionClaim.container_id == container.id,
            PositionClaim.position == position,
            PositionClaim.for_key == by.key,
            PositionClaim.how_ended == "lapsed",
            PositionClaim.ended_at > clock.now() - TOLD_FOR,
        )
        .order_by(PositionClaim.id.desc())
        .limit(1)
    )
    claim = db.session.scalars(query).one_or_none()
    if claim is None:
        return None
    names = access.names_of([claim.ended_by] if claim.ended_by else [])
    return RuleViolation(
        "reservation_lapsed", container=container.code, position=position, occupant=occupant,
        **until_of(claim), who=names.get(claim.ended_by or "", "–"),
    )  # fmt: skip
