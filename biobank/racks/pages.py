"""The pages of racks: drop a reader's file, look at what differs on the grid, and carry it out with one button."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import units
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.core.i18n import N_
from biobank.racks import children, downloads, layout_pages, naming, scans, service, showing, teaching
from biobank.racks.files import LayoutUnknown
from biobank.racks.page_parts import again, box_of, bp, draw_box, draw_scan, next_page
from biobank.samples.reading import find_sample
from biobank.samples.schemas import read_amount
from biobank.storage import scanning
from biobank.storage import service as storage
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.navigation import NavItem
from biobank.web.uploads import takes_file, uploaded

__all__ = ["NAVIGATION", "bp", "layout_pages"]

NAVIGATION = [
    NavItem("racks.waiting", N_("Racks read"), "import", Permission.STORAGE_MOVE.value, 31, "storage")
]


@bp.get("/containers/<code>/rack-scans")
@requires(Permission.STORAGE_READ)
def box(code: str) -> ResponseReturnValue:
    """Drop a file for this box, and everything that was read of it."""
    return draw_box(code)


@bp.post("/containers/<code>/rack-scans")
@requires(Permission.STORAGE_MOVE)
@takes_file
def send(code: str) -> ResponseReturnValue:
    """Keep the file and read it; then show what differs, or ask which column is what."""

    def work() -> str:
        container = storage.find_container(code, actor())
        content = uploaded()
        if content is None:
            raise Malformed({"file": Reason("rack_file_missing")})
        name = request.files["file"].filename or ""
        below = request.form.get("below") == "true"
        kept = scans.keep(
            content=content, file_name=name, source="upload", container=container, below=below, by=actor()
        )
        return next_page(kept.scan, again="1" if kept.again else None)

    return pages.submit(work, again=lambda problems, sentence: draw_box(code, problems, sentence))


@bp.get("/rack-scans")
@requires(Permission.STORAGE_READ)
def waiting() -> ResponseReturnValue:
    """What was read and waits for a person: from the folder, or dropped and left."""
    page = scans.waiting(actor(), after=request.args.get("after"))
    return pages.render(
        "racks/waiting.html", scans=page.items, boxes=scans.boxes_of(page.items), next=page.next,
        layout_name=showing.layout_name,
    )  # fmt: skip


@bp.get("/rack-scans/<int:key>")
@requires(Permission.STORAGE_READ)
def scan(key: int) -> ResponseReturnValue:
    """What the scan says against the record; `?turned=true` the other way round."""
    found = scans.find_scan(key, actor())
    unread = teaching.why_unread(found)
    if isinstance(unread, LayoutUnknown):
        return redirect(url_for("racks.layout", key=key))
    return draw_scan(found, unread=unread)


@bp.post("/rack-scans/<int:key>/apply")
@requires(Permission.STORAGE_MOVE)
def apply(key: int) -> ResponseReturnValue:
    """Carry it out, as it was shown, whole or not at all."""

    def work() -> str:
        form = request.form
        done = service.apply(
            scan=scans.find_scan(key, actor()), leave_unknown=form.get("leave_unknown") == "true",
            empty_unlisted=form.get("empty_unlisted") == "true", **_seen(), by=actor(),
        )  # fmt: skip
        return url_for("racks.scan", key=done.scan.id, done="1")

    return pages.submit(work, again=again(key))


@bp.post("/rack-scans/<int:key>/aliquots")
@requires(Permission.SAMPLE_PROCESS)
@requires(Permission.STORAGE_MOVE)
def aliquots(key: int) -> ResponseReturnValue:
    """Divide a tube into those of the rack that nobody knows yet: they stand in their wells at once."""

    def work() -> str:
        form = request.form
        parent = find_sample(form.get("sample", ""), actor())
        given = {
            units.KINDS[parent.quantity_kind or units.VOLUME].field: form.get("each", "").strip() or None
        }
        done = children.aliquot(
            scan=scans.find_scan(key, actor()), sample=parent, amount=read_amount(given, parent),
            close_parent=form.get("close_parent") == "true", **_seen(), by=actor(),
        )  # fmt: skip
        return url_for("racks.scan", key=done.scan.id, done="1")

    return pages.submit(work, again=again(key))


@bp.post("/rack-scans/<int:key>/codes")
@requires(Permission.STORAGE_MOVE)
def type_codes(key: int) -> ResponseReturnValue:
    """Keep what was typed, twice each, for wells that could not be read."""
    turned = request.form.get("turned") == "true"

    def work() -> str:
        typed = {
            name.removeprefix("code-"): (text, request.form.get(f"again-{name.removeprefix('code-')}", ""))
            for name, text in request.form.items()
            if name.startswith("code-")
        }
        service.type_codes(scan=scans.find_scan(key, actor()), typed=typed, turned=turned, by=actor())
        return url_for("racks.scan", key=key, turned="true" if turned else None)

    return pages.submit(work, again=again(key))


@bp.post("/rack-scans/<int:key>/box")
@requires(Permission.STORAGE_MOVE)
def say_box(key: int) -> ResponseReturnValue:
    """Say which box a scan is of by scanning it; a rack's code in the file that nobody has is its own from then on."""

    def work() -> str:
        thing = scanning.find_thing(request.form.get("raw", ""), actor())
        if thing.child is None:
            raise NotFound("container_unknown", container=request.form.get("raw", "")[:40])
        said = naming.say_box(scan=scans.find_scan(key, actor()), container=thing.child, by=actor())
        return next_page(said)

    return pages.submit(work, again=again(key))


