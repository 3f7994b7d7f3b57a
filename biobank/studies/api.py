"""The API of studies: open one, list them."""

from typing import Any

from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.studies import service
from biobank.studies.schemas import StudyNewSchema, study_json
from biobank.web.api import blueprint, page_arguments, page_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("studies", __name__)


@bp.post("/studies")
@requires(Permission.STUDY_WRITE)
@bp.arguments(StudyNewSchema)
def open_study(data: dict[str, Any]) -> ResponseReturnValue:
    """Open a study."""

    def work() -> dict[str, Any]:
        site = access.site_for(data["site"], by=actor())
        return study_json(
            service.open_study(code=data["code"], title=data["title"], site_id=site.id, by=actor())
        )

    return api_answer(work)


@bp.get("/studies")
@requires(Permission.STUDY_READ)
def list_studies() -> ResponseReturnValue:
    """Studies, the newest first; `?after=…&limit=…`."""
    return page_json(service.page_of_studies(by=actor(), **page_arguments()), study_json)
