"""Which language a page is in: asked for by ?lang=, else the session's, else the browser's, else the bank's first."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, g, request, session
from flask_babel import Babel, force_locale, get_translations, gettext
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from biobank.core.settings import ROOT

#: How days and times are written, on every page and paper: 5 Nov 2026, 23:09 and 5 nov. 2026, 23:09. The names of the
#: months are the reader's; their order and the 24 hours are the hospital's, in every language. Nobody asks for seconds.
DAY, LONG_DAY, TIME, MONTH = "d MMM y", "d MMMM y", "HH:mm", "MMM y"
_SHORT = {"date": DAY, "time": TIME, "datetime": f"{DAY}, {TIME}"}
_LONG = {"date": LONG_DAY, "time": TIME, "datetime": f"{LONG_DAY}, {TIME}"}

babel = Babel(
    date_formats=dict.fromkeys(_SHORT, "medium")
    | {f"{kind}.{length}": text for kind, text in _SHORT.items() for length in ("short", "medium")}
    | {f"{kind}.{length}": text for kind, text in _LONG.items() for length in ("long", "full")}
)


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


def here() -> str:
    """The language at hand: a page asks for it with each of its words, so that this costs next to nothing."""
    language: str | None = g.get("language") if g else "en"
    return language or _language()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Write something in another language than the reader's, such as a letter."""
    before, g.language = here(), language
    try:
        with force_locale(language):
            yield
    finally:
        g.language = before


def translated(text: str) -> str:
    """A text of ours in the reader's language. Kept once found: a page says sixty, a list the same few 10,000 times."""
    return _translated(here(), text)


@lru_cache(maxsize=16_384)
def _translated(_locale: str, text: str) -> str:
    return gettext(text)


@pass_eval_context
def _in_template(context: EvalContext, text: str, **variables: Any) -> str:
    """`_()` of the templates, as Jinja's own: what is put in is escaped, what is ours is not. A page calls it sixty
    times, and Jinja's own takes three calls for it."""
    if not variables:
        said = _finished(here(), text)
        return said if context.autoescape else str(said)
    if context.autoescape:
        return Markup(translated(text)) % variables  # noqa: S704  a text of ours
    return translated(text) % variables


@lru_cache(maxsize=16_384)
def _finished(_locale: str, text: str) -> Markup:
    return Markup(gettext(text) % {})  # noqa: S704  a text of ours


def init(app: Flask) -> None:
    """English is the source; other languages stand in biobank/translations/."""
    settings: dict[str, Any] = app.config["BIOBANK"]
    app.config["BABEL_DEFAULT_TIMEZONE"] = settings["time_zone"]
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(ROOT / "biobank" / "translations")
    babel.init_app(app, locale_selector=_language)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        translated, lambda one, many, count: get_translations().ungettext(one, many, count), newstyle=True
    )
    app.jinja_env.globals["_"] = _in_template

    @app.before_request
    def _offer() -> None:
        g.language = _chosen()
