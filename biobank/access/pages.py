"""Sign-in and sign-out, one's own account, and the administrator's list of people, tokens and sites."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_security import login_user, logout_user

from biobank.access import badges, passwords, service, station_pages
from biobank.access.guard import public, requires, signed_in
from biobank.access.page_parts import bp
from biobank.access.permissions import ROLES, Permission
from biobank.access.schemas import AccountForm, SiteSchema, TokenForm, UserForm
from biobank.access.sign_in import sign_in as recognise
from biobank.core.errors import Malformed, NotSignedIn, Reason, TooManyTries
from biobank.core.i18n import N_
from biobank.web import pages, sentences
from biobank.web.asking import actor, asking
from biobank.web.errors import STATUS
from biobank.web.navigation import NavItem

__all__ = ["NAVIGATION", "bp", "station_pages"]

NAVIGATION = [
    NavItem("access.stations", N_("Stations"), "scan", Permission.STATION_SET_UP.value, 90, "settings"),
    NavItem("access.people", N_("People"), "user", Permission.USER_ADMIN.value, 95, "settings"),
]

SITE = SiteSchema()
USER = UserForm()
TOKEN = TokenForm()
ACCOUNT = AccountForm()


# --- the door


@bp.get("/sign-in")
@public
def sign_in() -> ResponseReturnValue:
    """The form; who is signed in already goes on."""
    if asking() is not None:
        return redirect(inside(request.args.get("next")), code=303)
    return _door(inside(request.args.get("next")), value=session.pop("comes_in", None))


@bp.post("/sign-in")
@public
def enter() -> ResponseReturnValue:
    """Check name and password, and begin a fresh session."""
    settings = current_app.config["BIOBANK"]
    name, target = request.form.get("username", ""), inside(request.form.get("next"))
    try:
        user = recognise(
            badges.name_for(name),
            request.form.get("password", ""),
            tries=settings["sign_in_tries"],
            minutes=settings["sign_in_minutes"],
        )
    except (NotSignedIn, TooManyTries) as error:
        status = STATUS[type(error)].value
        response = _door(target, value=name[:80], error=sentences.of_error(error))
        response.status_code = status
        if isinstance(error, TooManyTries):
            response.headers["Retry-After"] = str(settings["sign_in_minutes"] * 60)
        return response
    language = user.language or session.get("language")
    session.clear()  # nothing of the session before is kept: nobody can have prepared it
    login_user(user, remember=False)
    session.permanent = True
    if language:
        session["language"] = language
    return redirect(target, code=303)


def _door(target: str, **values: Any) -> Any:
    return pages.render(
        "signin.html", action=url_for("access.enter"), identity="username", hidden={"next": target}, **values
    )


def inside(target: str | None) -> str:
    """The address to go on to, if it is one of our own pages; the start page otherwise."""
    text = target or ""
    parts = urlsplit(text)
    own = text.startswith("/") and not text.startswith("//") and not parts.scheme and not parts.netloc
    plain = "\\" not in text and text.isprintable()
    page = not text.startswith(("/api/", "/sign-"))
    return text if own and plain and page else "/"


@bp.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End the session of this browser."""
    logout_user()
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    return redirect(url_for("access.sign_in"), code=303)


@bp.post("/switch")
@signed_in
def switch() -> ResponseReturnValue:
    """A badge was scanned: who is here leaves, and whose badge it is comes in by the password."""
    name = badges.holder_of(request.form.get("badge", "")[:40], actor()).name
    language = session.get("language")
    logout_user()
    session.clear()
    session["comes_in"] = name
    if language:
        session["language"] = language
    return redirect(url_for("access.sign_in"), code=303)


# --- one's own account


@bp.get("/account")
@signed_in
def account() -> ResponseReturnValue:
    """Who one is here, and a new password."""
    return _account({})


@bp.post("/account")
@signed_in
def change_password() -> ResponseReturnValue:
    """A new password for oneself, for who knows the old one. Every session ends, also this one."""

    def work() -> str:
        given = ACCOUNT.load(_fields("current", "password"))
        user = service.find_user(actor().name, actor())
        if not passwords.matches(given["current"], user.password):
            raise Malformed({"current": Reason("password_wrong")})
        service.set_password(user=user, password=given["password"], by=actor())
        return url_for("access.sign_in")

    return pages.submit(work, again=lambda fields, _sentence: _account(fields))


def _account(problems: dict[str, str]) -> Any:
    return pages.render("access/account.html", problems=problems, shortest=passwords.SHORTEST)


# --- people, tokens, sites


