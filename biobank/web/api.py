"""The API's frame: flask-smorest under /api/v1, JSON in, JSON or problem+json out, described at openapi.json."""

import json
from typing import Any, NoReturn

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask, Request, Response, jsonify, request
from flask_smorest import Api as SmorestApi
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import fields
from webargs.core import is_json, missing
from webargs.flaskparser import FlaskParser

from biobank.core.errors import Malformed, Reason, Unreadable, WrongKind
from biobank.core.paging import DEFAULT_LIMIT, MAX_LIMIT, Page
from biobank.web.json_bodies import read_json
from biobank.web.schemas import SafeString, Schema

PREFIX = "/api/v1"


class Problem(Schema):
    """A refusal (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "stable name of the refusal"})
    detail = fields.String(required=True, metadata={"description": "the sentence, with the numbers in it"})
    reasons = fields.List(fields.Dict(), metadata={"description": "code and text of every rule that spoke"})
    errors = fields.Dict(metadata={"description": "field name to what is wrong with it"})


class Api(SmorestApi):
    """Errors are answered by `biobank.web.errors` alone."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """flask-smorest's own handlers would drop `Allow` from a 405 and know none of our sentences."""


class BodyParser(FlaskParser):
    """Reads JSON bodies; whatever is none is told apart: another kind (415), or unreadable (400)."""

    def _raw_load_json(self, req: Request) -> Any:
        body = req.get_data(cache=True)
        if not body and not req.files and not req.form:
            return missing
        if not is_json(req.mimetype):
            raise WrongKind("wrong_kind")
        try:
            return read_json(body.decode("utf-8"))
        except json.JSONDecodeError as error:
            raise Unreadable("unreadable", detail=f"JSON {error.lineno}:{error.colno}") from error
        except (RecursionError, ValueError) as error:  # brackets without end, a number of 5,000 digits
            raise Unreadable("unreadable", detail="JSON") from error

    def _handle_invalid_json_error(self, error: Any, req: Request, *args: Any, **kwargs: Any) -> NoReturn:
        raise Unreadable("unreadable", detail="JSON") from error


class Blueprint(SmorestBlueprint):
    ARGUMENTS_PARSER = BodyParser()


def _schema_name(schema: Any) -> str:
    """`StorageCancel`: two features may each have a schema of one name."""
    kind = resolve_schema_cls(schema)
    if not isinstance(kind, type):
        return ""
    feature = kind.__module__.split(".")[1].title()
    name = kind.__name__.lstrip("_").removesuffix("Schema")
    return name if name.startswith(feature.removesuffix("s")) else feature + name


api = Api(spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_schema_name)})


def blueprint(name: str, import_name: str) -> Blueprint:
    """A feature's part of the API."""
    return Blueprint(f"{name}_api", import_name, url_prefix=PREFIX, description=name)


def init(app: Flask) -> None:
    """Set the frame up; features register their blueprints on `api` afterwards."""
    app.config.update(
        API_TITLE="Biobank",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,  # we serve the description ourselves, so that it is guarded like every route
        API_SPEC_OPTIONS={
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "security": [{"token": []}],
            "info": {
                "description": "Samples, consent, storage and requests of a biobank. Errors are RFC 9457."
            },
        },
    )
    api.init_app(app)


class PageQuery(Schema):
    """?after=…&limit=… of a list."""

    after = SafeString(max_length=20, metadata={"description": "the `next` of the page before"})
    limit = SafeString(
        max_length=4, metadata={"description": f"1 to {MAX_LIMIT}, {DEFAULT_LIMIT} unless given"}
    )


def page_arguments() -> dict[str, Any]:
    """`after` and `limit` of the request at hand, for a service's list. raises Malformed"""
    text = request.args.get("limit", "")
    if not text:
        limit = DEFAULT_LIMIT
    elif text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_LIMIT:
        limit = int(text)
    else:
        raise Malformed({"limit": Reason("limit_out_of_range", {"limit": text[:20], "most": MAX_LIMIT})})
    return {"after": request.args.get("after"), "limit": limit}


def page_json(page: Page[Any], dump: Any) -> Response:
    """A page as `{"items": […], "next": …}`."""
    return jsonify({"items": [dump(item) for item in page.items], "next": page.next})
