"""The pages' frame: blueprints, navigation, partial answers, and forms that are carried out once."""

import secrets
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from biobank.core.actor import Actor
from biobank.core.errors import BiobankError, Malformed
from biobank.web import assets, errors, navigation, repairs, sentences, spoken
from biobank.web.asking import asking
from biobank.web.idempotency import page_answer


def blueprint(name: str, import_name: str) -> Blueprint:
    """A feature's pages; its templates stand in its own folder."""
    return Blueprint(name, import_name, template_folder="templates")


def is_partial() -> bool:
    """True when the browser asks for the inside of a page only."""
    return request.headers.get("X-Partial") == "1"


def render(template: str, status: int = 200, **values: Any) -> Response:
    """Render a page, or its inside only. Templates extend `layout`."""
    layout = "partial.html" if is_partial() else "base.html"
    return make_response(render_template(template, layout=layout, partial=is_partial(), **values), status)


def submit(
    work: Callable[[], str], again: Callable[[dict[str, str], str], Response] | None = None
) -> ResponseReturnValue:
    """Carry out a form: one unit of work, once per form, then on to the address that `work` returns.

    again  renders the form once more: told the sentence of each bad field, and the sentence of the whole; without it
           a refusal is shown as a page of its own
    """
    try:
        target = page_answer(work)
    except (BiobankError, ValidationError) as error:
        if again is None:
            raise
        fields, sentence, status = _told(error)
        response = again(fields, sentence)
        response.status_code = status
        return response
    return redirect(target, code=303)


def _told(error: BiobankError | ValidationError) -> tuple[dict[str, str], str, int]:
    if isinstance(error, ValidationError):
        _code, sentence, more = errors.malformed(error.normalized_messages())
        return more["errors"], sentence, 422
    status = next(errors.STATUS[kind] for kind in type(error).__mro__ if kind in errors.STATUS)
    fields = {}
    if isinstance(error, Malformed):
        fields = {name: sentences.of_reason(reason) for name, reason in error.fields.items()}
    reasons = " ".join(sentences.of_reason(reason) for reason in error.reasons)
    return fields, f"{sentences.of_error(error)} {reasons}".strip(), status.value


def new_form_key() -> str:
    """A fresh key for a form: the same form sent twice is carried out once."""
    return secrets.token_urlsafe(18)


def init(app: Flask) -> None:
    """Give templates what every page needs."""
    app.jinja_env.globals["new_idempotency_key"] = new_form_key
    app.jinja_env.filters["hour"] = spoken.hour
    assets.init(app)
    repairs.init()

    @app.context_processor
    def _every_page() -> dict[str, Any]:
        who = _who()
        return {
            "actor": who,
            "who": _shown_as(who) if who else None,
            "product_name": "Biobank",
            "bank_name": app.config["BIOBANK"]["bank_name"],
            "navigation": navigation.navigation_for(who) if who else navigation.NOBODY,
            "sentence_of": sentences.of_reason,
            "word": sentences.word,
            "may": who.may if who else (lambda _permission: False),
            "languages": app.config["BIOBANK"]["languages"],
            "locale": g.get("language", "en"),
            "home_url": "/",
            "scan_url": "/scan",
            "timers_url": "/board/due" if who and who.may("sample:read") else None,
            "signout_url": "/sign-out",
        }


def _who() -> Actor | None:
    """Who is signed in; nobody, where the database is what failed and this is the page that says so."""
    try:
        return asking() if request else None
    except SQLAlchemyError:
        return None


def _shown_as(who: Actor) -> dict[str, Any]:
    roles = ", ".join(sentences.word("role", role) for role in sorted(who.roles))
    return {
        "name": who.name,
        "role": roles,
        "site": g.get("site_name"),
        "station": who.station,
        "url": "/account",
    }
