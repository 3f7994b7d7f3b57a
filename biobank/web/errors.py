"""The only place that knows both errors and HTTP. API callers get problem+json, people get a page, same sentence."""

import json
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from marshmallow import ValidationError
from sqlalchemy.exc import DataError, DBAPIError
from werkzeug.exceptions import HTTPException, UnprocessableEntity

from biobank.core import errors
from biobank.core.db import db, is_transient
from biobank.core.i18n import N_
from biobank.web import field_messages
from biobank.web import sentences as texts

STATUS: dict[type[errors.BiobankError], HTTPStatus] = {
    errors.Unreadable: HTTPStatus.BAD_REQUEST,
    errors.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.RuleViolation: HTTPStatus.CONFLICT,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.WrongKind: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Malformed: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyTries: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}
#: Codes of answers that werkzeug makes; their sentences are in texts.py.
HTTP_CODES = {
    400: "bad_request",
    404: "page_unknown",
    405: "method_not_allowed",
    413: "too_large",
    415: "wrong_kind",
}
#: What a page calls each refusal.
HEADINGS = {
    HTTPStatus.UNAUTHORIZED: N_("Please sign in"),
    HTTPStatus.FORBIDDEN: N_("You may not do this"),
    HTTPStatus.NOT_FOUND: N_("Not found"),
    HTTPStatus.CONFLICT: N_("The biobank does not allow this"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: N_("Too large"),
    HTTPStatus.UNPROCESSABLE_ENTITY: N_("Something is not right in what was sent"),
    HTTPStatus.TOO_MANY_REQUESTS: N_("Too many tries"),
    HTTPStatus.SERVICE_UNAVAILABLE: N_("Please try again"),
    HTTPStatus.INTERNAL_SERVER_ERROR: N_("Something went wrong"),
}
RETRY_AFTER = {HTTPStatus.SERVICE_UNAVAILABLE: "1", HTTPStatus.TOO_MANY_REQUESTS: "60"}


def wants_problem() -> bool:
    """True where a program is asking."""
    return request.path.startswith("/api/")


def install(app: Flask) -> None:
    """Answer every error of the tree, and every one of HTTP's own."""
    app.register_error_handler(errors.BiobankError, _biobank_error)
    app.register_error_handler(ValidationError, _validation_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(OverflowError, _unkeepable)
    app.register_error_handler(UnicodeEncodeError, _unkeepable)
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    """No code, name or text has a NUL in it, and PostgreSQL cannot be asked for one."""
    if "\x00" in request.path:
        raise errors.NotFound("page_unknown", path=request.path.replace("\x00", "�"))
    bad = {name.replace("\x00", "�"): value for name, value in request.args.items() if "\x00" in name + value}
    if bad:
        raise errors.Malformed({name: errors.Reason("unsafe_text") for name in bad})


def _unkeepable(error: Exception) -> Response:
    """A number of more than 64 bits, half a character: neither database keeps it, and both say so only when asked."""
    db.session.rollback()
    current_app.logger.warning("a value that no database keeps: %s", type(error).__name__)
    return _biobank_error(errors.Malformed({"body": errors.Reason("value_unkeepable")}))


def _biobank_error(error: errors.BiobankError) -> Response:
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), HTTPStatus.CONFLICT)
    if status is HTTPStatus.UNAUTHORIZED and not wants_problem() and request.method == "GET":
        return make_response(redirect(url_for("access.sign_in", next=request.full_path.rstrip("?"))))
    more: dict[str, Any] = {key: value for key, value in error.params.items() if key not in _OWN_KEYS}
    if error.reasons:
        more["reasons"] = [{"code": reason.code, "text": texts.of_reason(reason)} for reason in error.reasons]
    if isinstance(error, errors.Malformed):
        more = {"errors": {name: texts.of_reason(reason) for name, reason in error.fields.items()}}
    return answer(status, error.code, texts.of_error(error), more)


_OWN_KEYS = {"type", "title", "status", "code", "detail", "reasons", "errors"}


def _validation_error(error: ValidationError) -> Response:
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, *malformed(error.normalized_messages()))


#: Where webargs says that a field was looked for; the outermost key of its messages.
_LOCATIONS = {"json", "query", "form", "files"}


def malformed(messages: Any) -> tuple[str, str, dict[str, Any]]:
    """marshmallow's messages as (code, sentence, {"errors": field -> sentence})."""
    if isinstance(messages, dict) and len(messages) == 1:
        (location, inside), *_rest = messages.items()
        if location in _LOCATIONS and isinstance(inside, dict):
            messages = inside
    fields = dict(_flat(messages))
    sentence = " ".join(f"{name}: {text}" for name, text in fields.items())
    return "malformed", sentence, {"errors": fields}


def _flat(messages: Any, path: str = "") -> Any:
    if isinstance(messages, dict):
        for key, value in messages.items():
            yield from _flat(value, path if key == "_schema" else f"{path}.{key}".lstrip("."))
    else:
        lines = messages if isinstance(messages, list) else [messages]
        yield path or "body", " ".join(field_messages.said(str(line)) for line in lines)


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, UnprocessableEntity) and getattr(error, "exc", None) is not None:
        # webargs wraps marshmallow's error in one of HTTP
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, *malformed(error.exc.messages))  # type: ignore[attr-defined]
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # type: ignore[return-value]
    status = HTTPStatus(error.code)
    code = "csrf" if isinstance(error, CSRFError) else HTTP_CODES.get(error.code, status.name.lower())
    response = answer(status, code, texts.sentence(code, {"path": request.path}))
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _database_error(error: DBAPIError) -> Response:
    """A read that met a busy database may be tried again; anything else is our defect, and is logged as one."""
    db.session.rollback()
    if is_transient(error):
        return _biobank_error(errors.Busy("busy"))
    if isinstance(error, DataError):
        return _unkeepable(error)
    raise error


def answer(status: HTTPStatus, code: str, sentence: str, more: dict[str, Any] | None = None) -> Response:
    """One refusal, as problem+json (RFC 9457) or as a page."""
    if wants_problem():
        body = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            "detail": sentence,
        }
        response = make_response(json.dumps(body | (more or {}), default=str, ensure_ascii=False), status)
        response.content_type = "application/problem+json"
        if status is HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Bearer realm="biobank"'
    else:
        response = make_response(_page(status, code, sentence, more or {}), status)
    if wait := RETRY_AFTER.get(status):
        response.headers["Retry-After"] = wait
    return response


def _page(status: HTTPStatus, code: str, sentence: str, more: dict[str, Any]) -> str:
    return render_template(
        "error.html",
        partial=request.headers.get("X-Partial") == "1",
        status=status.value,
        code=code,
        heading=_(HEADINGS.get(status, N_("This cannot be done"))),
        sentence=sentence,
        reasons=more.get("reasons"),
        reference=g.get("request_id") if status.value >= HTTPStatus.INTERNAL_SERVER_ERROR else None,
    )
