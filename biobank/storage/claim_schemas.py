"""The shapes of kept places, of what a container accepts, and of times out of the cold. They never query."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from biobank.storage.accepting import FAMILIES, Accepts
from biobank.storage.claims import MOST_MINUTES, is_over
from biobank.storage.cold import Cold
from biobank.storage.models import PositionClaim
from biobank.web.schemas import Code, SafeString, Schema

_POSITION = SafeString(max_length=40)


class ReservingSchema(Schema):
    """Which places, or how many of the next free ones."""

    positions = fields.List(_POSITION, load_default=None, allow_none=True, validate=validate.Length(1, 400))
    count = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 400))
    minutes = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, MOST_MINUTES)
    )
    why = SafeString(load_default=None, allow_none=True, max_length=500)


class ReleasingSchema(Schema):
    positions = fields.List(_POSITION, required=True, validate=validate.Length(1, 400))


class BlockingSchema(Schema):
    why = SafeString(required=True, max_length=500)


class AcceptsSchema(Schema):
    """All of the rule: what is left out accepts everything."""

    studies = fields.List(Code(max_length=40), load_default=[], validate=validate.Length(max=100))
    types = fields.List(Code(max_length=60), load_default=[], validate=validate.Length(max=100))
    families = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(FAMILIES))
    temperature = SafeString(
        load_default=None,
        allow_none=True,
        max_length=20,
        metadata={"description": "what it is kept at; left out: as its kind, else as what it stands in"},
    )


def claim_json(claim: PositionClaim, names: Mapping[str, str]) -> dict[str, Any]:
    """A kept place. names: of the people who keep them, by key."""
    told: dict[str, Any] = {"position": claim.position, "kind": claim.kind, "why": claim.why}
    if claim.kind == "reserved" and claim.until_at is not None:
        told |= {
            "for": names.get(claim.for_key or ""),
            "until": claim.until_at.isoformat(),
            "over": is_over(claim),
            "plan": claim.plan_id,
        }
    return told


def accepts_json(rule: Accepts | None) -> dict[str, Any] | None:
    """None: whatever fits."""
    if rule is None:
        return None
    return {"studies": list(rule.studies), "types": list(rule.types), "families": rule.families}


def cold_json(cold: Cold) -> dict[str, Any]:
    """Thaws and time out of the cold, as a sample's card and the API tell them."""
    return {
        "thaws": cold.thaws,
        "inherited_thaws": cold.inherited,
        "minutes_out": cold.minutes_out,
        "out_since": cold.out_since.isoformat() if cold.out_since is not None else None,
        "frozen": cold.frozen,
        "limit": cold.limit_state,
        "reasons": [{"code": reason.code, **reason.params} for reason in cold.reasons],
    }
