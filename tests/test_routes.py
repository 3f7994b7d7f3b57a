"""Every route is guarded, before anything else is looked at; the few that are open are named here."""

import re

import pytest

from biobank.access.guard import PUBLIC, SIGNED_IN
from biobank.access.permissions import ROLES, Permission
from tests import people

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

#: What somebody who is not signed in may ask for.
OPEN = {
    "access.enter",
    "access.sign_in",
    "access.sign_out",
    "api_docs",
    "bootstrap.static",
    "healthz",
    "metrics",
    "openapi",
    "readyz",
    "static",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def routes(app):
    """(rule, method, permission) of every route."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        for method in METHODS:
            if method in (rule.methods or ()):
                yield rule, method, getattr(view, "permission", None)


def address(rule) -> str:
    """The rule with something in place of each variable."""
    filled = re.sub(r"<int[^>]*>", "1", rule.rule)
    return re.sub(r"<[^>]+>", "X", filled)


def ask(app, rule, method, **kwargs):
    if rule.rule.startswith("/api/"):
        return people.Api(app, kwargs.pop("token", None)).client.open(
            address(rule), method=method, json={} if method != "GET" else None, **kwargs
        )
    browser = kwargs.pop("browser", None) or people.Browser(app)
    headers = {"X-CSRFToken": browser.form_token()}
    return browser.client.open(address(rule), method=method, headers=headers, **kwargs)


def test_every_route_names_what_it_takes(app):
    naked = [f"{method} {rule}" for rule, method, permission in routes(app) if permission is None]
    unknown = [
        f"{method} {rule}: {permission}"
        for rule, method, permission in routes(app)
        if permission not in (PUBLIC, SIGNED_IN) and not isinstance(permission, Permission)
    ]

    assert naked == []
    assert unknown == []


def test_only_the_named_routes_are_open(app):
    assert {rule.endpoint for rule, _method, permission in routes(app) if permission == PUBLIC} == OPEN


def test_nobody_gets_in_without_signing_in(app):
    """Every other route sends people to the door and programs away, whatever they send."""
    wrong = []
    for rule, method, permission in routes(app):
        if permission == PUBLIC:
            continue
        answer = ask(app, rule, method)
        door = answer.status_code == 302 and "/sign-in" in answer.headers["Location"]
        if not (answer.status_code == 401 or (door and method == "GET")):
            wrong.append(f"{method} {rule}: {answer.status_code}")
    assert wrong == []


def test_nobody_gets_further_than_their_roles(app):
    """Somebody without any role, and somebody who may do all but this."""
    nobody = people.browser(app, "researcher")
    with app.app_context():
        token = people.token("researcher")
    held = {permission.value for permission in ROLES["researcher"]}
    wrong = []
    for rule, method, permission in routes(app):
        if not isinstance(permission, Permission) or permission.value in held:
            continue
        if rule.rule.startswith("/api/"):
            headers = {"Authorization": f"Bearer {token}"}
            answer = ask(app, rule, method, headers=headers)
        else:
            answer = ask(app, rule, method, browser=nobody)
        if answer.status_code != 403:
            wrong.append(f"{method} {rule}: {answer.status_code}")
    assert wrong == []


def test_every_permission_is_held_by_some_role_and_asked_by_some_route(app):
    held = {permission for role in ROLES.values() for permission in role}
    asked = {permission for _rule, _method, permission in routes(app)}

    assert set(Permission) - held == set()
    assert set(Permission) - asked == set()


def test_every_page_form_proves_where_it_comes_from(app):
    """A post without its key is refused before anything else."""
    browser = people.browser(app, "administrator", site_code=None)
    wrong = []
    for rule, method, _permission in routes(app):
        if method == "GET" or rule.rule.startswith("/api/"):
            continue
        answer = browser.client.open(address(rule), method=method)
        if answer.status_code != 400:
            wrong.append(f"{method} {rule}: {answer.status_code}")
    assert wrong == []


def test_asking_changes_nothing(app):
    """No GET writes, but for what is logged of reading: an address in an e-mail must not act."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    browser = people.browser(app, "administrator", site_code=None)
    written = []

    def note(_connection, _cursor, statement, *_more):
        if re.match(r"\s*(INSERT|UPDATE|DELETE)", statement):
            written.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        for rule, method, _permission in routes(app):
            if method == "GET" and not rule.rule.startswith("/api/"):
                ask(app, rule, method, browser=browser).close()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert written == []
