"""Tokens of programs: hashed, named, expiring, revocable, and good for nothing but the API."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from biobank.access import recognition, service
from biobank.access.models import ApiToken
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed
from tests import people


def test_a_token_lets_a_program_in_as_its_owner(app):
    answer = people.api(app, "technician").get("/sites")

    assert answer.json == {"items": [{"code": "IPC", "name": "Site IPC"}]}


def test_only_the_hash_of_a_token_is_kept(app_context):
    token = people.token()

    kept = db.session.execute(text("SELECT * FROM api_token")).one()
    trail = "".join(db.session.execute(text("SELECT content FROM audit_entry")).scalars())
    assert token.startswith("bb_")
    assert len(token) == len("bb_") + 43
    assert token[3:] not in str(kept)
    assert token[3:] not in trail
    assert recognition.hash_of(token) in str(kept)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer ",
        "Bearer bb_" + "A" * 43,
        "Bearer é" + "A" * 43,
        "Basic YTpi",
        "Bearer " + "b" * 5000,
    ],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_without_a_known_token_the_answer_is_401_and_says_how(app, header):
    answer = app.test_client().get("/api/v1/sites", headers={"Authorization": header} if header else {})

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "not_signed_in"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_ends_on_its_day(app):
    with app.app_context():
        owner = people.user()
        token = unit_of_work(lambda: service.make_token(user=owner, name="short", days=1, by=people.TESTS))
    program = people.Api(app, token)

    assert program.get("/sites").status_code == 200
    with clock.freeze(clock.now() + timedelta(days=1, seconds=1)):
        assert program.get("/sites").status_code == 401


def test_a_revoked_token_ends_at_once(app):
    with app.app_context():
        program = people.Api(app, people.token())
        assert program.get("/sites").status_code == 200
        number = db.session.scalars(select(ApiToken.id)).one()
        unit_of_work(
            lambda: service.revoke_token(token=service.find_token(number, people.TESTS), by=people.TESTS)
        )

    assert program.get("/sites").status_code == 401


def test_who_is_shut_out_is_shut_out_with_every_token(app):
    with app.app_context():
        owner = people.user(name="ann")
        program = people.Api(
            app, unit_of_work(lambda: service.make_token(user=owner, name="x", by=people.TESTS))
        )
        unit_of_work(
            lambda: service.set_active(
                user=service.find_user("ann", people.TESTS), active=False, by=people.TESTS
            )
        )

    assert program.get("/sites").status_code == 401


def test_the_last_use_is_noted_once_a_day(app):
    program = people.api(app)
    noon = clock.now().replace(hour=12)
    for hour in (0, 1):
        with clock.freeze(noon + timedelta(hours=hour)):
            program.get("/sites")

    with app.app_context():
        assert db.session.scalars(select(ApiToken.last_used_on)).one() == noon
    with clock.freeze(noon + timedelta(days=1)):
        program.get("/sites")
    with app.app_context():
        assert db.session.scalars(select(ApiToken.last_used_on)).one() == noon + timedelta(days=1)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_token_opens_no_page_and_a_session_no_api(app):
    with app.app_context():
        token = people.token("administrator")
    browser = people.browser(app, "administrator")

    assert app.test_client().get("/people", headers={"Authorization": f"Bearer {token}"}).status_code == 302
    assert browser.get("/people").status_code == 200
    assert browser.get("/api/v1/sites").status_code == 401


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_token_lives_no_longer_than_ten_years(app_context, days):
    owner = people.user()
    with pytest.raises(Malformed):
        unit_of_work(lambda: service.make_token(user=owner, days=days, by=people.TESTS))


def test_one_look_into_the_database_tells_who_holds_a_token(app, count_statements):
    program = people.api(app, "technician", "manager")
    program.get("/sites")

    with count_statements() as statements:
        program.get("/sites")

    assert len([one for one in statements if "api_token" in one]) == 1
    assert len(statements) <= 3  # BEGIN, the holder, the sites
