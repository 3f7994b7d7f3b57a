"""What patients answer and take back: who may say what when, in one order, and nothing is overwritten."""

import json
import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import event, select

from biobank.audit.models import AuditEntry
from biobank.consent import service
from biobank.consent.models import ConsentEvent, ConsentForm
from biobank.consent.rules import Term
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.patients import service as patients
from biobank.patients.models import Patient
from biobank.studies import service as studies
from tests import people
from tests.conftest import NOON

RESEARCH = {
    "key": "research",
    "text": "My samples may serve research.",
    "required": True,
    "if_granted": ["GRU"],
}
GENETICS = {"key": "genetics", "text": "My genes may be studied.", "if_refused": ["NO_GENETIC"]}
TODAY = date(2012, 3, 14)


@pytest.fixture
def by(app_context, frozen_clock):
    return people.actor("manager")


def do(act, **arguments):
    return unit_of_work(lambda: act(**arguments))


def make_form(by, code="F", version="1", study=None, clauses=(RESEARCH, GENETICS), **more):
    return do(
        service.make_form, site_id=by.site_id, code=code, version=version, title=code, study=study, clauses=clauses,
        by=by, **more,
    )  # fmt: skip


def enrol(by, **facts):
    return do(patients.enrol, site_id=by.site_id, by=by, **facts)


def consent(by, patient, form, signed_on=TODAY, answers=None, **more):
    return do(
        service.record_consent, patient=patient, form=form, signed_on=signed_on,
        answers={"research": "granted"} if answers is None else answers, by=by, **more,
    )  # fmt: skip


def withdraw(by, patient, scope="all", received_on=TODAY, fate="keep"):
    return do(
        service.record_withdrawal, patient=patient, scope=scope, received_on=received_on, fate=fate, by=by
    )


# --- forms


def test_a_new_version_in_force_retires_the_older_one_of_its_family_only(by):
    first, other = make_form(by), make_form(by, code="G")
    second = make_form(by, version="2")

    assert [form.status for form in (first, second, other)] == ["retired", "in_force", "in_force"]


def test_a_draft_changes_until_it_is_in_force(by):
    form = make_form(by, draft=True)
    do(service.redraft, form=form, title="Now", clauses=[GENETICS, RESEARCH], by=by)
    assert [clause.key for clause in form.clauses] == ["genetics", "research"]

    do(service.put_in_force, form=form, by=by)

    for act, more in (
        (service.redraft, {"title": "Later", "clauses": [GENETICS]}),
        (service.put_in_force, {}),
    ):
        with pytest.raises(RuleViolation, match="form_not_draft"):
            do(act, form=form, by=by, **more)


def test_terms_have_one_spelling_and_unknown_ones_are_kept(by):
    form = make_form(by, clauses=[RESEARCH | {"if_granted": ["DUO:0000007:C50, C61", "hmb", "XYZ:1"]}])

    assert form.clauses[0].if_granted == ["DS:C50,C61", "HMB", "XYZ:1"]


def test_every_bad_field_of_every_clause_is_named(by):
    bad = [{"key": "a", "text": " "}, {"key": "a", "text": "x", "if_granted": ["HMB", " "]}, {"text": "y"}]

    with pytest.raises(Malformed) as error:
        make_form(by, clauses=bad)
    assert set(error.value.fields) == {
        "clauses.0.text", "clauses.1.key", "clauses.1.if_granted.1", "clauses.2.key",
    }  # fmt: skip
    with pytest.raises(Malformed):
        make_form(by, clauses=[])


def test_a_version_is_written_once(by):
    make_form(by)
    with pytest.raises(RuleViolation, match="form_version_taken"):
        make_form(by)


# --- consents


def test_the_rules_are_told_what_was_answered(by):
    study = do(studies.open_study, code="ESSAI", title="Essai", site_id=by.site_id, by=by)
    patient, form = enrol(by), make_form(by, study=study)
    made = consent(by, patient, form, answers={"research": "granted", "genetics": "refused"})
    taken = withdraw(by, patient, {"study": "ESSAI"})

    donor = service.donor_facts([patient.id])[patient.id]

    (fact,), (withdrawal,) = donor.consents, donor.withdrawals
    assert donor.subject_key == patient.subject_key
    assert (fact.id, fact.seq, fact.family, fact.version, fact.study) == (made.id, made.id, "F", "1", "ESSAI")
    assert fact.answers == {"research": "granted", "genetics": "refused"}
    assert fact.clauses[0].required
    assert fact.clauses[0].if_granted == (Term("GRU"),)
    assert (withdrawal.scope, withdrawal.study, withdrawal.seq) == ("study", "ESSAI", taken.id)
    assert service.latest_events([patient.id]) == {patient.id: taken.id}
    assert made.id < taken.id


