"""A form of a page proves that it comes from a page of ours."""

import pytest

from tests import people

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def browser(app):
    return people.browser(app, "administrator", site_code=None)


def test_a_form_without_its_key_is_refused(browser):
    answer = browser.client.post("/sites", data={"code": "A", "name": "B"})

    assert answer.status_code == 400
    assert "reload the page" in answer.text


def test_a_form_with_somebody_elses_key_is_refused(app, browser):
    other = people.browser(app, "administrator", site_code=None)
    with other.client.session_transaction() as session:
        session["csrf_token"] = "1" * 40

    answer = browser.client.post("/sites", data={"code": "A", "name": "B", "csrf_token": other.form_token()})
    assert answer.status_code == 400


def test_the_key_may_come_as_a_header(browser):
    answer = browser.client.post(
        "/sites", data={"code": "A", "name": "B"}, headers={"X-CSRFToken": browser.form_token()}
    )
    assert answer.status_code == 303


def test_the_door_needs_it_too(app):
    answer = app.test_client().post("/sign-in", data={"username": "a", "password": "b"})

    assert answer.status_code == 400


def test_the_key_on_the_page_is_the_one_that_is_taken(app, browser):
    import re

    page = browser.get("/people").text
    key = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)

    answer = browser.client.post("/sites", data={"code": "A", "name": "B", "csrf_token": key})
    assert answer.status_code == 303


def test_a_program_needs_none(app):
    program = people.api(app, "administrator", site_code=None)

    assert program.post("/sites", {"code": "A", "name": "B"}).status_code == 201
