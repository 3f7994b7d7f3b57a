"""How labels look: every design with its picture, and the page where one is written with the picture beside it."""

import base64
from typing import Any

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.models import Site
from biobank.access.permissions import Permission
from biobank.core.errors import BiobankError, NotFound
from biobank.printing import designs, trying
from biobank.printing.design_words import meanings, said, title, title_of
from biobank.printing.designs import Known
from biobank.printing.page_parts import bp
from biobank.printing.trying import Trial
from biobank.web import pages, sentences
from biobank.web.asking import actor
from labels import FIELDS, png, svg
from labels.design import DOTS_PER_MM, Design
from labels.layout import Layout

Typed = dict[str, str]


@bp.get("/labels/designs")
@requires(Permission.LABEL_DESIGN)
def design_list() -> ResponseReturnValue:
    """Every design that the site can print with, by what it is for, with a picture of each."""
    site = _site()
    if site is None:
        return pages.render("printing/sites.html", sites=access.list_sites(actor()))
    known = designs.known(site.id)
    groups = [(kind, [one for one in known if one.of == kind]) for kind in designs.KINDS]
    return pages.render(
        "printing/designs.html",
        groups=[(kind, found) for kind, found in groups if found],
        broken=[one for one in known if one.design is None],
        usual=designs.used_for(site.id),
        title_of=title_of,
        site=site,
        at_site=_at_site(site),
    )


@bp.get("/labels/designs/<name>.svg")
@requires(Permission.LABEL_DESIGN)
def design_picture(name: str) -> ResponseReturnValue:
    """A label of this design, with the longest data there may be."""
    site = _the_site()
    trial = trying.attempt(name=name, text=_known(name, site).text, by=actor())
    if trial.layout is None:
        raise NotFound("label_design_nowhere", design=name[:64])
    response = make_response(svg(trial.layout))
    response.content_type = "image/svg+xml"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@bp.get("/labels/designs/<name>.toml")
@requires(Permission.LABEL_DESIGN)
def design_file(name: str) -> ResponseReturnValue:
    """The design as a file; `?version=` that one of the site's own, 0 the shipped one."""
    site = _the_site()
    version = request.args.get("version", type=int)
    text = designs.text_of(name, site.id, version)
    if text is None:
        raise NotFound("label_design_nowhere", design=name[:64])
    response = make_response(text)
    response.content_type = "application/toml; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.toml"'
    return response


@bp.get("/labels/designs/new")
@requires(Permission.LABEL_DESIGN)
def new_design() -> ResponseReturnValue:
    """The editor with a copy: `?like=` is the design that it begins as."""
    site = _the_site()
    like = _known(request.args.get("like", "tube"), site)
    return _editor(site, None, {"name": "", "text": like.text})


@bp.get("/labels/designs/<name>")
@requires(Permission.LABEL_DESIGN)
def design(name: str) -> ResponseReturnValue:
    """The editor of one design, its picture and its versions. `?version=` begins with an older one."""
    site = _the_site()
    known = _known(name, site)
    text: str | None = known.text
    if request.args.get("version"):
        text = designs.text_of(name, site.id, request.args.get("version", type=int))
    if text is None:
        raise NotFound("label_design_nowhere", design=name[:64])
    return _editor(site, known, {"name": name, "text": text})


@bp.post("/labels/designs/preview")
@requires(Permission.LABEL_DESIGN)
def design_preview() -> ResponseReturnValue:
    """What is written in the editor, as a label. Keeps nothing."""
    return pages.render("printing/design_preview.html", **_looked_at(_typed()))


@bp.post("/labels/designs")
@requires(Permission.LABEL_DESIGN)
def save_design() -> ResponseReturnValue:
    """Keep what is written as the newest version of the site's own; with `look`, only show it."""
    typed, site = _typed(), _the_site(request.form.get("site"))
    known = _found(typed["old_name"], site)
    if request.form.get("look"):
        return _editor(site, known, typed)

    def work() -> str:
        name = known.name if known else typed["name"].strip()
        designs.save(name=name, text=typed["text"], site_id=site.id, seen=_seen(typed), by=actor())
        return url_for("printing.design", name=name, saved=1, **_at_site(site))

    return pages.submit(
        work, again=lambda problems, sentence: _editor(site, known, typed, problems, sentence)
    )


@bp.post("/labels/designs/<name>/restore")
@requires(Permission.LABEL_DESIGN)
def restore_design(name: str) -> ResponseReturnValue:
    """Back to an older version, or with `version` 0 to the shipped one."""
    site = _the_site(request.form.get("site"))

    def work() -> str:
        version = request.form.get("version", type=int)
        if version is None:
            raise NotFound("label_design_nowhere", design=name[:64])
        row = designs.restore(name=name, version=version, site_id=site.id, seen=_seen(_typed()), by=actor())
        there = row.text is not None or designs.shipped_text(name) is not None
        if not there:
            return url_for("printing.design_list", **_at_site(site))
        return url_for("printing.design", name=name, saved=1, **_at_site(site))

    return pages.submit(work)