@bp.post("/rack-scans/<int:key>/new-box")
@requires(Permission.STORAGE_BUILD)
def new_box(key: int) -> ResponseReturnValue:
    """Set up a box for a rack that nobody knows, known by the code in its file."""

    def work() -> str:
        form = request.form
        made = naming.make_box(
            scan=scans.find_scan(key, actor()),
            kind=form.get("kind", ""),
            name=form.get("name", ""),
            by=actor(),
        )
        return next_page(made)

    return pages.submit(work, again=again(key))


@bp.post("/rack-scans/<int:key>/below")
@requires(Permission.STORAGE_MOVE)
def look_from(key: int) -> ResponseReturnValue:
    """Say from which side a picture was taken: its places are laid anew."""

    def work() -> str:
        found = scans.find_scan(key, actor())
        scans.look_from(scan=found, below=request.form.get("below") == "true", by=actor())
        return next_page(found)

    return pages.submit(work, again=again(key))


@bp.post("/rack-scans/<int:key>/dismiss")
@requires(Permission.STORAGE_MOVE)
def dismiss(key: int) -> ResponseReturnValue:
    """Put it aside: it is kept, and not carried out."""

    def work() -> str:
        found = scans.dismiss(scan=scans.find_scan(key, actor()), by=actor())
        box = box_of(found)
        return url_for("racks.box", code=box.code) if box is not None else url_for("racks.waiting")

    return pages.submit(work, again=again(key))


@bp.get("/rack-scans/<int:key>/file")
@requires(Permission.STORAGE_READ)
def file(key: int) -> ResponseReturnValue:
    """The file, byte for byte as it came."""
    return downloads.download(scans.find_scan(key, actor()))


@bp.get("/rack-scans/<int:key>/picture")
@requires(Permission.STORAGE_READ)
def picture(key: int) -> ResponseReturnValue:
    """The picture, as a page shows it."""
    found = scans.find_scan(key, actor())
    if not found.media_type.startswith("image/"):
        raise NotFound("rack_scan_unknown", scan=key)
    return downloads.picture(found)


def _seen() -> dict[str, Any]:
    """What somebody saw and says of it: which way round, which doubts are none, and the difference that was shown."""
    form = request.form
    return {
        "turned": {"true": True, "false": False}.get(form.get("turned", "")),
        "confirmed": form.getlist("confirmed"),
        "shown": form.get("shown") or None,
    }
