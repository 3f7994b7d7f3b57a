"""Sites, stations and badges through the API."""

from typing import Any

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from biobank.access import badges, service, stations
from biobank.access.guard import requires, signed_in
from biobank.access.models import Site, Station
from biobank.access.permissions import Permission
from biobank.access.schemas import SiteList, SiteSchema, StationChange, StationSchema
from biobank.web.api import blueprint
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("access", __name__)


@bp.route("/sites", methods=["GET"])
@signed_in
@bp.response(200, SiteList)
def sites() -> dict[str, Any]:
    """The sites that you see."""
    return {"items": [_dump(site) for site in service.list_sites(actor())]}


@bp.route("/sites", methods=["POST"])
@requires(Permission.USER_ADMIN)
@bp.arguments(SiteSchema)
@bp.response(201, SiteSchema)
def make_site(body: dict[str, Any]) -> Response:
    """Set up a site."""
    return api_answer(lambda: _dump(service.make_site(**body, by=actor())))


@bp.get("/stations")
@requires(Permission.SCAN)
def list_stations() -> ResponseReturnValue:
    """The bench stations that you see. A program says which one it is at by the header `X-Station`."""
    return jsonify({"items": [_station(each) for each in stations.list_stations(actor())]})


@bp.post("/stations")
@requires(Permission.STATION_SET_UP)
@bp.arguments(StationSchema)
def make_station(data: dict[str, Any]) -> ResponseReturnValue:
    """Set up a station, under a number of its own."""

    def work() -> dict[str, Any]:
        by = actor()
        site = service.site_for(data["site"], by)
        told = {name: data[name] for name in ("name", "prefix", "suffix", "printer")}
        return _station(stations.make_station(site=site, by=by, **told))

    return api_answer(work)


@bp.put("/stations/<code>")
@requires(Permission.STATION_SET_UP)
@bp.arguments(StationChange)
def change_station(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Give a station another name, scanner or printer."""

    def work() -> dict[str, Any]:
        by = actor()
        return _station(stations.change_station(station=stations.find_station(code, by), by=by, **data))

    return api_answer(work, 200)


@bp.post("/people/<name>/badges")
@requires(Permission.STATION_SET_UP)
def issue_badge(name: str) -> ResponseReturnValue:
    """Give somebody a badge; the one before it is void. It signs nobody in."""

    def work() -> dict[str, Any]:
        by = actor()
        user = service.find_user(name, by)
        site = user.site or service.site_for(None, by)
        return {"name": user.name, "badge": badges.issue_badge(user=user, site=site, by=by)}

    return api_answer(work)


def _station(station: Station) -> dict[str, Any]:
    names = ("code", "name", "prefix", "suffix", "printer")
    return {name: getattr(station, name) for name in names} | {"site": service.site_code(station.site_id)}


def _dump(site: Site) -> dict[str, Any]:
    return {"code": site.code, "name": site.name}
