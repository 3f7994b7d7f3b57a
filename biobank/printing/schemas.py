"""The shapes of label jobs, sheets and designs at the edge. They never query."""

from typing import Any

from marshmallow import fields, validate

from biobank.core import clock, times
from biobank.core.times import When
from biobank.printing import claims, designs, sheets
from biobank.printing.designs import Known
from biobank.printing.models import LabelDesign, LabelJob
from biobank.printing.printers import PrinterState
from biobank.web import sentences
from biobank.web.schemas import Code, SafeString, Schema


class JobsNewSchema(Schema):
    codes = fields.List(Code(), required=True, validate=validate.Length(min=1, max=500))
    station = Code(load_default=None, allow_none=True, max_length=20)
    design = Code(load_default=None, allow_none=True, max_length=64)
    copies = fields.Integer(load_default=1, strict=True)


class ReprintSchema(Schema):
    code = Code(required=True)
    reason = SafeString(required=True, max_length=500)
    station = Code(load_default=None, allow_none=True, max_length=20)
    design = Code(load_default=None, allow_none=True, max_length=64)
    copies = fields.Integer(load_default=1, strict=True)


class PrintSchema(Schema):
    """The form on the page of one label."""

    reason = SafeString(load_default="", blank=True, max_length=500)
    design = Code(load_default=None, max_length=64)


class JobsQuery(Schema):
    state = Code(load_default=None, max_length=9)
    printer = Code(load_default=None, max_length=40, metadata={"description": "a name in the settings"})
    after = SafeString(load_default=None, max_length=20)
    limit = SafeString(load_default=None, max_length=4)


class MoveSchema(Schema):
    printer = Code(
        required=True,
        allow_none=True,
        max_length=40,
        metadata={"description": "a name in the settings; null: the browser of its station"},
    )


class SheetNewSchema(Schema):
    codes = fields.List(Code(), required=True, validate=validate.Length(min=1, max=sheets.MOST))
    design = Code(load_default=None, allow_none=True, max_length=64)
    reason = SafeString(load_default="", blank=True, max_length=500)
    copies = fields.Integer(load_default=1, strict=True)


class DesignSchema(Schema):
    text = SafeString(required=True, lines=True, max_length=designs.MOST_LETTERS)
    version = fields.Integer(
        load_default=0,
        strict=True,
        metadata={
            "description": "the version that this one was made from; 0 for one that the site never wrote"
        },
    )
    site = Code(load_default=None, allow_none=True, max_length=40)


class DesignQuery(Schema):
    site = Code(load_default=None, max_length=40)


def job_json(job: LabelJob) -> dict[str, Any]:
    why = claims.reason_of(job)
    return {
        "id": job.id,
        "code": job.code,
        "design": job.design,
        "state": job.state,
        "batch": job.batch,
        "printer": job.printer,
        "station": job.station,
        "copies": job.copies,
        "reprint": job.reprint,
        "reason": job.reason,
        "tries": job.tries,
        "error": {"code": why.code, "text": sentences.of_reason(why)} if why else None,
        "asked_at": times.show(When.exactly(job.asked_at), clock.zone()),
    }


def printer_json(state: PrinterState) -> dict[str, Any]:
    told_at = times.show(When.exactly(state.told_at), clock.zone()) if state.told_at else None
    trouble = {"code": state.trouble, "text": sentences.sentence(state.trouble)} if state.trouble else None
    return {
        "name": state.printer.name,
        "kind": state.printer.kind,
        "dpi": state.printer.dpi,
        "trouble": trouble,
        "told_at": told_at,
        "waiting": state.waiting,
        "failed": state.failed,
    }


def design_json(known: Known) -> dict[str, Any]:
    design = known.design
    return {
        "name": known.name,
        "version": known.version,
        "shipped": known.shipped,
        "usable": design is not None,
        "for": design.of if design else None,
        "title": design.title if design else None,
        "width_mm": design.stock.width_mm if design else None,
        "height_mm": design.stock.height_mm if design else None,
        "dpi": design.dpi if design else None,
    }


def design_version_json(row: LabelDesign) -> dict[str, Any]:
    return {
        "name": row.name,
        "version": row.version,
        "text": row.text,
        "recorded_at": times.show(When.exactly(row.recorded_at), clock.zone()),
    }
