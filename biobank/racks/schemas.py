"""The shapes of racks at the edge: what comes in, and what goes out. They never query."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from biobank.racks.apply_rules import DOUBTS
from biobank.racks.children import Divided
from biobank.racks.models import RackLayout, RackScan
from biobank.racks.rules import Difference, Entry, Stand
from biobank.racks.service import Applied, Compared
from biobank.samples.schemas import sample_json
from biobank.storage.models import Container
from biobank.web import sentences
from biobank.web.schemas import Amount, Code, SafeString, Schema


def _yes_no(default: str | None, description: str = "") -> SafeString:
    return SafeString(
        load_default=default, max_length=5, validate=validate.OneOf(["true", "false"]),
        metadata={"description": description},
    )  # fmt: skip


def _confirmed() -> fields.List:
    return fields.List(
        SafeString(validate=validate.OneOf(DOUBTS)), load_default=list, validate=validate.Length(max=10),
        metadata={"description": "doubts about a picture that somebody has looked at: it is right all the same"},
    )  # fmt: skip


class ScanQuery(Schema):
    """What is to be done with the file at once."""

    apply = _yes_no("false", "true: carry it out, whole or not at all")
    turned = _yes_no(None, "true: the rack was read turned by 180°; false: it was not")
    leave_unknown = _yes_no("false", "true: tubes that nobody knows are left out")
    empty_unlisted = _yes_no("false", "true: places that the file does not name are empty")
    below = _yes_no("false", "true: the picture was taken from below, so that A01 is at the right")
    confirmed = _confirmed()


class LookQuery(Schema):
    turned = _yes_no("false")


class _CarryingOut(Schema):
    turned = fields.Boolean(load_default=None, allow_none=True, truthy={True}, falsy={False})
    confirmed = _confirmed()
    shown = SafeString(
        load_default=None, allow_none=True, max_length=64,
        metadata={"description": "the `digest` of the difference that was looked at: another one is refused"},
    )  # fmt: skip


class ApplySchema(_CarryingOut):
    leave_unknown = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    empty_unlisted = fields.Boolean(
        load_default=False, truthy={True}, falsy={False},
        metadata={"description": "true: places that the file does not name are empty, and what stood there is missing"},
    )  # fmt: skip


class AliquotsSchema(_CarryingOut):
    """The tube that is divided, and how much of it goes into each tube of the rack that nobody knows yet."""

    sample = Code(required=True)
    volume_ul = Amount(load_default=None, allow_none=True)
    mass_ug = Amount(load_default=None, allow_none=True)
    cell_count = Amount(load_default=None, allow_none=True)
    close_parent = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class BelowSchema(Schema):
    below = fields.Boolean(required=True, truthy={True}, falsy={False})


class NewBoxSchema(Schema):
    """The box is made under a number of its own; the code that the file names is its maker's."""

    kind = SafeString(required=True, max_length=40)
    name = SafeString(load_default=None, allow_none=True, max_length=200)


class CodesSchema(Schema):
    codes = fields.Dict(
        keys=SafeString(max_length=10), values=Code(), required=True, validate=validate.Length(min=1, max=1000),
        metadata={"description": "place -> code, for wells that could not be read"},
    )  # fmt: skip


class BoxSchema(Schema):
    container = SafeString(required=True, max_length=40)


class TeachSchema(Schema):
    name = SafeString(required=True, max_length=50)
    columns = fields.Dict(keys=SafeString(max_length=20), values=fields.Integer(strict=True), required=True)
    heading = fields.Integer(strict=True, load_default=None, allow_none=True)
    skip = fields.Integer(strict=True, load_default=0, validate=validate.Range(min=0, max=30))
    numbering = SafeString(load_default="row-major", max_length=20)
    delimiter = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf([",", ";", "\t", ""])
    )


def flag(text: str | None) -> bool | None:
    """The text of a query; None stays None."""
    return None if text is None else text == "true"


def scan_json(scan: RackScan, container: Container | None) -> dict[str, Any]:
    """A scan without what was read."""
    return {
        "scan": scan.id,
        "container": container.code if container is not None else None,
        "layout": scan.layout,
        "rack": scan.rack_code,
        "file": scan.file_name,
        "source": scan.source,
        "size": scan.size,
        "sha256": scan.sha256,
        "scanned_at": scan.scanned_at.isoformat() if scan.scanned_at else None,
        "recorded_at": scan.recorded_at.isoformat(),
        "applied_at": scan.applied_at.isoformat() if scan.applied_at else None,
        "dismissed_at": scan.dismissed_at.isoformat() if scan.dismissed_at else None,
    }


def difference_json(compared: Compared, *, again: bool = False) -> dict[str, Any]:
    """The difference by position, and what would be, or was, done about it."""
    found = compared.difference
    return scan_json(compared.scan, compared.container) | {
        "again": again,
        "applied": isinstance(compared, Applied),
        "turned": found.turned,
        "looks_turned": found.looks_turned,
        "below": compared.reading.below,
        "box_known": not compared.unnamed,
        "doubts": compared.doubts,
        "digest": found.digest,
        "counts": found.counts,
        "positions": [entry_json(entry) for entry in found.entries],
        "taken_out": _out_json(found),
        "remarks": [{"code": remark.code, "text": sentences.of_reason(remark)} for remark in found.remarks],
    }


def divided_json(done: Divided) -> dict[str, Any]:
    """What was made of the tube, by position."""
    items = [{"position": place, **sample_json(child)} for place, child in done.children.items()]
    return scan_json(done.scan, done.container) | {"parent": sample_json(done.parent), "items": items}


def entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "position": entry.position,
        "state": entry.state.value,
        "code": entry.read,
        "sample": entry.tube.code if entry.tube is not None else None,
        "from": _stand_json(entry.came_from),
        "foreign": entry.foreign,
        "was": entry.was.code if entry.was is not None else None,
        "reason": {"code": entry.reason.code, "text": sentences.of_reason(entry.reason)}
        if entry.reason is not None
        else None,
        "line": entry.line or None,
    }


def layout_json(layout: RackLayout) -> Mapping[str, Any]:
    return {"layout": layout.id, "name": layout.name, **layout.mapping}


def _stand_json(stand: Stand | None) -> dict[str, Any] | None:
    return {"container": stand.container, "name": stand.name, "position": stand.position} if stand else None


def _out_json(found: Difference) -> list[dict[str, Any]]:
    return [{"position": position, "sample": tube.code} for position, tube in found.to_take_out.items()]
