"""Recognises who is asking: pages by a signed session cookie, the API by a bearer token, never one for the other."""

from datetime import timedelta
from typing import Any

from flask import Flask, Response, g, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import current_user  # type: ignore[import-untyped]
from flask_security import Security, SQLAlchemyUserDatastore
from flask_security.core import UserMixin
from flask_wtf import CSRFProtect

from biobank.access import recognition, this_station
from biobank.access.models import Role, User
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Unreadable
from biobank.web.asking import recognise

#: Flask-Security keeps the session and hashes passwords. Its own pages stay closed: ours sign in by name, count the
#: tries in the database, and every route of ours carries a permission.
FLASK_SECURITY = {
    "SECURITY_PASSWORD_SCHEMES": ["argon2"],
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
    "SECURITY_USER_IDENTITY_ATTRIBUTES": [{"name": {"mapper": str.strip}}],
    "SECURITY_CLI_USERS_NAME": None,
    "SECURITY_CLI_ROLES_NAME": None,
    # A form may stay open all day at the bench; its key belongs to the session and ends with it.
    "WTF_CSRF_TIME_LIMIT": None,
    "WTF_CSRF_CHECK_DEFAULT": False,
    "SESSION_COOKIE_NAME": "biobank",
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
}
#: Argon2id as OWASP's Password Storage Cheat Sheet has it: 19 MiB, two passes. Tests hash with next to nothing.
STRONG = {"argon2__memory_cost": 19_456, "argon2__time_cost": 2, "argon2__parallelism": 1}
CHEAP = {"argon2__memory_cost": 8, "argon2__time_cost": 1, "argon2__parallelism": 1}

csrf = CSRFProtect()


def init(app: Flask) -> None:
    """Set up sessions, the forms' keys, and the two ways to be recognised."""
    settings: dict[str, Any] = app.config["BIOBANK"]
    app.config.update(FLASK_SECURITY)
    app.config["SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS"] = CHEAP if app.config["TESTING"] else STRONG
    app.config["SESSION_COOKIE_SECURE"] = settings["secure_cookies"]
    app.config["PERMANENT_SESSION_LIFETIME"] = timedelta(minutes=settings["session_minutes"])
    app.session_interface = PageSessions()
    csrf.init_app(app)
    security = Security()
    security.init_app(app, SQLAlchemyUserDatastore(db, User, Role), register_blueprint=False)
    security.login_manager.user_loader(_of_session)
    security.login_manager.request_loader(lambda _request: None)  # Flask-Security's own tokens are not ours
    security.principal.identity_loaders.clear()  # would look the user up for every request, /healthz too
    app.before_request(_check_form)
    recognise(_token_actor)
    recognise(_session_actor)


class PageSessions(SecureCookieSessionInterface):
    """Sessions are for pages: the API, files and health never answer with a cookie, so that they may be cached."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if request.endpoint not in WITHOUT_SESSION and not _is_api():
            super().save_session(app, session, response)


WITHOUT_SESSION = {"static", "bootstrap.static", "healthz", "readyz", "metrics"}


def _check_form() -> None:
    """Every post of a page proves that it comes from a page of ours. The API knows no cookies, so it needs no proof."""
    if request.endpoint is None or _is_api():
        return
    if any("\x00" in value for value in request.form.values()):  # PostgreSQL keeps no such text
        raise Unreadable("bad_request")
    csrf.protect()


def _is_api() -> bool:
    return request.path.startswith("/api/")


class SignedIn(UserMixin):
    """Whose session it is, read in one query. What Flask-Login calls the current user."""

    def __init__(self, person: recognition.Person) -> None:
        self.person = person
        self.id = person.id
        self.fs_uniquifier = person.fs_uniquifier
        self.active = True

    @property
    def roles(self) -> list[Role]:  # type: ignore[override]
        return [Role(name=name) for name in sorted(self.person.roles)]


def _of_session(fs_uniquifier: str) -> SignedIn | None:
    person = recognition.of_session(fs_uniquifier, this_station.asked())
    return SignedIn(person) if person else None


def _session_actor() -> Actor | None:
    if _is_api() or not isinstance(current_user._get_current_object(), SignedIn):
        return None
    person: recognition.Person = current_user.person
    g.site_name = person.site_name
    return recognition.actor(person, f"session:{person.id}")


def _token_actor() -> Actor | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if not _is_api() or kind.lower() != "bearer":
        return None
    found = recognition.of_token(token.strip(), clock.now(), this_station.asked())
    return recognition.actor(found.person, f"token:{found.token_id}") if found else None
