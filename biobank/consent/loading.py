"""Brings what donors said before the rules: two small queries for any number of donors, once their forms are known.

Stands in the way of every scan and every use, so it reads columns, not objects, and keeps the forms it has read.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, Engine, bindparam, exists, func, or_, select

from biobank.consent.models import Clause, Consent, ConsentAnswer, ConsentEvent, ConsentForm, Withdrawal
from biobank.consent.rules import ClauseFact, ConsentFact, DonorFacts, WithdrawalFact, parse_term
from biobank.core.db import chunks, current_unit, db, fetch
from biobank.patients.models import Patient
from biobank.studies.models import Study

#: Keys in one statement; both databases bound its parameters.
MOST_KEYS = 10_000


@dataclass(frozen=True)
class _Form:
    """A form that patients signed, which therefore never changes."""

    family: str
    version: str
    study: str | None
    clauses: tuple[ClauseFact, ...]
    keys: dict[int, str]
    """Clause row -> clause key."""


@dataclass
class _Paper:
    """A consent while its answers are gathered."""

    id: int
    form_id: int
    signed_on: date
    recorded_at: datetime
    corrects: int | None
    answers: dict[int, str]


_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_PAPERS = (
    select(
        Patient.id,
        Patient.subject_key,
        Consent.id,
        Consent.form_id,
        Consent.signed_on,
        Consent.recorded_at,
        Consent.corrects_id,
        ConsentAnswer.clause_id,
        ConsentAnswer.answer,
    )
    .select_from(Patient)
    .outerjoin(Consent, Consent.patient_id == Patient.id)
    .outerjoin(ConsentAnswer, ConsentAnswer.consent_id == Consent.id)
    .where(Patient.id.in_(_IDS))
    .order_by(Consent.id)
)
_WITHDRAWALS = (
    select(
        Withdrawal.patient_id,
        Withdrawal.id,
        Withdrawal.scope,
        Withdrawal.received_on,
        Withdrawal.recorded_at,
        Withdrawal.form_code,
        Withdrawal.clause_key,
        Study.code,
    )
    .outerjoin(Study, Study.id == Withdrawal.study_id)
    .where(Withdrawal.patient_id.in_(_IDS))
    .order_by(Withdrawal.id)
)
_FORMS = (
    select(
        ConsentForm.id,
        ConsentForm.code,
        ConsentForm.version,
        Study.code,
        Clause.id,
        Clause.key,
        Clause.required,
        Clause.if_granted,
        Clause.if_refused,
    )
    .outerjoin(Study, Study.id == ConsentForm.study_id)
    .join(Clause, Clause.form_id == ConsentForm.id)
    .where(ConsentForm.id.in_(_IDS))
    .order_by(ConsentForm.id, Clause.place)
)
_EVENTS = (
    select(ConsentEvent.patient_id, func.max(ConsentEvent.id))
    .where(ConsentEvent.patient_id.in_(_IDS))
    .group_by(ConsentEvent.patient_id)
)
_COVERED = select(Study.id).where(
    Study.id.in_(_IDS),
    exists().where(
        ConsentForm.site_id == Study.site_id,
        ConsentForm.status == "in_force",
        or_(ConsentForm.study_id.is_(None), ConsentForm.study_id == Study.id),
    ),
)


def donor_facts(patient_ids: Iterable[int]) -> dict[int, DonorFacts]:
    """Everything these patients ever answered and took back, with the moment each became known.

    returns  one entry for each patient that exists
    """
    people: dict[int, str] = {}
    papers: dict[int, dict[int, _Paper]] = {}
    taken_back: dict[int, list[WithdrawalFact]] = {}
    row: Any
    for ids in chunks(sorted(set(patient_ids)), MOST_KEYS):
        for row in fetch(_PAPERS, {"ids": ids}):
            people[row[0]] = row[1] or ""
            if row[2] is not None:
                _gather(papers.setdefault(row[0], {}), *row[2:])
        for row in fetch(_WITHDRAWALS, {"ids": ids}):
            taken_back.setdefault(row[0], []).append(_withdrawal(row))
    forms = _forms({paper.form_id for found in papers.values() for paper in found.values()})
    return {
        key: DonorFacts(
            subject_key,
            tuple(_consent(paper, forms[paper.form_id]) for paper in papers.get(key, {}).values()),
            tuple(taken_back.get(key, ())),
        )
        for key, subject_key in people.items()
    }


def forms_in_force(study_ids: Iterable[int]) -> set[int]:
    """Which of these studies some form in force covers: its own, or one of the site for all."""
    covered: set[int] = set()
    for ids in chunks(sorted(set(study_ids)), MOST_KEYS):
        covered |= {key for (key,) in fetch(_COVERED, {"ids": ids})}
    return covered


def latest_events(patient_ids: Iterable[int]) -> dict[int, int]:
    """The last event that changed what each patient allows; 0 where there is none. Each patient asked for is there."""
    wanted = sorted(set(patient_ids))
    latest = dict.fromkeys(wanted, 0)
    for ids in chunks(wanted, MOST_KEYS):
        latest.update((patient_id, event) for patient_id, event in fetch(_EVENTS, {"ids": ids}))
    return latest


def _gather(
    papers: dict[int, _Paper],
    consent_id: int,
    form_id: int,
    signed_on: date,
    recorded_at: datetime,
    corrects: int | None,
    clause_id: int | None,
    answer: str | None,
) -> None:
    """One row is one answer, or a consent without any."""
    paper = papers.get(consent_id)
    if paper is None:
        paper = papers[consent_id] = _Paper(consent_id, form_id, signed_on, recorded_at, corrects, {})
    if clause_id is not None and answer is not None:
        paper.answers[clause_id] = answer


def _consent(paper: _Paper, form: _Form) -> ConsentFact:
    return ConsentFact(
        id=paper.id,
        family=form.family,
        version=form.version,
        study=form.study,
        signed_on=paper.signed_on,
        seq=paper.id,
        recorded_at=paper.recorded_at,
        clauses=form.clauses,
        answers={form.keys[clause_id]: answer for clause_id, answer in paper.answers.items()},
        corrects=paper.corrects,
    )


def _withdrawal(row: Any) -> WithdrawalFact:
    return WithdrawalFact(
        id=row[1],
        scope=row[2],
        received_on=row[3],
        seq=row[1],
        recorded_at=row[4],
        family=row[5],
        clause=row[6],
        study=row[7],
    )


#: Forms that were read, by database: a form that somebody signed never changes.
_known: WeakKeyDictionary[Engine, dict[int, _Form]] = WeakKeyDictionary()


def _forms(form_ids: set[int]) -> dict[int, _Form]:
    known = _known.setdefault(db.engine, {})
    missing = sorted(form_ids - known.keys())
    if not missing:
        return known
    rows: dict[int, list[Any]] = defaultdict(list)
    for ids in chunks(missing, MOST_KEYS):
        for row in fetch(_FORMS, {"ids": ids}):
            rows[row[0]].append(row)
    read = {form_id: _form(found) for form_id, found in rows.items()}
    _keep(known, read)
    return {**known, **read}


def _keep(known: dict[int, _Form], read: dict[int, _Form]) -> None:
    """A form made in this very unit may still be rolled back, and its key given to another one."""
    if db.session.info.get("unit") is None:
        known.update(read)
    else:
        current_unit().after_commit.append(lambda: known.update(read))


def _form(rows: list[Any]) -> _Form:
    _id, family, version, study, *_clause = rows[0]
    clauses = tuple(
        ClauseFact(
            row[5],
            row[6],
            tuple(parse_term(term) for term in row[7]),
            tuple(parse_term(term) for term in row[8]),
        )
        for row in rows
    )
    return _Form(family, version, study, clauses, {row[4]: row[5] for row in rows})
