"""Answers a request for a label with its picture; the same for programs and for people."""

from typing import Any

from flask import Response, make_response
from marshmallow import fields, validate

from biobank.printing import service
from biobank.web import sentences
from biobank.web.asking import actor
from biobank.web.schemas import Code, Schema

TYPES = {"png": "image/png", "svg": "image/svg+xml"}


class LabelQuery(Schema):
    """?design=… of a label; ?reprint=1 puts R1 on it."""

    reprint = fields.Integer(load_default=0, validate=validate.Range(min=0, max=999))
    design = Code(load_default=None, max_length=64, metadata={"description": "tube, box, freezer …"})


def answer(code: str, form: str, data: dict[str, Any]) -> Response:
    """The picture, named after the code, for inline showing."""
    content = service.picture(
        code, form, actor(), design=data["design"], words=lambda label: sentences.word("kind", label),
        reprint=data["reprint"],
    )  # fmt: skip
    response = make_response(content)
    response.content_type = TYPES[form]
    response.headers["Cache-Control"] = "private, no-cache"  # a corrected sample gets another label
    return response
