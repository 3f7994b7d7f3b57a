"""The pages of consent: a form is drafted and put in force, a patient's answers are recorded and corrected."""

import pytest

from tests import people

WRITTEN = {
    "code": "F", "version": "1", "title": "For research",
    "clauses.0.key": "research", "clauses.0.text": "My samples may serve research.", "clauses.0.required": "true",
    "clauses.0.if_granted": "HMB; DS:C50, C61",
    "clauses.1.key": "genetics", "clauses.1.text": "My genes may be studied.", "clauses.1.text_fr": "Mes gènes…",
    "clauses.1.if_refused": "NO_GENETIC",
    "clauses.2.key": "", "clauses.2.text": "",
}  # fmt: skip


@pytest.fixture
def manager(app):
    return people.browser(app, "manager")


@pytest.fixture
def in_force(manager):
    manager.post("/consent-forms", WRITTEN)
    manager.post("/consent-forms/F/1/in-force")
    manager.post("/patients", {"code": "A-1", "sex": "unknown"})


def test_a_form_is_drafted_put_in_force_and_shown_in_words(manager):
    drafted = manager.post("/consent-forms", WRITTEN)
    assert (drafted.status_code, drafted.location) == (303, "/consent-forms/F/1")
    assert "a draft" in manager.get("/consent-forms").text

    manager.post("/consent-forms/F/1/in-force")

    page = manager.get("/consent-forms/F/1").text
    assert "HMB: health, medical or biomedical research" in page
    assert "DS: research on named diseases (C50, C61)" in page
    assert "Put in force" not in page
    assert "Mes gènes…" in manager.get("/consent-forms/F/1?lang=fr").text


def test_the_editor_asks_for_more_clauses_without_losing_any(manager):
    page = manager.post("/consent-forms", WRITTEN | {"more": "1"})

    assert page.status_code == 200
    assert "My genes may be studied." in page.text
    assert 'name="clauses.4.key"' in page.text


def test_a_bad_clause_is_told_beside_it(manager):
    page = manager.post("/consent-forms", WRITTEN | {"clauses.1.text": "", "clauses.1.key": "a b"})

    assert page.status_code == 422
    assert 'id="problem-clauses.1.text"' in page.text
    assert 'id="problem-clauses.1.key"' in page.text
    assert "My samples may serve research." in page.text


def test_a_draft_is_edited_and_a_new_version_begins_like_the_old_one(manager):
    manager.post("/consent-forms", WRITTEN)
    assert "NO_GENETIC" in manager.get("/consent-forms/F/1/edit").text

    manager.post("/consent-forms/F/1/edit", WRITTEN | {"title": "For all research"})

    assert "For all research" in manager.get("/consent-forms/F/1").text
    page = manager.get("/consent-forms/new?like=F&version=1").text
    assert "My genes may be studied." in page
    assert 'name="version" type="text" value=""' in page


def test_a_consent_is_recorded_clause_by_clause_and_a_blank_is_told_as_no(in_force, manager):
    page = manager.get("/patients/A-1/consents/new").text
    assert "My samples may serve research." in page
    assert "not answered (counts as no)" in page

    answer = manager.post(
        "/patients/A-1/consents",
        {
            "form": "F",
            "version": "1",
            "signed_on": "2012-03-01",
            "answers.research": "granted",
            "answers.genetics": "",
        },
    )

    assert (answer.status_code, answer.location) == (303, "/patients/A-1")
    shown = manager.get("/patients/A-1/consents").text
    assert "not answered (counts as no)" in shown
    assert "NO_GENETIC: no genetic examination" in shown


def test_a_wrong_day_is_told_beside_its_field_and_the_answers_are_kept(in_force, manager):
    page = manager.post(
        "/patients/A-1/consents",
        {"form": "F", "version": "1", "signed_on": "2999-01-01", "answers.research": "refused"},
    )

    assert page.status_code == 422
    assert 'id="problem-signed_on"' in page.text
    assert 'name="answers.research" value="refused" checked' in page.text


def test_a_record_is_corrected_with_its_answers_to_begin_with(in_force, manager):
    given = {"form": "F", "version": "1", "signed_on": "2012-03-01", "answers.research": "granted"}
    manager.post("/patients/A-1/consents", given)
    page = manager.get("/patients/A-1/consents/new?corrects=1").text
    assert 'name="answers.research" value="granted" checked' in page
    assert 'value="2012-03-01"' in page

    unexplained = manager.post("/patients/A-1/consents", given | {"corrects": "1"})
    manager.post("/patients/A-1/consents", given | {"corrects": "1", "reason": "misread"})

    assert 'id="problem-reason"' in unexplained.text
    assert "misread" in manager.get("/patients/A-1/consents").text
    assert manager.get("/patients/A-1/consents/new?corrects=x").status_code == 422


def test_the_version_in_force_is_offered_first(in_force, manager):
    manager.post("/consent-forms", WRITTEN | {"version": "2"})
    manager.post("/consent-forms/F/2/in-force")

    page = manager.get("/patients/A-1/consents/new").text

    assert page.index("F 2") < page.index("F 1")
    assert manager.get("/patients/A-1/consents/new", query_string={"form": '["F", "1"]'}).status_code == 200
    assert manager.get("/patients/A-1/consents/new?form=F").status_code == 422


def test_another_sites_forms_and_patients_are_not_found(in_force, app):
    other = people.browser(app, "manager", site_code="IUCT")
    for path in (
        "/consent-forms/F/1",
        "/consent-forms/F/1/edit",
        "/patients/A-1/consents",
        "/patients/A-1/consents/new",
    ):
        assert other.get(path).status_code == 404, path
