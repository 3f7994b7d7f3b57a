"""The API of racks: send a reader's own file, see what differs, and carry it out whole or not at all."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.racks import children, naming, scans, service, teaching
from biobank.racks.downloads import download
from biobank.racks.models import RackScan
from biobank.racks.schemas import (
    AliquotsSchema,
    ApplySchema,
    BelowSchema,
    BoxSchema,
    CodesSchema,
    LookQuery,
    NewBoxSchema,
    ScanQuery,
    TeachSchema,
    difference_json,
    divided_json,
    flag,
    layout_json,
    scan_json,
)
from biobank.samples.reading import find_sample
from biobank.samples.schemas import read_amount
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.web.api import PageQuery, blueprint, page_arguments
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer
from biobank.web.uploads import takes_file, uploaded

bp = blueprint("racks", __name__)


@bp.post("/containers/<code>/rack-scans")
@requires(Permission.STORAGE_MOVE)
@takes_file
@bp.arguments(ScanQuery, location="query")
def send(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """The reader's own file (multipart, field `file`): the difference by position. `?apply=true` carries it out, whole
    or not at all. The same file again is the same scan."""
    content, name = _sent()

    def work() -> dict[str, Any]:
        by = actor()
        box = storage.find_container(code, by)
        below = data["below"] == "true"
        kept = scans.keep(content=content, file_name=name, source="api", container=box, below=below, by=by)
        if kept.scan.reading is None and not kept.scan.media_type.startswith("image/"):
            raise teaching.unknown(kept.scan)
        turned = flag(data["turned"])
        if data["apply"] == "true":
            done: service.Compared = service.apply(
                scan=kept.scan, turned=turned, leave_unknown=data["leave_unknown"] == "true",
                empty_unlisted=data["empty_unlisted"] == "true", confirmed=data["confirmed"], by=by,
            )  # fmt: skip
        else:
            done = service.compare(scan=kept.scan, turned=bool(turned), looking=True, by=by)
        return difference_json(done, again=kept.again)

    response = api_answer(work, 201)
    if response.get_json()["again"]:  # read from the answer, which may be a stored one
        response.status_code = 200
    return response


@bp.get("/containers/<code>/rack-scans")
@requires(Permission.STORAGE_READ)
@bp.arguments(PageQuery, location="query")
def of_box(_query: dict[str, Any], code: str) -> ResponseReturnValue:
    """Everything that was read of a box, the newest first."""
    box = storage.find_container(code, actor())
    page = scans.scans_of(box, **page_arguments())
    return jsonify({"items": [scan_json(scan, box) for scan in page.items], "next": page.next})


@bp.get("/rack-scans")
@requires(Permission.STORAGE_READ)
@bp.arguments(PageQuery, location="query")
def waiting(_query: dict[str, Any]) -> ResponseReturnValue:
    """What was read and neither carried out nor put aside, the newest first."""
    page = scans.waiting(actor(), **page_arguments())
    boxes = scans.boxes_of(page.items)
    items = [scan_json(scan, boxes.get(scan.container_id or 0)) for scan in page.items]
    return jsonify({"items": items, "next": page.next})


@bp.get("/rack-scans/<int:key>")
@requires(Permission.STORAGE_READ)
@bp.arguments(LookQuery, location="query")
def look(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """What the scan says against the record, as both are now."""
    scan = scans.find_scan(key, actor())
    compared = service.compare(scan=scan, turned=bool(flag(data["turned"])), looking=True, by=actor())
    return jsonify(difference_json(compared))


@bp.get("/rack-scans/<int:key>/file")
@requires(Permission.STORAGE_READ)
def file(key: int) -> ResponseReturnValue:
    """The file, byte for byte as it came."""
    return download(scans.find_scan(key, actor()))


@bp.post("/rack-scans/<int:key>/apply")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(ApplySchema)
def apply(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Carry a scan out that was looked at, whole or not at all."""

    def work() -> dict[str, Any]:
        scan = scans.find_scan(key, actor())
        return difference_json(service.apply(scan=scan, by=actor(), **data))

    return api_answer(work, 200)


