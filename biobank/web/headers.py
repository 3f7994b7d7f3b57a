"""Headers that guard browsers, and say what may be kept: files for a year under their own hash, answers never."""

import hashlib
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.security import safe_join

from biobank.web.asking import public

#: No inline script or style, nothing from elsewhere, no frame. Bootstrap's style sheet draws with data: pictures.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
#: What an answer differs by besides its address: the language, who reads it, and whether the frame is asked for.
VARY = ("Accept-Language", "Cookie", "X-Partial")
FILES = {"static", "bootstrap.static"}


def init(app: Flask) -> None:
    """Set the headers on every answer, and give every file's address its hash."""
    headers = dict(HEADERS)
    if app.config["BIOBANK"]["secure_cookies"]:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    @app.after_request
    def _guard(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if request.endpoint in FILES and response.status_code in (200, 206, 304):
            named = "v" in request.args
            kept = "public, max-age=31536000, immutable" if named else "public, max-age=300"
            response.headers["Cache-Control"] = kept
        else:
            response.headers.setdefault("Cache-Control", "no-store")
            response.vary.update(VARY)
        return response

    @app.url_defaults
    def _name_by_hash(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in FILES and "filename" in values:
            blueprint = endpoint.rpartition(".")[0]
            folder = (current_app.blueprints[blueprint] if blueprint else current_app).static_folder
            values["v"] = _hash(str(folder), values["filename"])


@lru_cache(maxsize=500)
def _hash(folder: str, filename: str) -> str | None:
    path = safe_join(folder, filename)
    if path is None or not Path(path).is_file():
        return None
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def open_files(app: Flask) -> None:
    """Our files and Bootstrap's are for everybody."""
    for endpoint in FILES:
        app.view_functions[endpoint] = public(partial(app.view_functions[endpoint]))
