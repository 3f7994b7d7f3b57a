"""Which language a page is in: asked for by ?lang=, else the session's, else the browser's, else the bank's first."""

from typing import Any

from flask import Flask, current_app, g, request, session
from flask_babel import Babel

from biobank.core.settings import ROOT

babel = Babel()


def _language() -> str:
    if not request:
        return "en"
    if "language" not in g:
        g.language = _chosen()
    language: str = g.language
    return language


def _chosen() -> str:
    offered = current_app.config["BIOBANK"]["languages"]
    asked = request.args.get("lang", "")
    if asked in offered and not request.path.startswith("/api/"):
        session["language"] = asked
    kept = session.get("language") if not request.path.startswith("/api/") else None
    return str(kept if kept in offered else request.accept_languages.best_match(offered) or offered[0])


def init(app: Flask) -> None:
    """English is the source; other languages stand in biobank/translations/."""
    settings: dict[str, Any] = app.config["BIOBANK"]
    app.config["BABEL_DEFAULT_TIMEZONE"] = settings["time_zone"]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "biobank" / "translations")
    babel.init_app(app, locale_selector=_language)

    @app.before_request
    def _offer() -> None:
        g.language = _chosen()