# --- whose


def _site() -> Site | None:
    """The site that is looked at: one's own, or that of `?site=`; None where somebody who sees several must choose."""
    named = request.args.get("site")
    if named is None and actor().site_id is None:
        sites = access.list_sites(actor())
        return sites[0] if len(sites) == 1 else None
    return _the_site(named)


def _the_site(named: str | None = None) -> Site:
    """raises NotFound for another's; Malformed where one must be named"""
    asked = named or request.args.get("site")
    if asked is not None and asked not in {site.code for site in access.list_sites(actor())}:
        raise NotFound("label_site_unknown", site=asked[:40])
    return access.site_for(asked, actor())


def _at_site(site: Site) -> dict[str, Any]:
    return {"site": site.code} if actor().site_id is None else {}


def _known(name: str, site: Site) -> Known:
    found = _found(name, site)
    if found is None:
        raise NotFound("label_design_nowhere", design=name[:64])
    return found


def _found(name: str, site: Site) -> Known | None:
    return designs.known_one(name, site.id) if name else None


# --- the editor


def _typed() -> Typed:
    names = ("name", "old_name", "text", "data", "code", "dpi", "seen")
    return {name: request.form.get(name, "") for name in names}


def _seen(typed: Typed) -> int:
    return int(typed["seen"][:9]) if typed["seen"].isascii() and typed["seen"].isdigit() else 0


def _editor(
    site: Site,
    known: Known | None,
    typed: Typed,
    problems: dict[str, str] | None = None,
    sentence: str | None = None,
) -> Any:
    versions = designs.history(known.name, site.id) if known else []
    look = _looked_at(typed)
    return pages.render(
        "printing/design.html",
        known=known,
        title=title_of(known) if known else "",
        typed=typed,
        problems=problems or {},
        sentence=sentence,
        versions=versions,
        seen=typed.get("seen") or (versions[0].version if versions else 0),
        names=access.names_of({row.recorded_by for row in versions}),
        saved=bool(request.args.get("saved")),
        site=site,
        at_site=_at_site(site),
        most=designs.MOST_LETTERS,
        resolutions=[(str(dpi), _("%(dpi)s dpi", dpi=dpi)) for dpi in DOTS_PER_MM],
        **look,
    )


def _looked_at(typed: Typed) -> dict[str, Any]:
    """What the preview shows."""
    data = typed.get("data") if typed.get("data") in trying.DATA else "longest"
    dpi = int(typed["dpi"]) if typed.get("dpi") in {str(dpi) for dpi in DOTS_PER_MM} else None
    problem = None
    try:
        trial = _tried(typed, str(data), dpi)
    except BiobankError as error:
        problem = sentences.of_error(error)
        trial = _tried(typed, "longest", dpi)
    wrong = [said(one, trial.design) for one in trial.wrong]
    return {
        "design": trial.design,
        "design_title": title(trial.design) if trial.design else "",
        "problem": problem,
        "wrong": wrong,
        "drawing": _drawing(trial, {one["field"] for one in wrong if one["field"] is not None}),
        "stock": trial.design.stock if trial.design else None,
        "dpi": trial.layout.dpi if trial.layout else None,
        "tried_with": data,
        "offered": meanings(
            {word: meant for word, meant in FIELDS.items() if trial.design and trial.design.of in meant.on}
        ),
    }


def _tried(typed: Typed, data: str, dpi: int | None) -> Trial:
    text = typed["text"].replace("\r\n", "\n")
    return trying.attempt(
        name=typed.get("name") or "new", text=text, by=actor(), data=data, code=typed.get("code", ""), dpi=dpi
    )


def _drawing(trial: Trial, marked: set[int]) -> dict[str, Any] | None:
    """The label dot by dot, and round the fields that something is said about a frame with their number."""
    layout = trial.layout
    if layout is None or trial.design is None:
        return None
    return {
        "width": layout.width,
        "height": layout.height,
        "picture": "data:image/png;base64," + base64.b64encode(png(layout)).decode(),
        "frames": [
            _frame(trial.design, index, layout)
            for index in sorted(marked)
            if index < len(trial.design.fields)
        ],
        "parts": [_part(part, layout) for part in trial.design.stock.parts],
    }


def _frame(design: Design, index: int, layout: Layout) -> dict[str, Any]:
    field = design.fields[index]
    return _box(field, layout) | {"number": index + 1}


def _part(part: Any, layout: Layout) -> dict[str, Any]:
    return _box(part, layout) | {"round": part.shape == "round"}


def _box(place: Any, layout: Layout) -> dict[str, Any]:
    scale = DOTS_PER_MM[layout.dpi]
    return {
        "left": round(place.left_mm * scale, 1),
        "top": round(place.top_mm * scale, 1),
        "width": round(place.width_mm * scale, 1),
        "height": round(place.height_mm * scale, 1),
        "text": round(min(layout.width, layout.height) / 8, 1),
    }
