"""The page of a file that nobody knows: which column is what? It is asked once."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.racks import scans, showing, teaching
from biobank.racks.layouts import ROLES
from biobank.racks.page_parts import box_of, bp, next_page
from biobank.web import pages, sentences
from biobank.web.asking import actor

#: How many columns of an unknown file a page shows.
SHOWN_COLUMNS = 12


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
        return next_page(found)

    return pages.submit(work, again=lambda problems, sentence: _layout(key, problems, sentence))


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
        box=box_of(found),
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
