"""The shapes of label jobs and label checks at the edge. They never query."""

from typing import Any

from marshmallow import fields, validate

from biobank.core import clock, times
from biobank.core.times import When
from biobank.printing.models import LabelCheck, LabelJob
from biobank.web import sentences
from biobank.web.schemas import Code, SafeString, Schema


class JobsNewSchema(Schema):
    codes = fields.List(Code(), required=True, validate=validate.Length(min=1, max=500))
    station = Code(load_default=None, allow_none=True, max_length=20)
    copies = fields.Integer(load_default=1, strict=True)


class ReprintSchema(Schema):
    code = Code(required=True)
    reason = SafeString(required=True, max_length=500)
    station = Code(load_default=None, allow_none=True, max_length=20)
    copies = fields.Integer(load_default=1, strict=True)


class JobsQuery(Schema):
    state = Code(load_default=None, max_length=9)
    after = SafeString(load_default=None, max_length=20)
    limit = SafeString(load_default=None, max_length=4)


class CheckNewSchema(Schema):
    read = SafeString(required=True, max_length=256)


def job_json(job: LabelJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "code": job.code,
        "state": job.state,
        "printer": job.printer,
        "station": job.station,
        "copies": job.copies,
        "reprint": job.reprint,
        "reason": job.reason,
        "tries": job.tries,
        "error": {"code": job.error, "text": sentences.sentence(job.error)} if job.error else None,
        "asked_at": times.show(When.exactly(job.asked_at), clock.zone()),
    }


def check_json(check: LabelCheck, sample: str) -> dict[str, Any]:
    return {
        "sample": sample,
        "expected": check.expected,
        "read": check.read,
        "matched": check.matched,
        "recorded_at": times.show(When.exactly(check.recorded_at), clock.zone()),
    }
