"""Numbers that were printed ahead of the draw, as they are looked up: where each is, and which are out for long."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from biobank.core import clock, codes, scans, settings
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, db
from biobank.core.errors import BiobankError, NotFound
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.procedures.models import CollectionKit
from biobank.samples.models import Allotment, AllottedNumber

#: As many labels as are printed at once.
MOST = 500
OUT, RETURNED, USED, VOIDED = "out", "returned", "used", "voided"
STATES = (OUT, RETURNED, USED, VOIDED)


def find_number(code: str, by: Actor) -> AllottedNumber:
    """raises NotFound `number_unknown` for what was not printed ahead, also for another site's"""
    number = (
        db.session.scalar(select(AllottedNumber).where(AllottedNumber.code == code))
        if code.isprintable()
        else None
    )
    if number is None or not by.sees(site_of(number)):
        raise NotFound("number_unknown", number=code[:100])
    return number


def is_ahead(code: str) -> bool:
    """Is this a number that was printed ahead, and is on no tube now?"""
    query = select(AllottedNumber.id).where(
        AllottedNumber.code == code, AllottedNumber.state.in_((OUT, RETURNED))
    )
    return db.session.scalar(query) is not None


def read_number(raw: str, by: Actor) -> str:
    """The number that was scanned, also with a badly set scanner.

    raises  as `core.scans.meant`; what keeps it from being used is for the act to say
    """
    try:
        return scans.meant(raw, by, kinds=(codes.ALLOTTED, "sample")).found.code
    except BiobankError as unknown:
        if unknown.code == "unknown_code":
            raise NotFound("number_unknown", reasons=unknown.reasons, number=raw.strip()[:100]) from None
        raise


def site_of(number: AllottedNumber) -> int:
    """Whose it is."""
    return db.session.get_one(Allotment, number.allotment_id).site_id


def kit_of(number: AllottedNumber) -> CollectionKit | None:
    """The kit that it was printed for; None for a loose one."""
    key = db.session.get_one(Allotment, number.allotment_id).kit_id
    return db.session.get_one(CollectionKit, key) if key is not None else None


@dataclass(frozen=True)
class Ahead:
    """A number that is on no tube yet, as its card and its label tell of it.

    tubes, sets  how many tubes the kit has, and how many kits were printed together; tube and set_number count in them
    out_since    when it was printed
    """

    number: AllottedNumber
    kit: CollectionKit | None
    tubes: int
    sets: int
    out_since: datetime


def ahead(code: str, by: Actor) -> Ahead:
    """raises as `find_number`"""
    number = find_number(code, by)
    allotment = db.session.get_one(Allotment, number.allotment_id)
    query = select(func.max(AllottedNumber.place), func.max(AllottedNumber.set_number))
    tubes, sets = db.session.execute(query.where(AllottedNumber.allotment_id == allotment.id)).one()
    return Ahead(number, kit_of(number), tubes, sets, allotment.recorded_at)


def find_allotment(key: int, by: Actor) -> Allotment:
    """raises NotFound `allotment_unknown`, also for another site's"""
    found = db.session.get(Allotment, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("allotment_unknown", allotment=str(key)[:20])
    return found


def list_allotments(by: Actor, *, after: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[Allotment]:
    """Allotments that the actor sees, the newest first."""
    query = select(Allotment)
    if by.site_id is not None:
        query = query.where(Allotment.site_id == by.site_id)
    return page_of(query, Allotment.id, after=after, limit=limit)


def numbers_in(allotment: Allotment) -> Sequence[AllottedNumber]:
    """Its numbers, in the order in which they were printed."""
    query = select(AllottedNumber).where(AllottedNumber.allotment_id == allotment.id)
    return db.session.scalars(query.order_by(AllottedNumber.id)).all()


def counts(allotment_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Allotment key -> how many of its numbers are in each state."""
    keys = sorted(set(allotment_ids))
    query = select(AllottedNumber.allotment_id, AllottedNumber.state, func.count())
    query = query.where(AllottedNumber.allotment_id.in_(keys))
    found = {key: dict.fromkeys(STATES, 0) for key in keys}
    for key, state, count in db.session.execute(
        query.group_by(AllottedNumber.allotment_id, AllottedNumber.state)
    ):
        found[key][state] = count
    return found


def is_overdue(allotment: Allotment) -> bool:
    """Was it given out longer ago than labels stay out?"""
    return clock.now() - allotment.recorded_at > timedelta(days=settings.allotted_days())


def overdue(by: Actor) -> list[tuple[Allotment, int]]:
    """Allotments of which numbers are still out after the days in the settings, the oldest first, and how many."""
    since = clock.now() - timedelta(days=settings.allotted_days())
    out = (
        select(AllottedNumber.allotment_id, func.count().label("count"))
        .where(AllottedNumber.state == OUT)
        .group_by(AllottedNumber.allotment_id)
        .subquery("out")
    )
    query = select(Allotment, out.c.count).join(out, out.c.allotment_id == Allotment.id)
    query = query.where(Allotment.recorded_at < since).order_by(Allotment.id)
    if by.site_id is not None:
        query = query.where(Allotment.site_id == by.site_id)
    return [(allotment, count) for allotment, count in db.session.execute(query.limit(100))]
