"""The shapes of studies at the edge."""

from typing import Any

from biobank.access import service as access
from biobank.studies.models import Study
from biobank.web.schemas import Code, SafeString, Schema


class StudyNewSchema(Schema):
    code = Code(required=True, max_length=80)
    title = SafeString(required=True, max_length=500)
    site = Code(load_default=None, allow_none=True, max_length=40)


def study_json(study: Study) -> dict[str, Any]:
    """A study as the API gives it."""
    return {
        "code": study.code,
        "title": study.title,
        "site": access.site_code(study.site_id),
        "recorded_at": study.recorded_at.isoformat(),
    }
