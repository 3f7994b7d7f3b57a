"""Brings what donors said before the rules: two small queries for any number of donors, once their forms are known.

Stands in the way of every scan and every use, so it reads columns, not objects, and keeps the forms it has read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, Select, String, bindparam, cast, exists, func, or_, select

from biobank.consent.models import (
    Clause,
    Consent,
    ConsentAnswer,
    ConsentEvent,
    ConsentForm,
    Withdrawal,
    WithdrawalReversal,
)
from biobank.consent.rules import ClauseFact, ConsentFact, DonorFacts, WithdrawalFact, parse_term
from biobank.core.among import among
from biobank.core.db import UTCDateTime, current_unit, db, fetch
from biobank.patients.models import Patient
from biobank.studies.models import Study


@dataclass(frozen=True)
class _Form:
    """A form that patients signed, which therefore never changes."""

    family: str
    version: str
    study: str | None
    clauses: tuple[ClauseFact, ...]
    keys: dict[int, str]
    """Clause row -> clause key."""


_PAPERS = (
    select(
        Patient.id,
        Patient.subject_key,
        Patient.of_age_on,
        Patient.died_on,
        Consent.id,
        Consent.form_id,
        Consent.signed_on,
        Consent.recorded_at,
        Consent.corrects_id,
        Consent.basis,
        Consent.given_by,
        # All answers of a consent as one text: a row for each would be most of what is read.
        select(
            func.aggregate_strings(cast(ConsentAnswer.clause_id, String) + "=" + ConsentAnswer.answer, ",")
        )
        .where(ConsentAnswer.consent_id == Consent.id)
        .scalar_subquery(),
    )
    .select_from(Patient)
    .outerjoin(Consent, Consent.patient_id == Patient.id)
    .where(among(Patient.id, "ids"))
    .order_by(Patient.id, Consent.id)
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
        Withdrawal.objects_to,
        WithdrawalReversal.recorded_at,
    )
    .outerjoin(Study, Study.id == Withdrawal.study_id)
    .outerjoin(WithdrawalReversal, WithdrawalReversal.withdrawal_id == Withdrawal.id)
    .where(among(Withdrawal.patient_id, "ids"))
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
    .where(among(ConsentForm.id, "ids"))
    .order_by(ConsentForm.id, Clause.place)
)
_EVENTS = (
    select(ConsentEvent.patient_id, func.max(ConsentEvent.id))
    .where(among(ConsentEvent.patient_id, "ids"))
    .group_by(ConsentEvent.patient_id)
)


def _covered(*in_force: ColumnElement[bool]) -> Select[Any]:
    """Studies that a form in force covers."""
    of_the_study = or_(ConsentForm.study_id.is_(None), ConsentForm.study_id == Study.id)
    form = exists().where(ConsentForm.site_id == Study.site_id, of_the_study, *in_force)
    return select(Study.id).where(among(Study.id, "ids"), form)


_THEN = bindparam("known_at", type_=UTCDateTime)
_COVERED = _covered(ConsentForm.status == "in_force")
_COVERED_THEN = _covered(
    ConsentForm.in_force_at <= _THEN, or_(ConsentForm.retired_at.is_(None), ConsentForm.retired_at > _THEN)
)


def donor_facts(patient_ids: Iterable[int]) -> dict[int, DonorFacts]:
    """Everything these patients ever answered and took back, with the moment each became known.

    returns  one entry for each patient that exists
    """
    ids = {"ids": sorted(set(patient_ids))}
    rows = fetch(_PAPERS, ids)
    taken_back: dict[int, list[WithdrawalFact]] = {}
    for row in fetch(_WITHDRAWALS, ids):
        taken_back.setdefault(row[0], []).append(_withdrawal(row))
    forms = _forms({row[5] for row in rows if row[5] is not None})
    answers = _Answers(forms)
    said: dict[int, DonorFacts] = {}
    for patient_id, papers in groupby(rows, key=itemgetter(0)):
        first, *more = papers
        consents = tuple(_consent(row, forms, answers) for row in (first, *more) if row[4] is not None)
        gone = tuple(taken_back.get(patient_id, ()))
        said[patient_id] = DonorFacts(first[1] or "", consents, gone, first[2], first[3])
    return said


def forms_in_force(study_ids: Iterable[int], known_at: datetime | None = None) -> set[int]:
    """Which of these studies some form in force covers: its own, or one of the site for all.

    known_at  as it was known then; now unless given
    """
    statement, more = (_COVERED, {}) if known_at is None else (_COVERED_THEN, {"known_at": known_at})
    return {key for (key,) in fetch(statement, {"ids": sorted(set(study_ids)), **more})}


def latest_events(patient_ids: Iterable[int]) -> dict[int, int]:
    """The last event that changed what each patient allows; 0 where there is none. Each patient asked for is there."""
    wanted = sorted(set(patient_ids))
    latest = dict.fromkeys(wanted, 0)
    latest.update((patient_id, event) for patient_id, event in fetch(_EVENTS, {"ids": wanted}))
    return latest


class _Answers(dict[tuple[int, str], Mapping[str, str]]):
    """The answers of a consent by its form and their text; people give the same answers again and again."""

    def __init__(self, forms: dict[int, _Form]) -> None:
        self.forms = forms

    def __missing__(self, key: tuple[int, str]) -> Mapping[str, str]:
        form_id, text = key
        names = self.forms[form_id].keys
        pairs = (each.partition("=") for each in text.split(",") if each)
        given = self[key] = {names[int(clause_id)]: answer for clause_id, _, answer in sorted(pairs)}
        return given


def _consent(row: Any, forms: dict[int, _Form], answers: _Answers) -> ConsentFact:
    key, form_id, signed_on, recorded_at, corrects, basis, given_by, given = row[4:12]
    form = forms[form_id]
    return ConsentFact(
        id=key,
        family=form.family,
        version=form.version,
        study=form.study,
        signed_on=signed_on,
        seq=key,
        recorded_at=recorded_at,
        clauses=form.clauses,
        answers=answers[form_id, given or ""],
        corrects=corrects,
        basis=basis,
        given_by=given_by,
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
        objects_to=row[8],
        reversed_at=row[9],
    )


#: Forms that were read, by database: a form that somebody signed never changes.
_known: WeakKeyDictionary[Engine, dict[int, _Form]] = WeakKeyDictionary()


def _forms(form_ids: set[int]) -> dict[int, _Form]:
    known = _known.setdefault(db.engine, {})
    missing = sorted(form_ids - known.keys())
    if not missing:
        return known
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in fetch(_FORMS, {"ids": missing}):
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
