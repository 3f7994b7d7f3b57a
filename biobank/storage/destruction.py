"""Destruction by two people: one has the tube in hand and says so, another one sees it destroyed.

A task is opened for every tube that somebody wants destroyed, such as a patient who withdraws. It ends with the tube,
or is cancelled with a reason; it is never deleted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, update

from biobank.audit import service as audit
from biobank.consent.models import Withdrawal
from biobank.core import bulk, clock
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, chunks, db
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.samples import gate
from biobank.samples import rules as life
from biobank.samples.covering import covering
from biobank.samples.models import Sample
from biobank.samples.reading import by_keys, find_scanned
from biobank.storage import discarding, places
from biobank.storage.models import DestructionTask

#: Why, where a withdrawal asks for it.
WITHDRAWN = "Consent withdrawn"
#: Samples in these can be thrown away, now or, when lost, as soon as they are found.
DESTROYABLE = frozenset({status.value for status, act in life.LIFE if act == life.Act.DISCARD}) | {"lost"}
_OPEN = (DestructionTask.done_at.is_(None), DestructionTask.cancelled_at.is_(None))


@dataclass(frozen=True)
class Listed:
    """A task, its tube, and the way to it from the root down; an empty way: it stands nowhere."""

    task: DestructionTask
    sample: Sample
    path: Sequence[places.Step]

    @property
    def place(self) -> str:
        """The way in one line: Freezer 3 › Rack 2 › Box 12."""
        return " › ".join(step.name for step in self.path)

    @property
    def position(self) -> str | None:
        return self.path[-1].position if self.path else None


def open_tasks(*, sample_ids: Iterable[int], reason: str, by: Actor, withdrawal_id: int | None = None) -> int:
    """Ask for samples to be destroyed; those that are gone, or asked for already, are left as they are.

    A handful of statements for any number of samples. The caller holds their locks.
    returns  how many tasks were opened
    raises   Malformed without a reason
    """
    if not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    rows = []
    now = clock.now()
    for chunk in chunks(sorted(set(sample_ids)), 500):
        asked = select(DestructionTask.sample_id).where(DestructionTask.sample_id.in_(chunk), *_OPEN)
        wanted = select(Sample.id, Sample.code, Sample.site_id).where(
            Sample.id.in_(chunk), Sample.status.in_(DESTROYABLE), Sample.id.not_in(asked)
        )
        for key, code, site_id in db.session.execute(wanted.order_by(Sample.id)):
            rows.append(
                {"site_id": site_id, "sample_id": key, "withdrawal_id": withdrawal_id, "reason": reason.strip(),
                 "opened_at": now, "opened_by": by.key}
            )  # fmt: skip
            told = {"withdrawal": withdrawal_id} if withdrawal_id is not None else {}
            audit.record(by=by, act="destruction_asked", subject=("sample", code), after=told, reason=reason)
    bulk.insert_rows(DestructionTask, rows)
    return len(rows)


def open_wanted(samples: Sequence[Sample], by: Actor) -> None:
    """Ask for the destruction of what of these a withdrawal in force wants destroyed. The caller holds the locks."""
    wanted: dict[int, list[int]] = {}
    for sample_id, withdrawal_id in wanted_by(samples).items():
        wanted.setdefault(withdrawal_id, []).append(sample_id)
    for withdrawal_id, ids in sorted(wanted.items()):
        open_tasks(sample_ids=ids, reason=WITHDRAWN, withdrawal_id=withdrawal_id, by=by)


def confirm(*, task: DestructionTask, tube: str, by: Actor) -> DestructionTask:
    """Who has the tube in hand says so; then another person sees it destroyed.

    tube    what the scanner read from it: our number or its maker's code, cleanly
    raises  RuleViolation for a wrong tube, one that is not in our hands, or a task that is ended or confirmed already
    """
    sample = _locked(task, by)
    _require_open(task, sample)
    _require_tube(sample, tube, by)
    if task.first_at is not None:
        raise RuleViolation("destruction_confirmed_already", sample=sample.code)
    _require_here(sample)
    _require_still_asked(task, sample)
    life.next_status(sample.status, life.Act.DISCARD)
    task.first_at, task.first_by = clock.now(), by.key
    db.session.flush()
    audit.record(by=by, act="destruction_confirmed", subject=("sample", sample.code))
    return task


def witness(*, task: DestructionTask, tube: str, by: Actor) -> DestructionTask:
    """Another person sees the tube destroyed: the sample is discarded, and the task ends.

    raises  RuleViolation for who had the tube in hand, before anybody had, for a wrong tube, or when some of it is
            promised to a request
    """
    sample = _locked(task, by)
    _require_open(task, sample)
    _require_tube(sample, tube, by)
    if task.first_at is None:
        raise RuleViolation("destruction_not_confirmed", sample=sample.code)
    if task.first_by == by.key:
        raise RuleViolation("destruction_same_person", sample=sample.code)
    _require_here(sample)
    _require_still_asked(task, sample)
    task.done_at, task.done_by = clock.now(), by.key
    db.session.flush()
    discarding.discard(sample=sample, reason=task.reason, by=by)
    audit.record(by=by, act="destruction_witnessed", subject=("sample", sample.code))
    return task


def cancel(*, task: DestructionTask, reason: str, by: Actor) -> DestructionTask:
    """The tube is not to be destroyed after all.

    raises  Malformed without a reason; RuleViolation when it ended, or `destruction_still_asked` while a withdrawal
            wants it
    """
    sample = _locked(task, by)
    _require_open(task, sample)
    if not reason.strip():
        raise Malformed({"reason": Reason("reason_needed")})
    if wanted_by([sample]):
        raise RuleViolation("destruction_still_asked", sample=sample.code)
    cancel_many(sample_ids=[sample.id], reason=reason, by=by)
    db.session.refresh(task)
    return task


def cancel_many(
    *,
    sample_ids: Iterable[int],
    reason: str,
    by: Actor,
    withdrawal_id: int | None = None,
    of_withdrawals: bool = False,
) -> list[int]:
    """Cancel the open tasks of these samples. The caller holds the locks of the samples.

    withdrawal_id   only those that this withdrawal asked for; of_withdrawals: that some withdrawal asked for
    returns         the keys of the samples whose task was cancelled
    """
    ended = {"cancelled_at": clock.now(), "cancelled_by": by.key, "why_cancelled": reason.strip()}
    cancelled: list[int] = []
    for chunk in chunks(sorted(set(sample_ids)), 500):
        change = update(DestructionTask).where(DestructionTask.sample_id.in_(chunk), *_OPEN)
        if withdrawal_id is not None:
            change = change.where(DestructionTask.withdrawal_id == withdrawal_id)
        if of_withdrawals:
            change = change.where(DestructionTask.withdrawal_id.is_not(None))
        done = db.session.execute(
            change.values(**ended).returning(DestructionTask.sample_id),
            execution_options={"synchronize_session": False},
        )
        cancelled += done.scalars()
    for code in _codes(cancelled).values():
        audit.record(by=by, act="destruction_cancelled", subject=("sample", code), reason=reason.strip())
    return cancelled


# --- reading


def find_task(key: int, by: Actor) -> DestructionTask:
    """raises NotFound, also for another site's"""
    found = db.session.get(DestructionTask, key) if 0 < key <= MAX_INTEGER else None
    if found is None or not by.sees(found.site_id):
        raise NotFound("destruction_unknown", task=key)
    return found


