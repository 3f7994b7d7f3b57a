"""The figures through the API, also as a file."""

from typing import Any

from flask import Response, jsonify
from marshmallow import RAISE

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.reports import schemas, service, sheets
from biobank.web.api import blueprint
from biobank.web.asking import actor

bp = blueprint("reports", __name__)


@bp.get("/reports/throughput")
@requires(Permission.REPORT_READ)
@bp.arguments(schemas.ThroughputQuery, location="query", unknown=RAISE)
@bp.response(200, schemas.ThroughputSchema)
def throughput(data: dict[str, Any]) -> Response:
    """Samples treated in a period and stored at its end: by month, study, type or site; as JSON, CSV or a workbook."""
    figures = service.throughput(**schemas.asked(data), actor=actor())
    if data["format"] == "json":
        return jsonify(sheets.as_json(figures))
    wanted = sheets.FORMATS[data["format"]]
    response = Response(wanted.write(figures), content_type=wanted.mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=sheets.file_name(figures, wanted.name))
    return response
