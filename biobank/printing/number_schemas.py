"""The shapes of replaced numbers, of numbers printed ahead and of label checks at the edge. They never query."""

from collections.abc import Iterable
from typing import Any

from marshmallow import fields, validate

from biobank.core import clock, times
from biobank.core.times import When
from biobank.printing.models import LabelCheck, LabelJob
from biobank.printing.schemas import job_json
from biobank.samples import allotted
from biobank.samples.models import Allotment, AllottedNumber, CodeReplacement
from biobank.web.schemas import Code, SafeString, Schema


class ReplacementNewSchema(Schema):
    reason = SafeString(required=True, max_length=500)
    new_code = Code(load_default=None, allow_none=True, max_length=20)
    station = Code(load_default=None, allow_none=True, max_length=20)


class AllotmentNewSchema(Schema):
    site = Code(load_default=None, allow_none=True, max_length=40)
    kit = Code(load_default=None, allow_none=True, max_length=100)
    sets = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, allotted.MOST))
    count = fields.Integer(load_default=None, allow_none=True, strict=True)
    note = SafeString(load_default=None, allow_none=True, max_length=500)
    print = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    station = Code(load_default=None, allow_none=True, max_length=20)


class AllotmentsQuery(Schema):
    after = SafeString(load_default=None, max_length=20)
    limit = SafeString(load_default=None, max_length=4)


class NumbersSchema(Schema):
    numbers = fields.List(
        Code(max_length=20), required=True, validate=validate.Length(min=1, max=allotted.MOST)
    )


class VoidSchema(NumbersSchema):
    reason = SafeString(required=True, max_length=500)


class CheckNewSchema(Schema):
    read = SafeString(required=True, max_length=256)
    known_by = SafeString(load_default=None, allow_none=True, max_length=256)


class PairSchema(Schema):
    known_by = SafeString(required=True, max_length=256)
    read = SafeString(required=True, max_length=256)


def replacement_json(told: CodeReplacement, job: LabelJob | None = None) -> dict[str, Any]:
    return {
        "old_code": told.old_code,
        "new_code": told.new_code,
        "reason": told.reason,
        "recorded_at": times.show(When.exactly(told.recorded_at), clock.zone()),
        "label": job_json(job) if job is not None else None,
    }


def allotment_json(
    allotment: Allotment, counts: dict[str, int], numbers: Iterable[AllottedNumber] | None = None
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": allotment.id,
        "note": allotment.note,
        "recorded_at": times.show(When.exactly(allotment.recorded_at), clock.zone()),
        "overdue": bool(counts["out"]) and allotted.is_overdue(allotment),
        "counts": counts,
    }
    if numbers is not None:
        made["numbers"] = [number_json(number) for number in numbers]
    return made


def number_json(number: AllottedNumber) -> dict[str, Any]:
    return {
        "number": number.code,
        "set": number.set_number,
        "place": number.place,
        "type": number.type,
        "label": number.label,
        "state": number.state,
        "reason": number.reason,
    }


def check_json(check: LabelCheck, sample: str) -> dict[str, Any]:
    return {
        "sample": sample,
        "expected": check.expected,
        "read": check.read,
        "known_by": check.known_by,
        "reprint": check.reprint,
        "matched": check.matched,
        "recorded_at": times.show(When.exactly(check.recorded_at), clock.zone()),
    }
