"""The pages of non-conformities: what is wrong with a tube by one key, what nobody has dealt with, and its end."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.i18n import N_
from biobank.quality import discrepancy_pages, inventory_pages, reading, service
from biobank.quality.page_parts import bp, tabs
from biobank.samples import holds
from biobank.samples.reading import find_sample
from biobank.storage import service as storage
from biobank.web import pages, sentences
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

__all__ = ["NAVIGATION", "bp", "discrepancy_pages", "inventory_pages"]

NAVIGATION = [
    NavItem("quality.differences", N_("Quality"), "quality", Permission.SAMPLE_HOLD.value, 34, "storage")
]


@bp.get("/non-conformities")
@requires(Permission.SAMPLE_READ)
def items() -> ResponseReturnValue:
    """What nobody has dealt with, the oldest first."""
    page = service.list_open(actor(), after=request.args.get("after"))
    return pages.render(
        "quality/items.html",
        items=page.items,
        next=page.next,
        subjects=reading.subjects_of(page.items),
        names=access.names_of({item.recorded_by for item in page.items}),
        tabs=tabs("items"),
        closed=request.args.get("closed", "")[:20],
    )


@bp.get("/non-conformities/<int:key>")
@requires(Permission.SAMPLE_READ)
def item(key: int) -> ResponseReturnValue:
    """One of them, and the form that closes it."""
    return _item(key)


@bp.post("/non-conformities/<int:key>/close")
@requires(Permission.SAMPLE_HOLD)
def close_item(key: int) -> ResponseReturnValue:
    """Say what was done about it."""

    def work() -> str:
        found = service.find_item(key, actor())
        service.close(item=found, action=request.form.get("action", "")[:2000], by=actor())
        return url_for("quality.items", closed=found.id)

    return pages.submit(work, again=lambda problems, sentence: _item(key, problems, sentence))


@bp.get("/samples/<code>/non-conformity")
@requires(Permission.SAMPLE_HOLD)
def sample_form(code: str) -> ResponseReturnValue:
    """What is wrong with a tube: one key for each reason; `?stage=` which reasons are offered."""
    return _form("sample", code)


@bp.post("/samples/<code>/non-conformity")
@requires(Permission.SAMPLE_HOLD)
def record_sample(code: str) -> ResponseReturnValue:
    """Record it, and go on to the sample."""

    def work() -> str:
        _record(sample=find_sample(code, actor()))
        return url_for(
            "quality.sample_form", code=code, stage=_stage(), recorded=request.form.get("code", "")
        )

    return pages.submit(work, again=lambda problems, sentence: _form("sample", code, problems, sentence))


@bp.get("/containers/<code>/non-conformity")
@requires(Permission.SAMPLE_HOLD)
def container_form(code: str) -> ResponseReturnValue:
    """The same for a container."""
    return _form("container", code)


@bp.post("/containers/<code>/non-conformity")
@requires(Permission.SAMPLE_HOLD)
def record_container(code: str) -> ResponseReturnValue:
    """Record it."""

    def work() -> str:
        _record(container=storage.find_container(code, actor()))
        return url_for(
            "quality.container_form", code=code, stage=_stage(), recorded=request.form.get("code", "")
        )

    return pages.submit(work, again=lambda problems, sentence: _form("container", code, problems, sentence))


def _record(**subject: Any) -> None:
    note = request.form.get("note", "").strip()[:2000]
    service.record(
        code=request.form.get("code", "")[:40], stage=_stage(), note=note or None, by=actor(), **subject
    )


def _stage() -> str:
    asked = request.values.get("stage", "")
    return asked if asked in service.STAGES else "storage"


def _form(kind: str, code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    sample = find_sample(code, actor()) if kind == "sample" else None
    container = storage.find_container(code, actor()) if kind == "container" else None
    stage = _stage()
    post, form = f"quality.record_{kind}", f"quality.{kind}_form"
    return pages.render(
        "quality/record.html",
        thing=sample or container,
        sample=sample,
        stage=stage,
        action=url_for(post, code=code),
        stages=[
            {"label": sentences.word("stage", each), "href": url_for(form, code=code, stage=each),
             "active": each == stage}
            for each in service.STAGES
        ],
        reasons=service.offered(stage),
        history=service.history(sample=sample, container=container),
        held=bool(holds.open_holds([sample.id])) if sample is not None else False,
        recorded=request.args.get("recorded", "")[:40],
        back=f"/samples/{code}" if sample is not None else url_for("storage.container", code=code),
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )  # fmt: skip


def _item(key: int, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    found = service.find_item(key, actor())
    return pages.render(
        "quality/item.html",
        item=found,
        subject=reading.subjects_of([found])[found.id],
        names=access.names_of({each for each in (found.recorded_by, found.closed_by) if each}),
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )
