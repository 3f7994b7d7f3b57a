"""Signing in: a fresh session for who knows the password, few tries for who does not."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import text

from biobank.access import passwords, service
from biobank.access.pages import inside
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from tests import people

PASSWORD = "correct horse battery"


@pytest.fixture
def ann(app):
    with app.app_context():
        people.user("technician", name="ann", password=PASSWORD)
    return people.Browser(app)


def enter(browser, password=PASSWORD, name="ann", **more):
    return browser.post("/sign-in", {"username": name, "password": password} | more)


def test_the_right_password_opens_the_pages(ann):
    answer = enter(ann, next="/account")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    page = ann.get("/account")
    assert page.status_code == 200
    assert "technician" in page.text


def test_the_session_cookie_is_for_this_site_alone_and_not_for_scripts(ann):
    cookie = enter(ann).headers["Set-Cookie"]

    assert cookie.startswith("biobank=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires=" in cookie


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_behind_https_the_cookie_is_sent_over_https_only(database_uri):
    from tests.conftest import close, make_app

    app = make_app(database_uri, secure_cookies=True)
    answer = app.test_client().get("/sign-in")
    close(app)

    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(ann):
    wrong_password = enter(ann, "something else at all")
    wrong_name = enter(ann, "something else at all", name="nobody")

    assert wrong_password.status_code == wrong_name.status_code == 401
    sentence = "This name and password do not fit together."
    assert sentence in wrong_password.text
    assert sentence in wrong_name.text
    assert ann.get("/account").status_code == 302


def test_a_name_nobody_has_costs_one_hash_too(app_context, monkeypatch):
    hashes = []
    real = passwords.verify_password
    monkeypatch.setattr(passwords, "verify_password", lambda *a: hashes.append(1) or real(*a))

    assert not passwords.matches("x", None)
    assert hashes == [1]


def test_after_ten_wrong_tries_the_right_password_has_to_wait(ann):
    for _ in range(10):
        assert enter(ann, "wrong").status_code == 401

    refused = enter(ann)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == 600
    with clock.freeze(clock.now() + timedelta(minutes=10, seconds=1)):
        assert enter(ann).status_code == 303


def test_the_tries_of_one_name_do_not_shut_out_another(app, ann):
    for _ in range(11):
        enter(ann, "wrong", name="somebody")

    assert enter(ann).status_code == 303


def test_signing_in_forgets_the_wrong_tries(app, ann):
    for _ in range(9):
        enter(ann, "wrong")
    assert enter(ann).status_code == 303
    with app.app_context():
        assert db.session.execute(text("SELECT count(*) FROM sign_in_try")).scalar() == 0


def test_what_was_typed_as_a_name_is_not_kept(app, ann):
    enter(ann, "x", name="my password by mistake")

    with app.app_context():
        kept = db.session.execute(text("SELECT name FROM sign_in_try")).scalars().all()
    assert len(kept) == 1
    assert "mistake" not in kept[0]


def test_nothing_typed_at_the_door_is_logged(ann, caplog):
    caplog.set_level(logging.DEBUG)
    enter(ann, "hunter2 hunter2")

    assert "hunter2" not in caplog.text
    assert "ann" not in [word.strip("'\"") for word in caplog.text.split()]


def test_a_session_prepared_by_somebody_else_is_not_kept(ann):
    with ann.client.session_transaction() as session:
        session["planted"] = "x"
    enter(ann)

    with ann.client.session_transaction() as session:
        assert "planted" not in session


def test_who_is_signed_out_is_out(ann):
    enter(ann)
    answer = ann.post("/sign-out")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert ann.get("/account").status_code == 302


@pytest.mark.parametrize("change", ["password", "shut out"])
def test_a_new_password_and_shutting_out_end_every_session(app, ann, change):
    enter(ann)
    with app.app_context():

        def work():
            user = service.find_user("ann", people.TESTS)
            if change == "password":
                service.set_password(user=user, password="another long password", by=people.TESTS)
            else:
                service.set_active(user=user, active=False, by=people.TESTS)

        unit_of_work(work)

    assert ann.get("/account").status_code == 302


def test_a_session_ends_by_itself(app, ann):
    enter(ann)
    with ann.client.session_transaction() as session:
        assert session.permanent
    assert app.permanent_session_lifetime == timedelta(minutes=600)


@pytest.mark.parametrize(
    ("target", "goes_to"),
    [
        ("/samples/T00000017?tab=story", "/samples/T00000017?tab=story"),
        ("", "/"),
        (None, "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\\\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("/\t/evil.example", "/"),
        (" //evil.example", "/"),
        ("/api/v1/sites", "/"),
        ("/sign-out", "/"),
    ],
)
def test_one_goes_on_only_to_our_own_pages(target, goes_to):
    assert inside(target) == goes_to


def test_hashes_are_argon2id(app_context):
    people.user(name="ann", password=PASSWORD)

    kept = db.session.execute(text("SELECT password FROM user_account WHERE name = 'ann'")).scalar()
    assert kept.startswith("$argon2id$")
    assert passwords.matches(PASSWORD, kept)
    assert not passwords.matches(PASSWORD + "x", kept)


def test_the_cost_of_a_hash_is_what_owasp_asks():
    from biobank.access.security import STRONG

    assert STRONG["argon2__memory_cost"] >= 19 * 1024
    assert STRONG["argon2__time_cost"] >= 2


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_one_changes_ones_own_password(app, ann):
    enter(ann)

    wrong = ann.post("/account", {"current": "not it at all", "password": "a new long password"})
    short = ann.post("/account", {"current": PASSWORD, "password": "short"})
    assert wrong.status_code == short.status_code == 422
    assert "This is not your password." in wrong.text
    assert ann.post("/account", {"current": PASSWORD, "password": "a new long password"}).status_code == 303
    assert ann.get("/account").status_code == 302
    assert enter(ann, "a new long password").status_code == 303


def test_one_look_into_the_database_tells_whose_session_it_is(ann, count_statements):
    enter(ann)

    with count_statements() as statements:
        ann.get("/account")

    assert len([one for one in statements if "user_account" in one]) == 1
