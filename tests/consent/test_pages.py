"""The pages of consent forms: one is drafted, looked at, and put in force."""

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
    manager.post("/consent-forms/F/1/in-force", {"in_force_on": "2012-01-01"})
    manager.post("/patients", {"code": "A-1", "sex": "unknown"})


def test_a_form_is_drafted_put_in_force_and_shown_in_words(manager):
    drafted = manager.post("/consent-forms", WRITTEN)
    assert (drafted.status_code, drafted.location) == (303, "/consent-forms/F/1")
    assert "a draft" in manager.get("/consent-forms").text

    manager.post("/consent-forms/F/1/in-force")

    page = manager.get("/consent-forms/F/1").text
    assert "HMB: health, medical or biomedical research" in page
    assert "DS: research on named diseases (C50 Malignant neoplasm of breast, C61 " in page
    assert "First day on which it may be signed" not in page
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
    assert 'name="version" type="text" value="2"' in page


def test_another_sites_forms_and_patients_are_not_found(in_force, app):
    other = people.browser(app, "manager", site_code="IUCT")
    for path in (
        "/consent-forms/F/1",
        "/consent-forms/F/1/edit",
        "/patients/A-1/consents",
        "/patients/A-1/consents/new",
    ):
        assert other.get(path).status_code == 404, path
