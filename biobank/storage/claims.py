"""Places that are kept: reserved while a hand is on the way, or blocked because nothing may stand there.

Every act here, and every placement, holds the container's lock; the index of open claims in the database is the last
guard. A reservation ends by being used, given back, or taken over by somebody after its time; whose it was is told.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select

from biobank.access.permissions import Permission
from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.samples.models import Sample
from biobank.storage import places, rules, standing
from biobank.storage.claim_rows import (
    Survey,
    answer_to,
    end,
    is_over,
    make,
    open_at,
    open_of,
    refusal,
    reservation_minutes,
    survey,
    tell_taken_over,
)
from biobank.storage.claim_rules import Answer
from biobank.storage.claim_use import lapsed_to, require_unclaimed, use
from biobank.storage.kinds import kind_of
from biobank.storage.models import Container, Placement, PositionClaim

__all__ = [
    "MOST_MINUTES",
    "Survey",
    "block",
    "is_over",
    "kept_and_taken",
    "lapsed_to",
    "next_free",
    "open_claims",
    "release",
    "require_unclaimed",
    "reservation_minutes",
    "reserve",
    "reserve_next",
    "survey",
    "unblock",
    "use",
]

#: No hand is on the way for longer than a week.
MOST_MINUTES = 7 * 24 * 60


def reserve(
    *,
    container: Container,
    positions: Sequence[str],
    by: Actor,
    minutes: int | None = None,
    plan_id: int | None = None,
    why: str | None = None,
) -> list[PositionClaim]:
    """Keep free places for the actor, or for a plan, all of them or none; one's own are kept anew.

    minutes  how long nobody may take them over
    raises   RuleViolation `position_taken`, `position_blocked` or `position_reserved` (with who and until when), or
             when there is no such place; Malformed for a time that is none
    """
    wanted = _locked(container, positions, by)
    until = clock.now() + timedelta(minutes=_minutes(minutes))
    _require_empty(container, wanted)
    there = open_at(container, wanted)
    for claim in there.values():
        meant = answer_to(claim, by, plan_id)
        if meant in (Answer.BLOCKED, Answer.RESERVED):
            raise refusal(container, claim, meant)
        if meant is Answer.OVERDUE:
            end([claim], "lapsed", by)
            tell_taken_over(container, claim, by)
        else:
            claim.until_at = until
    fresh = [text for text in wanted if text not in there or there[text].ended_at is not None]
    made = make(
        container, fresh, by, kind="reserved", for_key=by.key, plan_id=plan_id, why=why, until_at=until
    )
    audit.record(
        by=by, act="positions_reserved", subject=("container", container.code), reason=why,
        after={"positions": wanted, "until": until.isoformat(), "plan": plan_id},
    )  # fmt: skip
    found = made | {text: claim for text, claim in there.items() if claim.ended_at is None}
    return [found[text] for text in wanted]


def reserve_next(
    *, container: Container, count: int, by: Actor, minutes: int | None = None, plan_id: int | None = None
) -> list[PositionClaim]:
    """Keep further free places, in the order in which the container is filled. raises as `next_free`"""
    _require_seen(container, by)
    standing.lock_paths(container.id)
    return reserve(
        container=container,
        positions=next_free(container, count, by, further=True),
        by=by,
        minutes=minutes,
        plan_id=plan_id,
    )


def next_free(
    container: Container, n: int, by: Actor, start: str | None = None, *, further: bool = False
) -> list[str]:
    """The first n places that are free and nobody else's, from `start` on, going round; those that waited for others
    too long come last.

    further  none that the actor has reserved already
    raises  RuleViolation `too_few_places`, or when there are no places, or no such place to start from
    """
    kind = kind_of(container)
    if not 1 <= n <= 1000:
        raise Malformed({"count": Reason("count_out_of_range", {"count": n, "most": 1000})})
    if not kind.positioned:
        raise RuleViolation("container_has_no_positions", kind=kind.label)
    taken, kept, overdue = survey(container.id, by)
    if further:
        kept |= set(open_claims([container.id]).get(container.id, {})) - overdue
    order = [place.text for place in rules.positions(kind)]
    first = order.index(rules.parse_position(start, kind).text) if start else 0
    order = [text for text in order[first:] + order[:first] if text not in taken | kept]
    free = [text for text in order if text not in overdue] + [text for text in order if text in overdue]
    if len(free) < n:
        raise RuleViolation("too_few_places", container=container.code, free=len(free), asked=n)
    return free[:n]


def kept_and_taken(container_id: int, by: Actor, plan_id: int | None = None) -> set[str]:
    """The places at which something stands, or that are blocked or kept for others, in time or over it."""
    return set().union(*survey(container_id, by, plan_id))


def release(
    *,
    by: Actor,
    claims: Iterable[PositionClaim] = (),
    container: Container | None = None,
    positions: Sequence[str] = (),
) -> list[PositionClaim]:
    """Give reservations back. What has ended already stays as it ended.

    claims  or the places of one container. Those of a plan are given back so, by whoever carries it out
    raises  RuleViolation `position_reserved` for somebody else's that still runs, unless one sets up storage
    """
    if container is not None:
        wanted = _locked(container, positions, by)
        there = list(open_at(container, wanted).values())
    else:
        given = {claim.id: claim.container_id for claim in claims}
        standing.lock_paths(*given.values())
        there = open_of(list(given))
    reserved = [claim for claim in there if claim.kind == "reserved"]
    boxes = {key: db.session.get_one(Container, key) for key in {claim.container_id for claim in reserved}}
    for claim in reserved:
        meant = answer_to(claim, by, None if container is not None else claim.plan_id)
        if meant is Answer.RESERVED and not by.may(Permission.STORAGE_BUILD.value):
            raise refusal(boxes[claim.container_id], claim, meant)
    end(reserved, "released", by)
    for key, box in boxes.items():
        here = sorted(claim.position for claim in reserved if claim.container_id == key)
        audit.record(
            by=by, act="positions_released", subject=("container", box.code), before={"positions": here}
        )
    return reserved


def block(*, container: Container, position: str, why: str, by: Actor) -> PositionClaim:
    """Say that nothing may stand there, and why. A reservation that is over gives way; one that runs does not.

    raises  RuleViolation `position_taken`, `position_blocked` or `position_reserved`; Malformed without a reason
    """
    if not why.strip():
        raise Malformed({"why": Reason("reason_needed")})
    (text,) = wanted = _locked(container, [position], by)
    _require_empty(container, wanted)
    for claim in open_at(container, wanted).values():
        meant = answer_to(claim, by, None)
        if meant in (Answer.BLOCKED, Answer.RESERVED):
            raise refusal(container, claim, meant)
        end([claim], "lapsed" if meant is Answer.OVERDUE else "released", by)
        if meant is Answer.OVERDUE:
            tell_taken_over(container, claim, by)
    made = make(container, wanted, by, kind="blocked", why=why.strip())
    audit.record(
        by=by, act="position_blocked", subject=("container", container.code), after={"position": text},
        reason=why.strip(),
    )  # fmt: skip
    return made[text]


def unblock(*, container: Container, position: str, by: Actor) -> PositionClaim:
    """It may be used again. raises RuleViolation `position_not_blocked`"""
    (text,) = wanted = _locked(container, [position], by)
    claim = open_at(container, wanted).get(text)
    if claim is None or claim.kind != "blocked":
        raise RuleViolation("position_not_blocked", container=container.code, position=text)
    end([claim], "unblocked", by)
    audit.record(
        by=by, act="position_unblocked", subject=("container", container.code), before={"position": text}
    )
    return claim


def open_claims(container_ids: Iterable[int]) -> dict[int, dict[str, PositionClaim]]:
    """Container key -> place -> the claim that has not ended; those without any are left out."""
    found: dict[int, dict[str, PositionClaim]] = {}
    for chunk in chunks(sorted(set(container_ids)), 2000):
        query = select(PositionClaim).where(
            PositionClaim.container_id.in_(chunk), PositionClaim.ended_at.is_(None)
        )
        for claim in db.session.scalars(query):
            found.setdefault(claim.container_id, {})[claim.position] = claim
    return found


# --- below


def _minutes(minutes: int | None) -> int:
    asked = reservation_minutes() if minutes is None else minutes
    if not 1 <= asked <= MOST_MINUTES:
        raise Malformed({"minutes": Reason("minutes_out_of_range", {"most": MOST_MINUTES})})
    return asked


def _require_seen(container: Container, by: Actor) -> None:
    if not by.sees(container.site_id):
        raise NotFound("container_unknown", container=container.code)


def _locked(container: Container, positions: Sequence[str], by: Actor) -> list[str]:
    """The canonical places, each once, in the order given; their container is locked."""
    _require_seen(container, by)
    kind = kind_of(container)
    wanted = list(dict.fromkeys(rules.parse_position(text, kind).text for text in positions))
    if not wanted:
        raise Malformed(
            {"positions": Reason("position_needed", {"container": container.code, "kind": kind.label})}
        )
    standing.lock_paths(container.id)
    return wanted


def _require_empty(container: Container, wanted: Sequence[str]) -> None:
    query = (
        select(Placement.position, Sample.code, Container.code)
        .outerjoin(Sample, Sample.id == Placement.sample_id)
        .outerjoin(Container, Container.id == Placement.child_id)
        .where(Placement.container_id == container.id, Placement.position.in_(wanted), places.current())
        .order_by(Placement.position)
    )
    for position, sample, child in db.session.execute(query):
        raise RuleViolation(
            "position_taken", container=container.code, position=position, occupant=sample or child
        )
