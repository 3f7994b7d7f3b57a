"""The pages on which answers are recorded: the right form by itself, a blank that is seen to be one, corrections."""

import re
from datetime import date

import pytest
from sqlalchemy import select

from biobank.consent import service
from biobank.consent.models import Consent
from biobank.core.db import db
from biobank.patients.models import Patient
from tests import people
from tests.consent.traces import nothing_is_stored

CLAUSES = [
    {"key": "research", "text": "My samples may serve research.", "required": True, "if_granted": ["HMB"]},
    {
        "key": "genetics",
        "text": "My genes may be studied.",
        "text_fr": "Mes gènes…",
        "if_refused": ["NO_GENETIC"],
    },
]
GIVEN = {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers.research": "granted"}
INFORMED = {
    "form": "N",
    "version": "1",
    "signed_on": "2012-03-01",
    "basis": "non_opposition",
    "channel": "post",
}
NEW = "/patients/A-1/consents/new"


@pytest.fixture
def api(app):
    return people.api(app, "manager")


@pytest.fixture
def manager(app, api):
    """A bank with one form in force, and one patient."""
    write(api)
    api.post("/patients", {"code": "A-1", "birth_year": 1990})
    return people.browser(app, "manager")


def write(api, code="F", version="1", **more):
    told = {"code": code, "version": version, "title": f"Paper {code}", "clauses": CLAUSES} | more
    made = api.post("/consent-forms", told)
    assert made.status_code == 201, made.json


def send(manager, **fields):
    return manager.post(
        "/patients/A-1/consents", GIVEN | {name.replace("__", "."): value for name, value in fields.items()}
    )


def recorded(app):
    """The records of the patient, the newest first."""
    with app.app_context():
        patient = db.session.scalars(select(Patient)).one()
        return [
            (each.basis, each.given_by, each.channel, dict(each.answers))
            for each in service.consents_of(patient)
        ]


# --- which paper


def test_the_only_form_in_force_is_there_at_once_with_today_in_it(manager):
    page = manager.get(NEW).text

    assert "My samples may serve research." in page
    assert re.search(r'name="signed_on" type="date" value="20\d\d-', page)
    assert "Mes gènes…" in manager.get(f"{NEW}?lang=fr").text


def test_the_version_in_force_comes_by_itself_and_older_ones_are_folded_away(manager, api):
    write(api, version="2")

    page = manager.get(NEW).text

    assert 'name="version" value="2"' in page
    assert page.index("F 2") < page.index("Another form or version") < page.rindex("F 1")
    older = manager.get(f"{NEW}?form=F&version=1").text
    assert 'name="version" value="1"' in older
    assert "This version was retired on" in older


def test_of_several_forms_each_is_one_click_and_what_was_never_answered_stands_first(manager, api):
    write(api, "A")
    write(api, "B", kind="notice")
    manager.post("/patients/A-1/consents", GIVEN | {"form": "A"})

    page = manager.get(NEW).text

    links = re.findall(r"/consents/new\?form=(\w)&amp;version=1", page)
    assert links == ["B", "F", "A"]
    assert "information notice" in page


def test_a_form_that_is_not_there_is_not_found(manager):
    assert manager.get(f"{NEW}?form=F&version=9").status_code == 404
    assert manager.get(f"{NEW}?form=F").status_code == 404


# --- clause by clause


def test_a_blank_is_seen_to_be_no_yes_and_each_answer_says_what_it_means(manager):
    page = manager.get(NEW).text

    assert page.count('<span class="ask-no">= no</span>') == 2
    assert page.count('value="" checked') == 2
    assert "HMB: health, medical or biomedical research" in page
    assert "Nothing is allowed under this form.</small>" in page
    assert "NO_GENETIC: no genetic examination</small>" in page
    assert "required" in page


def test_a_consent_is_recorded_and_told_in_words(manager, app):
    answer = send(manager, answers__genetics="")

    assert (answer.status_code, answer.location) == (303, "/patients/A-1")
    assert recorded(app) == [("consent", "patient", None, {"research": "granted"})]
    shown = manager.get("/patients/A-1/consents").text
    assert "What holds now" in shown
    assert shown.count("not answered (counts as no)") == 2
    assert "signed consent" in shown
    assert "NO_GENETIC: no genetic examination" in shown


def test_a_wrong_day_is_told_beside_its_field_and_the_answers_are_kept(manager, app):
    with nothing_is_stored(app):
        page = send(manager, signed_on="2999-01-01", answers__research="refused")

    assert page.status_code == 422
    assert 'id="problem-signed_on"' in page.text
    assert 'name="answers.research" value="refused" checked' in page.text


def test_two_answers_for_one_clause_are_refused_and_nothing_is_stored(manager, app):
    with nothing_is_stored(app):
        twice = send(manager, answers__research=["granted", "refused"])
        same = send(manager, answers__research=["granted", "granted"])
        days = send(manager, signed_on=["2012-03-01", "2012-03-02"])
    for page in (twice, same, days):
        assert page.status_code == 422
        assert "This is answered twice" in page.text
    assert 'id="problem-answers.research"' in twice.text


def test_a_clause_of_another_form_is_refused_and_nothing_is_stored(manager, app):
    with nothing_is_stored(app):
        page = send(manager, answers__commercial="granted")
    assert page.status_code == 422
    assert "has no clause commercial" in page.text


# --- notices


def test_a_notice_speaks_of_objections_and_asks_how_the_person_was_informed(manager, app, api):
    write(api, "N", kind="notice")
    page = manager.get(f"{NEW}?form=N&version=1").text
    assert "no objection" in page
    assert "objects" in page
    assert page.count('name="channel"') == 5

    with nothing_is_stored(app):
        unsaid = manager.post("/patients/A-1/consents", INFORMED | {"channel": ""})
    manager.post(
        "/patients/A-1/consents", INFORMED | {"answers.research": "granted", "answers.genetics": "refused"}
    )

    assert 'id="problem-channel"' in unsaid.text
    assert recorded(app) == [
        ("non_opposition", "patient", "post", {"research": "granted", "genetics": "refused"})
    ]
    shown = manager.get("/patients/A-1/consents").text
    assert "by post" in shown
    assert "objects" in shown


def test_one_button_says_no_objection_to_anything(manager, app, api):
    write(api, "N", kind="notice")
    assert "No objection to anything" in manager.get(f"{NEW}?form=N&version=1").text
    assert "No objection to anything" not in manager.get(f"{NEW}?form=F&version=1").text

    with nothing_is_stored(app):
        against = manager.post(
            "/patients/A-1/consents", INFORMED | {"answers.genetics": "refused", "no_objection": "all"}
        )
        signed = send(manager, no_objection="all")
    manager.post("/patients/A-1/consents", INFORMED | {"answers.genetics": "", "no_objection": "all"})

    assert (against.status_code, signed.status_code) == (422, 422)
    assert recorded(app)[0][3] == {"research": "granted", "genetics": "granted"}


def test_a_waiver_asks_for_reference_and_reason(manager, app, api):
    write(api, "N", kind="notice")
    page = manager.get(f"{NEW}?form=N&version=1&basis=waiver").text
    assert 'name="ethics_reference"' in page
    assert 'name="channel"' not in page
    waiver = {
        "form": "N",
        "version": "1",
        "signed_on": "2012-03-01",
        "basis": "waiver",
        "given_by": "committee",
    }

    with nothing_is_stored(app):
        bare = manager.post("/patients/A-1/consents", waiver)
    manager.post(
        "/patients/A-1/consents", waiver | {"ethics_reference": "CPP 1", "basis_reason": "not to be found"}
    )

    assert 'id="problem-ethics_reference"' in bare.text
    assert recorded(app)[0][:3] == ("waiver", "committee", None)
    assert "CPP 1" in manager.get("/patients/A-1/consents").text


# --- others than the patient


def test_a_guardian_is_asked_when_the_child_comes_of_age_only_once(manager, app):
    with nothing_is_stored(app):
        bare = send(manager, given_by="guardian")
    send(manager, given_by="guardian", of_age_on="2013-05-02")

    assert 'id="problem-of_age_on"' in bare.text
    assert recorded(app)[0][1] == "guardian"
    assert 'name="of_age_on"' not in manager.get(NEW).text


# --- corrections


def test_a_correction_begins_with_the_record_and_both_are_shown(manager, app):
    send(manager)
    assert "Correct this record…" in manager.get("/patients/A-1/consents").text
    page = manager.get(f"{NEW}?corrects=1").text
    assert 'name="answers.research" value="granted" checked' in page
    assert 'value="2012-03-01"' in page

    with nothing_is_stored(app):
        unexplained = send(manager, corrects="1")
    send(manager, corrects="1", reason="misread", answers__research="refused")

    assert 'id="problem-reason"' in unexplained.text
    shown = manager.get("/patients/A-1/consents").text
    assert "Takes the place of record 1: misread" in shown
    assert "record 2 took its place" in shown
    assert shown.count("Correct this record…") == 1
    assert manager.get(f"{NEW}?corrects=x").status_code == 422


def test_a_correction_can_be_on_another_version(manager, api, app):
    write(api, version="2")
    send(manager)

    page = manager.get(f"{NEW}?corrects=1&form=F&version=2").text

    assert 'name="version" value="2"' in page
    assert 'name="corrects" value="1"' in page
    assert 'name="answers.research" value="granted" checked' in page


# --- what becomes of a person


def test_coming_of_age_and_death_are_noted_and_corrected_by_page(manager, app):
    assert "Why it is corrected" not in manager.get("/patients/A-1/status").text

    noted = manager.post("/patients/A-1/status", {"of_age_on": "2008-05-02", "died_on": ""})
    with nothing_is_stored(app):
        unexplained = manager.post("/patients/A-1/status", {"of_age_on": "2009-05-02", "died_on": ""})
    manager.post(
        "/patients/A-1/status", {"of_age_on": "2009-05-02", "died_on": "2012-01-01", "reason": "misread"}
    )

    assert (noted.status_code, noted.location) == (303, "/patients/A-1")
    assert 'id="problem-reason"' in unexplained.text
    with app.app_context():
        patient = db.session.scalars(select(Patient)).one()
        assert (patient.of_age_on, patient.died_on) == (date(2009, 5, 2), date(2012, 1, 1))
    assert "Died on" in manager.get("/patients/A-1").text


def test_death_before_the_last_signature_is_refused_beside_its_field(manager, app):
    send(manager)
    with nothing_is_stored(app):
        page = manager.post("/patients/A-1/status", {"of_age_on": "", "died_on": "2012-02-01"})
    assert page.status_code == 422
    assert 'id="problem-died_on"' in page.text
    assert "record 1" in page.text


# --- who may, and where


def test_another_sites_patient_is_not_found(app, manager):
    other = people.browser(app, "manager", site_code="IUCT")
    for path in (NEW, "/patients/A-1/status", "/patients/A-1/consents"):
        assert other.get(path).status_code == 404, path
    assert other.post("/patients/A-1/consents", GIVEN).status_code == 404
    assert other.post("/patients/A-1/status", {"died_on": "2012-01-01"}).status_code == 404


def test_a_number_that_no_key_is_names_no_record(app, manager):
    with nothing_is_stored(app):
        for nonsense in ("9" * 30, "-1", "x", "1.5"):
            assert send(manager, corrects=nonsense, reason="x").status_code in (404, 422), nonsense
    with app.app_context():
        assert db.session.scalars(select(Consent)).all() == []
