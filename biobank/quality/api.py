"""The API of quality: what went wrong, inventories, and the worklist of differences."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import vocabularies
from biobank.core.errors import Malformed, Reason
from biobank.quality import discrepancies, inventory, reading, service
from biobank.quality.models import Inventory, NonConformity
from biobank.quality.schemas import (
    ActionSchema,
    CheckSchema,
    InventorySchema,
    KindQuery,
    NonConformitySchema,
    OpenQuery,
    RackCheckSchema,
    SettleSchema,
    discrepancy_json,
    inventory_json,
    item_json,
    reasons_json,
    stop_json,
)
from biobank.racks import scans as rack_scans
from biobank.samples.reading import find_sample
from biobank.samples.schemas import read_when
from biobank.storage import service as storage
from biobank.storage.scanning import find_scanned_container
from biobank.web.api import PageQuery, blueprint, page_arguments
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("quality", __name__)


@bp.get("/non-conformities/reasons")
@requires(Permission.SAMPLE_READ)
def reasons() -> ResponseReturnValue:
    """The list of what can be wrong."""
    return jsonify({"items": reasons_json(list(vocabularies.non_conformities().values()))})


@bp.get("/non-conformities")
@requires(Permission.SAMPLE_READ)
@bp.arguments(OpenQuery, location="query")
def open_items(data: dict[str, Any]) -> ResponseReturnValue:
    """What nobody has dealt with, the oldest first."""
    page = service.list_open(actor(), stage=data["stage"], **page_arguments())
    names = reading.subjects_of(page.items)
    return jsonify(
        {"items": [item_json(item, names[item.id].code) for item in page.items], "next": page.next}
    )


@bp.post("/samples/<code>/non-conformities")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(NonConformitySchema)
def record_sample(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Say what is wrong with a sample. One that may not be shipped so is held."""
    return api_answer(lambda: _record(data, sample=find_sample(code, actor())))


@bp.post("/containers/<code>/non-conformities")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(NonConformitySchema)
def record_container(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Say what is wrong with a container."""
    return api_answer(lambda: _record(data, container=storage.find_container(code, actor())))


@bp.post("/non-conformities/<int:key>/close")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(ActionSchema)
def close_item(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Say what was done about it."""

    def work() -> dict[str, Any]:
        item = service.close(item=service.find_item(key, actor()), action=data["action"], by=actor())
        return _item(item)

    return api_answer(work, 200)


# --- inventories


@bp.post("/containers/<code>/inventories")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(InventorySchema)
def begin(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Begin an inventory of a container, with everything that stands in it."""

    def work() -> dict[str, Any]:
        made = inventory.open_inventory(container=storage.find_container(code, actor()), by=actor(), **data)
        return _inventory(made)

    return api_answer(work)


@bp.get("/inventories")
@requires(Permission.STORAGE_READ)
@bp.arguments(PageQuery, location="query")
def inventories(_query: dict[str, Any]) -> ResponseReturnValue:
    """Inventories, the newest first."""
    page = inventory.list_inventories(actor(), **page_arguments())
    containers, counts = reading.containers_of(page.items), inventory.counts_of(page.items)
    items = [inventory_json(each, containers[each.container_id], counts[each.id]) for each in page.items]
    return jsonify({"items": items, "next": page.next})


@bp.get("/inventories/<int:key>")
@requires(Permission.STORAGE_READ)
def one_inventory(key: int) -> ResponseReturnValue:
    """How far it is; the next places in walking order; what was found otherwise."""
    found = inventory.find_inventory(key, actor())
    return jsonify(
        _inventory(found)
        | {
            "waiting": [stop_json(stop) for stop in inventory.waiting(found, limit=500)],
            "otherwise": [stop_json(stop) for stop in inventory.otherwise(found)],
        }
    )


@bp.post("/inventories/<int:key>/checks")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(CheckSchema)
def check(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Say what stands at one place."""
    if (data["scanned"] is None) == (data["outcome"] is None):
        raise Malformed({"scanned": Reason("scan_or_outcome"), "outcome": Reason("scan_or_outcome")})

    def work() -> dict[str, Any]:
        found = inventory.find_inventory(key, actor())
        line = inventory.find_line(found, data["line"])
        if data["scanned"] is not None:
            inventory.check_scan(line=line, raw=data["scanned"], by=actor())
        else:
            inventory.mark(line=line, outcome=data["outcome"], found=data["found"], by=actor())
        return _inventory(found)

    return api_answer(work, 200)


@bp.post("/inventories/<int:key>/rack")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(RackCheckSchema)
def check_rack(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Look at a whole box at once, by a scan of it that was sent in before."""

    def work() -> dict[str, Any]:
        found = inventory.find_inventory(key, actor())
        scan = rack_scans.find_scan(data["scan"], actor())
        marked = inventory.check_rack(inventory=found, scan=scan, turned=data["turned"], by=actor())
        return {"marked": marked, **_inventory(found)}

    return api_answer(work, 200)


@bp.post("/inventories/<int:key>/close")
@requires(Permission.SAMPLE_HOLD)
def end(key: int) -> ResponseReturnValue:
    """End it; what nobody looked at does not count."""

    def work() -> dict[str, Any]:
        return _inventory(inventory.close(inventory=inventory.find_inventory(key, actor()), by=actor()))

    return api_answer(work, 200)


# --- differences


@bp.get("/discrepancies")
@requires(Permission.STORAGE_READ)
@bp.arguments(KindQuery, location="query")
def differences(data: dict[str, Any]) -> ResponseReturnValue:
    """What nobody has settled, the oldest first."""
    page = discrepancies.list_open(actor(), kind=data["kind"], **page_arguments())
    rows = discrepancies.listed(page.items)
    return jsonify({"items": [discrepancy_json(row) for row in rows], "next": page.next})


@bp.post("/discrepancies/<int:key>/settle")
@requires(Permission.SAMPLE_HOLD)
@bp.arguments(SettleSchema)
def settle(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Put the record or the freezer right."""

    def work() -> dict[str, Any]:
        by = actor()
        to = find_scanned_container(data["to"], by) if data["to"] else None
        row = discrepancies.settle(
            discrepancy=discrepancies.find_discrepancy(key, by), how=data["how"], reason=data["reason"], to=to,
            position=data["position"], by=by,
        )  # fmt: skip
        return discrepancy_json(discrepancies.listed([row])[0])

    return api_answer(work, 200)


def _record(data: dict[str, Any], **subject: Any) -> dict[str, Any]:
    told = data | {"at": read_when(data["at"], "at")}
    return _item(service.record(by=actor(), **told, **subject))


def _item(item: NonConformity) -> dict[str, Any]:
    return item_json(item, reading.subjects_of([item])[item.id].code)


def _inventory(found: Inventory) -> dict[str, Any]:
    container = reading.containers_of([found])[found.container_id]
    return inventory_json(found, container, inventory.counts_of([found])[found.id])
