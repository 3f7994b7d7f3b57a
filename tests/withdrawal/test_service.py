"""A withdrawal reaches every sample with something of the patient, takes back what was promised, tells what is out."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, RuleViolation
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.samples import collection, holds, processing, uses
from biobank.samples.models import Hold, Sample
from biobank.studies import service as studies
from biobank.withdrawal import service
from tests import people
from tests.conftest import NOON

TODAY = date(2012, 3, 14)
CLAUSES = [
    {"key": "research", "text": "Research", "required": True, "if_granted": ["GRU"]},
    {"key": "genetics", "text": "Genetics", "if_refused": ["NO_GENETIC"]},
]
USE = consent_rules.Use(act="analyse", purposes=consent_rules.parse_purposes(["GEN"]), genetic=False)


@pytest.fixture
def by(app_context, frozen_clock):
    return people.actor("manager")


def do(what, **arguments):
    return unit_of_work(lambda: what(**arguments))


@pytest.fixture
def study(by):
    return do(studies.open_study, code="ESSAI", title="Essai", site_id=by.site_id, by=by)


@pytest.fixture
def form(by):
    return do(
        consent.make_form,
        site_id=by.site_id,
        code="F",
        version="1",
        title="F",
        study=None,
        clauses=CLAUSES,
        by=by,
    )


def consented(by, form):
    patient = do(patients.enrol, site_id=by.site_id, by=by)
    do(
        consent.record_consent, patient=patient, form=form, signed_on=TODAY,
        answers={"research": "granted", "genetics": "granted"}, by=by,
    )  # fmt: skip
    return patient


def draw(by, patient, study):
    return do(
        collection.collect, patient=patient, study=study, type="Plasma", quantity=("volume", 500_000),
        collected=When.exactly(NOON - timedelta(hours=1)), by=by,
    )  # fmt: skip


def withdraw(by, patient, scope="all"):
    return do(service.withdraw, patient=patient, scope=scope, received_on=TODAY, fate="keep", by=by)


def held(*samples):
    ids = {sample.id for sample in samples}
    return {hold.sample_id for hold in db.session.scalars(select(Hold)) if hold.code == "withdrawal"} == ids


def test_every_descendant_is_held_and_nobody_elses_sample(by, study, form):
    patient, other = consented(by, form), consented(by, form)
    mother, stranger = draw(by, patient, study), draw(by, other, study)
    children = do(processing.aliquot, sample=mother, count=2, amount=100_000, by=by)

    touched = withdraw(by, patient)

    assert touched["held"] == [sample.code for sample in (mother, *children)]
    assert touched["out"] == touched["released"] == touched["affected"] == []
    assert held(mother, *children)
    assert not holds.open_holds([stranger.id])
    with pytest.raises(RuleViolation):
        do(uses.use, samples=[children[0]], asked=USE, act="analyse", by=by)


def test_a_pool_with_something_of_the_patient_is_held(by, study, form):
    patient, other = consented(by, form), consented(by, form)
    tubes = [draw(by, each, study) for each in (patient, other)]
    pool = do(
        processing.pool, samples=tubes, type="Plasma", use=USE, by=by,
    )  # fmt: skip

    withdraw(by, patient)

    assert pool.id in {hold.sample_id for hold in db.session.scalars(select(Hold))}


def test_what_is_out_is_told_and_what_was_used_is_counted(by, study, form):
    patient = consented(by, form)
    here, out, gone = (draw(by, patient, study) for _ in range(3))
    do(uses.use, samples=[out], asked=USE, act="hand_out", by=by)
    do(lambda: setattr(db.session.get(Sample, out.id), "status", "handed_out"))
    do(lambda: setattr(db.session.get(Sample, gone.id), "status", "destroyed"))

    touched = withdraw(by, patient)

    assert (touched["held"], touched["out"], touched["used"]) == ([here.code], [out.code], 1)
    assert held(here, out)


def test_one_study_is_withdrawn_from_and_the_other_goes_on(by, study, form):
    patient = consented(by, form)
    second = do(studies.open_study, code="AUTRE", title="Autre", site_id=by.site_id, by=by)
    left, kept = draw(by, patient, study), draw(by, patient, second)

    touched = withdraw(by, patient, {"study": "ESSAI"})

    assert touched["held"] == [left.code]
    do(uses.use, samples=[kept], asked=USE, act="analyse", by=by)


def test_a_clause_holds_nothing_and_says_what_it_affects(by, study, form):
    patient = consented(by, form)
    tube = draw(by, patient, study)

    touched = withdraw(by, patient, {"form": "F", "clause": "genetics"})

    assert (touched["held"], touched["affected"]) == ([], [tube.code])
    assert not holds.open_holds([tube.id])
    assert service.scope_of(consent.find_withdrawal(patient, touched["withdrawal"])).clause == "genetics"


def test_a_second_withdrawal_holds_nothing_twice(by, study, form):
    patient = consented(by, form)
    tube = draw(by, patient, study)

    first, second = withdraw(by, patient), withdraw(by, patient)

    assert first["held"] == second["held"] == [tube.code]
    assert len(holds.open_holds([tube.id])[tube.id]) == 1


def test_a_refused_withdrawal_leaves_everything_as_it_was(by, study, form):
    patient = consented(by, form)
    tube = draw(by, patient, study)

    with pytest.raises(Malformed):
        do(service.withdraw, patient=patient, scope="all", received_on=TODAY, fate="burn", by=by)

    assert consent.withdrawals_of(patient) == []
    assert not holds.open_holds([tube.id])


def test_of_a_withdrawal_and_an_aliquoting_at_once_one_is_first(app, by, study, form):
    patient = consented(by, form)
    mother = draw(by, patient, study)
    patient_id, mother_id = patient.id, mother.id
    db.session.remove()
    ready, outcomes = threading.Barrier(2), {}

    def run(name, work):
        with app.app_context():
            ready.wait()
            try:
                outcomes[name] = unit_of_work(work)
            except RuleViolation as error:
                outcomes[name] = error
            finally:
                db.session.remove()

    def take_back():
        return service.withdraw(
            patient=db.session.get_one(Patient, patient_id),
            scope="all",
            received_on=TODAY,
            fate="keep",
            by=by,
        )

    def divide():
        children = processing.aliquot(
            sample=db.session.get_one(Sample, mother_id), count=1, amount=100_000, by=by
        )
        return [child.code for child in children]

    threads = [
        threading.Thread(target=run, args=pair) for pair in (("withdrawal", take_back), ("aliquots", divide))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    born = outcomes["aliquots"]
    if isinstance(born, RuleViolation):  # the withdrawal was first
        assert len(outcomes["withdrawal"]["held"]) == 1
    else:
        assert outcomes["withdrawal"]["held"][1:] == born
