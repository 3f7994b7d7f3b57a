"""Shows what became of a withdrawal, and which withdrawals still ask for work. A handful of queries for any number of
samples; lists are cut where nobody reads on."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, or_, select

from biobank.consent import service as consent
from biobank.consent.models import Withdrawal, WithdrawalReversal
from biobank.core import clock, times
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.distribution import recalls
from biobank.distribution.models import Recall
from biobank.distribution.withdrawing import NARROWED, WITHDRAWN
from biobank.patients.models import Patient
from biobank.requests.models import Request, RequestLine
from biobank.samples import holds
from biobank.samples.models import Sample
from biobank.storage import destruction, places
from biobank.storage.models import DestructionTask
from biobank.withdrawal.reach import Touched, scope_of, touched

#: So many rows of one kind are shown.
MOST_SHOWN = 100


@dataclass(frozen=True)
class Here:
    """A sample in the bank's hands that the withdrawal covers."""

    sample: Sample
    held: bool
    path: Sequence[places.Step]

    @property
    def place(self) -> str:
        """The way to it in one line, with its position."""
        last = (self.path[-1].position or "") if self.path else ""
        return f"{' › '.join(step.name for step in self.path)} {last}".strip()


@dataclass(frozen=True)
class LetGo:
    """A promise that was taken back."""

    request: str
    sample: str


@dataclass(frozen=True)
class Overview:
    """What a withdrawal did, and where what it covers is now."""

    withdrawal: Withdrawal
    scope: consent.Scope
    reversal: WithdrawalReversal | None
    touched: Touched
    here: list[Here]
    """The first of them; `touched.here` counts all."""
    held: int
    """How many are on hold for a withdrawal."""
    let_go: list[LetGo]
    tasks: list[destruction.Listed]
    """The first of those that are still open."""
    to_destroy: int
    destroyed: int
    letters: list[recalls.Letter]


def overview(patient: Patient, withdrawal: Withdrawal) -> Overview:
    """Everything the page of a withdrawal shows."""
    scope = scope_of(withdrawal)
    reached = touched(patient=patient, scope=scope)
    held = {
        key
        for key, found in holds.open_holds(reached.here_ids).items()
        if holds.WITHDRAWAL in {hold.code for hold in found}
    }
    tasks = destruction.tasks_of_withdrawal(withdrawal.id)
    still = [task for task in tasks if task.done_at is None and task.cancelled_at is None]
    return Overview(
        withdrawal=withdrawal,
        scope=scope,
        reversal=consent.reversal_of(withdrawal),
        touched=reached,
        here=_here(reached.here_ids[:MOST_SHOWN], held),
        held=len(held),
        let_go=_let_go(reached.all_ids),
        tasks=destruction.listed(still[:MOST_SHOWN]),
        to_destroy=len(still),
        destroyed=sum(task.done_at is not None for task in tasks),
        letters=recalls.letters(recalls.recalls_of([withdrawal.id])),
    )


def _here(sample_ids: Sequence[int], held: set[int]) -> list[Here]:
    paths = places.where_is(sample_ids)
    rows = db.session.scalars(select(Sample).where(Sample.id.in_(sample_ids)).order_by(Sample.id))
    return [Here(sample, sample.id in held, paths.get(sample.id, [])) for sample in rows]


def _let_go(sample_ids: Sequence[int]) -> list[LetGo]:
    """What withdrawals let go of these samples, in whatever request."""
    found: list[LetGo] = []
    for chunk in chunks(sample_ids, 500):
        query = (
            select(RequestLine.reasons, Request.code, Sample.code)
            .join(Request, Request.id == RequestLine.request_id)
            .join(Sample, Sample.id == RequestLine.sample_id)
            .where(RequestLine.sample_id.in_(chunk), RequestLine.status == "released")
            .order_by(RequestLine.id)
        )
        for reasons, request, sample in db.session.execute(query):
            if reasons and reasons[0]["code"] in (WITHDRAWN, NARROWED):
                found.append(LetGo(request, sample))
    return found


# --- those that still ask for work


@dataclass(frozen=True)
class Work:
    """A withdrawal, and what is left to do by hand."""

    withdrawal: Withdrawal
    scope: consent.Scope
    patient: str
    site_id: int
    tasks: int
    unanswered: int
    overdue: int


def _open_task() -> tuple[ColumnElement[bool], ...]:
    return (DestructionTask.done_at.is_(None), DestructionTask.cancelled_at.is_(None))


def open_work(by: Actor, *, after: str | None = None, limit: int = DEFAULT_LIMIT) -> Page[Work]:
    """Withdrawals in force with tubes to destroy or letters without an answer, the newest first."""
    tasks = exists().where(DestructionTask.withdrawal_id == Withdrawal.id, *_open_task())
    letters = exists().where(Recall.withdrawal_id == Withdrawal.id, Recall.answered_at.is_(None))
    reversed_ = exists().where(WithdrawalReversal.withdrawal_id == Withdrawal.id)
    query = select(Withdrawal).where(or_(tasks, letters), ~reversed_)
    if by.site_id is not None:
        query = query.join(Patient, Patient.id == Withdrawal.patient_id).where(Patient.site_id == by.site_id)
    page = page_of(query, Withdrawal.id, after=after, limit=limit)
    return Page(_work(page.items), page.next)


def _work(withdrawals: Sequence[Withdrawal]) -> list[Work]:
    keys = [each.id for each in withdrawals]
    count = select(DestructionTask.withdrawal_id, func.count()).where(
        DestructionTask.withdrawal_id.in_(keys), *_open_task()
    )
    tasks = dict(db.session.execute(count.group_by(DestructionTask.withdrawal_id)).all())
    today = times.local_day(clock.now(), clock.zone())
    waiting: dict[int, list[bool]] = {}
    for recall in recalls.recalls_of(keys):
        if recall.answered_at is None:
            waiting.setdefault(recall.withdrawal_id, []).append(recall.due_on < today)
    people = select(Patient).where(Patient.id.in_({each.patient_id for each in withdrawals}))
    patients = {each.id: each for each in db.session.scalars(people)}
    return [
        Work(
            withdrawal=each,
            scope=scope_of(each),
            patient=patients[each.patient_id].code,
            site_id=patients[each.patient_id].site_id,
            tasks=tasks.get(each.id, 0),
            unanswered=len(waiting.get(each.id, [])),
            overdue=sum(waiting.get(each.id, [])),
        )
        for each in withdrawals
    ]