@bp.post("/rack-scans/<int:key>/codes")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(CodesSchema)
def type_codes(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Codes of wells that could not be read, as somebody read them; the difference anew."""

    def work() -> dict[str, Any]:
        scan = scans.find_scan(key, actor())
        typed = {place: (code, code) for place, code in data["codes"].items()}
        service.type_codes(scan=scan, typed=typed, by=actor())
        return difference_json(service.compare(scan=scan, by=actor()))

    return api_answer(work, 200)


@bp.post("/rack-scans/<int:key>/box")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(BoxSchema)
def say_box(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Say which box a scan is of. The rack's code in the file, where nobody has it yet, is that box's from then on."""

    def work() -> dict[str, Any]:
        box = storage.find_container(data["container"], actor())
        return scan_json(naming.say_box(scan=scans.find_scan(key, actor()), container=box, by=actor()), box)

    return api_answer(work, 200)


@bp.post("/rack-scans/<int:key>/new-box")
@requires(Permission.STORAGE_BUILD)
@bp.arguments(NewBoxSchema)
def new_box(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Set up a box for a rack that nobody knows: the scan is of it, and the code in the file is its own."""

    def work() -> dict[str, Any]:
        found = scans.find_scan(key, actor())
        name = data["name"] or found.rack_code or ""
        made = naming.make_box(scan=found, kind=data["kind"], name=name, by=actor())
        return scan_json(made, _box(made))

    return api_answer(work, 201)


@bp.post("/rack-scans/<int:key>/below")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(BelowSchema)
def look_from(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Say from which side a picture was taken; the difference anew."""

    def work() -> dict[str, Any]:
        found = scans.find_scan(key, actor())
        scans.look_from(scan=found, below=data["below"], by=actor())
        return difference_json(service.compare(scan=found, looking=True, by=actor()))

    return api_answer(work, 200)


@bp.post("/rack-scans/<int:key>/aliquots")
@requires(Permission.SAMPLE_PROCESS)
@requires(Permission.STORAGE_MOVE)
@bp.arguments(AliquotsSchema)
def aliquots(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Divide a sample into the tubes of the rack that nobody knows yet: they stand in their wells at once."""

    def work() -> dict[str, Any]:
        parent = find_sample(data["sample"], actor())
        how = {name: data[name] for name in ("turned", "confirmed", "shown", "close_parent")}
        done = children.aliquot(
            scan=scans.find_scan(key, actor()), sample=parent, amount=read_amount(data, parent), by=actor(), **how
        )  # fmt: skip
        return divided_json(done)

    return api_answer(work, 201)


@bp.post("/rack-scans/<int:key>/dismiss")
@requires(Permission.STORAGE_MOVE)
def dismiss(key: int) -> ResponseReturnValue:
    """Put a scan aside: it is kept, and not carried out."""

    def work() -> dict[str, Any]:
        scan = scans.dismiss(scan=scans.find_scan(key, actor()), by=actor())
        return scan_json(scan, _box(scan))

    return api_answer(work, 200)


@bp.post("/rack-scans/<int:key>/layout")
@requires(Permission.STORAGE_MOVE)
@bp.arguments(TeachSchema)
def teach(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Say once which column is what: files of that layout are read from now on."""
    return api_answer(
        lambda: layout_json(teaching.teach(scan=scans.find_scan(key, actor()), by=actor(), **data)), 201
    )


@bp.get("/rack-layouts")
@requires(Permission.STORAGE_READ)
def taught() -> ResponseReturnValue:
    """The layouts that people taught."""
    return jsonify({"items": [layout_json(layout) for layout in teaching.list_layouts(actor())]})


def _box(scan: RackScan) -> Container | None:
    return scans.boxes_of([scan]).get(scan.container_id or 0)


def _sent() -> tuple[bytes, str]:
    """The file and what its sender calls it. raises Malformed without one"""
    content = uploaded()
    if content is None:
        raise Malformed({"file": Reason("rack_file_missing")})
    return content, request.files["file"].filename or ""
