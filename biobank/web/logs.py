"""Log lines: one for each request, as text or JSON. They name the route and never what filled it: no patient data."""

import logging
import re
import sys
import time
import uuid
from typing import Any

import structlog
from flask import Flask, Response, g, request

_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
#: Asked every few seconds by machines; logged only when they fail.
QUIET = {"healthz", "readyz", "metrics", "static", "bootstrap.static"}

log = structlog.stdlib.get_logger("biobank")


def init(app: Flask) -> None:
    """Give each request an id, and write a line when it is done."""
    configure(as_json=app.config["BIOBANK"]["log_json"], to_stderr=not app.config["TESTING"])
    app.before_request(_begin)
    app.after_request(_end)


def configure(*, as_json: bool, to_stderr: bool = True) -> None:
    """Send our lines and those of every library to standard error, in one shape. Tests catch them before that."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    if not to_stderr:
        return
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        last += [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The fancy traceback shows the values of variables: patients' data would stand in the log.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("biobank").setLevel(logging.INFO)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _ID.match(given) else uuid.uuid4().hex
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    if "request_id" not in g:
        return response
    response.headers["X-Request-ID"] = g.request_id
    if request.endpoint not in QUIET or response.status_code >= 500:
        actor = g.get("actor")
        log.info(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            ms=round((time.perf_counter() - g.began) * 1000, 1),
            actor=actor.key if actor else None,
        )
    return response
