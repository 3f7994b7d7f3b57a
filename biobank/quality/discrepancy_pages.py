"""The worklist of differences between the record and the freezer, and the acts that settle one."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.quality import discrepancies as service
from biobank.quality.page_parts import bp, tabs
from biobank.storage.scanning import find_scanned_container
from biobank.web import pages
from biobank.web.asking import actor


@bp.get("/discrepancies")
@requires(Permission.STORAGE_READ)
def differences() -> ResponseReturnValue:
    """What nobody has settled, the oldest first; `?kind=` those of one kind."""
    kind = request.args.get("kind", "")
    kind = kind if kind in service.KINDS else ""
    page = service.list_open(actor(), kind=kind or None, after=request.args.get("after"))
    return pages.render(
        "quality/differences.html",
        rows=service.listed(page.items),
        next=page.next,
        kind=kind,
        kinds=service.KINDS,
        tabs=tabs("differences"),
        settled=request.args.get("settled", "")[:100],
    )


@bp.get("/discrepancies/<int:key>")
@requires(Permission.STORAGE_READ)
def difference(key: int) -> ResponseReturnValue:
    """One of them: where somebody looked, what the record says, and what can be done about it."""
    return _difference(key)


@bp.post("/discrepancies/<int:key>/settle")
@requires(Permission.SAMPLE_HOLD)
def settle(key: int) -> ResponseReturnValue:
    """Put the record or the freezer right."""

    def work() -> str:
        by = actor()
        to = request.form.get("to", "").strip()[:100]
        row = service.settle(
            discrepancy=service.find_discrepancy(key, by), how=request.form.get("way", ""),
            reason=request.form.get("reason", "")[:2000], to=find_scanned_container(to, by) if to else None,
            position=request.form.get("position", "").strip()[:40] or None, by=by,
        )  # fmt: skip
        (listed,) = service.listed([row])
        return url_for(
            "quality.differences", settled=listed.sample.code if listed.sample else row.found or row.id
        )

    return pages.submit(work, again=lambda problems, sentence: _difference(key, problems, sentence))


def _difference(key: int, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    row = service.find_discrepancy(key, actor())
    (listed,) = service.listed([row])
    by = actor()
    sample = listed.sample or (service.known(row.found, by) if row.settled_at is None else None)
    return pages.render(
        "quality/difference.html",
        row=row,
        listed=listed,
        sample=sample,
        needs_second=row.settled_at is None and service.needs_second(row, sample),
        mine=row.opened_by == by.key,
        names=access.names_of({each for each in (row.opened_by, row.settled_by) if each}),
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )
