"""People, tokens and sites: set up at a terminal or on a page, each act on record, no secret kept."""

import re

import pytest
from sqlalchemy import select, text

from biobank.access import passwords, service
from biobank.access.models import User
from biobank.audit import service as audit
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from tests import people


@pytest.fixture
def run(app):
    """`run("user", "list")` runs a command; gives what it printed, and fails when it failed."""

    def invoke(*args, fails=False, **kwargs):
        done = app.test_cli_runner().invoke(args=list(args), **kwargs)
        assert (done.exit_code != 0) == fails, done.output
        return done

    return invoke


@pytest.fixture
def browser(app):
    return people.browser(app, "administrator", site_code=None)


def secret_on(page) -> str:
    return re.search(r'id="secret">([^<]+)<', page.text).group(1)


# --- at a terminal


def test_a_user_made_at_a_terminal_signs_in_with_the_password_on_the_last_line(app, run):
    told = run("user", "create", "ann", "--role", "technician", "--site", "IPC")

    password = told.stdout.splitlines()[-1]
    assert "site IPC set up" in told.stderr
    answer = people.Browser(app).post("/sign-in", {"username": "ann", "password": password})
    assert answer.status_code == 303


def test_a_user_may_have_several_roles_and_no_site(run, app_context):
    run("user", "create", "ann", "--role", "technician", "--role", "dpo")

    ann = service.find_user("ann", people.TESTS)
    assert {role.name for role in ann.roles} == {"technician", "dpo"}
    assert ann.site_id is None


def test_a_password_may_come_from_standard_input(app, run):
    run("user", "create", "ann", "--role", "technician", "--password-stdin", input="quite a long one é\n")

    answer = people.Browser(app).post("/sign-in", {"username": "ann", "password": "quite a long one e\u0301"})
    assert answer.status_code == 303  # é typed on two keyboards


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_mistakes_at_a_terminal_are_one_sentence_and_no_traceback(run):
    run("user", "create", "ann", "--role", "technician")

    assert "somebody called ann already" in run("user", "create", "ann", "--role", "dpo", fails=True).stderr
    assert "nobody called bob" in run("token", "create", "bob", fails=True).stderr
    assert (
        "12 to 500" in run("user", "password", "ann", "--password-stdin", input="short\n", fails=True).stderr
    )
    assert run("user", "create", "bob", "--role", "king", fails=True).exit_code == 2
    assert "1 to 3650" in run("token", "create", "ann", "--days", "0", fails=True).stderr


def test_a_token_is_printed_alone(app, run):
    run("user", "create", "ann", "--role", "technician", "--site", "IPC")

    told = run("token", "create", "ann", "--label", "robot", "--days", "3")

    assert re.fullmatch(r"bb_[A-Za-z0-9_-]{43}\n", told.stdout)
    assert people.Api(app, told.stdout.strip()).get("/sites").status_code == 200
    assert "\tann\trobot\t" in run("token", "list").stdout
    run("token", "revoke", run("token", "list").stdout.split("\t")[0])
    assert people.Api(app, told.stdout.strip()).get("/sites").status_code == 401
    assert "revoked" in run("token", "list", "ann").stdout


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_users_and_sites_are_listed(run):
    run("site", "create", "IPC", "Institut")
    run("user", "create", "ann", "--role", "technician", "--site", "IPC", "--no-password")
    run("user", "shut-out", "ann")

    assert run("user", "list").stdout == "ann\ttechnician\tIPC\tshut out\n"
    assert run("site", "list").stdout == "IPC\tInstitut\n"
    run("user", "shut-out", "ann", "--undo")
    assert run("user", "list").stdout == "ann\ttechnician\tIPC\t\n"


# --- on a page


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
class TestPages:
    def test_a_password_made_on_the_page_is_shown_once_and_works(self, app, browser):
        made = browser.post(
            "/people", {"name": "ann", "roles": ["technician", "dpo"], "idempotency_key": "k"}
        )

        password = secret_on(made)
        assert password not in browser.get("/people").text
        answer = people.Browser(app).post("/sign-in", {"username": "ann", "password": password})
        assert answer.status_code == 303

    def test_the_same_form_again_makes_nobody_else_and_shows_no_secret(self, browser):
        form = {"name": "ann", "roles": "technician", "idempotency_key": "k"}
        browser.post("/people", form)

        assert browser.post("/people", form).status_code == 303

    def test_a_token_made_on_the_page_is_shown_once_and_works(self, app, browser):
        browser.post("/sites", {"code": "IPC", "name": "Institut"})
        browser.post("/people", {"name": "ann", "roles": "technician", "site": "IPC"})
        token = secret_on(browser.post("/tokens", {"user": "ann", "label": "robot", "days": "30"}))

        assert people.Api(app, token).get("/sites").json["items"][0]["code"] == "IPC"
        assert token not in browser.get("/people").text
        assert browser.post("/tokens/1/revoke").status_code == 303
        assert people.Api(app, token).get("/sites").status_code == 401

    def test_no_secret_is_kept_with_the_answers_to_repeated_forms(self, app, browser):
        made = browser.post("/people", {"name": "ann", "roles": "technician", "idempotency_key": "k"})

        with app.app_context():
            kept = db.session.execute(text("SELECT answer FROM idempotency_key")).scalars().all()
        assert kept == ["/people"]
        assert secret_on(made) not in kept

    def test_mistakes_are_shown_beside_their_field_with_what_was_typed(self, browser):
        page = browser.post("/people", {"name": "a b", "site": "NONE"})

        assert page.status_code == 422
        assert "A code has no blanks in it." in page.text
        assert 'value="a b"' in page.text

    def test_who_lost_a_password_gets_a_new_one(self, app, browser):
        browser.post("/people", {"name": "ann", "roles": "technician"})
        password = secret_on(browser.post("/people/ann/password"))

        answer = people.Browser(app).post("/sign-in", {"username": "ann", "password": password})
        assert answer.status_code == 303

    def test_somebody_is_shut_out_and_let_in_again(self, app, browser):
        browser.post("/people", {"name": "ann", "roles": "technician"})
        browser.post("/people/ann/active", {"active": "false"})
        assert "shut out" in browser.get("/people").text
        browser.post("/people/ann/active", {"active": "true"})
        assert "shut out" not in browser.get("/people").text.replace("Shut out", "")

    def test_an_administrator_of_one_site_sees_and_makes_its_people_alone(self, app, browser):
        here = people.browser(app, "administrator", site_code="IPC")
        with app.app_context():
            people.user(name="there", site_code="LYON")

        assert "there" not in re.findall(r'<th scope="row">(\w+)', here.get("/people").text)
        assert here.post("/people/there/password").status_code == 404
        assert here.post("/people", {"name": "x", "roles": "dpo", "site": "LYON"}).status_code == 422
        assert here.post("/people", {"name": "x", "roles": "administrator"}).status_code == 422
        assert here.post("/sites", {"code": "NICE", "name": "x"}).status_code == 409


# --- services


def test_each_act_is_on_record_without_a_name_or_a_secret(app_context):
    people.token("technician")
    user = db.session.scalars(select(User)).one()
    unit_of_work(lambda: service.set_password(user=user, password="a long password", by=people.TESTS))
    unit_of_work(lambda: service.set_active(user=user, active=False, by=people.TESTS))

    acts = [entry["act"] for entry in audit.history("user", user.actor_key)]
    assert acts == ["user_made", "token_made", "password_set", "user_shut_out"]
    trail = " ".join(db.session.execute(text("SELECT content FROM audit_entry")).scalars())
    assert user.name not in trail
    assert "long password" not in trail


def test_a_site_is_ones_own_unless_one_sees_them_all(app_context):
    ipc, lyon = people.site("IPC"), people.site("LYON")
    technician = people.actor("technician", site_code="IPC")
    everywhere = people.actor("administrator", site_code=None)

    assert service.site_for(None, technician).id == ipc.id
    assert service.site_for("IPC", technician).id == ipc.id
    assert service.site_for("LYON", everywhere).id == lyon.id
    assert service.site_code(lyon.id) == "LYON"
    for code, by, reason in (
        (None, everywhere, "site_needed"),
        ("LYON", technician, "site_unknown"),
        ("X", everywhere, "site_unknown"),
    ):
        with pytest.raises(Malformed) as refused:
            service.site_for(code, by)
        assert refused.value.fields["site"].code == reason


def test_another_sites_people_are_not_found(app_context):
    people.user(name="ann", site_code="LYON")

    with pytest.raises(NotFound):
        service.find_user("ann", people.actor("administrator", site_code="IPC"))


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("password", ["short", "", "x" * 501, "long enough \x00 but no"])
def test_a_password_is_long_enough_and_plain(app_context, password):
    with pytest.raises(Malformed):
        passwords.check_strength(password)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_two_people_never_have_one_name(app_context):
    people.user(name="ann", site_code="LYON")

    with pytest.raises(RuleViolation):
        people.user(name="ann", site_code="IPC")


def test_made_passwords_are_all_different_and_can_be_read_out():
    made = {passwords.make() for _ in range(50)}

    assert len(made) == 50
    assert all(re.fullmatch(r"([a-hj-km-np-z2-9]{5}-){3}[a-hj-km-np-z2-9]{5}", one) for one in made)
