"""The shapes of samples at the edge: what comes in, and what goes out. They never query."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from biobank.consent import rules as consent_rules
from biobank.core import clock, times, units, vocabularies
from biobank.core.errors import Malformed, Reason
from biobank.core.times import When
from biobank.samples.models import Sample
from biobank.web.schemas import Amount, Code, SafeString, Schema

QUANTITIES = ("volume_ul", "mass_ug", "cell_count")


class UseSchema(Schema):
    """What somebody wants to do with samples."""

    purposes = fields.List(SafeString(max_length=200), required=True, validate=validate.Length(min=1, max=20))
    organisation = SafeString(
        load_default="unknown", validate=validate.OneOf(["non-profit", "for-profit", "unknown"])
    )
    commercial = fields.Boolean(load_default=None, allow_none=True, truthy={True}, falsy={False})
    country = SafeString(load_default=None, allow_none=True, validate=validate.Regexp(r"[A-Za-z]{2}\Z"))
    genetic = fields.Boolean(load_default=None, allow_none=True, truthy={True}, falsy={False})
    study = SafeString(load_default=None, allow_none=True, max_length=80)
    institution = SafeString(load_default=None, allow_none=True, max_length=200)
    approvals = fields.List(SafeString(max_length=200), load_default=list, validate=validate.Length(max=50))
    flags = fields.List(SafeString(max_length=60), load_default=list, validate=validate.Length(max=50))
    users = fields.List(SafeString(max_length=120), load_default=list, validate=validate.Length(max=50))
    research_types = fields.List(
        SafeString(validate=validate.OneOf(list(vocabularies.research_types()))), load_default=list
    )


class UseCheckSchema(Schema):
    samples = fields.List(Code(), required=True, validate=validate.Length(min=1, max=10_000))
    use = fields.Nested(UseSchema, required=True)
    as_of = SafeString(load_default=None, allow_none=True, max_length=40)
    known_at = SafeString(load_default=None, allow_none=True, max_length=40)


class _Quantity(Schema):
    volume_ul = Amount(load_default=None, allow_none=True)
    mass_ug = Amount(load_default=None, allow_none=True)
    cell_count = Amount(load_default=None, allow_none=True)


class SampleNewSchema(_Quantity):
    patient = Code(load_default=None, allow_none=True)
    study = Code(load_default=None, allow_none=True, max_length=80)
    site = Code(load_default=None, allow_none=True, max_length=40)
    type = Code(required=True, max_length=60)
    vessel = Code(load_default="tube", max_length=20)
    collected_at = SafeString(load_default=None, allow_none=True, max_length=40)
    collected_precision = SafeString(
        load_default=None, allow_none=True, validate=validate.OneOf(times.PRECISIONS)
    )
    received_at = SafeString(load_default=None, allow_none=True, max_length=40)
    received = fields.Boolean(load_default=True, truthy={True}, falsy={False})
    container_code = Code(load_default=None, allow_none=True)
    code = Code(load_default=None, allow_none=True, max_length=20)
    visit = SafeString(load_default=None, allow_none=True, max_length=80)
    parents = fields.List(Code(), load_default=list, validate=validate.Length(max=96))
    at = SafeString(load_default=None, allow_none=True, max_length=40)
    use = fields.Nested(UseSchema, load_default=None, allow_none=True)


class AliquotsNewSchema(_Quantity):
    count = fields.Integer(required=True, strict=True)
    type = Code(load_default=None, allow_none=True, max_length=60)
    close_parent = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    container_codes = fields.List(Code(), load_default=list, validate=validate.Length(max=384))
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class DerivativesNewSchema(AliquotsNewSchema):
    count = fields.Integer(load_default=1, strict=True)
    type = Code(required=True, max_length=60)
    drawn = fields.Nested(_Quantity, load_default=None, allow_none=True)


class PoolNewSchema(Schema):
    samples = fields.List(Code(), required=True, validate=validate.Length(min=2, max=96))
    type = Code(load_default=None, allow_none=True, max_length=60)
    container_code = Code(load_default=None, allow_none=True)
    use = fields.Nested(UseSchema, load_default=None, allow_none=True)
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class ReceiveSchema(Schema):
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class HoldNewSchema(Schema):
    code = Code(required=True, max_length=40)
    note = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)


class ReasonSchema(Schema):
    reason = SafeString(required=True, max_length=2000, lines=True)


class CorrectionSchema(ReasonSchema):
    type = Code(load_default=None, allow_none=True, max_length=60)
    patient = Code(load_default=None, allow_none=True)


def read_when(
    text: str | None, field: str, precision: str | None = None, *, page: bool = False
) -> When | None:
    """A time from outside; None when it was not given. A page's times are by the bank's own clock."""
    if text is None and precision is None:
        return None
    zone = clock.zone()
    return times.parse(text, precision=precision, zone=zone, naive_zone=zone if page else None, field=field)


def read_use(data: Mapping[str, Any], act: str = "analyse") -> consent_rules.Use:
    """What is asked, as the rules take it. raises Malformed naming unknown purposes or diseases"""
    country = data.get("country")
    return consent_rules.Use(
        act=act,
        purposes=consent_rules.parse_purposes(data["purposes"]),
        organisation=data.get("organisation") or "unknown",
        commercial=data.get("commercial"),
        country=country.upper() if country else None,
        genetic=data.get("genetic"),
        study=data.get("study"),
        institution=data.get("institution"),
        approvals=tuple(data.get("approvals") or ()),
        flags=tuple(data.get("flags") or ()),
        users=tuple(data.get("users") or ()),
        research_types=tuple(data.get("research_types") or ()),
    )


def read_amount(data: Mapping[str, Any], sample: Sample) -> int:
    """How much to draw, in the sample's own base units.

    raises  Malformed when none is given, or in another unit than the sample's
    """
    given = units.read_quantity(data)
    kind = sample.quantity_kind
    if given is None:
        field = units.KINDS[kind].field if kind else "volume_ul"
        raise Malformed({field: Reason("amount_needed")})
    if kind is not None and given[0] != kind:
        params = {"sample": sample.code, "unit": units.KINDS[kind].unit}
        raise Malformed({units.KINDS[given[0]].field: Reason("amount_of_another_unit", params)})
    return given[1]


def sample_json(sample: Sample) -> dict[str, Any]:
    """A sample as the API gives it: plain columns, units people use."""
    quantity = dict.fromkeys(QUANTITIES)
    if sample.quantity_kind:
        field = units.KINDS[sample.quantity_kind].field
        quantity[field] = units.as_number(sample.quantity_kind, sample.remaining)
    return {
        "code": sample.code,
        "status": sample.status,
        "type": sample.type,
        "vessel": sample.vessel,
        "origin": sample.origin,
        "container_code": sample.container_code,
        **quantity,
        "quantity": quantity_json(sample),
        "treated_at": times.show(
            When(sample.treated_at, sample.treated_precision or "unknown"), clock.zone()
        ),
        "treated_precision": sample.treated_precision,
        "recorded_at": sample.recorded_at.isoformat(),
    }


def quantity_json(sample: Sample) -> dict[str, Any] | None:
    """initial, remaining and reserved in µL, µg or cells; None where nobody knows."""
    kind = sample.quantity_kind
    if kind is None:
        return None
    return {
        "unit": units.KINDS[kind].unit,
        "initial": units.as_number(kind, sample.initial),
        "remaining": units.as_number(kind, sample.remaining),
        "reserved": units.as_number(kind, sample.reserved),
    }
