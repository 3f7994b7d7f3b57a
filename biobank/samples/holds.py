"""Holds: reasons why a sample may not be used now. Opened and ended, never deleted."""

from collections.abc import Iterable, Sequence

from sqlalchemy import insert, select, update

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import chunks, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.samples import gate
from biobank.samples.models import Hold, Sample

#: The hold that a withdrawal puts.
WITHDRAWAL = "withdrawal"
#: Why a sample may be held. A withdrawal's hold is not released by hand.
CODES = (WITHDRAWAL, "non_conformity", "inventory", "quarantine", "other")


def hold(*, sample: Sample, code: str, by: Actor, note: str | None = None) -> Hold:
    """Hold one sample and say why. A second hold for the same reason is refused."""
    if code not in CODES or code == WITHDRAWAL:
        raise Malformed({"code": Reason("hold_unknown", {"hold": code[:40], "known": ", ".join(CODES[1:])})})
    gate.lock_samples([sample.id])
    if hold_many([sample.id], code=code, note=note, by=by) == 0:
        raise RuleViolation("held_already", sample=sample.code, hold=code)
    return db.session.scalars(_open([sample.id]).where(Hold.code == code)).one()


def hold_many(sample_ids: Sequence[int], *, code: str, note: str | None, by: Actor) -> int:
    """Hold many samples for one reason; those held for it already are left as they are. returns how many were not

    A constant number of statements a thousand samples. The caller holds the locks of the donors or of the samples.
    """
    held: set[int] = set()
    codes: dict[int, str] = {}
    for chunk in chunks(sorted(set(sample_ids)), 500):
        open_now = select(Hold.sample_id).where(
            Hold.sample_id.in_(chunk), Hold.released_at.is_(None), Hold.code == code
        )
        held |= set(db.session.scalars(open_now))
        numbers = select(Sample.id, Sample.code).where(Sample.id.in_(chunk))
        codes |= dict(db.session.execute(numbers).all())
    fresh = [key for key in codes if key not in held]
    now = clock.now()
    rows = [
        {"sample_id": key, "code": code, "note": note, "opened_at": now, "opened_by": by.key} for key in fresh
    ]
    for rows_chunk in chunks(rows, 2000):
        db.session.execute(insert(Hold), list(rows_chunk))
    for key in fresh:
        audit.record(by=by, act="held", subject=("sample", codes[key]), after={"hold": code}, reason=note)
    return len(fresh)


def release(*, hold: Hold, reason: str, by: Actor) -> Hold:
    """End a hold. raises RuleViolation for a withdrawal's hold, or one that has ended"""
    sample = db.session.get_one(Sample, hold.sample_id)
    lock(Sample, [sample.id])
    db.session.refresh(hold)
    if hold.released_at is not None:
        raise RuleViolation("hold_ended", sample=sample.code, hold=hold.code)
    if hold.code == WITHDRAWAL:
        raise RuleViolation("hold_of_withdrawal", sample=sample.code)
    _end(hold, sample.code, reason, by)
    return hold


def release_many(sample_ids: Iterable[int], *, code: str, reason: str, by: Actor) -> list[str]:
    """End the holds of one reason on many samples, also those that a child was born with. The caller holds the locks.

    A constant number of statements a thousand samples.
    returns  the numbers of the samples that were held so
    """
    ended = {"released_at": clock.now(), "released_by": by.key, "release_reason": reason}
    released: list[str] = []
    for chunk in chunks(sorted(set(sample_ids)), 500):
        change = update(Hold).where(Hold.sample_id.in_(chunk), Hold.code == code, Hold.released_at.is_(None))
        keys = db.session.execute(
            change.values(**ended).returning(Hold.sample_id), execution_options={"synchronize_session": False}
        )
        held = set(keys.scalars())
        numbers = select(Sample.code).where(Sample.id.in_(held)).order_by(Sample.id)
        released += db.session.scalars(numbers)
    for number in released:
        audit.record(by=by, act="released", subject=("sample", number), before={"hold": code}, reason=reason)
    return released


def _end(hold: Hold, sample: str, reason: str, by: Actor) -> None:
    hold.released_at, hold.released_by, hold.release_reason = clock.now(), by.key, reason
    audit.record(by=by, act="released", subject=("sample", sample), before={"hold": hold.code}, reason=reason)


def find_hold(sample: Sample, code: str) -> Hold:
    """The open hold of that reason. raises NotFound"""
    found = db.session.scalars(_open([sample.id]).where(Hold.code == code)).first()
    if found is None:
        raise NotFound("hold_not_open", sample=sample.code, hold=code[:40])
    return found


def open_holds(sample_ids: Sequence[int]) -> dict[int, list[Hold]]:
    """Sample key -> its open holds, oldest first."""
    held: dict[int, list[Hold]] = {}
    for chunk in chunks(list(sample_ids), 500):
        for found in db.session.scalars(_open(chunk)):
            held.setdefault(found.sample_id, []).append(found)
    return held


def _open(sample_ids: Sequence[int]):  # type: ignore[no-untyped-def]
    return select(Hold).where(Hold.sample_id.in_(sample_ids), Hold.released_at.is_(None)).order_by(Hold.id)
