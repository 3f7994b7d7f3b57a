"""Letters and certificates on paper, as PDF: the bank's name, a date, a title, paragraphs, tables over several pages.

What a letter says is told as parts; how it is drawn is `biobank.web.sheets`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Response, current_app, make_response, request
from flask_babel import format_date, get_locale

from biobank.core import clock, times
from biobank.core.errors import Malformed, Reason
from biobank.web.i18n import speaking


@dataclass(frozen=True)
class Table:
    """Rows of cells under their headings; the headings are repeated on each page."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[int] | None = None
    """How wide the columns are, in proportion to each other."""


@dataclass(frozen=True)
class Signatures:
    """A line to sign on for each of these people, who are named below it."""

    names: Sequence[str]


#: A paragraph, a table, or where to sign.
Part = str | Table | Signatures


def make(title: str, parts: Sequence[Part], *, to: str | None = None) -> bytes:
    """A letter in the language of the page, or of `in_language`.

    to  whom it is addressed to
    """
    from biobank.web.sheets import Sheet  # fpdf2 takes a third of a second to load

    sheet = Sheet(str(current_app.config["BIOBANK"]["bank_name"]))
    sheet.set_title(title)
    sheet.set_lang(str(get_locale() or "en"))
    sheet.set_creation_date(clock.now())
    sheet.add_page()
    today = times.local_day(clock.now(), clock.zone())
    sheet.say(format_date(today, "long"), align="R")
    if to:
        sheet.say(to)
    sheet.say(title, size=16)
    for part in parts:
        sheet.add(part)
    return bytes(sheet.output())


def answer(content: bytes, name: str) -> Response:
    """The letter as the browser shows it. name: of the file, with nothing in it that points at a person"""
    response = make_response(content)
    response.content_type = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


@contextmanager
def in_language() -> Iterator[None]:
    """Write in the language that `?language=` asks for, else in that of the page. raises Malformed for another one"""
    asked = request.args.get("language", "")
    offered = current_app.config["BIOBANK"]["languages"]
    if not asked:
        yield
        return
    if asked not in offered:
        params = {"given": asked[:20], "known": ", ".join(offered)}
        raise Malformed({"language": Reason("language_unknown", params)})
    with speaking(asked):
        yield
