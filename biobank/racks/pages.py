"""The pages of racks: drop a reader's file, look at what differs on the grid, and carry it out with one button."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import BiobankError, Malformed, NotFound, Reason, RuleViolation
from biobank.core.i18n import N_
from biobank.racks import downloads, scans, service, showing, teaching
from biobank.racks.files import LayoutUnknown
from biobank.racks.layouts import ROLES
from biobank.racks.models import RackScan
from biobank.storage import scanning
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.web import pages, sentences
from biobank.web.asking import actor
from biobank.web.uploads import takes_file, uploaded

bp = pages.blueprint("racks", __name__)

NAVIGATION = [pages.NavItem("racks.waiting", N_("Racks read"), "import", Permission.STORAGE_MOVE.value, 31)]

#: How many columns of an unknown file a page shows.
SHOWN_COLUMNS = 12


@bp.get("/containers/<code>/rack-scans")
@requires(Permission.STORAGE_READ)
def box(code: str) -> ResponseReturnValue:
    """Drop a file for this box, and everything that was read of it."""
    return _box(code)


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
        kept = scans.keep(content=content, file_name=name, source="upload", container=container, by=actor())
        return _next(kept.scan, again="1" if kept.again else None)

    return pages.submit(work, again=lambda problems, sentence: _box(code, problems, sentence))


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
    return _scan(found, unread=unread)


@bp.post("/rack-scans/<int:key>/apply")
@requires(Permission.STORAGE_MOVE)
def apply(key: int) -> ResponseReturnValue:
    """Carry it out, as it was shown, whole or not at all."""

    def work() -> str:
        form = request.form
        turned = {"true": True, "false": False}.get(form.get("turned", ""))
        done = service.apply(
            scan=scans.find_scan(key, actor()), turned=turned, leave_unknown=form.get("leave_unknown") == "true",
            rack=form.get("rack") or None, shown=form.get("shown") or None, by=actor(),
        )  # fmt: skip
        return url_for("racks.scan", key=done.scan.id, done="1")

    return pages.submit(work, again=_again(key))


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

    return pages.submit(work, again=_again(key))


@bp.post("/rack-scans/<int:key>/box")
@requires(Permission.STORAGE_MOVE)
def say_box(key: int) -> ResponseReturnValue:
    """Say which box a scan is of: its code, or the rack's own, is scanned."""

    def work() -> str:
        thing = scanning.find_thing(request.form.get("raw", ""), actor())
        if thing.child is None:
            raise NotFound("container_unknown", container=request.form.get("raw", "")[:40])
        said = scans.say_box(scan=scans.find_scan(key, actor()), container=thing.child, by=actor())
        return _next(said)

    return pages.submit(work, again=_again(key))


@bp.post("/rack-scans/<int:key>/dismiss")
@requires(Permission.STORAGE_MOVE)
def dismiss(key: int) -> ResponseReturnValue:
    """Put it aside: it is kept, and not carried out."""

    def work() -> str:
        found = scans.dismiss(scan=scans.find_scan(key, actor()), by=actor())
        code = _code(found)
        return url_for("racks.box", code=code) if code else url_for("racks.waiting")

    return pages.submit(work, again=_again(key))


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


@bp.get("/rack-scans/<int:key>/layout")
@requires(Permission.STORAGE_MOVE)
def layout(key: int) -> ResponseReturnValue:
    """The first rows of a file that nobody knows: which column is what?"""
    return _layout(key)


@bp.post("/rack-scans/<int:key>/layout")
@requires(Permission.STORAGE_MOVE)
def teach(key: int) -> ResponseReturnValue:
    """Keep what was said, read the file by it, and show what differs."""

    def work() -> str:
        form = request.form
        found = scans.find_scan(key, actor())
        sheet = teaching.sheet_of(found)
        roles = {at: form.get(f"column-{at}", "") for at in range(_width(sheet))}
        columns: dict[str, int] = {}
        for at, role in roles.items():
            if role in columns:
                raise Malformed({f"column-{at}": Reason("rack_mapping_role_twice")})
            if role:
                columns[role] = at
        heading = form.get("heading", "")
        teaching.teach(
            scan=found, name=form.get("name", ""), columns=columns, by=actor(),
            heading=int(heading) if heading.isdecimal() and len(heading) < 4 else None,
            skip=int(form["skip"]) if form.get("skip", "").isdecimal() and len(form["skip"]) < 4 else 0,
            numbering=form.get("numbering") or "row-major", delimiter=sheet.delimiter,
        )  # fmt: skip
        return _next(found)

    return pages.submit(work, again=lambda problems, sentence: _layout(key, problems, sentence))


