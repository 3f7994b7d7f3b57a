"""What the pages of racks share: their blueprint, and how a box and a scan are drawn."""

from typing import Any

from flask import request, url_for

from biobank.access import service as access
from biobank.core.errors import BiobankError, RuleViolation
from biobank.racks import naming, scans, service, showing
from biobank.racks.models import RackScan
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.web import pages, sentences
from biobank.web.asking import actor

bp = pages.blueprint("racks", __name__)


def next_page(found: RackScan, again: str | None = None) -> str:
    """Where a scan is looked at, or its layout is asked for."""
    if found.reading is None and not found.media_type.startswith("image/"):
        return url_for("racks.layout", key=found.id)
    return url_for("racks.scan", key=found.id, again=again)


def again(key: int) -> Any:
    """What a refused form of the page of a scan is answered with."""
    return lambda problems, sentence: draw_scan(scans.find_scan(key, actor()), problems, sentence)


def box_of(found: RackScan) -> Container | None:
    """The box that a scan is of, where somebody has said it."""
    return scans.boxes_of([found]).get(found.container_id or 0)


def draw_box(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    """One box: the form for a file, and everything that was read of it."""
    container = storage.find_container(code, actor())
    page = scans.scans_of(container, after=request.args.get("after"))
    names = access.names_of([scan.applied_by or scan.recorded_by for scan in page.items])
    return pages.render(
        "racks/box.html", box=container, path=storage.path_of([container.id]).get(container.id, []),
        scans=page.items, next=page.next, names=names, layout_name=showing.layout_name,
        typed=request.form, problems=problems or {}, sentence=sentence,
    )  # fmt: skip


def draw_scan(
    found: RackScan,
    problems: dict[str, str] | None = None,
    sentence: str | None = None,
    unread: BiobankError | None = None,
) -> Any:
    """The scan against its box as both are now; or why it cannot be, and what somebody has to say first."""
    turned = request.values.get("turned") == "true"
    compared: service.Compared | None = None
    refusal = unread
    container = box_of(found)
    if container is not None and unread is None:
        try:
            compared = service.compare(scan=found, turned=turned, looking=True, by=actor())
        except RuleViolation as error:
            refusal = error
    names = access.names_of([key for key in (found.applied_by, found.recorded_by) if key])
    unknown = not scans.has_ended(found) and naming.is_unknown(found, actor())
    response = pages.render(
        "racks/scan.html",
        scan=found,
        box=container,
        reopens=_reopens(found, compared),
        path=storage.path_of([container.id]).get(container.id, []) if container is not None else [],
        shown=showing.shown(compared) if compared is not None else None,
        refusal=refusal,
        refusal_told=_told(refusal),
        unknown=unknown,
        new_kinds=naming.fitting(found) if unknown else [],
        suggested=naming.box_for(found, actor()) if container is None else None,
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
