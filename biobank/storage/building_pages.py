"""The page on which a freezer is built in one go: kind and name, level by level or in one line, its picture before it
is there."""

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import BiobankError, Malformed, Reason
from biobank.storage import building, drawing, kinds, layouts, seeing
from biobank.storage import service as storage
from biobank.storage.layouts import Layout, Level
from biobank.storage.models import Container
from biobank.storage.page_parts import bp
from biobank.storage.texts import CONTAINER_NAMES
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.sentences import of_error, of_reason, word

#: Rows of levels in the form.
LEVELS = 4


@bp.get("/containers/build")
@requires(Permission.STORAGE_BUILD)
def build_form() -> ResponseReturnValue:
    """The form; `?into=` fills a container that is there, `?line=` is read into its levels."""
    typed = MultiDict(request.args)
    return _form(typed, *_look(typed) if typed.get("line") else (None, {}, None))


@bp.post("/containers/build/preview")
@requires(Permission.STORAGE_BUILD)
def build_preview() -> ResponseReturnValue:
    """The form as typed, with the picture of what would be built; nothing is kept."""
    typed = MultiDict(request.form)
    layout, problems, sentence = _look(typed)
    if pages.is_partial():
        return pages.render(
            "storage/_planned.html", **_drawn(layout, typed), problems=problems, sentence=sentence
        )
    return _form(typed, layout, problems, sentence)


@bp.post("/containers/build")
@requires(Permission.STORAGE_BUILD)
def build() -> ResponseReturnValue:
    """Build it, and show it."""
    typed = MultiDict(request.form)

    def work() -> str:
        by, into = actor(), _into(typed)
        site_id = into.site_id if into else access.site_for(typed.get("site") or None, by).id
        built = building.build(site_id=site_id, by=by, **_asked(typed, into))
        return url_for("storage.container", code=built.container.code, built=built.count)

    def again(problems: dict[str, str], sentence: str) -> Response:
        return _form(typed, None, problems, " ".join(problems.values()) or sentence)

    return pages.submit(work, again=again)


def _into(typed: Mapping[str, str]) -> Container | None:
    return storage.find_container(typed["into"], actor()) if typed.get("into") else None


def _asked(typed: Mapping[str, str], into: Container | None) -> dict[str, Any]:
    """What `building.build` is told. A line that is written stands for the levels."""
    outermost = kinds.kind_of(into).key if into else kinds.find_kind(typed.get("kind", "")).key
    line = typed.get("line", "").strip()
    levels = _read(line, outermost) if line else _levels(typed)
    told: dict[str, Any] = {"into": into} if into else {"kind": outermost, "name": typed.get("name")}
    return told | {"levels": levels, "default_names": _names()}


def _read(line: str, outermost: str) -> list[Level]:
    labels = {key: word("kind", kind.label) for key, kind in kinds.kinds().items()}
    return layouts.read_line(line[:500], kinds=kinds.kinds(), outermost=outermost, labels=labels)


def _levels(typed: Mapping[str, str]) -> list[Level]:
    """The rows of the form up to the first without a kind. raises Malformed for a count that is none"""
    levels = []
    for number in range(1, LEVELS + 1):
        kind, count = typed.get(f"kind_{number}", ""), typed.get(f"count_{number}", "").strip()
        if not kind:
            break
        if count and not (count.isascii() and count.isdigit() and len(count) <= 5):
            raise Malformed(
                {f"level_{number}": Reason("level_count", {"level": number, "given": count[:20]})}
            )
        name = " ".join(typed.get(f"name_{number}", "").split())[:200] or None
        levels.append(Level(kind[:40], int(count) if count else None, name))
    return levels


def _names() -> dict[str, str]:
    """What containers are called unless somebody says otherwise, in the reader's language."""
    return {key: _(name) for key, name in CONTAINER_NAMES.items()}


def _look(typed: MultiDict[str, str]) -> tuple[Layout | None, dict[str, str], str | None]:
    """What would be built, or the sentence of each field that is wrong. A line is put into the rows of the form."""
    try:
        into = _into(typed)
        asked = _asked(typed, into)
        if typed.get("line", "").strip():
            _put_into_rows(typed, asked["levels"])
        if into is None:
            asked["name"] = typed.get("name") or "–"  # it may be looked at before it has a name
        return building.sketch(by=actor(), **asked), {}, None
    except Malformed as error:
        problems = {name: of_reason(reason) for name, reason in error.fields.items()}
        return None, problems, " ".join(problems.values())
    except BiobankError as error:
        return None, {}, of_error(error)


def _put_into_rows(typed: MultiDict[str, str], levels: list[Level]) -> None:
    for number in range(1, LEVELS + 1):
        level = levels[number - 1] if number <= len(levels) else None
        typed[f"kind_{number}"] = level.kind if level else ""
        typed[f"count_{number}"] = "" if level is None or level.count is None else str(level.count)
        typed[f"name_{number}"] = _names().get(level.kind, "") if level else ""
    if len(levels) <= LEVELS:
        typed["line"] = ""


def _drawn(layout: Layout | None, typed: Mapping[str, str]) -> dict[str, Any]:
    if layout is None:
        return {"plan": None, "picture": None}
    outermost = kinds.kind_of(storage.find_container(typed["into"], actor())).key if typed.get("into") else ""
    outermost = outermost or typed.get("kind", "")
    scene = seeing.planned_scene(layout, outermost)
    title = typed.get("name") or word("kind", kinds.kinds()[outermost].label)
    return {
        "plan": layout,
        "kinds": kinds.kinds(),
        "picture": drawing.picture(
            scene, title=title, gauge=drawing.gauge(kinds.kinds()[outermost].temperature), planned=True
        )
        if scene
        else None,
    }


def _form(
    typed: MultiDict[str, str], layout: Layout | None, problems: dict[str, str], sentence: str | None
) -> Response:
    by, known = actor(), kinds.kinds()
    inside = [key for key in known if any(key in kind.holds for kind in known.values())]
    return pages.render(
        "storage/build.html",
        typed=typed,
        into=_into(typed),
        problems=problems,
        sentence=sentence,
        rows=range(1, LEVELS + 1),
        outer_options=[(key, word("kind", kind.label)) for key, kind in known.items() if kind.storage],
        inner_options=[(key, word("kind", known[key].label)) for key in inside],
        names=_names(),
        site_options=[(site.code, site.name) for site in access.list_sites(by)],
        every_site=by.site_id is None and not typed.get("into"),
        **_drawn(layout, typed),
    )
