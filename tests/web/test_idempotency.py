"""The same demand sent twice is carried out once, whoever lost the first answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

import pytest
from sqlalchemy import text

from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.web import idempotency
from tests import people


@pytest.fixture
def program(app):
    return people.api(app, "administrator", site_code=None)


def post(program, code, key, name="A site", **kwargs):
    return program.post("/sites", {"code": code, "name": name}, headers={"Idempotency-Key": key}, **kwargs)


def count(app, table):
    with app.app_context():
        return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar()


def test_the_same_key_and_body_get_the_first_answer_again(app, program):
    first = post(program, "LYON", "k1")
    second = post(program, "LYON", "k1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    assert count(app, "site") == 1


def test_another_body_under_the_same_key_is_refused(app, program):
    post(program, "LYON", "k1")
    answer = post(program, "NICE", "k1")

    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json["errors"]
    assert count(app, "site") == 1


def test_another_query_under_the_same_key_is_another_demand(program):
    assert post(program, "LYON", "k1").status_code == 201
    assert post(program, "LYON", "k1", query_string={"apply": "true"}).status_code == 422


def test_a_key_belongs_to_its_token(app, program):
    other = people.api(app, "administrator", site_code=None)
    post(program, "LYON", "k1")

    assert post(other, "NICE", "k1").status_code == 201


def test_a_refused_act_is_not_remembered(app, program):
    post(program, "LYON", "k0")
    assert post(program, "LYON", "k1").status_code == 409  # there is one already

    assert post(program, "NICE", "k1").status_code == 201


def test_without_a_key_the_demand_is_a_new_one(program):
    program.post("/sites", {"code": "LYON", "name": "A"})

    assert program.post("/sites", {"code": "LYON", "name": "A"}).status_code == 409


@pytest.mark.parametrize("key", ["", "x" * 201])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_key_that_is_none_is_refused(program, key):
    assert post(program, "LYON", key).status_code == 422


def test_eight_at_once_with_one_key_act_once_and_all_get_the_answer(app, program):
    def send(_number):
        return people.Api(app, program.headers["Authorization"].removeprefix("Bearer ")).post(
            "/sites", {"code": "LYON", "name": "A"}, headers={"Idempotency-Key": "k1"}
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert count(app, "site") == 1
    assert count(app, "idempotency_key") == 1


def test_permission_is_asked_again_for_a_repeated_demand(app, program):
    from biobank.access import service

    post(program, "LYON", "k1")
    with app.app_context():

        def demote():
            user = service.list_users(people.TESTS)[0]
            user.roles[:] = service._roles(["researcher"])

        unit_of_work(demote)

    assert post(program, "LYON", "k1").status_code == 403


def test_a_form_sent_twice_is_carried_out_once_and_leads_to_the_same_page(app):
    browser = people.browser(app, "administrator", site_code=None)
    form = {"code": "LYON", "name": "A site", "idempotency_key": "f1"}

    answers = [browser.post("/sites", form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert count(app, "site") == 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_another_file_in_the_same_form_is_another_demand(app):
    def digest(content, boundary):
        files = {"file": (BytesIO(content), "rack.csv")}
        with app.test_request_context(
            "/x",
            method="POST",
            data=files,
            headers={"X-Boundary": boundary},
            content_type="multipart/form-data",
        ):
            return idempotency._demand()

    assert digest(b"A01;1", "a") == digest(b"A01;1", "b")
    assert digest(b"A01;1", "a") != digest(b"A01;2", "a")


def test_keys_are_forgotten_after_a_week(app, program):
    post(program, "LYON", "k1")
    with app.app_context(), clock.freeze(clock.now() + timedelta(days=8)):
        assert unit_of_work(idempotency.forget_old) == 1
