"""The pages of stations and badges: which benches there are, which of them this browser is, who carries which badge."""

from typing import Any

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import badges, service, stations, this_station
from biobank.access.guard import requires
from biobank.access.page_parts import bp
from biobank.access.permissions import Permission
from biobank.web import pages
from biobank.web.asking import actor


@bp.get("/stations", endpoint="stations")
@requires(Permission.SCAN)
def stations_list() -> ResponseReturnValue:
    """Every bench of one's site, and which of them this browser is."""
    return _page()


@bp.post("/stations")
@requires(Permission.STATION_SET_UP)
def make_station() -> ResponseReturnValue:
    """Set up a station."""

    def work() -> str:
        site = service.site_for(request.form.get("site") or None, actor())
        stations.make_station(site=site, by=actor(), **_given())
        return url_for("access.stations")

    return pages.submit(work, again=_again("new"))


@bp.post("/stations/<code>")
@requires(Permission.STATION_SET_UP)
def change_station(code: str) -> ResponseReturnValue:
    """Give a station another name, scanner or printer."""

    def work() -> str:
        stations.change_station(station=stations.find_station(code, actor()), by=actor(), **_given())
        return url_for("access.stations")

    return pages.submit(work, again=_again(code))


@bp.post("/stations/<code>/here")
@requires(Permission.SCAN)
def be_station(code: str) -> ResponseReturnValue:
    """This browser is that station, whoever sits at it."""
    station = stations.find_station(code, actor())
    response = current_app.make_response(redirect(url_for("access.stations"), code=303))
    return this_station.remember(response, station.code)


@bp.post("/stations/nowhere")
@requires(Permission.SCAN)
def be_no_station() -> ResponseReturnValue:
    """This browser is no station any more."""
    return this_station.forget(current_app.make_response(redirect(url_for("access.stations"), code=303)))


@bp.post("/people/<name>/badge")
@requires(Permission.STATION_SET_UP)
def issue_badge(name: str) -> ResponseReturnValue:
    """Give somebody a badge, or a new one for one that was lost."""

    def work() -> str:
        user = service.find_user(name, actor())
        site = service.site_for(request.form["site"], actor()) if request.form.get("site") else None
        badges.issue_badge(user=user, site=site, by=actor())
        return url_for("access.stations")

    return pages.submit(work, again=_again("badge"))


def _given() -> dict[str, Any]:
    text = {name: request.form.get(name, "")[:300] for name in ("name", "prefix", "suffix", "printer")}
    return text | {"printer": text["printer"].strip() or None}


def _again(form: str) -> Any:
    return lambda problems, sentence: _page(
        typed={form: request.form}, problems={form: problems}, sentence=sentence
    )


def _page(**values: Any) -> Any:
    by = actor()
    empty: dict[str, Any] = {"typed": {}, "problems": {}, "sentence": None}
    people = service.list_users(by) if by.may(Permission.STATION_SET_UP.value) else []
    return pages.render(
        "access/stations.html",
        stations=stations.list_stations(by),
        here=by.station,
        fields=_fields,
        site_options=[(site.code, f"{site.code} – {site.name}") for site in service.list_sites(by)],
        every_site=by.site_id is None,
        people=[user for user in people if user.active],
        badges=badges.badges_of([user.id for user in people]),
        **(empty | values),
    )


def _fields(station: Any = None) -> list[dict[str, Any]]:
    """The fields of one station's form."""
    around = _("Leave it empty unless the scanner adds something. Enter and Tab need not be told.")
    return [
        {"name": "name", "label": _("Name"), "required": True, "maxlength": 200,
         "value": station.name if station else None, "autocomplete": "off"},
        {"name": "prefix", "label": _("The scanner types before each code"), "maxlength": stations.LONGEST_AFFIX,
         "value": station.prefix if station else None, "size": "m", "hint": around, "autocomplete": "off"},
        {"name": "suffix", "label": _("The scanner types after each code"), "maxlength": stations.LONGEST_AFFIX,
         "value": station.suffix if station else None, "size": "m", "autocomplete": "off"},
        {"name": "printer", "label": _("Label printer"), "maxlength": stations.LONGEST_PRINTER,
         "value": station.printer if station else None, "size": "m", "autocomplete": "off"},
    ]  # fmt: skip