def test_a_blank_answer_is_no_answer(by):
    patient, form = enrol(by), make_form(by)
    consent(by, patient, form, answers={})

    assert service.donor_facts([patient.id])[patient.id].consents[0].answers == {}


def test_clauses_that_the_form_does_not_have_are_named(by):
    with pytest.raises(Malformed) as error:
        consent(by, enrol(by), make_form(by), answers={"resaerch": "granted", "genetics": "yes"})
    assert {field: reason.code for field, reason in error.value.fields.items()} == {
        "answers.resaerch": "clause_unknown", "answers.genetics": "answer_unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("signed_on", "code"),
    [
        (TODAY + timedelta(days=1), "day_in_future"),
        (date(1956, 12, 31), "signed_before_birth"),
        (date(1, 1, 1), "signed_before_birth"),
    ],
)
def test_nobody_signs_in_the_future_or_unborn(by, signed_on, code):
    patient = enrol(by, birth_year=1957)
    with pytest.raises(Malformed) as error:
        consent(by, patient, make_form(by), signed_on)
    assert error.value.fields["signed_on"].code == code


def test_a_retired_form_was_signed_until_its_last_day(by):
    patient, form = enrol(by), make_form(by)
    do(service.retire, form=form, by=by)

    with clock.freeze(NOON + timedelta(days=10)):
        consent(by, patient, form, TODAY)
        with pytest.raises(RuleViolation, match="form_is_retired"):
            consent(by, patient, form, TODAY + timedelta(days=1))


def test_nobody_signs_a_draft(by):
    with pytest.raises(RuleViolation, match="form_is_draft"):
        consent(by, enrol(by), make_form(by, draft=True))


def test_a_form_of_another_site_cannot_be_signed_here(by):
    form = make_form(people.actor("manager", site_code="IUCT"))
    with pytest.raises(NotFound):
        consent(by, enrol(by), form)


def test_a_correction_names_the_record_and_says_why_once(by):
    patient, other, form = enrol(by), enrol(by), make_form(by)
    wrong = consent(by, patient, form)

    with pytest.raises(Malformed) as error:
        consent(by, other, form, corrects=wrong.id)
    assert set(error.value.fields) == {"corrects", "reason"}
    right = consent(by, patient, form, answers={}, corrects=wrong.id, reason="read from the wrong paper")
    with pytest.raises(RuleViolation, match="consent_corrected_already"):
        consent(by, patient, form, corrects=wrong.id, reason="once more")

    newest, oldest = service.consents_of(patient)
    assert (newest.id, newest.corrects, oldest.corrected_by) == (right.id, wrong.id, right.id)
    assert service.donor_facts([patient.id])[patient.id].consents[1].corrects == wrong.id


# --- withdrawals


def test_a_withdrawal_names_what_exists(by):
    patient = enrol(by)
    make_form(by)

    with pytest.raises(NotFound, match="form_family_unknown"):
        withdraw(by, patient, {"form": "NONE", "clause": "genetics"})
    with pytest.raises(NotFound, match="study_unknown"):
        withdraw(by, patient, {"study": "NONE"})
    with pytest.raises(Malformed) as error:
        withdraw(by, patient, {"form": "F", "clause": "none"})
    assert set(error.value.fields) == {"scope.clause"}
    for nonsense in ("some", {}, {"form": "F"}, {"study": 3}):
        with pytest.raises(Malformed):
            withdraw(by, patient, nonsense)


def test_a_withdrawal_is_received_after_something_was_given(by):
    patient = enrol(by)
    consent(by, patient, make_form(by), TODAY - timedelta(days=5))

    with pytest.raises(Malformed) as early:
        withdraw(by, patient, received_on=TODAY - timedelta(days=6), fate="burn")
    with pytest.raises(Malformed) as late:
        withdraw(by, patient, received_on=TODAY + timedelta(days=1))
    assert {name: reason.code for name, reason in early.value.fields.items()} == {
        "received_on": "withdrawn_before_consent", "fate": "fate_unknown",
    }  # fmt: skip
    assert late.value.fields["received_on"].code == "day_in_future"


def test_who_never_consented_may_object(by):
    patient = enrol(by)
    withdraw(by, patient)

    assert [each.scope for each in service.donor_facts([patient.id])[patient.id].withdrawals] == ["all"]


# --- what is told, and how quickly


def test_the_record_tells_the_act_by_key_alone(by):
    patient = enrol(by, code="DUPONT")
    consent(by, patient, make_form(by))
    withdraw(by, patient)

    contents = db.session.scalars(select(AuditEntry.content).order_by(AuditEntry.seq)).all()
    acts = [json.loads(content) for content in contents]
    told = {entry["act"]: entry["subject"] for entry in acts if entry["subject"][0] == "patient"}
    assert told == {
        act: ["patient", patient.subject_key]
        for act in ("enrolled", "consent_recorded", "withdrawal_recorded")
    }
    assert "DUPONT" not in "".join(contents)


