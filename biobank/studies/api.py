"""The API of studies: open one, list them, say what one lays on its samples."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.studies import service
from biobank.studies.models import Study
from biobank.studies.schemas import StudyNewSchema, StudyTermsNewSchema, study_json
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
    page = service.page_of_studies(by=actor(), **page_arguments())
    terms = service.terms_of(study.id for study in page.items)
    return page_json(page, lambda study: study_json(study, terms.get(study.id)))


@bp.get("/studies/<path:code>")
@requires(Permission.STUDY_READ)
def show_study(code: str) -> ResponseReturnValue:
    """One study, with what it lays on its samples; `?site=` where several have the code."""
    return jsonify(_with_terms(_study(code)))


@bp.post("/studies/<path:code>/terms")
@requires(Permission.STUDY_WRITE)
@bp.arguments(StudyTermsNewSchema)
def set_terms(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Say what a study lays on its samples from now on, and why; what held before stays on record."""

    def work() -> dict[str, Any]:
        study = _study(code)
        service.set_terms(study=study, **data, by=actor())
        return _with_terms(study)

    return api_answer(work)


def _study(code: str) -> Study:
    named = request.args.get("site")
    return service.find_study(code, actor(), access.site_for(named, by=actor()).id if named else None)


def _with_terms(study: Study) -> dict[str, Any]:
    return study_json(study, service.terms_of([study.id]).get(study.id))
