"""The shapes of patients at the edge."""

from typing import Any

from marshmallow import fields, validate

from biobank.access import service as access
from biobank.patients.models import SEXES, Patient
from biobank.web.schemas import Code, SafeString, Schema


class PatientNewSchema(Schema):
    code = Code(load_default=None, allow_none=True)
    sex = SafeString(load_default="unknown", validate=validate.OneOf(SEXES))
    birth_year = fields.Integer(load_default=None, allow_none=True, strict=True)
    site = Code(load_default=None, allow_none=True, max_length=40)


def patient_json(patient: Patient) -> dict[str, Any]:
    """A patient as the API gives one: the pseudonym, never the keys of the record."""
    return {
        "code": patient.code,
        "site": access.site_code(patient.site_id),
        "sex": patient.sex,
        "birth_year": patient.birth_year,
        "of_age_on": patient.of_age_on.isoformat() if patient.of_age_on else None,
        "died_on": patient.died_on.isoformat() if patient.died_on else None,
        "recorded_at": patient.recorded_at.isoformat(),
    }
