"""The shapes of quality at the edge: what comes in, and what goes out. They never query."""

from collections.abc import Sequence
from typing import Any

from marshmallow import fields, validate

from biobank.quality.discrepancies import Listed
from biobank.quality.inventory import Counts, Stop
from biobank.quality.models import Inventory, NonConformity
from biobank.quality.rules import MOST_LINES
from biobank.storage.models import Container
from biobank.storage.schemas import path_json
from biobank.web.schemas import Code, SafeString, Schema


class NonConformitySchema(Schema):
    """`code` from the list; `at` when it happened, now unless given."""

    code = Code(required=True, max_length=40)
    stage = Code(required=True, max_length=20)
    note = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class ActionSchema(Schema):
    action = SafeString(required=True, max_length=2000, lines=True)


class OpenQuery(Schema):
    stage = Code(load_default=None, max_length=20)
    after = SafeString(load_default=None, max_length=20)
    limit = SafeString(load_default=None, max_length=4)


class KindQuery(Schema):
    kind = Code(load_default=None, max_length=20)
    after = SafeString(load_default=None, max_length=20)
    limit = SafeString(load_default=None, max_length=4)


class InventorySchema(Schema):
    """`random` looks at `count` places by chance, `whole` at every one."""

    kind = SafeString(load_default="random", validate=validate.OneOf(["random", "whole"]))
    count = fields.Integer(load_default=30, strict=True, validate=validate.Range(min=1, max=MOST_LINES))
    seed = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(min=0, max=2**62)
    )


class CheckSchema(Schema):
    """What stands at a place: `scanned` the tube there; or `outcome`, and for `other` what was read."""

    line = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    scanned = SafeString(load_default=None, allow_none=True, max_length=300)
    outcome = SafeString(load_default=None, allow_none=True, max_length=20)
    found = SafeString(load_default=None, allow_none=True, max_length=256)


class RackCheckSchema(Schema):
    """The scan of a whole rack, which is compared and not carried out."""

    scan = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))
    turned = fields.Boolean(
        load_default=None, allow_none=True, metadata={"description": "true: it was read the other way round"}
    )


class SettleSchema(Schema):
    """`how`: found, put_right, lost or dismissed; where it was found, when it was somewhere else."""

    how = SafeString(required=True, max_length=20)
    reason = SafeString(load_default="", blank=True, max_length=2000, lines=True)
    to = SafeString(load_default=None, allow_none=True, max_length=100)
    position = SafeString(load_default=None, allow_none=True, max_length=40)


def item_json(item: NonConformity, code: str) -> dict[str, Any]:
    """code: of what it is about."""
    return {
        "id": item.id,
        "sample" if item.sample_id is not None else "container": code,
        "code": item.code,
        "stage": item.stage,
        "note": item.note,
        "happened_at": item.happened_at.isoformat(),
        "recorded_at": item.recorded_at.isoformat(),
        "closed_at": item.closed_at.isoformat() if item.closed_at else None,
        "action": item.action,
    }


def inventory_json(inventory: Inventory, container: Container, counts: Counts) -> dict[str, Any]:
    """How far an inventory is, and how right the record was."""
    return {
        "id": inventory.id,
        "container": container.code,
        "kind": inventory.kind,
        "seed": inventory.seed,
        "opened_at": inventory.opened_at.isoformat(),
        "closed_at": inventory.closed_at.isoformat() if inventory.closed_at else None,
        "lines": counts.lines,
        "checked": counts.checked,
        "outcomes": dict(counts.by_outcome),
        "accuracy": counts.accuracy,
    }


def stop_json(stop: Stop) -> dict[str, Any]:
    """One place, and what the record says stands there."""
    last = stop.path[-1]
    return {
        "line": stop.line.id,
        "sample": stop.sample.code,
        "container": last.code,
        "position": last.position,
        "path": path_json(stop.path),
        "outcome": stop.line.outcome,
        "found": stop.line.found,
    }


def discrepancy_json(listed: Listed) -> dict[str, Any]:
    """Where somebody looked, what the record says, and how it was settled."""
    row = listed.row
    return {
        "id": row.id,
        "kind": row.kind,
        "source": row.source,
        "sample": listed.sample.code if listed.sample is not None else None,
        "found": row.found,
        "container": listed.container.code,
        "position": row.position,
        "path": path_json(listed.path),
        "recorded": path_json(listed.recorded) or None,
        "opened_at": row.opened_at.isoformat(),
        "settled_at": row.settled_at.isoformat() if row.settled_at else None,
        "how": row.how,
    }


def reasons_json(reasons: Sequence[Any]) -> list[dict[str, Any]]:
    """The list of what can be wrong."""
    return [
        {"code": each.code, "label": each.label, "label_fr": each.label_fr, "stages": sorted(each.stages),
         "bars_shipping": each.bars_shipping, "key": each.key}
        for each in reasons
    ]  # fmt: skip
