"""Sites through the API."""

from typing import Any

from flask import Response

from biobank.access import service
from biobank.access.guard import requires, signed_in
from biobank.access.models import Site
from biobank.access.permissions import Permission
from biobank.access.schemas import SiteList, SiteSchema
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


def _dump(site: Site) -> dict[str, Any]:
    return {"code": site.code, "name": site.name}
