"""What is held for a request: moving a request along its life, reserving tubes for it, and letting them go again."""

from collections.abc import Iterable, Sequence

from sqlalchemy import insert, select, update

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import Again, chunks, db, lock
from biobank.core.errors import Reason
from biobank.requests import letters, reading, rules
from biobank.requests.models import Request, RequestLine, Reservation
from biobank.requests.rules import Act, LineAct, Status
from biobank.samples import quantities
from biobank.samples.models import Sample


def pass_on(request: Request, act: Act) -> None:
    """Move a request along its life; its row is held from here to the end of the unit of work.

    One statement both asks and changes, so that of two people the second finds what the first did. Samples are
    locked before it, never after.

    raises  RuleViolation `request_act_not_possible`
    """
    before = request.status
    after = rules.next_status(before, act)
    change = update(Request).where(Request.id == request.id, Request.status == before)
    moved = db.session.execute(change.values(status=after.value).returning(Request.id)).scalar()
    if moved is None:
        db.session.refresh(request)
        rules.next_status(request.status, act)
        raise Again


def hold_rows(request_ids: Iterable[int]) -> list[Request]:
    """Hold the rows of requests whatever their status, and read them fresh. Samples are locked before it."""
    wanted = sorted(set(request_ids))
    for key in wanted:  # one after the other, so that all take them in the same order
        db.session.execute(update(Request).where(Request.id == key).values(status=Request.status))
    rows: list[Request] = []
    for chunk in chunks(wanted, 500):
        query = select(Request).where(Request.id.in_(chunk)).order_by(Request.id)
        rows += db.session.scalars(query.execution_options(populate_existing=True))
    return rows


def reserved_elsewhere(sample_ids: Iterable[int]) -> set[int]:
    """Which of these tubes an open reservation holds."""
    held: set[int] = set()
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = select(Reservation.sample_id).where(
            Reservation.sample_id.in_(chunk), Reservation.released_at.is_(None)
        )
        held |= set(db.session.scalars(query))
    return held


quantities.promises.append(reserved_elsewhere)


def not_free(samples: Iterable[Sample]) -> dict[int, Reason]:
    """Sample key -> why it can be promised to nobody now, for those that cannot. The caller holds their locks."""
    rows = list(samples)
    held = reserved_elsewhere(sample.id for sample in rows)
    found = {
        sample.id: rules.may_be_reserved(
            sample.code, sample.status, reserved=sample.id in held or sample.reserved > 0
        )
        for sample in rows
    }
    return {key: reason for key, reason in found.items() if reason is not None}


def reserve(request: Request, pairs: Sequence[reading.Asked], by: Actor) -> None:
    """Hold whole tubes for their lines: all that is left in each, where that is known."""
    now = clock.now()
    rows = [
        {"line_id": line.id, "sample_id": sample.id, "amount": sample.remaining, "made_at": now, "made_by": by.key}
        for line, sample in pairs
    ]  # fmt: skip
    for chunk in chunks(rows, 2000):
        db.session.execute(insert(Reservation), list(chunk))
    for line, sample in pairs:
        line.status = rules.next_line_status(line.status, LineAct.RESERVE, sample=sample.code).value
        sample.reserved = sample.remaining or 0
        audit.record(by=by, act="reserved", subject=("sample", sample.code), after={"request": request.code})


def end_reservations(lines: Sequence[RequestLine], why: str) -> list[Sample]:
    """End what is held for these lines. returns the tubes that were; the caller holds their locks."""
    held = [line for line in lines if line.status in rules.HOLDING_LINES]
    now = clock.now()
    for chunk in chunks([line.id for line in held], 500):
        ended = update(Reservation).where(Reservation.line_id.in_(chunk), Reservation.released_at.is_(None))
        db.session.execute(ended.values(released_at=now, why_released=why))
    samples = lock(Sample, [line.sample_id for line in held])
    for sample in samples:
        sample.reserved = 0
    return samples


def let_go(
    request: Request, lines: Sequence[RequestLine], *, why: str, reasons: dict[int, list[Reason]], by: Actor,
    verdict: str | None = None,
) -> None:  # fmt: skip
    """Lines are no longer held for the request. The caller holds the locks of their tubes.

    why      what the reservation keeps: withdrawal, cancelled, missing, refused …
    reasons  sample key -> what the line says from now on
    verdict  of the donors, where that is why
    """
    if not lines:
        return
    codes = {key: sample.code for key, sample in reading.samples_of(lines).items()}
    for sample in end_reservations(lines, why):
        after = {"request": request.code, "why": why}
        audit.record(by=by, act="unreserved", subject=("sample", sample.code), after=after)
    for line in lines:
        line.status = rules.next_line_status(line.status, LineAct.RELEASE, sample=codes[line.sample_id]).value
        line.reasons = [reason.as_dict() for reason in reasons[line.sample_id]]
        line.verdict = verdict or line.verdict
    told = {"samples": sorted(codes.values()), "why": why}
    audit.record(by=by, act="lines_released", subject=("request", request.code), after=told)


def close(request: Request, lines: Sequence[RequestLine], *, why: str, by: Actor) -> None:
    """The request ended before these lines were given. The caller holds the locks of their tubes."""
    reasons = {line.sample_id: [Reason("request_closed")] for line in lines}
    let_go(request, lines, why=why, reasons=reasons, by=by)


def note_settled(request: Request, reason: str | None, by: Actor) -> None:
    """When, by whom and why the request was decided, or ended."""
    request.settled_at, request.settled_by, request.settled_reason = clock.now(), by.key, reason


def finish(request: Request, by: Actor) -> bool:
    """Complete an approved request when none of its lines is open any more. The caller holds its row."""
    db.session.flush()
    if request.status != Status.APPROVED or reading.lines_of(request, *rules.OPEN_LINES):
        return False
    pass_on(request, Act.COMPLETE)
    audit.record(by=by, act="request_completed", subject=("request", request.code))
    letters.tell(request, "request_completed")
    return True
