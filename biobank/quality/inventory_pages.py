"""The pages of inventories: one place after the other in walking order, one scan or one key for each."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.quality import inventory as service
from biobank.quality import reading, rules
from biobank.quality.models import Inventory
from biobank.quality.page_parts import bp, number, tabs
from biobank.racks import scans as rack_scans
from biobank.racks.models import RackScan
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.uploads import takes_file, uploaded


@bp.get("/inventories")
@requires(Permission.STORAGE_READ)
def inventories() -> ResponseReturnValue:
    """Inventories, the newest first, with how right the record was."""
    page = service.list_inventories(actor(), after=request.args.get("after"))
    return pages.render(
        "quality/inventories.html",
        inventories=page.items,
        next=page.next,
        containers=reading.containers_of(page.items),
        counts=service.counts_of(page.items),
        tabs=tabs("inventories"),
    )


@bp.get("/containers/<code>/inventory")
@requires(Permission.SAMPLE_HOLD)
def inventory_form(code: str) -> ResponseReturnValue:
    """How many places, by chance or all."""
    return _begin_form(code)


@bp.post("/containers/<code>/inventory")
@requires(Permission.SAMPLE_HOLD)
def begin_inventory(code: str) -> ResponseReturnValue:
    """Begin it, and show the first place."""

    def work() -> str:
        container = storage.find_container(code, actor())
        kind = request.form.get("kind", "random")
        count = number(request.form.get("count", "").strip()) if kind == "random" else service.USUAL_COUNT
        if count is None:
            raise Malformed({"count": Reason("inventory_count", {"most": rules.MOST_LINES})})
        made = service.open_inventory(container=container, kind=kind, count=count, by=actor())
        return url_for("quality.inventory", key=made.id)

    return pages.submit(work, again=lambda problems, sentence: _begin_form(code, problems, sentence))


@bp.get("/inventories/<int:key>")
@requires(Permission.STORAGE_READ)
def inventory(key: int) -> ResponseReturnValue:
    """The next place to look at; at the end, how right the record was."""
    return _inventory(service.find_inventory(key, actor()))


@bp.post("/inventories/<int:key>/lines/<int:line>/check")
@requires(Permission.SAMPLE_HOLD)
def check_line(key: int, line: int) -> ResponseReturnValue:
    """What stands there: the tube was scanned, or one of the buttons was pressed."""
    outcome, raw = request.form.get("outcome", "")[:20], request.form.get("raw", "").strip()[:300]

    def work() -> str:
        found = service.find_inventory(key, actor())
        row = service.find_line(found, line)
        if outcome:
            service.mark(
                line=row, outcome=outcome, found=request.form.get("found", "")[:256] or None, by=actor()
            )
        else:
            service.check_scan(line=row, raw=raw, by=actor())
        return url_for("quality.inventory", key=key, done=line)

    def again(_problems: dict[str, str], sentence: str) -> Any:
        misread = "" if outcome or service.is_container(raw, actor()) else raw
        return _inventory(service.find_inventory(key, actor()), sentence, misread)

    return pages.submit(work, again=again)


@bp.post("/inventories/<int:key>/rack")
@requires(Permission.SAMPLE_HOLD)
@takes_file
def check_rack(key: int) -> ResponseReturnValue:
    """A rack reader's file, or a scan that was sent in before, answers for every place of the box."""

    def work() -> str:
        found = service.find_inventory(key, actor())
        scan = _scan_sent()
        turned = True if request.form.get("turned") == "true" else None
        marked = service.check_rack(inventory=found, scan=scan, turned=turned, by=actor())
        return url_for("quality.inventory", key=key, marked=marked, scan=scan.id)

    return pages.submit(
        work,
        again=lambda problems, sentence: _inventory(
            service.find_inventory(key, actor()), sentence, problems=problems
        ),
    )


def _scan_sent() -> RackScan:
    """The file is kept as one of the box that was on the page."""
    if asked := number(request.form.get("scan", "").strip()):
        return rack_scans.find_scan(asked, actor())
    content = uploaded()
    if content is None:
        raise Malformed({"file": Reason("rack_file_missing")})
    kept = rack_scans.keep(
        content=content, file_name=request.files["file"].filename or "", source="upload",
        container=storage.find_container(request.form.get("box", ""), actor()), by=actor(),
    )  # fmt: skip
    return kept.scan


@bp.post("/inventories/<int:key>/close")
@requires(Permission.SAMPLE_HOLD)
def close_inventory(key: int) -> ResponseReturnValue:
    """End it; what nobody looked at does not count."""

    def work() -> str:
        service.close(inventory=service.find_inventory(key, actor()), by=actor())
        return url_for("quality.inventory", key=key)

    return pages.submit(
        work, again=lambda _p, sentence: _inventory(service.find_inventory(key, actor()), sentence)
    )


def _begin_form(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    container = storage.find_container(code, actor())
    return pages.render(
        "quality/begin.html",
        container=container,
        room=storage.room_below([container.id])[container.id],
        usual=service.USUAL_COUNT,
        most=rules.MOST_LINES,
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )


def _inventory(
    found: Inventory,
    sentence: str | None = None,
    misread: str = "",
    problems: dict[str, str] | None = None,
) -> Any:
    waiting = service.waiting(found) if found.closed_at is None else []
    wanted = number(request.args.get("line", ""))
    here = next((stop for stop in waiting if stop.line.id == wanted), waiting[0] if waiting else None)
    done = number(request.args.get("done", ""))
    box = storage.find_container(here.path[-1].code, actor()) if here is not None else None
    return pages.render(
        "quality/inventory.html",
        inventory=found,
        container=reading.containers_of([found])[found.container_id],
        counts=service.counts_of([found])[found.id],
        here=here,
        waiting=[stop for stop in waiting if stop is not here],
        otherwise=service.otherwise(found),
        done=service.stops([service.find_line(found, done)])[0] if done else None,
        marked=number(request.args.get("marked", "")),
        scan=number(request.args.get("scan", "")),
        box=box,
        scans=_waiting_scans(found, box) if box is not None else [],
        problems=problems or {},
        misread=misread,
        sentence=sentence,
    )


def _waiting_scans(found: Inventory, box: Container) -> list[RackScan]:
    """Of this box, what was read since the inventory began and nobody has dealt with, such as a watched folder brings
    it."""
    page = rack_scans.scans_of(box, limit=5)
    return [
        scan for scan in page.items if not rack_scans.has_ended(scan) and scan.recorded_at >= found.opened_at
    ]
