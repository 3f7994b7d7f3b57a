"""Answers a request for labels with a picture or a file; the same for programs and for people."""

import re
from collections.abc import Iterator
from io import SEEK_END, BytesIO
from typing import Any, BinaryIO

from flask import Response
from marshmallow import fields, validate

from biobank.printing import service, sheets
from biobank.web import sentences
from biobank.web.asking import actor
from biobank.web.schemas import Code, Schema

#: Form -> what it is, and whether it is kept as a file rather than shown.
TYPES = {
    "png": ("image/png", False),
    "svg": ("image/svg+xml", False),
    "pdf": ("application/pdf", False),
    "sheet": ("application/pdf", False),
    "zpl": ("application/zpl", True),
}
#: Copies of one label in one file: a sheet of stickers for a patient's file, and another one.
MOST_COPIES = 500
_PIECE = 65_536


class LabelQuery(Schema):
    """?design=…&dpi=… of a label; ?reprint=1 puts R1 on it. Of a PDF or ZPL ?copies=, of a PDF on sheets ?start=."""

    reprint = fields.Integer(load_default=0, validate=validate.Range(min=0, max=999))
    design = Code(load_default=None, max_length=64, metadata={"description": "tube, box, freezer …"})
    dpi = fields.Integer(load_default=None, metadata={"description": "203, 300 or 600"})
    copies = fields.Integer(load_default=1, validate=validate.Range(min=1, max=MOST_COPIES))
    start = fields.Integer(load_default=1, validate=validate.Range(min=1, max=10_000))


class SheetQuery(Schema):
    """?start= is the first free cell of the sheet, ?dpi= the printer's resolution."""

    start = fields.Integer(load_default=1, validate=validate.Range(min=1, max=10_000))
    dpi = fields.Integer(load_default=None, metadata={"description": "203, 300 or 600"})


def words(label: str) -> str:
    """The name of a kind of container, or of a card, in the reader's language."""
    return sentences.word("kind", label)


def answer(code: str, form: str, data: dict[str, Any]) -> Response:
    """One label, named after its code."""
    more = {name: data[name] for name in _TAKES.get(form, ())}
    content = service.picture(
        code,
        form,
        actor(),
        design=data["design"],
        words=words,
        dpi=data["dpi"],
        reprint=data["reprint"],
        **more,
    )
    return sent(BytesIO(content), form, code)


#: What else a form can be told.
_TAKES = {"pdf": ("copies", "start"), "zpl": ("copies",)}


def sheet(key: int, form: str, data: dict[str, Any]) -> Response:
    """The labels that were given out together, as one file; sent piece by piece."""
    content = sheets.write(
        sheet=key, form=form, by=actor(), start=data["start"], dpi=data["dpi"], words=words
    )
    return sent(content, form, f"labels-{key}")


def sent(content: BinaryIO, form: str, name: str) -> Response:
    """A file of this form, piece by piece. Never kept: a corrected sample gets another label."""
    mimetype, kept = TYPES[form]
    ending = "pdf" if form == "sheet" else form
    length = content.seek(0, SEEK_END)
    content.seek(0)
    response = Response(_pieces(content), mimetype=mimetype)
    response.call_on_close(content.close)
    response.content_length = length
    response.headers.set(
        "Content-Disposition", "attachment" if kept else "inline", filename=f"{_plain(name)}.{ending}"
    )
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while piece := content.read(_PIECE):
            yield piece


def _plain(name: str) -> str:
    """A pseudonym may hold what no file is called by."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)