def task_of(tube: str, by: Actor) -> DestructionTask:
    """The open task of the tube that was scanned. raises NotFound for an unknown tube, or one that is to be kept"""
    sample = find_scanned(tube, by, clean=True)
    found = open_of([sample.id]).get(sample.id)
    if found is None:
        raise NotFound("destruction_not_asked", sample=sample.code)
    return found


def open_of(sample_ids: Iterable[int]) -> dict[int, DestructionTask]:
    """Sample key -> its open task, for those that have one."""
    found: dict[int, DestructionTask] = {}
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = select(DestructionTask).where(DestructionTask.sample_id.in_(chunk), *_OPEN)
        found |= {task.sample_id: task for task in db.session.scalars(query)}
    return found


def list_open(
    by: Actor, *, withdrawal_id: int | None = None, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[DestructionTask]:
    """Open tasks, the oldest first, a page at a time."""
    query = _of_site(select(DestructionTask).where(*_OPEN), by)
    if withdrawal_id is not None:
        query = query.where(DestructionTask.withdrawal_id == withdrawal_id)
    return page_of(query, DestructionTask.id, after=after, limit=limit, newest_first=False)


def count_open(by: Actor) -> int:
    """How many tubes are still to be destroyed."""
    return db.session.scalar(_of_site(select(func.count(DestructionTask.id)).where(*_OPEN), by)) or 0


def tasks_of_withdrawal(withdrawal_id: int) -> list[DestructionTask]:
    """Every task that a withdrawal asked for, ended or not, in the order they were opened."""
    query = select(DestructionTask).where(DestructionTask.withdrawal_id == withdrawal_id)
    return list(db.session.scalars(query.order_by(DestructionTask.id)))


def listed(tasks: Sequence[DestructionTask]) -> list[Listed]:
    """Tasks with their tubes, and where each tube stands now."""
    keys = [task.sample_id for task in tasks]
    samples = by_keys(keys)
    where = places.where_is(keys)
    return [Listed(task, samples[task.sample_id], where.get(task.sample_id, [])) for task in tasks]


def wanted_by(samples: Sequence[Sample]) -> dict[int, int]:
    """Sample key -> the newest withdrawal in force that covers it and wants it destroyed, for those that have one."""
    covered = {
        key: [withdrawal.id for withdrawal in covering(facts)]
        for key, facts in gate.facts_of(samples).items()
    }
    wanting: set[int] = set()
    for chunk in chunks(sorted({each for ids in covered.values() for each in ids}), 500):
        query = select(Withdrawal.id).where(Withdrawal.id.in_(chunk), Withdrawal.fate == "destroy")
        wanting |= set(db.session.scalars(query))
    wanted = {key: [each for each in ids if each in wanting] for key, ids in covered.items()}
    return {key: ids[-1] for key, ids in wanted.items() if ids}


def _of_site(query: Select[Any], by: Actor) -> Select[Any]:
    return query if by.site_id is None else query.where(DestructionTask.site_id == by.site_id)


# --- what must hold


def _locked(task: DestructionTask, by: Actor) -> Sample:
    """The task's sample, its donors and its row locked, and the task as it is now."""
    if not by.sees(task.site_id):
        raise NotFound("destruction_unknown", task=task.id)
    (sample,) = gate.lock_samples([task.sample_id])
    db.session.refresh(task)
    return sample


def _require_open(task: DestructionTask, sample: Sample) -> None:
    if task.done_at is not None or task.cancelled_at is not None:
        raise RuleViolation("destruction_ended", sample=sample.code)


def _require_tube(sample: Sample, tube: str, by: Actor) -> None:
    found = find_scanned(tube, by, clean=True)
    if found.id != sample.id:
        raise RuleViolation("destruction_wrong_tube", sample=found.code, expected=sample.code)


def _require_here(sample: Sample) -> None:
    """What was handed out is not in our hands before it is taken back, nor what is lost before it is found."""
    if sample.status in ("handed_out", "shipped", "lost"):
        why = [Reason(life.STATUS_SENTENCES[life.Status(sample.status)])]
        raise RuleViolation("destruction_not_here", reasons=why, sample=sample.code)


def _require_still_asked(task: DestructionTask, sample: Sample) -> None:
    """Nothing brings it back: so the withdrawal must still stand, nothing have been agreed to since, and the sample
    still be of who withdrew."""
    if task.withdrawal_id is not None and not wanted_by([sample]):
        raise RuleViolation("destruction_no_longer_asked", sample=sample.code)


def _codes(sample_ids: Sequence[int]) -> Mapping[int, str]:
    found: dict[int, str] = {}
    for chunk in chunks(sorted(set(sample_ids)), 500):
        query = select(Sample.id, Sample.code).where(Sample.id.in_(chunk))
        found |= dict(db.session.execute(query).all())
    return found
