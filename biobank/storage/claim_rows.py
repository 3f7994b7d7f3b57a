"""Claims on places as rows: read fresh, made, ended, and what they mean for somebody."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import select, update

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.errors import RuleViolation
from biobank.storage import standing
from biobank.storage.claim_rules import Answer, Kept, answer
from biobank.storage.models import Container, PositionClaim


def reservation_minutes() -> int:
    """How long a place is kept unless told otherwise."""
    return int(current_app.config["BIOBANK"]["reservation_minutes"])


def is_over(claim: PositionClaim) -> bool:
    """May somebody else take it over?"""
    return claim.until_at is not None and claim.until_at <= clock.now()


class Survey(NamedTuple):
    """The places of a container at which something stands; that are blocked or wait for others; that waited for
    others, whose time is over."""

    taken: set[str]
    kept: set[str]
    overdue: set[str]


def survey(container_id: int, by: Actor, plan_id: int | None = None) -> Survey:
    """What is not the actor's to fill; one statement."""
    found = Survey(set(), set(), set())
    for position, kind, *told in db.session.execute(standing.TAKEN, {"container_id": container_id}):
        if kind is None:
            found.taken.add(position)
            continue
        meant = answer(Kept(*told), key=by.key, plan_id=plan_id, now=clock.now())
        if meant in (Answer.BLOCKED, Answer.RESERVED):
            found.kept.add(position)
        elif meant is Answer.OVERDUE:
            found.overdue.add(position)
    return found


def open_at(container: Container, wanted: Sequence[str]) -> dict[str, PositionClaim]:
    """Fresh: another unit may have ended what this session has read."""
    query = select(PositionClaim).where(
        PositionClaim.container_id == container.id,
        PositionClaim.position.in_(wanted),
        PositionClaim.ended_at.is_(None),
    )
    rows = db.session.scalars(query.execution_options(populate_existing=True))
    return {claim.position: claim for claim in rows}


def open_of(claim_ids: Sequence[int]) -> list[PositionClaim]:
    """Of these claims, those that have not ended; fresh, in order."""
    found: list[PositionClaim] = []
    for chunk in chunks(sorted(claim_ids), 2000):
        query = select(PositionClaim).where(PositionClaim.id.in_(chunk), PositionClaim.ended_at.is_(None))
        found += db.session.scalars(
            query.order_by(PositionClaim.id).execution_options(populate_existing=True)
        )
    return found


def make(container: Container, positions: Sequence[str], by: Actor, **told: Any) -> dict[str, PositionClaim]:
    made = {
        text: PositionClaim(
            container_id=container.id, position=text, made_at=clock.now(), made_by=by.key, **told
        )
        for text in positions
    }
    db.session.add_all(made.values())
    db.session.flush()
    return made


def end(claims: Sequence[PositionClaim], how: str, by: Actor) -> None:
    """At once, not at the next flush: a new claim on the same place may follow."""
    if not claims:
        return
    now = clock.now()
    ending = update(PositionClaim).where(PositionClaim.id.in_([claim.id for claim in claims]))
    db.session.execute(
        ending.values(ended_at=now, ended_by=by.key, how_ended=how),
        execution_options={"synchronize_session": "evaluate"},
    )


def tell_taken_over(container: Container, claim: PositionClaim, by: Actor) -> None:
    audit.record(
        by=by, act="reservation_lapsed", subject=("container", container.code),
        before={"position": claim.position, "for": claim.for_key} | until_of(claim),
    )  # fmt: skip


def answer_to(claim: PositionClaim, by: Actor, plan_id: int | None) -> Answer:
    kept = Kept(claim.for_key, claim.until_at, claim.plan_id)
    return answer(kept, key=by.key, plan_id=plan_id, now=clock.now())


def refusal(container: Container, claim: PositionClaim, meant: Answer) -> RuleViolation:
    where: dict[str, Any] = {"container": container.code, "position": claim.position}
    if meant is Answer.BLOCKED:
        return RuleViolation("position_blocked", **where, why=claim.why or "–")
    key = claim.for_key or ""
    who = access.names_of([key]).get(key, "–")
    return RuleViolation("position_reserved", **where, who=who, **until_of(claim))


def until_of(claim: PositionClaim) -> dict[str, Any]:
    """When a reservation may be taken over: the instant, and the hour as it is said by the bank's clock."""
    if claim.until_at is None:
        return {}
    there = claim.until_at.astimezone(clock.zone())
    today = clock.now().astimezone(clock.zone()).date()
    said = there.strftime("%H:%M") if there.date() == today else there.isoformat(timespec="minutes")
    return {"until": claim.until_at.isoformat(), "clock": said}
