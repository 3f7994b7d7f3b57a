"""The shapes of studies at the edge."""

from typing import Any

from marshmallow import fields

from biobank.access import service as access
from biobank.studies.models import Study, StudyTerms
from biobank.web.schemas import Code, SafeString, Schema


class StudyNewSchema(Schema):
    code = Code(required=True, max_length=80)
    title = SafeString(required=True, max_length=500)
    site = Code(load_default=None, allow_none=True, max_length=40)


class StudyTermsNewSchema(Schema):
    """What a study lays on its samples from now on."""

    reserved = fields.Boolean(required=True, truthy={True}, falsy={False})
    closed_on = fields.Date(load_default=None, allow_none=True)
    keep_until = fields.Date(load_default=None, allow_none=True)
    reason = SafeString(required=True, max_length=2000, lines=True)


def study_json(study: Study, terms: StudyTerms | None = None) -> dict[str, Any]:
    """A study as the API gives it; `terms` is null while it lays nothing on its samples."""
    return {
        "code": study.code,
        "title": study.title,
        "site": access.site_code(study.site_id),
        "recorded_at": study.recorded_at.isoformat(),
        "terms": terms_json(terms) if terms else None,
    }


def terms_json(terms: StudyTerms) -> dict[str, Any]:
    """What it lays on them, and since when."""
    return {
        "reserved": terms.reserved,
        "closed_on": terms.closed_on.isoformat() if terms.closed_on else None,
        "keep_until": terms.keep_until.isoformat() if terms.keep_until else None,
        "reason": terms.reason,
        "recorded_at": terms.recorded_at.isoformat(),
    }