def test_what_is_refused_leaves_no_trace(by):
    patient = enrol(by)
    before = db.session.scalars(select(AuditEntry.seq)).all()

    with pytest.raises(Malformed):
        withdraw(by, patient, "some")

    assert db.session.scalars(select(AuditEntry.seq)).all() == before
    assert db.session.scalars(select(ConsentEvent.id)).all() == []


def test_facts_take_two_queries_for_any_number_of_patients(by):
    form = make_form(by)
    several = [enrol(by) for _ in range(3)]
    for patient in several:
        consent(by, patient, form)
    ids = [patient.id for patient in several]
    service.donor_facts(ids[:1])

    for asked in (ids[:1], ids):
        with Statements() as seen:
            assert len(service.donor_facts(asked)) == len(asked)
        assert len(seen) == 2, seen


def test_a_form_that_was_rolled_back_is_forgotten(by):
    patient = enrol(by)

    def work(terms, fail):
        form = service.make_form(
            site_id=by.site_id, code="F", version="1", title="F", study=None,
            clauses=[RESEARCH | {"if_granted": terms}], by=by,
        )  # fmt: skip
        service.record_consent(
            patient=patient, form=form, signed_on=TODAY, answers={"research": "granted"}, by=by
        )
        facts = service.donor_facts([patient.id])
        if fail:
            raise RuleViolation("changed_my_mind")
        return facts

    with pytest.raises(RuleViolation):
        do(work, terms=["GRU"], fail=True)
    do(work, terms=["HMB"], fail=False)

    (fact,) = service.donor_facts([patient.id])[patient.id].consents
    assert fact.clauses[0].if_granted == (Term("HMB"),)


def test_a_study_is_covered_by_its_own_form_or_one_for_all(by):
    study = do(studies.open_study, code="ESSAI", title="Essai", site_id=by.site_id, by=by)
    other = do(studies.open_study, code="AUTRE", title="Autre", site_id=by.site_id, by=by)
    ids = {study.id, other.id}
    assert service.forms_in_force(ids) == set()

    make_form(by, study=study)
    assert service.forms_in_force(ids) == {study.id}

    form = make_form(by, code="ALL", draft=True)
    assert service.forms_in_force(ids) == {study.id}
    do(service.put_in_force, form=form, by=by)
    assert service.forms_in_force(ids) == ids


# --- at once


def test_what_is_said_at_once_is_heard_one_after_the_other(app, by):
    patient, form = enrol(by), make_form(by)
    patient_id, form_id = patient.id, form.id
    db.session.remove()
    ready, failed = threading.Barrier(4), []

    def say(what):
        with app.app_context():

            def work():
                person = db.session.get_one(Patient, patient_id)
                if what == "all":
                    return service.record_withdrawal(
                        patient=person, scope="all", received_on=TODAY, fate="keep", by=by
                    )
                return service.record_consent(
                    patient=person, form=db.session.get_one(ConsentForm, form_id), signed_on=TODAY,
                    answers={"research": what}, by=by,
                )  # fmt: skip

            try:
                ready.wait()
                unit_of_work(work)
            except Exception as error:
                failed.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=say, args=[what]) for what in ("granted", "refused", "all", "granted")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    donor = service.donor_facts([patient_id])[patient_id]
    events = [fact.seq for fact in (*donor.consents, *donor.withdrawals)]
    assert failed == []
    assert (len(donor.consents), len(donor.withdrawals), len(set(events))) == (3, 1, 4)
    assert service.latest_events([patient_id])[patient_id] == max(events)


def test_one_record_is_corrected_by_one_of_two_at_once(app, by):
    patient, form = enrol(by), make_form(by)
    wrong = consent(by, patient, form).id
    patient_id, form_id = patient.id, form.id
    db.session.remove()
    ready, outcomes = threading.Barrier(2), []

    def correct():
        with app.app_context():

            def work():
                service.record_consent(
                    patient=db.session.get_one(Patient, patient_id),
                    form=db.session.get_one(ConsentForm, form_id), signed_on=TODAY, answers={}, by=by,
                    corrects=wrong, reason="misread",
                )  # fmt: skip

            ready.wait()
            try:
                unit_of_work(work)
                outcomes.append("done")
            except RuleViolation as error:
                outcomes.append(error.code)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=correct) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["consent_corrected_already", "done"]


class Statements:
    """What is sent to the database within the block."""

    def __enter__(self):
        self.seen = []
        event.listen(db.engine, "before_cursor_execute", self._note)
        return self.seen

    def _note(self, _connection, _cursor, statement, *_rest):
        self.seen.append(statement)

    def __exit__(self, *_error):
        event.remove(db.engine, "before_cursor_execute", self._note)
