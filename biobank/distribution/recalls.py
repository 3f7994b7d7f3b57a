"""What is asked back from those who received samples of a person who has withdrawn since: one letter for each request
and recipient, with a day until which they answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.consent.models import Withdrawal, WithdrawalReversal
from biobank.core import bulk, clock, times
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, chunks, db, lock
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.distribution.models import Recall, RecallSample
from biobank.distribution.withdrawing import lines_given, requests_of
from biobank.requests import reading as requests
from biobank.requests.models import Request, RequestLine
from biobank.samples import gate
from biobank.samples.models import Sample, SampleDonor
from biobank.storage import destruction

#: What a recipient can answer.
ANSWERS = ("returned", "destroyed", "used_up", "stopped")


@dataclass(frozen=True)
class Letter:
    """A recall with what it is about."""

    recall: Recall
    request: Request
    samples: Sequence[Sample]
    overdue: bool


def open_recalls(*, sample_ids: Iterable[int], withdrawal_id: int, due_on: date, by: Actor) -> list[Recall]:
    """One recall for each request and recipient who has some of these samples now. The caller holds the donors' locks.

    sample_ids  of samples that are out; those that nobody received through a request are left out
    due_on      the last day for an answer
    """
    lines = lines_given(sample_ids)
    requested = {request.id: request for request in requests_of({line.request_id for line in lines.values()})}
    names = requests.researchers_of(requested.values()) if requested else {}
    given: dict[tuple[int, str], list[RequestLine]] = {}
    for line in lines.values():
        recipient = line.handed_to or names.get(requested[line.request_id].researcher_id, "–")
        given.setdefault((line.request_id, recipient), []).append(line)
    now = clock.now()
    opened = {
        (key, recipient): Recall(
            site_id=requested[key].site_id, withdrawal_id=withdrawal_id, request_id=key, recipient=recipient,
            due_on=due_on, opened_at=now,
        )
        for key, recipient in sorted(given)
    }  # fmt: skip
    db.session.add_all(opened.values())
    db.session.flush()
    _name_samples(opened, given, requested, by)
    return list(opened.values())


def _name_samples(
    opened: dict[tuple[int, str], Recall],
    given: dict[tuple[int, str], list[RequestLine]],
    requested: dict[int, Request],
    by: Actor,
) -> None:
    rows = []
    for key, recall in opened.items():
        lines = given[key]
        code = requested[recall.request_id].code
        tubes = [sample.code for _key, sample in sorted(requests.samples_of(lines).items())]
        rows += [{"recall_id": recall.id, "sample_id": line.sample_id} for line in lines]
        told = {"to": recall.recipient, "due_on": recall.due_on.isoformat()}
        audit.record(by=by, act="recall_opened", subject=("request", code), after=told | {"samples": tubes})
        for tube in tubes:
            audit.record(by=by, act="recalled", subject=("sample", tube), after=told | {"request": code})
    bulk.insert_rows(RecallSample, rows)


def mark_sent(*, recall: Recall, by: Actor) -> Recall:
    """The letter went out.

    raises  RuleViolation when it went before, was answered, or the withdrawal was a mistake
    """
    _hold_row(recall, by)
    if recall.sent_at is not None or recall.answered_at is not None:
        raise RuleViolation("recall_sent_already")
    if is_void(recall):
        raise RuleViolation("recall_void")
    recall.sent_at, recall.sent_by = clock.now(), by.key
    _tell(recall, "recall_sent", {"to": recall.recipient}, by)
    return recall


def record_answer(*, recall: Recall, answer: str, by: Actor, note: str | None = None) -> Recall:
    """What the recipient says became of the tubes. A tube that comes back is taken back by itself.

    answer  returned, destroyed, used_up or stopped
    raises  Malformed for any other; RuleViolation the second time
    """
    if answer not in ANSWERS:
        known = ", ".join(ANSWERS)
        raise Malformed({"answer": Reason("recall_answer_unknown", {"given": answer[:40], "known": known})})
    _hold_row(recall, by)
    if recall.answered_at is not None:
        raise RuleViolation("recall_answered_already")
    recall.answered_at, recall.answered_by, recall.answer = clock.now(), by.key, answer
    recall.note = (note or "").strip() or None
    _tell(recall, "recall_answered", {"answer": answer}, by, recall.note)
    return recall


def find_recall(key: int, by: Actor) -> Recall:
    """raises NotFound, also for another site's"""
    found = db.session.get(Recall, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("recall_unknown", recall=key)
    return found


def recalls_of(withdrawal_ids: Iterable[int]) -> list[Recall]:
    """Every letter about these withdrawals, in the order they were opened."""
    found: list[Recall] = []
    for chunk in chunks(sorted(set(withdrawal_ids)), 500):
        query = select(Recall).where(Recall.withdrawal_id.in_(chunk)).order_by(Recall.id)
        found += db.session.scalars(query)
    return found


def letters(recalls: Sequence[Recall]) -> list[Letter]:
    """Recalls with their requests and tubes; a handful of queries for any number."""
    by_key = {request.id: request for request in requests_of({recall.request_id for recall in recalls})}
    tubes: dict[int, list[Sample]] = {}
    for chunk in chunks([recall.id for recall in recalls], 500):
        query = (
            select(RecallSample.recall_id, Sample)
            .join(Sample, Sample.id == RecallSample.sample_id)
            .where(RecallSample.recall_id.in_(chunk))
            .order_by(Sample.id)
        )
        for key, sample in db.session.execute(query):
            tubes.setdefault(key, []).append(sample)
    return [
        Letter(recall, by_key[recall.request_id], tubes.get(recall.id, []), is_overdue(recall))
        for recall in recalls
    ]


def is_overdue(recall: Recall) -> bool:
    """The day for the answer is over, and there is none."""
    return recall.answered_at is None and recall.due_on < times.local_day(clock.now(), clock.zone())


def is_void(recall: Recall) -> bool:
    """The withdrawal turned out to be a mistake: nothing is asked of the recipient any more."""
    query = select(WithdrawalReversal.id).where(WithdrawalReversal.withdrawal_id == recall.withdrawal_id)
    return db.session.scalar(query) is not None


def ask_for_destruction(sample: Sample, by: Actor) -> int:
    """A tube that came back is to be destroyed, where a withdrawal that recalled it says so and covers it still. The
    caller holds its lock."""
    query = (
        select(Withdrawal.id)
        .join(Recall, Recall.withdrawal_id == Withdrawal.id)
        .join(RecallSample, RecallSample.recall_id == Recall.id)
        .outerjoin(WithdrawalReversal, WithdrawalReversal.withdrawal_id == Withdrawal.id)
        .join(SampleDonor, SampleDonor.patient_id == Withdrawal.patient_id)
        .where(SampleDonor.sample_id == sample.id, RecallSample.sample_id == sample.id)
        .where(WithdrawalReversal.id.is_(None))
        .where(Withdrawal.fate == "destroy", Withdrawal.scope.in_(("all", "study")))
        .order_by(Withdrawal.id)
    )
    withdrawal_id = db.session.scalar(query.limit(1))
    if withdrawal_id is None or not gate.is_withdrawn(gate.facts_of([sample])[sample.id]):
        return 0
    db.session.flush()
    return destruction.open_tasks(
        sample_ids=[sample.id], reason=destruction.WITHDRAWN, withdrawal_id=withdrawal_id, by=by
    )


def _hold_row(recall: Recall, by: Actor) -> None:
    """Hold its tubes, so that of two people the second finds what the first did, and read it fresh."""
    if not by.sees(recall.site_id):
        raise NotFound("recall_unknown", recall=recall.id)
    tubes = db.session.scalars(select(RecallSample.sample_id).where(RecallSample.recall_id == recall.id))
    lock(Sample, tubes)
    db.session.refresh(recall)


def _tell(recall: Recall, act: str, after: dict[str, str], by: Actor, reason: str | None = None) -> None:
    code = db.session.get_one(Request, recall.request_id).code
    audit.record(by=by, act=act, subject=("request", code), after=after, reason=reason)
