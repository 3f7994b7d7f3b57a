"""The pages on which one walks through storage: all freezers, one container with its picture or map, a new one."""

from flask import current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, RuleViolation
from biobank.samples.schemas import read_when
from biobank.storage import capacity, colouring, drawing, kinds, map, rules, seeing, temperatures
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.storage.page_parts import bp
from biobank.storage.schemas import ContainerNewSchema
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.sentences import of_reason, word

CONTAINER = ContainerNewSchema()
#: So many of what stands in a freezer are named on the page of all freezers.
NAMED = 12


@bp.get("/containers")
@requires(Permission.STORAGE_READ)
def containers() -> ResponseReturnValue:
    """Every freezer and room, how full it is and when it will be full, and what stands nowhere."""
    by = actor()
    report = capacity.report(by)
    loose = storage.list_containers(by, loose=True, after=request.args.get("after"))
    loose_items = [each for each in loose.items if each.kind not in kinds.storage_kinds()]
    return pages.render(
        "storage/containers.html",
        report=report,
        outlook=drawing.outlook,
        told=drawing.told,
        share=drawing.share,
        children=storage.first_inside(
            [line.container.id for line in report.freezers if line.container], NAMED + 1
        ),
        named=NAMED,
        kinds=kinds.kinds(),
        loose=loose_items,
        loose_used=storage.used_in([each.id for each in loose_items]),
        next=loose.next,
    )


@bp.get("/containers/new")
@requires(Permission.STORAGE_BUILD)
def new_container() -> ResponseReturnValue:
    """The form to set one up; `?parent=` says where, `?position=` at which place."""
    return _new_form()


@bp.post("/containers")
@requires(Permission.STORAGE_BUILD)
def make_container() -> ResponseReturnValue:
    """Set a container up, and show it."""

    def work() -> str:
        fields = {name: request.form.get(name) or None for name in CONTAINER.fields}
        given = CONTAINER.load({name: value for name, value in fields.items() if value is not None})
        parent = storage.find_container(given["parent"], actor()) if given["parent"] else None
        if parent is not None and given["site"] is None:
            site_id = parent.site_id
        else:
            site_id = access.site_for(given["site"], actor()).id
        made = storage.make_container(
            site_id=site_id, kind=given["kind"], name=given["name"], parent=parent,
            position=given["position"], by=actor(),
        )  # fmt: skip
        return url_for("storage.container", code=made.code)

    return pages.submit(work, again=_new_form)


@bp.get("/containers/<code>")
@requires(Permission.STORAGE_READ)
def container(code: str) -> ResponseReturnValue:
    """A container: its picture or map, the place the page is about (`?position=`), what was just placed (`?placed=`).

    `?colour=` colours a box, `?at=` shows it as it was on that day.
    """
    return show(storage.find_container(code, actor()))


def show(box: Container, sentence: str | None = None) -> Response:
    """Its page; with a sentence, after an act that was refused."""
    by = actor()
    found, fault = _as_it_is_or_was(box)
    selected = _selected(found)
    coloured = colouring.colour(found, request.args.get("colour", ""))
    is_box = found.kind.positioned and not found.kind.numbered
    scene = seeing.scene_of(found) if found.at is None else None
    placed = request.args.get("placed")
    cold = temperatures.of_codes([box.code, *(step.code for step in reversed(found.path))])
    build_in = box if by.may(Permission.STORAGE_BUILD.value) else None
    return pages.render(
        "storage/container.html",
        box=box,
        found=found,
        grid=rules.grid(found.kind) if is_box else None,
        cells=drawing.cells(found, coloured) if is_box else {},
        groups=drawing.groups(coloured),
        colours=_colours() if is_box and found.at is None else [],
        colour=coloured.by if coloured else "",
        picture=drawing.picture(
            scene, title=box.name, gauge=drawing.gauge(temperatures.own(box)), build_in=build_in
        ) if scene else None,
        fill=scene.fill if scene else None,
        around=seeing.around(box),
        temperature=word("temperature", cold[1]) if cold else None,
        unusual=_unusual(found, cold),
        selected=selected,
        occupant=found.by_position.get(selected or ""),
        placed=next((each for each in found.occupants if each.code == placed), None),
        taken=request.args.get("taken", "")[:100] or None,
        samples_in=(scene.fill.samples if scene else 0)
        + sum(occupant.sample is not None for occupant in found.occupants),
        racks_are_read="racks.send" in current_app.view_functions,
        kinds=kinds.kinds(),
        sentence=sentence or fault,
    )  # fmt: skip


def _unusual(found: map.ContainerMap, cold: tuple[Container, str] | None) -> dict[str, str]:
    """Of the tubes that stand too warm or too cold here: place -> what there is to say."""
    told = {
        occupant.position or "": temperatures.unusual(cold, occupant.code, occupant.sample.type)
        for occupant in found.occupants
        if occupant.sample is not None
    }
    return {position: of_reason(reason) for position, reason in told.items() if reason is not None}


def _as_it_is_or_was(box: Container) -> tuple[map.ContainerMap, str | None]:
    """Its map, now or as `?at=` says; and what is wrong with what it says."""
    told = request.args.get("at", "").strip()
    if not told or request.method != "GET":
        return storage.what_is_in(box, actor()), None
    try:
        when = read_when(told, "at", page=True)
        return map.what_was_in(box, map.instant_of(when)) if when else storage.what_is_in(box, actor()), None
    except Malformed as error:
        return storage.what_is_in(box, actor()), " ".join(
            of_reason(reason) for reason in error.fields.values()
        )


def _selected(found: map.ContainerMap) -> str | None:
    """The place the page is about: the one asked for, else the next free one."""
    selected = request.values.get("position") or found.next_free
    if selected is not None and found.kind.positioned:
        try:
            selected = rules.parse_position(selected, found.kind).text
        except RuleViolation:
            selected = found.next_free
    return selected


def _colours() -> list[tuple[str, str]]:
    """The ways to colour a box, as the form offers them."""
    words = {
        "study": _("study"), "type": _("type"), "age": _("age"), "consent": _("consent"), "thaws": _("thaws"),
        "cold": _("minutes out of the cold"),
    }  # fmt: skip
    return [("", _("free or taken")), *((way, words[way]) for way in colouring.WAYS)]


def _new_form(problems: dict[str, str] | None = None, sentence: str | None = None) -> Response:
    by = actor()
    parent_code = request.values.get("parent", "")
    return pages.render(
        "storage/new_container.html",
        problems=problems or {},
        sentence=sentence,
        typed=request.values,
        parent_code=parent_code,
        kind_options=[(key, word("kind", kind.label)) for key, kind in kinds.kinds().items()],
        site_options=[(site.code, site.name) for site in access.list_sites(by)],
        every_site=by.site_id is None and not parent_code,
    )
