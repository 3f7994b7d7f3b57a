"""What those who run the service need: health, metrics, log lines with a request id; and the guarding headers."""

from functools import cache
from typing import Any

from alembic.script import ScriptDirectory
from flask import Flask, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from biobank.core.db import db
from biobank.web import headers, logs, metrics
from biobank.web.asking import public


def init(app: Flask) -> None:
    """Register the routes and the hooks around every request."""
    logs.init(app)
    metrics.init(app)
    headers.init(app)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


@public
def healthz() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@public
def readyz() -> tuple[Response, int]:
    """The database answers, and has every migration."""
    problem = not_ready()
    if problem:
        return jsonify({"status": "not ready", "detail": problem}), 503
    return jsonify({"status": "ready"}), 200


def not_ready() -> str | None:
    """Why the service cannot serve, or None."""
    try:
        found = set(db.session.execute(text("SELECT version_num FROM alembic_version")).scalars())
    except SQLAlchemyError:
        db.session.rollback()
        found = set()
        if not _reachable():
            return "the database does not answer"
    wanted = _heads(current_app.extensions["migrate"].directory)
    if found != wanted:
        return "the database is not at the newest migration: run `flask --app app db upgrade`"
    return None


def _reachable() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        return False
    return True


@cache
def _heads(directory: Any) -> set[str]:
    return set(ScriptDirectory(str(directory)).get_heads())
