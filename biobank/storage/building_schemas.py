"""The shapes of building, capacity and suggestions at the edge."""

from typing import Any

from marshmallow import fields, validate

from biobank.storage.building import Built
from biobank.storage.capacity import Fill, Line, Report
from biobank.storage.forecasting import Forecast
from biobank.storage.layouts import Layout
from biobank.storage.models import PositionClaim
from biobank.storage.schemas import path_json
from biobank.storage.suggesting import MOST, Place, Suggestion
from biobank.web.schemas import Code, SafeString, Schema


class LevelSchema(Schema):
    """So many of these in each container of the level above; without `count`, as many as go in."""

    kind = Code(required=True, max_length=40)
    count = fields.Integer(strict=True, load_default=None, allow_none=True)
    name = SafeString(load_default=None, allow_none=True, max_length=200)


class BuildSchema(Schema):
    """`kind` and `name` of the new freezer, or `into`: a container that is there. `levels`, or all in one `line`."""

    kind = Code(load_default=None, allow_none=True, max_length=40)
    name = SafeString(load_default=None, allow_none=True, max_length=200)
    into = SafeString(load_default=None, allow_none=True, max_length=40)
    levels = fields.List(
        fields.Nested(LevelSchema), load_default=None, allow_none=True, validate=validate.Length(max=10)
    )
    line = SafeString(
        load_default=None, allow_none=True, max_length=500,
        metadata={"description": "such as 5 shelves × 4 racks × 6 drawers of 9×9 boxes"},
    )  # fmt: skip
    site = Code(load_default=None, allow_none=True, max_length=40)
    at = SafeString(load_default=None, allow_none=True, max_length=40)
    preview = fields.Boolean(
        load_default=False, metadata={"description": "true: tell what would be built, build nothing"}
    )


class SuggestionSchema(Schema):
    """`samples`, or `study`, `type` and `count` of tubes that are yet to be made."""

    samples = fields.List(
        SafeString(max_length=100),
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=MOST),
    )
    study = Code(load_default=None, allow_none=True, max_length=80)
    type = Code(load_default=None, allow_none=True, max_length=60)
    vessel = Code(load_default="tube", max_length=10)
    count = fields.Integer(strict=True, load_default=0)
    temperature = Code(load_default=None, allow_none=True, max_length=20)
    site = Code(load_default=None, allow_none=True, max_length=40)
    reserve = fields.Boolean(
        load_default=False, metadata={"description": "true: keep the places for the asker, all or none"}
    )
    minutes = fields.Integer(strict=True, load_default=None, allow_none=True)


def layout_json(layout: Layout) -> dict[str, Any]:
    return {
        "containers": len(layout.items),
        "places": layout.places,
        "levels": [{"kind": tier.kind, "count": tier.each, "total": tier.total} for tier in layout.tiers],
    }


def built_json(built: Built) -> dict[str, Any]:
    return {"code": built.container.code, "name": built.container.name} | layout_json(built.layout)


def report_json(report: Report) -> dict[str, Any]:
    return {
        "on": report.on.isoformat(),
        "freezers": [_line_json(line) for line in report.freezers],
        "boxes": [_line_json(line) for line in report.boxes],
    }


def _line_json(line: Line) -> dict[str, Any]:
    what: dict[str, Any] = {"kind": line.kind}
    if line.container is not None:
        what = {"code": line.container.code, "name": line.container.name, "kind": line.container.kind}
    return what | fill_json(line.fill) | {"forecast": forecast_json(line.forecast)}


def fill_json(fill: Fill) -> dict[str, Any]:
    """room_for_boxes: free places in racks and drawers; places_to_come: for samples, in the boxes that go in there."""
    return {
        "boxes": fill.boxes,
        "places": fill.places,
        "used": fill.samples,
        "free": fill.free,
        "blocked": fill.blocked,
        "reserved": fill.reserved,
        "room_for_boxes": fill.room_for,
        "places_to_come": fill.more,
    }


def forecast_json(found: Forecast) -> dict[str, Any]:
    """outlook: filling, not_filling, too_little, full or uncounted. Between the two days, 19 times in 20."""
    return {
        "outlook": found.outlook.value,
        "per_week": round(found.per_week, 2) if found.per_week is not None else None,
        "full_on": found.on.isoformat() if found.on else None,
        "earliest": found.earliest.isoformat() if found.earliest else None,
        "latest": found.latest.isoformat() if found.latest else None,
    }


def suggestion_json(found: Suggestion, claims: list[PositionClaim]) -> dict[str, Any]:
    return {
        "places": [_place_json(place) for place in found.places],
        "openings": found.openings,
        "temperatures": sorted(found.temperatures),
        "left": found.left,
        "left_samples": [sample.code for sample in found.left_samples],
        "standing": {code: path_json(path) for code, path in found.standing.items()},
        "reserved_until": max(
            (claim.until_at.isoformat() for claim in claims if claim.until_at), default=None
        ),
    }


def _place_json(place: Place) -> dict[str, Any]:
    return {
        "container": place.container.code,
        "name": place.container.name,
        "path": path_json(place.path),
        "count": place.count,
        "positions": list(place.positions),
        "samples": [sample.code for sample in place.samples],
        "back": place.back,
    }