# --- drawing


def _next(found: RackScan, again: str | None = None) -> str:
    """Where a scan is looked at, or its layout is asked for."""
    if found.reading is None and not found.media_type.startswith("image/"):
        return url_for("racks.layout", key=found.id)
    return url_for("racks.scan", key=found.id, again=again)


def _again(key: int) -> Any:
    return lambda problems, sentence: _scan(scans.find_scan(key, actor()), problems, sentence)


def _code(found: RackScan) -> str | None:
    container = scans.boxes_of([found]).get(found.container_id or 0)
    return container.code if container is not None else None


def _box(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    container = storage.find_container(code, actor())
    page = scans.scans_of(container, after=request.args.get("after"))
    names = access.names_of([scan.applied_by or scan.recorded_by for scan in page.items])
    return pages.render(
        "racks/box.html", box=container, path=storage.path_of([container.id]).get(container.id, []),
        scans=page.items, next=page.next, names=names, layout_name=showing.layout_name,
        problems=problems or {}, sentence=sentence,
    )  # fmt: skip


def _scan(
    found: RackScan,
    problems: dict[str, str] | None = None,
    sentence: str | None = None,
    unread: BiobankError | None = None,
) -> Any:
    turned = request.values.get("turned") == "true"
    rack = request.values.get("rack") or None
    compared: service.Compared | None = None
    refusal = unread
    container = scans.boxes_of([found]).get(found.container_id or 0)
    if container is not None and unread is None:
        try:
            compared = service.compare(scan=found, turned=turned, rack=rack, by=actor())
        except RuleViolation as error:
            refusal = error
    names = access.names_of([key for key in (found.applied_by, found.recorded_by) if key])
    response = pages.render(
        "racks/scan.html",
        scan=found,
        box=container,
        reopens=_reopens(found, compared),
        path=storage.path_of([container.id]).get(container.id, []) if container is not None else [],
        shown=showing.shown(compared) if compared is not None else None,
        refusal=refusal,
        refusal_told=_told(refusal),
        suggested=service.box_for(found, actor()) if container is None else None,
        rack=rack,
        names=names,
        again=request.args.get("again"),
        done=request.args.get("done"),
        layout_name=showing.layout_name,
        typed=request.form,
        problems=problems or {},
        sentence=sentence,
        picture=showing.picture(found),
    )
    response.status_code = 409 if refusal is not None else 200
    return response


def _reopens(found: RackScan, compared: service.Compared | None) -> bool:
    """It has ended, would change something now, and may be a scan that was made anew."""
    if compared is None or not scans.has_ended(found) or not scans.may_be_read_again(found):
        return False
    return compared.difference.changes


def _told(refusal: BiobankError | None) -> str | None:
    """The sentence of a refusal, with its reasons."""
    if refusal is None:
        return None
    reasons = " ".join(sentences.of_reason(reason) for reason in refusal.reasons)
    return f"{sentences.of_error(refusal)} {reasons}".strip()


def _width(sheet: Any) -> int:
    return min(SHOWN_COLUMNS, max((row.filled for row in sheet.rows[:30]), default=0))


def _layout(key: int, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    found = scans.find_scan(key, actor())
    if found.reading is not None:
        return redirect(url_for("racks.scan", key=key))
    sheet = teaching.sheet_of(found)
    return pages.render(
        "racks/layout.html",
        scan=found,
        box=_container(found),
        rows=sheet.rows[:12],
        width=_width(sheet),
        roles=[(role, sentences.word("rack_role", role)) for role in ROLES],
        guess=showing.guess(sheet),
        typed=request.form,
        problems=problems or {},
        sentence=sentence or _("This layout is not known yet. Say once which column is what; files like it are then "
                               "read by themselves."),
        bad=sentence is not None,
    )  # fmt: skip


def _container(found: RackScan) -> Container | None:
    return scans.boxes_of([found]).get(found.container_id or 0)
