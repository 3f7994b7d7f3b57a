"""Lets files come in: the body may be larger where one is meant to, and what its sender calls it is not looked at."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, request

from biobank.core import settings
from biobank.core.errors import Malformed, Reason

View = TypeVar("View", bound=Callable[..., Any])


def takes_file(view: View) -> View:
    """A signed paper may come in here. Stands below @requires."""
    view.takes_file = True  # type: ignore[attr-defined]
    return view


def init(app: Flask) -> None:
    """Raise the limit of the body for those routes, before anything reads it."""

    @app.url_value_preprocessor
    def _allow(endpoint: str | None, _values: Any) -> None:
        if getattr(app.view_functions.get(endpoint or ""), "takes_file", False):
            request.max_content_length = app.config["BIOBANK"]["max_body_bytes"] + settings.document_bytes()


def uploaded(name: str = "file") -> bytes | None:
    """The bytes of the file that came with a form; None where none was chosen.

    raises  Malformed when several came
    """
    # A browser sends an empty part without a name where nobody chose a file.
    files = [file for file in request.files.getlist(name) if file.filename]
    if len(files) > 1:
        raise Malformed({name: Reason("one_file_only")})
    if not files:
        return None
    files[0].stream.seek(0)  # the form may have been read before, to know whether it came twice
    return files[0].stream.read()
