"""Numbers given out before there are tubes: their labels go to the ward with the kits, and come back on tubes.

Nobody else gets such a number. One that comes back unused may go out again; one that is void is so for ever.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, update

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.procedures import kits
from biobank.procedures.models import CollectionKit
from biobank.samples.allotted import MOST, OUT, RETURNED, USED, VOIDED, find_number, kit_of, site_of
from biobank.samples.models import Allotment, AllottedNumber, Sample
from biobank.samples.numbers import GIVEN_BACK
from biobank.studies.models import Study


def allot(
    *,
    site_id: int,
    by: Actor,
    kit: CollectionKit | None = None,
    sets: int = 1,
    count: int | None = None,
    note: str | None = None,
) -> Allotment:
    """Give out numbers: for so many kits one for each tube that is foreseen, or `count` loose ones for whatever comes.

    raises  Malformed for a number of labels that is none, or too many at once; RuleViolation `kit_retired`;
            NotFound for another site's kit
    """
    if not by.sees(site_id) or (kit is not None and kit.site_id != site_id):
        raise NotFound("kit_unknown", kit=kit.code[:40] if kit is not None else "–")
    if kit is not None and kit.retired_at is not None:
        raise RuleViolation("kit_retired", kit=kit.code)
    tubes: Sequence[dict[str, Any]]
    if kit is not None:
        tubes = kits.tubes_of(kit)
        _require_few("sets", len(tubes) * sets)
    else:
        _require_few("count", count or 0)
        tubes, sets = [{"place": place} for place in range(1, (count or 0) + 1)], 1
    total = len(tubes) * sets
    numbers = codes.issue("sample", access.site_code(site_id), total)
    codes.register_many([(number, "sample", codes.NOTHING) for number in numbers], site_id)
    made = Allotment(
        site_id=site_id,
        kit_id=kit.id if kit else None,
        note=note,
        recorded_at=clock.now(),
        recorded_by=by.key,
    )
    db.session.add(made)
    db.session.flush()
    wanted = [(number, tube) for number in range(1, sets + 1) for tube in tubes]
    db.session.add_all(
        AllottedNumber(
            allotment_id=made.id, code=code, set_number=number, place=tube["place"], type=tube.get("type"),
            label=tube.get("label"), state=OUT,
        )
        for code, (number, tube) in zip(numbers, wanted, strict=True)
    )  # fmt: skip
    db.session.flush()
    told = {"kit": kit.number if kit else None, "sets": sets, "count": total, "numbers": numbers}
    _tell("numbers_allotted", made.id, by, after=told)
    return made


def _require_few(field: str, count: int) -> None:
    """Asked before anything is made of the figure: anybody may type a million."""
    if not 1 <= count <= MOST:
        raise Malformed({field: Reason("allotted_out_of_range", {"count": count, "most": MOST})})


# --- what becomes of them


def return_(*, numbers: Iterable[str], by: Actor) -> list[AllottedNumber]:
    """They came back unused: they may go out again, or be voided. All of them, or none.

    raises  RuleViolation for one that is back already, on a tube or void; NotFound for one that was not printed ahead
    """
    return _change(numbers, OUT, RETURNED, "numbers_returned", by)


def send_out(*, numbers: Iterable[str], by: Actor) -> list[AllottedNumber]:
    """They go to the ward once more. raises RuleViolation for one that is out already, on a tube or void"""
    return _change(numbers, RETURNED, OUT, "numbers_sent_out", by)


def void(*, numbers: Iterable[str], reason: str, by: Actor) -> list[AllottedNumber]:
    """Their labels are spoilt, or lost: nobody ever gets these numbers. raises Malformed without a reason"""
    if not reason.strip():
        raise Malformed({"reason": Reason("void_reason_needed")})
    locked = _locked(numbers, by)
    for number in locked:
        if number.state not in (OUT, RETURNED):
            raise _refusal(number)
        codes.void(number.code, site_of(number))
        _end(number, VOIDED, by, reason=reason.strip())
    db.session.flush()
    _tell_each("numbers_voided", locked, by, reason.strip())
    return locked


def _change(numbers: Iterable[str], before: str, after: str, act: str, by: Actor) -> list[AllottedNumber]:
    locked = _locked(numbers, by)
    for number in locked:
        if number.state != before:
            raise _refusal(number)
        number.state = after
        number.ended_at, number.ended_by = (None, None) if after == OUT else (clock.now(), by.key)
    db.session.flush()
    _tell_each(act, locked, by)
    return locked


def _refusal(number: AllottedNumber) -> RuleViolation:
    """Why this one cannot be had, in its state."""
    if number.state == USED:
        return RuleViolation("number_used", number=number.code)
    if number.state == VOIDED:
        return codes.refusal_of_void(codes.Found(number.code, codes.ALLOTTED, 0, site_of(number), True))
    return RuleViolation("number_is_out" if number.state == OUT else "number_is_back", number=number.code)


def lock_free(code: str, *, site_id: int, by: Actor) -> AllottedNumber:
    """The number for a tube that bears its label; whoever else wants it waits, and is refused then.

    raises  RuleViolation `number_used`, `number_void`; NotFound `number_unknown`, also for another site's
    """
    (number,) = _locked([code], by)
    if site_of(number) != site_id:
        raise NotFound("number_unknown", number=number.code)
    if number.state not in (OUT, RETURNED):
        raise _refusal(number)
    return number


def fitting_visit(number: AllottedNumber, *, study: Study, type: str, visit: str | None) -> str | None:
    """The visit that this number was printed for, where it was printed for one.

    raises  RuleViolation when the tube is of another study, visit or type than the one that its label was printed for
    """
    if number.type is not None and number.type != type:
        raise RuleViolation("number_other_type", number=number.code, foreseen_type=number.type, type=type)
    kit = kit_of(number)
    if kit is None:
        return visit
    if kit.study_id != study.id:
        raise RuleViolation("number_other_study", number=number.code, kit=kit.title, study=study.code)
    if visit is not None and kit.visit is not None and visit != kit.visit:
        raise RuleViolation("number_other_visit", number=number.code, kit=kit.title, visit=visit)
    return kit.visit or visit


def use(number: AllottedNumber, sample: Sample, by: Actor) -> None:
    """It is on a tube."""
    number.sample_id = sample.id
    _end(number, USED, by)
    db.session.flush()


def give_back(sample: Sample, by: Actor) -> str | None:
    """The tube that bears this number was entered by mistake: the label is on it, and waits for whose it is. The row
    that was entered gets a number of its own, which stands on no label.

    sample  out of the world already, and its row locked
    returns the number that is out again; None for a sample whose number was not printed ahead
    """
    query = select(AllottedNumber).where(
        AllottedNumber.sample_id == sample.id, AllottedNumber.code == sample.code
    )
    number = db.session.scalar(query.execution_options(populate_existing=True))
    if number is None:
        return None
    (other,) = codes.issue("sample", access.site_code(sample.site_id))
    codes.register(other, "sample", sample.id, sample.site_id)
    audit.record(by=by, act=GIVEN_BACK, subject=("sample", number.code), after={"sample": other})
    sample.code = other
    db.session.flush()
    codes.give_back(number.code, "sample", sample.site_id)
    number.state, number.sample_id, number.ended_at, number.ended_by = OUT, None, None, None
    db.session.flush()
    return number.code


def void_replaced(code: str, reason: str, by: Actor) -> None:
    """The label with this number was taken off its tube for ever."""
    db.session.execute(
        update(AllottedNumber)
        .where(AllottedNumber.code == code)
        .values(state=VOIDED, sample_id=None, reason=reason, ended_at=clock.now(), ended_by=by.key),
        execution_options={"synchronize_session": "fetch"},
    )


def _end(number: AllottedNumber, state: str, by: Actor, reason: str | None = None) -> None:
    number.state, number.reason = state, reason
    number.ended_at, number.ended_by = clock.now(), by.key


def _locked(wanted: Iterable[str], by: Actor) -> list[AllottedNumber]:
    asked = list(dict.fromkeys(wanted))
    if not 1 <= len(asked) <= MOST:
        raise Malformed({"numbers": Reason("allotted_out_of_range", {"count": len(asked), "most": MOST})})
    keys = {number.code: number.id for number in (find_number(code, by) for code in asked)}
    rows = {number.id: number for number in lock(AllottedNumber, keys.values())}
    return [rows[keys[code]] for code in asked]


def _tell(act: str, allotment_id: int, by: Actor, **told: Any) -> None:
    audit.record(by=by, act=act, subject=("allotment", str(allotment_id)), **told)


def _tell_each(act: str, numbers: Sequence[AllottedNumber], by: Actor, reason: str | None = None) -> None:
    for key in dict.fromkeys(number.allotment_id for number in numbers):
        told = [number.code for number in numbers if number.allotment_id == key]
        _tell(act, key, by, after={"numbers": told}, reason=reason)
