"""The shapes of procedures and kits at the edge: what comes in, and what goes out. They never query."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields, validate

from biobank.core import clock, times, units
from biobank.core.errors import Malformed
from biobank.core.i18n import N_
from biobank.core.times import When
from biobank.procedures.models import CollectionKit, Procedure
from biobank.web.schemas import Amount, Code, SafeString, Schema

#: A code stands in addresses, where a slash parts one name from the next.
NO_SLASH = validate.Regexp(r"[^/]+\Z", error=N_("May not contain a slash."))


class PartSchema(Schema):
    """What an aliquot step yields."""

    count = fields.Integer(required=True, strict=True)
    volume_ul = Amount(load_default=None, allow_none=True)
    type = Code(load_default=None, allow_none=True, max_length=60)


class StepSchema(Schema):
    key = Code(required=True, max_length=40, metadata={"description": "small letters, digits, hyphens"})
    kind = Code(required=True, max_length=20)
    title = SafeString(required=True, max_length=120)
    since = Code(load_default=None, allow_none=True, max_length=20)
    start_within_min = fields.Integer(load_default=None, allow_none=True, strict=True)
    min_minutes = fields.Integer(load_default=None, allow_none=True, strict=True)
    max_minutes = fields.Integer(load_default=None, allow_none=True, strict=True)
    warn_before_min = fields.Integer(load_default=None, allow_none=True, strict=True)
    temperature_c = fields.Integer(load_default=None, allow_none=True, strict=True)
    force_g = fields.Integer(load_default=None, allow_none=True, strict=True)
    note = SafeString(load_default=None, allow_none=True, max_length=1000, lines=True)
    parts = fields.List(fields.Nested(PartSchema), load_default=list, validate=validate.Length(max=20))


class ProcedureEditSchema(Schema):
    title = SafeString(required=True, max_length=200)
    steps = fields.List(fields.Nested(StepSchema), required=True, validate=validate.Length(min=1, max=100))


class ProcedureNewSchema(ProcedureEditSchema):
    code = Code(required=True, max_length=40, validate=NO_SLASH)
    site = Code(load_default=None, allow_none=True, max_length=40)
    draft = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class TubeSchema(Schema):
    type = Code(required=True, max_length=60)
    label = SafeString(load_default="", max_length=60, blank=True)
    count = fields.Integer(load_default=1, strict=True)
    volume_ul = Amount(load_default=None, allow_none=True)
    vessel = Code(load_default="tube", max_length=20)


class KitNewSchema(Schema):
    code = Code(required=True, max_length=40, validate=NO_SLASH)
    study = Code(required=True, max_length=80)
    title = SafeString(required=True, max_length=200)
    visit = SafeString(load_default=None, allow_none=True, max_length=80)
    tubes = fields.List(fields.Nested(TubeSchema), required=True, validate=validate.Length(min=1, max=100))
    procedure = Code(load_default=None, allow_none=True, max_length=40)
    note = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)
    site = Code(load_default=None, allow_none=True, max_length=40)


class ListQuery(Schema):
    """What a list is narrowed by, and where it goes on."""

    code = Code(load_default=None, max_length=40)
    study = Code(load_default=None, max_length=80)
    after = SafeString(load_default=None, max_length=20)
    limit = SafeString(load_default=None, max_length=4)


def steps_in_base_units(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Steps as the rules read them. raises Malformed naming the volume that is none"""
    return [
        dict(step)
        | {"parts": [_in_base_units(part, f"steps.{place}.parts") for part in step.get("parts", ())]}
        for place, step in enumerate(steps)
    ]


def tubes_in_base_units(tubes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tubes of a kit as the rules read them. raises Malformed naming the volume that is none"""
    return [_in_base_units(tube, f"tubes.{place}.volume_ul") for place, tube in enumerate(tubes)]


def _in_base_units(given: Mapping[str, Any], field: str) -> dict[str, Any]:
    told = dict(given)
    volume = told.pop("volume_ul", None)
    try:
        told["volume_nl"] = units.to_base("volume", volume) if volume is not None else None
    except Malformed as error:
        raise Malformed({field: next(iter(error.fields.values()))}) from None
    return told


def in_units(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A tube or part as people speak of it: µL."""
    told = dict(stored)
    volume = told.pop("volume_nl", None)
    return told | {"volume_ul": units.as_number("volume", volume)}


def state_of(procedure: Procedure) -> str:
    """draft, in_force or retired."""
    if procedure.retired_at is not None:
        return "retired"
    return "in_force" if procedure.in_force_at is not None else "draft"


def procedure_json(procedure: Procedure) -> dict[str, Any]:
    return {
        "number": procedure.number,
        "code": procedure.code,
        "version": procedure.version,
        "title": procedure.title,
        "state": state_of(procedure),
        "in_force_at": _moment(procedure.in_force_at),
        "retired_at": _moment(procedure.retired_at),
        "steps": [step | {"parts": [in_units(part) for part in step["parts"]]} for step in procedure.steps],
    }


def kit_json(kit: CollectionKit, study: str) -> dict[str, Any]:
    return {
        "number": kit.number,
        "code": kit.code,
        "study": study,
        "visit": kit.visit,
        "title": kit.title,
        "tubes": [in_units(tube) for tube in kit.tubes],
        "procedure": kit.procedure_code,
        "note": kit.note,
        "retired_at": _moment(kit.retired_at),
    }


def _moment(at: Any) -> str | None:
    return times.show(When.exactly(at), clock.zone()) if at is not None else None
