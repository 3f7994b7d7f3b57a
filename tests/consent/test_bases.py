"""The legal basis of an answer, who gives it, and on which days: whatever is wrong is said, and nothing is stored."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from biobank.audit.models import AuditEntry
from biobank.consent import bases, service
from biobank.consent.models import ConsentEvent
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.patients import service as patients
from biobank.withdrawal.models import Anonymisation
from tests import people
from tests.conftest import NOON
from tests.consent.traces import nothing_is_stored

TODAY = date(2012, 3, 14)
EARLIER, LATER = date(2011, 6, 1), date(2013, 6, 1)
RESEARCH = {"key": "research", "text": "Research", "required": True, "if_granted": ["HMB"]}
GENETICS = {"key": "genetics", "text": "Genetics", "if_refused": ["NO_GENETIC"]}
WAIVER = {"basis": "waiver", "ethics_reference": "CPP 12.034", "basis_reason": "the person cannot be found"}


@pytest.fixture
def by(app_context, frozen_clock):
    return people.actor("manager")


def do(act, **arguments):
    return unit_of_work(lambda: act(**arguments))


@pytest.fixture
def make(by):
    """make("notice") is a form in force."""

    def make(kind="consent", code=None, **more):
        return do(
            service.make_form, site_id=by.site_id, code=code or kind, version="1", title=kind, study=None,
            clauses=[RESEARCH, GENETICS], kind=kind, by=by, **more,
        )  # fmt: skip

    return make


@pytest.fixture
def enrol(by):
    return lambda **facts: do(patients.enrol, site_id=by.site_id, by=by, **facts)


@pytest.fixture
def record(by):
    def record(patient, form, signed_on=TODAY, answers=None, **more):
        return do(
            service.record_consent, patient=patient, form=form, signed_on=signed_on,
            answers={"research": "granted"} if answers is None else answers, by=by, **more,
        )  # fmt: skip

    return record


@pytest.fixture
def note(by):
    return lambda patient, **said: do(service.note_status, patient=patient, by=by, **said)


def wrong_with(act, *told, **more):
    """Field -> code of everything that is wrong; nothing is stored."""
    with nothing_is_stored(), pytest.raises(Malformed) as error:
        act(*told, **more)
    return {field: reason.code for field, reason in error.value.fields.items()}


# --- what is taken on which basis


def test_a_form_that_is_signed_is_the_patients_consent_unless_told_otherwise(make, enrol, record):
    made = record(enrol(), make())

    assert (made.basis, made.given_by, made.channel) == ("consent", "patient", None)


def test_a_notice_is_no_objection_after_information_and_says_how(make, enrol, record):
    patient, notice = enrol(), make("notice")

    made = record(patient, notice, channel="post")

    assert (made.basis, made.given_by, made.channel) == ("non_opposition", "patient", "post")
    assert wrong_with(record, patient, notice) == {"channel": "channel_missing"}
    assert wrong_with(record, patient, notice, channel="pigeon") == {"channel": "channel_unknown"}


def test_a_committee_waives_the_information_with_reference_and_reason(make, enrol, record):
    patient, notice = enrol(), make("notice")

    made = record(patient, notice, **WAIVER)

    assert (made.given_by, made.ethics_reference) == ("committee", "CPP 12.034")
    assert made.basis_reason == "the person cannot be found"
    assert wrong_with(record, patient, notice, basis="waiver", ethics_reference=" ") == {
        "ethics_reference": "ethics_reference_missing", "basis_reason": "basis_reason_missing",
    }  # fmt: skip
    assert wrong_with(record, patient, notice, **WAIVER, channel="post") == {"channel": "channel_of_waiver"}
    assert wrong_with(record, patient, notice, **WAIVER, given_by="patient") == {
        "given_by": "given_by_not_for_basis"
    }


@pytest.mark.parametrize(
    ("kind", "basis"),
    [("consent", "waiver"), ("consent", "non_opposition"), ("notice", "consent"), ("notice", "x")],
)
def test_a_basis_fits_the_kind_of_form(make, enrol, record, kind, basis):
    assert wrong_with(record, enrol(), make(kind), **(WAIVER | {"basis": basis})) == {
        "basis": "basis_not_for_form"
    }


def test_what_belongs_to_a_waiver_belongs_to_nothing_else(make, enrol, record):
    assert wrong_with(record, enrol(), make(), ethics_reference="CPP 1", basis_reason="x") == {
        "ethics_reference": "only_for_waiver", "basis_reason": "only_for_waiver",
    }  # fmt: skip


@pytest.mark.parametrize("given_by", ["committee", "neighbour"])
def test_nobody_else_gives_a_consent(make, enrol, record, given_by):
    assert wrong_with(record, enrol(), make(), given_by=given_by) == {"given_by": "given_by_not_for_basis"}


def test_the_rules_of_the_edge_name_every_channel_and_giver(app_context):
    from biobank.consent.texts import WORDS

    for channel in bases.CHANNELS:
        assert f"channel.{channel}" in WORDS
    for basis, givers in bases.GIVERS.items():
        assert f"basis.{basis}" in WORDS
        for giver in givers:
            assert f"given_by.{giver}" in WORDS


# --- children


def test_a_guardian_says_when_the_child_comes_of_age_and_it_is_kept(make, enrol, record):
    child, form = enrol(birth_year=1997), make()

    made = record(child, form, given_by="guardian", of_age_on=date(2015, 5, 2))

    assert (made.given_by, child.of_age_on) == ("guardian", date(2015, 5, 2))
    assert record(child, form, given_by="guardian").given_by == "guardian"  # known by now
    assert record(child, form, given_by="guardian", of_age_on=date(2015, 5, 2)).id > made.id  # and the same


def test_a_guardian_must_say_when_and_the_day_lies_after_the_signature(make, enrol, record):
    child, form = enrol(birth_year=1997), make()

    assert wrong_with(record, child, form, given_by="guardian") == {"of_age_on": "of_age_missing"}
    for day in (TODAY, EARLIER):
        assert wrong_with(record, child, form, given_by="guardian", of_age_on=day) == {
            "of_age_on": "of_age_before_signature"
        }
    assert wrong_with(record, enrol(), form, of_age_on=LATER) == {"of_age_on": "of_age_only_guardian"}


def test_a_day_that_is_noted_is_not_changed_by_the_way(make, enrol, record):
    child, form = enrol(), make()
    record(child, form, given_by="guardian", of_age_on=LATER)

    assert wrong_with(record, child, form, given_by="guardian", of_age_on=LATER + timedelta(days=1)) == {
        "of_age_on": "of_age_known_already"
    }


def test_nobody_signs_for_an_adult_as_for_a_child(make, enrol, record, note):
    patient, form = enrol(), make()
    note(patient, of_age_on=EARLIER)

    for day in (EARLIER, TODAY):
        assert wrong_with(record, patient, form, day, given_by="guardian") == {
            "signed_on": "guardian_after_majority"
        }
    assert record(patient, form, EARLIER - timedelta(days=1), given_by="guardian")
    assert record(patient, form, EARLIER)  # the patient, on the very day
    assert record(patient, form, given_by="representative")


def test_a_child_does_not_sign_alone(make, enrol, record, note):
    child, form, notice = enrol(), make(), make("notice")
    note(child, of_age_on=LATER)

    assert wrong_with(record, child, form) == {"signed_on": "minor_needs_guardian"}
    assert wrong_with(record, child, notice, channel="post") == {"signed_on": "minor_needs_guardian"}


def test_nobody_represents_a_child_as_an_adult_under_protection(make, enrol, record, note):
    child, form = enrol(), make()
    note(child, of_age_on=TODAY)

    assert wrong_with(record, child, form, EARLIER, given_by="representative") == {
        "signed_on": "minor_needs_guardian"
    }
    assert record(child, form, TODAY, given_by="representative")


def test_of_a_child_whose_day_is_not_known_the_year_of_birth_says_enough(make, enrol, record):
    child, form, notice = enrol(birth_year=TODAY.year - 16), make(), make("notice")

    with nothing_is_stored(), pytest.raises(Malformed) as error:
        record(child, form)

    told = error.value.fields["signed_on"]
    assert (told.code, told.params) == ("minor_needs_guardian", {"signed_on": TODAY.isoformat()})
    assert wrong_with(record, child, notice, channel="post") == {"signed_on": "minor_needs_guardian"}
    assert record(child, form, given_by="guardian", of_age_on=LATER + timedelta(days=365))
    assert record(enrol(birth_year=1997), notice, **WAIVER)  # a committee may always be asked


def test_nobody_of_age_is_taken_for_a_child_by_the_year_of_birth(make, enrol, record, note):
    form = make()
    assert record(enrol(birth_year=TODAY.year - 18), form)

    early = enrol(birth_year=TODAY.year - 16)  # the day that is noted says it better
    note(early, of_age_on=TODAY)
    assert record(early, form)


# --- days


def test_nobody_signs_before_birth(make, enrol, record):
    patient = enrol(birth_year=2012)
    assert wrong_with(record, patient, make(), date(2011, 12, 31)) == {"signed_on": "signed_before_birth"}


def test_nobody_signs_after_death_but_a_committee_can_still_be_asked(make, enrol, record, note):
    patient, form, notice = enrol(), make(), make("notice")
    note(patient, died_on=EARLIER)

    assert wrong_with(record, patient, form) == {"signed_on": "signed_after_death"}
    assert wrong_with(record, patient, notice, channel="post") == {"signed_on": "signed_after_death"}
    assert record(patient, form, EARLIER)  # on the last day
    assert record(patient, notice, **WAIVER)


def test_nobody_signs_tomorrow(make, enrol, record):
    tomorrow = TODAY + timedelta(days=1)
    assert wrong_with(record, enrol(), make(), tomorrow) == {"signed_on": "day_in_future"}


def test_a_form_is_signed_from_its_first_day_until_it_retires(by, make, enrol, record):
    patient, form = enrol(), make(in_force_on=EARLIER)
    do(service.retire, form=form, by=by)

    with clock.freeze(NOON + timedelta(days=10)):
        for day, code in (
            (EARLIER - timedelta(days=1), "form_not_yet_in_force"),
            (TODAY + timedelta(days=1), "form_is_retired"),
        ):
            with nothing_is_stored(), pytest.raises(RuleViolation, match=code):
                record(patient, form, day)
        for day in (EARLIER, TODAY):
            assert record(patient, form, day)


def test_a_clause_of_another_form_is_named(make, enrol, record):
    assert wrong_with(record, enrol(), make(), answers={"commercial": "granted"}) == {
        "answers.commercial": "clause_unknown"
    }


# --- what becomes of a person


def test_coming_of_age_and_death_are_events_told_by_veils_alone(by, enrol, note):
    patient = enrol(birth_year=1990)

    event = note(patient, of_age_on=date(2008, 4, 5), died_on=EARLIER)

    assert (patient.of_age_on, patient.died_on) == (date(2008, 4, 5), EARLIER)
    assert (event.kind, service.latest_events([patient.id])) == ("status", {patient.id: event.id})
    told = db.session.scalars(select(AuditEntry.content).order_by(AuditEntry.seq.desc())).first()
    assert "2008-04-05" not in told
    assert EARLIER.isoformat() not in told
    entry = json.loads(told)
    assert (entry["act"], entry["subject"]) == ("status_noted", ["patient", patient.subject_key])
    assert entry["after"]["died_on"].startswith("hmac:")


def test_what_is_known_already_is_no_news(enrol, note):
    patient = enrol()
    note(patient, died_on=EARLIER)

    with nothing_is_stored():
        assert note(patient, died_on=EARLIER) is None
        assert note(patient) is None
    assert len(db.session.scalars(select(ConsentEvent)).all()) == 1


def test_a_mistake_is_put_right_with_its_reason(enrol, note):
    patient = enrol()
    note(patient, died_on=EARLIER)

    assert wrong_with(note, patient, died_on=None) == {"reason": "correction_needs_reason"}
    note(patient, died_on=None, reason="another patient of that name")

    assert patient.died_on is None


def test_nobody_dies_before_the_last_signature_that_stands(make, enrol, record, note):
    patient, form = enrol(), make()
    wrong = record(patient, form, TODAY)

    assert wrong_with(note, patient, died_on=EARLIER) == {"died_on": "died_before_signature"}
    record(patient, form, EARLIER, corrects=wrong.id, reason="the year was misread")
    note(patient, died_on=EARLIER)

    assert patient.died_on == EARLIER


def test_days_that_cannot_be_are_refused(enrol, note):
    patient = enrol(birth_year=1997)

    assert wrong_with(note, patient, died_on=TODAY + timedelta(days=1)) == {"died_on": "day_in_future"}
    assert wrong_with(note, patient, died_on=date(1996, 1, 1)) == {"died_on": "died_before_birth"}
    assert wrong_with(note, patient, of_age_on=date(1997, 1, 1)) == {"of_age_on": "of_age_before_birth"}
    assert wrong_with(note, patient, of_age_on=date(2999, 1, 1)) == {"of_age_on": "of_age_out_of_range"}


def test_the_day_of_coming_of_age_fits_who_signed(make, enrol, record, note):
    child, adult, represented, form = enrol(), enrol(), enrol(), make()
    record(child, form, EARLIER, given_by="guardian", of_age_on=LATER)
    own = record(adult, form, EARLIER)

    assert wrong_with(note, child, of_age_on=EARLIER, reason="misread") == {
        "of_age_on": "of_age_before_guardian"
    }
    assert wrong_with(note, child, of_age_on=None, reason="misread") == {"of_age_on": "of_age_missing"}
    assert wrong_with(note, adult, of_age_on=LATER) == {"of_age_on": "of_age_after_own_consent"}
    record(represented, form, EARLIER, given_by="representative")
    assert wrong_with(note, represented, of_age_on=LATER) == {"of_age_on": "minor_needs_guardian"}
    note(represented, of_age_on=EARLIER)
    # The paper was a guardian's after all: one correction says both.
    record(
        adult,
        form,
        EARLIER,
        given_by="guardian",
        of_age_on=LATER,
        corrects=own.id,
        reason="the mother signed",
    )
    assert adult.of_age_on == LATER


def test_another_sites_patient_has_no_status(enrol):
    patient, stranger = enrol(), people.actor("manager", site_code="IUCT")
    with nothing_is_stored(), pytest.raises(NotFound):
        do(service.note_status, patient=patient, died_on=EARLIER, by=stranger)


def test_nothing_is_recorded_of_somebody_whose_link_is_broken(make, enrol, record, note):
    patient, form = enrol(), make()

    def forget():
        now, two = clock.now(), {"asked_by": "one", "agreed_by": "two"}
        db.session.add(
            Anonymisation(patient_id=patient.id, reason="asked", asked_at=now, agreed_at=now, **two)
        )
        db.session.flush()
        patient.anonymised_at = now
        db.session.flush()

    unit_of_work(forget)

    for act, told in ((record, (patient, form)), (note, (patient,))):
        with nothing_is_stored(), pytest.raises(RuleViolation, match="patient_anonymised"):
            act(*told)
