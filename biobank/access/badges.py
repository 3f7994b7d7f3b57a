"""Badges: a number on a card that says who somebody is. It opens nothing: whoever comes in gives a password."""

from sqlalchemy import select

from biobank.access.models import Site, User
from biobank.audit import service as audit
from biobank.core import codes
from biobank.core.actor import Actor
from biobank.core.codes import ScannableCode
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason


def issue_badge(*, user: User, by: Actor, site: Site | None = None) -> str:
    """Give somebody a badge; the one before it is void. returns its number

    site    whose number it is, for somebody who belongs to no site
    raises  Malformed, field `site`, where none is named for such a person
    """
    of = user.site or site
    if of is None:
        raise Malformed({"site": Reason("site_needed")})
    old = badge_of(user)
    if old is not None:
        codes.void(old.code, old.site_id)
    (number,) = codes.issue("user", of.code)
    codes.register(number, "user", user.id, of.id)
    before = {"badge": old.code} if old is not None else None
    audit.record(
        by=by, act="badge_issued", subject=("user", user.actor_key), before=before, after={"badge": number}
    )
    return number


def badge_of(user: User) -> ScannableCode | None:
    """The badge that somebody carries now."""
    rows = db.session.scalars(codes.rows_of("user", user.id).where(ScannableCode.voided_at.is_(None)))
    return rows.first()


def badges_of(users: list[int]) -> dict[int, str]:
    """User key -> number of the badge, for those who have one."""
    query = select(ScannableCode.target_id, ScannableCode.code).where(
        ScannableCode.kind == "user", ScannableCode.target_id.in_(users), ScannableCode.voided_at.is_(None)
    )
    return dict(db.session.execute(query).all())


def holder_of(number: str, by: Actor) -> User:
    """Whose badge it is. raises NotFound `badge_unknown`, also for one that is void"""
    found = [each for each in codes.find([number.strip()], by) if each.kind == "user" and not each.voided]
    if not found:
        raise NotFound("badge_unknown", badge=number.strip()[:40])
    return db.session.get_one(User, found[0].target_id)


def name_for(text: str) -> str:
    """What somebody types at sign-in, or the name behind the badge that was scanned there instead."""
    query = (
        select(User.name)
        .join(ScannableCode, ScannableCode.target_id == User.id)
        .where(
            ScannableCode.code == text.strip()[:40],
            ScannableCode.kind == "user",
            ScannableCode.voided_at.is_(None),
        )
    )
    return db.session.scalar(query.limit(1)) or text
