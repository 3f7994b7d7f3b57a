"""The pages of studies."""

from tests import people


def test_a_study_is_opened_by_a_form_and_listed(app):
    manager = people.browser(app, "manager")

    answer = manager.post("/studies", {"code": "ESSAI", "title": "Essai clinique"})

    assert (answer.status_code, answer.location) == (303, "/studies")
    assert "Essai clinique" in manager.get("/studies").text


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong(app):
    manager = people.browser(app, "manager")

    page = manager.post("/studies", {"code": "ES SAI", "title": "Essai clinique"})

    assert page.status_code == 422
    assert 'value="Essai clinique"' in page.text
    assert 'id="problem-code"' in page.text


def test_a_technician_is_shown_no_form(app):
    technician = people.browser(app)
    assert "/studies/new" not in technician.get("/studies").text
    assert technician.get("/studies/new").status_code == 403
