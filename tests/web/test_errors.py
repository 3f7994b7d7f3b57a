"""Every refusal of the API is problem+json with a stable code; every refusal of a page is a page."""

import json

import pytest
from flask import Flask
from sqlalchemy.exc import DataError

from biobank.access.guard import public
from biobank.core.errors import Busy, Forbidden, Malformed, NotFound, Reason, RuleViolation
from tests import people

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def program(app):
    return people.api(app, "administrator", site_code=None)


def raising(fresh_app: Flask, error: Exception):
    """A call and a page of these tests that fail in one way; gives the two answers."""

    @public
    def fail():
        raise error

    fresh_app.add_url_rule("/api/v1/fails", "api_fails", fail)
    fresh_app.add_url_rule("/fails", "fails", fail)
    client = fresh_app.test_client()
    return client.get("/api/v1/fails"), client.get("/fails")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("site_unknown", site="X"), 404, "site_unknown"),
        (RuleViolation("site_exists", site="X"), 409, "site_exists"),
        (Forbidden("forbidden"), 403, "forbidden"),
        (Busy("busy"), 503, "busy"),
        (Malformed({"days": Reason("token_days", {"days": 0, "most": 9})}), 422, "malformed"),
        (OverflowError("Python int too large"), 422, "malformed"),
        ("\ud800".encode, 422, "malformed"),
        (DataError("SELECT", {}, Exception("NUL")), 422, "malformed"),
    ],
)
def test_each_error_has_its_status_its_code_and_its_sentence(fresh_app, error, status, code):
    if not isinstance(error, Exception):
        with pytest.raises(UnicodeEncodeError) as caught:
            error()
        error = caught.value

    problem, page = raising(fresh_app, error)

    assert problem.status_code == page.status_code == status
    assert problem.content_type == "application/problem+json"
    assert problem.json["code"] == code
    assert problem.json["status"] == status
    assert problem.json["detail"]
    assert page.content_type.startswith("text/html")
    assert ("Retry-After" in problem.headers) == (status == 503)


def test_every_reason_is_told_with_its_code_and_its_sentence(fresh_app):
    error = RuleViolation(
        "use_refused", reasons=[Reason("site_unknown", {"site": "A"}), Reason("site_needed")]
    )
    problem, page = raising(fresh_app, error)

    assert problem.json["reasons"] == [
        {"code": "site_unknown", "text": "There is no site A."},
        {"code": "site_needed", "text": "Say at which site."},
    ]
    assert "There is no site A." in page.text


def test_sentences_are_in_the_language_that_is_asked_for(app):
    answer = app.test_client().get("/api/v1/nothing", headers={"Accept-Language": "de, en;q=0.5"})

    assert answer.json["detail"] == "There is nothing at /api/v1/nothing."


def test_a_defect_is_500_and_tells_nothing_but_a_reference(fresh_app):
    fresh_app.config["PROPAGATE_EXCEPTIONS"] = False
    problem, page = raising(fresh_app, ZeroDivisionError("patient Durand"))

    assert problem.status_code == page.status_code == 500
    assert "Durand" not in problem.text + page.text
    assert page.headers["X-Request-ID"] in page.text


def test_what_is_not_there_is_404(app, program):
    assert program.get("/nothing").json["code"] == "page_unknown"
    assert app.test_client().get("/nothing").status_code == 404


def test_a_method_that_is_not_taken_is_405_and_says_which_are(program):
    answer = program.open("DELETE", "/sites")

    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert {"GET", "POST"} <= {name.strip() for name in answer.headers["Allow"].split(",")}


def test_ten_megabytes_are_too_large(program):
    answer = program.open("POST", "/sites", data=b"x" * 10_000_000, content_type="application/json")

    assert answer.status_code == 413
    assert answer.json["code"] == "too_large"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_kind_is_415(program, kind):
    answer = program.open("POST", "/sites", data=b'{"code": "A", "name": "B"}', content_type=kind)

    assert answer.status_code == 415
    assert answer.json["code"] == "wrong_kind"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'code': 1}",
        b'{"code": "\xff\xfe"}',
        b"\x00",
        b"[" * 200_000,
        b'{"code": ' + b"1" * 5000 + b"}",
        "{}".encode("utf-16"),
    ],
    ids=["cut", "python", "not utf-8", "nul", "deep", "long number", "utf-16"],
)
def test_a_body_that_cannot_be_read_is_400(program, body):
    answer = program.open("POST", "/sites", data=body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "unreadable"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (None, {"body"}),
        ({}, {"code", "name"}),
        ([], {"body"}),
        ("text", {"body"}),
        (5, {"body"}),
        ({"code": None, "name": 5}, {"code", "name"}),
        ({"code": "A\x00B", "name": "ok"}, {"code"}),
        ({"code": "A", "name": "half a pair \ud800"}, {"name"}),
        ({"code": "A B", "name": "  "}, {"code", "name"}),
        ({"code": "A" * 41, "name": "ok"}, {"code"}),
        ({"code": "A", "name": "ok", "colour": "red"}, {"colour"}),
    ],
)
def test_every_field_that_is_not_right_is_named(program, body, fields):
    answer = program.open("POST", "/sites", data=json.dumps(body), content_type="application/json")

    assert answer.status_code == 422
    assert answer.json["code"] == "malformed"
    assert set(answer.json["errors"]) == fields


@pytest.mark.parametrize("path", ["/sites/%00", "/%00", "/sites?after=%00", "/sites?%00=1"])
def test_a_nul_in_an_address_is_refused_before_a_database_sees_it(program, path):
    answer = program.get(path)

    assert answer.status_code in (404, 422)
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/sites/%ff%fe", "/%c3%28", "/sites?x=%ff", "/" + "a" * 5000])
def test_an_address_that_is_not_text_is_no_defect(program, path):
    assert program.get(path).status_code < 500


def test_a_nul_in_a_form_is_refused(app):
    browser = people.browser(app, "administrator", site_code=None)

    assert browser.post("/sites", {"code": "A\x00", "name": "x"}).status_code == 400


def test_a_page_asked_for_by_nobody_leads_to_the_door_and_back(app):
    answer = app.test_client().get("/people?tab=1")

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sign-in?next=/people?tab%3D1"


def test_without_the_permission_it_is_403(app):
    program = people.api(app, "technician")
    browser = people.browser(app, "technician")

    assert program.post("/sites", {"code": "A", "name": "B"}).json["code"] == "forbidden_permission"
    assert browser.get("/people").status_code == 403


def test_a_number_too_large_for_any_database_is_404(app):
    browser = people.browser(app, "administrator", site_code=None)

    assert browser.post(f"/tokens/{10**30}/revoke").status_code == 404
    assert browser.post(f"/tokens/{2**63 - 1}/revoke").status_code == 404