@bp.get("/people")
@requires(Permission.USER_ADMIN)
def people() -> ResponseReturnValue:
    """Everybody of one's site, their tokens, and the sites."""
    return _people()


@bp.post("/people")
@requires(Permission.USER_ADMIN)
def make_user() -> ResponseReturnValue:
    """Let somebody in; the password made for them is shown once."""
    made = passwords.make()

    def work() -> str:
        given = USER.load(_fields("name", "site", "language") | {"roles": request.form.getlist("roles")})
        site = service.site_for(given["site"], actor()) if given.get("site") else None
        service.make_user(
            name=given["name"],
            roles=given["roles"],
            site=site,
            password=made,
            language=given.get("language"),
            by=actor(),
        )
        return url_for("access.people")

    return _once(
        "user", work, lambda: {"what": _("Password of %(name)s", name=request.form["name"]), "secret": made}
    )


@bp.post("/people/<name>/password")
@requires(Permission.USER_ADMIN)
def new_password(name: str) -> ResponseReturnValue:
    """A new password for somebody who lost theirs."""
    made = passwords.make()

    def work() -> str:
        service.set_password(user=service.find_user(name, actor()), password=made, by=actor())
        return url_for("access.people")

    return _once("user", work, lambda: {"what": _("Password of %(name)s", name=name), "secret": made})


@bp.post("/people/<name>/active")
@requires(Permission.USER_ADMIN)
def set_active(name: str) -> ResponseReturnValue:
    """Shut somebody out, or let them in again."""

    def work() -> str:
        user = service.find_user(name, actor())
        service.set_active(user=user, active=request.form.get("active") == "true", by=actor())
        return url_for("access.people")

    return pages.submit(work)


@bp.post("/tokens")
@requires(Permission.USER_ADMIN)
def make_token() -> ResponseReturnValue:
    """A key for a program; it is shown once."""
    made: list[str] = []

    def work() -> str:
        given = TOKEN.load(_fields("user", "label", "days"))
        user = service.find_user(given["user"], actor())
        days = given.get("days") or current_app.config["BIOBANK"]["token_days"]
        made[:] = [service.make_token(user=user, name=given["label"], days=days, by=actor())]
        return url_for("access.people")

    return _once(
        "token",
        work,
        lambda: {"what": _("Token of %(name)s", name=request.form["user"]), "secret": "".join(made)},
    )


@bp.post("/tokens/<int(max=9223372036854775807):number>/revoke")
@requires(Permission.USER_ADMIN)
def revoke_token(number: int) -> ResponseReturnValue:
    """End a key at once."""

    def work() -> str:
        service.revoke_token(token=service.find_token(number, actor()), by=actor())
        return url_for("access.people")

    return pages.submit(work)


@bp.post("/sites")
@requires(Permission.USER_ADMIN)
def make_site() -> ResponseReturnValue:
    """Set up a site."""

    def work() -> str:
        service.make_site(**SITE.load(_fields("code", "name")), by=actor())
        return url_for("access.people")

    return pages.submit(work, again=_again("site"))


def _once(form: str, work: Callable[[], str], secret: Callable[[], dict[str, str]]) -> ResponseReturnValue:
    """Carry a form out and show its secret on the answer itself: it is kept nowhere, so it cannot be shown again."""
    ran: list[bool] = []

    def noted() -> str:
        target = work()
        ran[:] = [True]
        return target

    answer = pages.submit(noted, again=_again(form))
    done = getattr(answer, "status_code", None) == 303
    return _people(secret=secret()) if done and ran else answer


def _again(form: str) -> Callable[[dict[str, str], str], Any]:
    """Shows the page with what was typed into one of its forms, and what is wrong with it."""
    return lambda problems, sentence: _people(
        typed={form: request.form}, problems={form: problems}, sentence=sentence
    )


def _people(**values: Any) -> Any:
    by = actor()
    empty: dict[str, Any] = {"typed": {}, "problems": {}, "sentence": None, "secret": None}
    users, sites = service.list_users(by), service.list_sites(by)
    return pages.render(
        "access/people.html",
        users=users,
        user_options=[(user.name, user.name) for user in users if user.active],
        role_options=[(role, sentences.word("role", role)) for role in ROLES],
        roles_typed=request.form.getlist("roles"),
        site_options=[(site.code, f"{site.code} – {site.name}") for site in sites],
        site_rows=[(site.code, site.name) for site in sites],
        tokens=service.list_tokens(by),
        every_site=by.site_id is None,
        **(empty | values),
    )


def _fields(*names: str) -> dict[str, str]:
    """The fields that were filled in."""
    return {name: request.form[name] for name in names if request.form.get(name)}
