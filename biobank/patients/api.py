"""The API of patients: enrol one under a pseudonym, find them again."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.patients import service
from biobank.patients.asking import asked_patient
from biobank.patients.schemas import PatientNewSchema, patient_json
from biobank.web.api import blueprint, page_arguments, page_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("patients", __name__)


@bp.post("/patients")
@requires(Permission.PATIENT_WRITE)
@bp.arguments(PatientNewSchema)
def enrol(data: dict[str, Any]) -> ResponseReturnValue:
    """Enrol a patient; without a code, a number is allotted."""

    def work() -> dict[str, Any]:
        site = access.site_for(data["site"], by=actor())
        patient = service.enrol(
            site_id=site.id, code=data["code"], sex=data["sex"], birth_year=data["birth_year"], by=actor()
        )
        return patient_json(patient)

    return api_answer(work)


@bp.get("/patients")
@requires(Permission.PATIENT_READ)
def list_patients() -> ResponseReturnValue:
    """Patients, the newest first; `?code=` those whose pseudonym begins so, `?after=…&limit=…`."""
    starts_with = request.args.get("code", "")
    page = service.page_of_patients(by=actor(), starts_with=starts_with, **page_arguments())
    return page_json(page, patient_json)


@bp.get("/patients/<path:code>")
@requires(Permission.PATIENT_READ)
def show(code: str) -> ResponseReturnValue:
    """One patient; `?site=` where several sites have the code."""
    return jsonify(patient_json(asked_patient(code)))
