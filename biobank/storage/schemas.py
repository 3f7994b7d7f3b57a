"""The shapes of storage at the edge: what comes in, and what goes out. They never query."""

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import fields

from biobank.samples.models import Sample
from biobank.samples.schemas import quantity_json
from biobank.storage.containers import KindCount
from biobank.storage.destruction import Listed
from biobank.storage.map import ContainerMap, Occupant
from biobank.storage.models import Container, Placement
from biobank.storage.places import Step
from biobank.storage.rules import ContainerKind
from biobank.web.schemas import Code, SafeString, Schema


class ContainerNewSchema(Schema):
    kind = Code(required=True, max_length=40)
    name = SafeString(required=True, max_length=200)
    parent = SafeString(load_default=None, allow_none=True, max_length=40)
    position = SafeString(load_default=None, allow_none=True, max_length=40)
    site = Code(load_default=None, allow_none=True, max_length=40)
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class ContainerQuery(Schema):
    """What a list of containers is narrowed by."""

    kind = Code(load_default=None, max_length=40)
    parent = SafeString(load_default=None, max_length=40)
    loose = SafeString(
        load_default=None, max_length=5, metadata={"description": "true: only what stands nowhere"}
    )
    after = SafeString(load_default=None, max_length=20)
    limit = SafeString(load_default=None, max_length=4)


class MapQuery(Schema):
    at = SafeString(load_default=None, max_length=40)


class PlacingSchema(Schema):
    """One of sample (our number or the maker's tube code) and container."""

    sample = SafeString(load_default=None, allow_none=True, max_length=100)
    container = SafeString(load_default=None, allow_none=True, max_length=40)
    at = SafeString(load_default=None, allow_none=True, max_length=40)
    confirm_lapsed = fields.Boolean(
        load_default=False,
        metadata={
            "description": "true: put there though one's own reservation is over; the place is still free"
        },
    )


class WhenSchema(Schema):
    at = SafeString(load_default=None, allow_none=True, max_length=40)


class ReasonSchema(WhenSchema):
    reason = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)


class TakeOutSchema(ReasonSchema):
    thaw = fields.Boolean(load_default=False, metadata={"description": "true: to thaw it, which is counted"})


class DiscardSchema(WhenSchema):
    reason = SafeString(required=True, max_length=2000, lines=True)


class TubeSchema(Schema):
    """The tube in hand, as scanned."""

    sample = Code(required=True)


class CancelSchema(Schema):
    reason = SafeString(required=True, max_length=2000, lines=True)


def destruction_json(row: Listed) -> dict[str, Any]:
    """A tube that is to be destroyed, and how far that is. People are named in the record, not here."""
    task = row.task
    return {
        "id": task.id,
        "sample": row.sample.code,
        "type": row.sample.type,
        "status": row.sample.status,
        "where": where_json(row.path),
        "reason": task.reason,
        "withdrawal": task.withdrawal_id,
        "opened_at": task.opened_at.isoformat(),
        "confirmed_at": task.first_at.isoformat() if task.first_at else None,
        "destroyed_at": task.done_at.isoformat() if task.done_at else None,
        "cancelled_at": task.cancelled_at.isoformat() if task.cancelled_at else None,
    }


def container_json(
    container: Container, kind: ContainerKind, path: Sequence[Step], used: int
) -> dict[str, Any]:
    """A container as the API gives it."""
    return {
        "code": container.code,
        "kind": container.kind,
        "name": container.name,
        "storage": kind.storage,
        "parent": path[-1].code if path else None,
        "position": path[-1].position if path else None,
        "path": path_json(path),
        "capacity": kind.capacity,
        "used": used,
        "free": kind.capacity - used,
    }


def path_json(path: Sequence[Step]) -> list[dict[str, Any]]:
    """The way to a thing: each container, and the position in it at which the next one stands."""
    return [step._asdict() for step in path]


def where_json(path: Sequence[Step] | None) -> dict[str, Any] | None:
    """Where a sample stands, as its card and the API tell it; None when it stands nowhere."""
    if not path:
        return None
    last = path[-1]
    return {"container": last.code, "name": last.name, "position": last.position, "path": path_json(path)}


def map_json(found: ContainerMap) -> dict[str, Any]:
    """Every place with what stands there; without places, what stands in it."""
    kind = found.kind
    return container_json(found.container, kind, found.path, found.used) | {
        "rows": kind.rows,
        "columns": kind.columns,
        "next_free": found.next_free if found.at is None else None,
        "at": found.at.isoformat() if found.at is not None else None,
        "positions": [
            {"position": place.text, "row": place.row, "column": place.column}
            | occupant_json(found.by_position.get(place.text))
            | {"kept": kept_json(found, place.text)}
            for place in found.places
        ],
        "contents": [occupant_json(occupant) for occupant in found.occupants if occupant.position is None],
        "overlaps": [
            {"position": occupant.position} | occupant_json(occupant) for occupant in found.overlaps
        ],
    }


def kept_json(found: ContainerMap, position: str) -> dict[str, Any] | None:
    """What a free place is kept for; `mine` for one that the reader may fill. Who it waits for: see its claims."""
    claim = found.claims.get(position)
    if claim is None:
        return None
    return {
        "kind": claim.kind,
        "until": claim.until_at.isoformat() if claim.until_at is not None else None,
        "why": claim.why,
        "mine": position not in found.kept,
    }


def occupant_json(occupant: Occupant | None) -> dict[str, Any]:
    if occupant is None:
        return {"sample": None, "container": None, "since": None}
    return {
        "sample": _sample_json(occupant, occupant.sample) if occupant.sample is not None else None,
        "container": _child_json(occupant.container, occupant.used)
        if occupant.container is not None
        else None,
        "since": occupant.since.isoformat(),
    }


def _sample_json(occupant: Occupant, sample: Sample) -> dict[str, Any]:
    standing = occupant.standing
    return {
        "code": sample.code,
        "container_code": sample.container_code,
        "type": sample.type,
        "status": sample.status,
        "held": occupant.held,
        "quantity": quantity_json(sample),
        "consent": {"colour": standing.colour, "code": standing.reason.code}
        if standing is not None
        else None,
    }


def _child_json(container: Container, used: int) -> dict[str, Any]:
    return {"code": container.code, "kind": container.kind, "name": container.name, "used": used}


def placement_json(
    container: Container,
    placement: Placement,
    thing: str,
    came_from: tuple[str, str | None] | None,
    what: str,
    warned: Sequence[str] = (),
) -> dict[str, Any]:
    """What placing came to. thing: its code; what: sample or container; warned: what to look at, in words."""
    return {
        "container": container.code,
        "position": placement.position,
        what if what == "sample" else "child": thing,
        "placed_at": placement.placed_at.isoformat(),
        "moved": came_from is not None,
        "came_from": {"container": came_from[0], "position": came_from[1]} if came_from is not None else None,
        "warnings": list(warned),
    }


def count_json(count: KindCount) -> Mapping[str, Any]:
    return {
        "kind": count.kind,
        "containers": count.containers,
        "capacity": count.capacity,
        "used": count.used,
        "free": count.free,
    }
