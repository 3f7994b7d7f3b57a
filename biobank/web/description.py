"""What the API takes and gives: for programs at openapi.json, for people at docs, made from the same description."""

import re
from typing import Any

from flask import Flask, Response, current_app, jsonify

from biobank.web import pages
from biobank.web.api import PREFIX, api
from biobank.web.asking import public

METHODS = {"get", "post", "put", "patch", "delete"}
_CONVERTER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")


def init(app: Flask) -> None:
    """Register the two routes."""
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", description)
    app.add_url_rule(f"{PREFIX}/docs", "api_docs", docs)


@public
def description() -> Response:
    """What the API takes and gives, as OpenAPI 3.1."""
    return jsonify(spec())


@public
def docs() -> Any:
    """The same, to be read by people."""
    described = spec()
    calls = [
        {"method": method.upper(), "path": path, **told}
        for path, methods in described["paths"].items()
        for method, told in methods.items()
        if method in METHODS
    ]
    groups: dict[str, list[Any]] = {}
    for call in calls:
        groups.setdefault((call.get("tags") or ["other"])[0].removesuffix("_api"), []).append(call)
    return pages.render(
        "api_docs.html", spec=described, groups=groups, schemas=described["components"]["schemas"]
    )


def spec() -> dict[str, Any]:
    """The description with the permission that each call takes. Made once: routes do not change while we run."""
    made: dict[str, Any] | None = current_app.extensions.get("biobank_api_spec")
    if made is None:
        made = api.spec.to_dict()
        made.setdefault("components", {}).setdefault("schemas", {})
        _tell_permissions(made)
        for answer in made["components"].get("responses", {}).values():
            if "application/json" in answer.get("content", {}):
                answer["content"]["application/problem+json"] = answer["content"].pop("application/json")
        current_app.extensions["biobank_api_spec"] = made
    return made


def _tell_permissions(made: dict[str, Any]) -> None:
    for rule in current_app.url_map.iter_rules():
        methods = made["paths"].get(_openapi_path(rule.rule), {})
        permission = getattr(current_app.view_functions[rule.endpoint], "permission", None)
        name = getattr(permission, "value", permission)
        for method in (rule.methods or set()) & {name.upper() for name in methods}:
            methods[method.lower()]["x-permission"] = name


def _openapi_path(rule: str) -> str:
    """/samples/<string:code> as /samples/{code}"""
    return _CONVERTER.sub(r"{\1}", rule)
