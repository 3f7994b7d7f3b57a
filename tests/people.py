"""People for tests: somebody with a role, their token for the API, their browser for the pages."""

import itertools
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from biobank.access import recognition, service
from biobank.access.models import Site, User
from biobank.core.actor import Actor, job
from biobank.core.db import unit_of_work

TESTS = job("tests")
_numbers = itertools.count(1)


def site(code: str = "IPC") -> Site:
    """The site of this code, made if need be."""
    found = next((one for one in service.list_sites(TESTS) if one.code == code), None)
    return found or unit_of_work(lambda: service.make_site(code=code, name=f"Site {code}", by=TESTS))


def user(*roles: str, site_code: str | None = "IPC", name: str = "", password: str | None = None) -> User:
    """Somebody with these roles (a technician unless told otherwise). site_code None: sees every site."""
    wanted = roles or ("technician",)
    where = site(site_code) if site_code else None
    called = name or f"{wanted[0]}-{next(_numbers)}"
    return unit_of_work(
        lambda: service.make_user(name=called, roles=wanted, site=where, password=password, by=TESTS)
    )


def actor(*roles: str, site_code: str | None = "IPC") -> Actor:
    """Somebody with these roles, as services are told of them with `by=`."""
    person = recognition.of_session(user(*roles, site_code=site_code).fs_uniquifier)
    assert person is not None
    return recognition.actor(person, f"session:{person.id}")


def token(*roles: str, site_code: str | None = "IPC") -> str:
    """A token of somebody with these roles."""
    owner = user(*roles, site_code=site_code)
    return unit_of_work(lambda: service.make_token(user=owner, name="tests", by=TESTS))


class Api:
    """A program that calls the API: `api.post("/samples", {...})` gives the response."""

    def __init__(self, app: Flask, token: str | None) -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def open(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        headers = self.headers | kwargs.pop("headers", {})
        if body is not None:
            kwargs["json"] = body
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.open("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        return self.open("POST", path, body, **kwargs)

    def put(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        return self.open("PUT", path, body, **kwargs)


def api(app: Flask, *roles: str, site_code: str | None = "IPC") -> Api:
    """A program that acts as somebody with these roles."""
    with app.app_context():
        return Api(app, token(*roles, site_code=site_code))


class Browser:
    """Somebody's browser; forms are posted with the key that proves that they come from our page."""

    def __init__(self, app: Flask, session_key: str | None = None) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        with self.client.session_transaction() as session:
            session["csrf_token"] = "0" * 40
            if session_key is not None:
                session["_user_id"], session["_fresh"] = session_key, True

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.client.get(path, **kwargs)

    def post(self, path: str, fields: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        return self.client.post(path, data={"csrf_token": self.form_token()} | (fields or {}), **kwargs)

    def form_token(self) -> str:
        """What Flask-WTF puts into forms of this session."""
        with self.client.session_transaction() as session:
            raw = session.setdefault("csrf_token", "0" * 40)
        return URLSafeTimedSerializer(self.app.secret_key, salt="wtf-csrf-token").dumps(raw)


def browser(app: Flask, *roles: str, site_code: str | None = "IPC") -> Browser:
    """The browser of somebody with these roles, signed in."""
    with app.app_context():
        return Browser(app, user(*roles, site_code=site_code).fs_uniquifier)
