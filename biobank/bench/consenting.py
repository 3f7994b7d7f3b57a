"""How fast consent is checked: the pure rule, many samples at once, and the loop that asks for one after the other.

All on one database, in turns, in one run: the machine's noise then hits them alike.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from sqlalchemy import event, select
from sqlalchemy.orm import joinedload

from biobank.bench import stock
from biobank.consent import rules
from biobank.consent.models import Clause, Consent, ConsentForm, Withdrawal
from biobank.core import clock, settings, times, vocabularies
from biobank.core.actor import Actor, job
from biobank.core.db import db, unit_of_work
from biobank.core.times import When
from biobank.patients.models import Patient
from biobank.samples import gate, making, reading, uses
from biobank.samples.models import Hold, Sample, SampleDonor
from biobank.studies.models import Study
from biobank.withdrawal import service as withdrawal

BENCH = job("bench")
SAMPLES, PATIENTS = 10_000, 5_000
#: Samples that the loops ask for in one turn.
TURN = 200
DESCENDANTS = 5_000


@dataclass(frozen=True)
class Speed:
    """One way to ask."""

    name: str
    per_second: float


def speeds(rounds: int) -> list[Speed]:
    """Samples decided a second: by the pure rule, at once, one by one by the same function, and by the naive loop."""
    codes = _codes()
    ways: list[tuple[str, Callable[[], int]]] = [
        ("pure rule", _pure(codes)),
        ("bulk check", lambda: len(uses.check(reading.told_of(codes, BENCH), USE))),
        ("one by one", lambda: sum(_one_by_one(code) for code in codes[:TURN])),
        ("naive loop", lambda: sum(_naive(code) for code in codes[:TURN])),
    ]
    taken: dict[str, list[float]] = {name: [] for name, _way in ways}
    for _name, way in ways:
        way()  # nothing is measured cold
    for _round in range(rounds):
        for name, way in ways:
            start = time.perf_counter()
            asked = way()
            taken[name].append(asked / (time.perf_counter() - start))
            db.session.rollback()
    return [Speed(name, median(found)) for name, found in taken.items()]


#: What is asked for: health research that is not commercial, in France.
USE = rules.Use(
    act="allocate",
    purposes=rules.parse_purposes(["HMB"]),
    organisation="non-profit",
    commercial=False,
    country="FR",
    genetic=False,
)


def _codes() -> list[str]:
    """Two samples of each of so many patients, spread over the stock."""
    last = db.session.scalar(select(Patient.id).order_by(Patient.id.desc()).limit(1)) or 0
    step = max(1, (last - 1) // PATIENTS)
    patients = range(0, PATIENTS * step, step)
    return [stock.code_of(stock.PER_PATIENT * key + number) for key in patients for number in (1, 2)]


def _pure(codes: list[str]) -> Callable[[], int]:
    """The rule alone, over facts that are there already."""
    facts = list(gate.facts_of(reading.told_of(codes[:2000], BENCH)).values())
    now, vocabulary = clock.now(), vocabularies.consent_vocabulary()
    today = times.local_day(now, clock.zone())

    def run() -> int:
        for each in facts:
            rules.decide(each, USE, as_of=today, known_at=now, vocabulary=vocabulary)
        return len(facts)

    return run


def _one_by_one(code: str) -> int:
    """Our own check, of one sample."""
    return len(uses.check(reading.told_of([code], BENCH), USE))


def _naive(code: str) -> int:
    """As one would write it first: objects, and what hangs on them, for one sample after the other."""
    session = db.session
    sample = session.scalars(select(Sample).where(Sample.code == code)).one()
    donors = session.scalars(select(SampleDonor.patient_id).where(SampleDonor.sample_id == sample.id)).all()
    held = select(Hold).where(Hold.sample_id == sample.id, Hold.released_at.is_(None))
    now = clock.now()
    facts = rules.SampleFacts(
        code=sample.code,
        study=session.get_one(Study, sample.study_id).code,
        donors=tuple(_naive_donor(key) for key in donors),
        holds=tuple(rules.HoldFact(hold.code) for hold in session.scalars(held)),
        form_in_force=session.scalar(select(ConsentForm.id).where(ConsentForm.status == "in_force"))
        is not None,
        home=settings.country(),
    )
    day = times.local_day(now, clock.zone())
    rules.decide(facts, USE, as_of=day, known_at=now, vocabulary=vocabularies.consent_vocabulary())
    session.expunge_all()  # another request would find nothing in its session either
    return 1


def _naive_donor(key: int) -> rules.DonorFacts:
    session = db.session
    patient = session.get_one(Patient, key)
    papers = select(Consent).where(Consent.patient_id == key).options(joinedload(Consent.form))
    gone = session.scalars(select(Withdrawal).where(Withdrawal.patient_id == key)).all()
    return rules.DonorFacts(
        str(patient.subject_key),
        tuple(_naive_consent(consent) for consent in session.scalars(papers)),
        tuple(
            rules.WithdrawalFact(each.id, each.scope, each.received_on, each.id, each.recorded_at)
            for each in gone
        ),
    )


def _naive_consent(consent: Consent) -> rules.ConsentFact:
    keys = {clause.id: clause.key for clause in consent.form.clauses}
    return rules.ConsentFact(
        id=consent.id,
        family=consent.form.code,
        version=consent.form.version,
        study=None,
        signed_on=consent.signed_on,
        seq=consent.id,
        recorded_at=consent.recorded_at,
        clauses=tuple(_naive_clause(clause) for clause in consent.form.clauses),
        answers={keys[answer.clause_id]: answer.answer for answer in consent.answers},
    )


def _naive_clause(clause: Clause) -> rules.ClauseFact:
    terms = [
        tuple(rules.parse_term(term) for term in each) for each in (clause.if_granted, clause.if_refused)
    ]
    return rules.ClauseFact(clause.key, clause.required, terms[0], terms[1])


@dataclass(frozen=True)
class Withdrawn:
    """What it cost to withdraw a patient."""

    descendants: int
    statements: int
    seconds: float


def withdraw_one(descendants: int) -> Withdrawn:
    """Make so many children of one patient's sample, then withdraw that patient, and count."""
    last = select(SampleDonor.patient_id).order_by(SampleDonor.sample_id.desc()).limit(1)
    patient_id = db.session.scalars(last).one()
    unit_of_work(lambda: _children(patient_id, descendants))
    statements: list[str] = []

    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", count)
    start = time.perf_counter()
    try:
        unit_of_work(lambda: _withdraw(patient_id, BENCH))
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    return Withdrawn(descendants, len(statements), time.perf_counter() - start)


def _children(patient_id: int, count: int) -> None:
    parent = db.session.scalars(
        select(Sample)
        .join(SampleDonor, SampleDonor.sample_id == Sample.id)
        .where(SampleDonor.patient_id == patient_id)
        .order_by(Sample.id)
        .limit(1)
    ).one()
    happened = When.now(clock.now)
    step = making.start("aliquot", parent.site_id, happened=happened, by=BENCH)
    child = making.NewSample(parent.study_id, parent.type, "aliquoted", [patient_id], parents=[parent])
    making.make_many(
        [child] * count, site_id=parent.site_id, site_code="BENCH", step=step, happened=happened, by=BENCH
    )


def _withdraw(patient_id: int, by: Actor) -> None:
    patient = db.session.get_one(Patient, patient_id)
    today = times.local_day(clock.now(), clock.zone())
    withdrawal.withdraw(patient=patient, scope="all", received_on=today, fate="destroy", by=by)
