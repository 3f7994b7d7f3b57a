"""The API of withdrawals: record one and carry it out, list them."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import service as consent
from biobank.consent.schemas import WithdrawalNewSchema, withdrawal_json
from biobank.patients.asking import asked_patient
from biobank.studies import service as studies
from biobank.web.api import blueprint
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer
from biobank.withdrawal import service

bp = blueprint("withdrawal", __name__)


@bp.post("/patients/<path:code>/withdrawals")
@requires(Permission.CONSENT_RECORD)
@bp.arguments(WithdrawalNewSchema)
def withdraw(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """A patient takes back all, one clause or one study; answers with what that touched."""

    def work() -> dict[str, Any]:
        patient = asked_patient(code, data["site"])
        touched = service.withdraw(
            patient=patient,
            scope=data["scope"],
            received_on=data["received_on"],
            fate=data["fate"],
            by=actor(),
        )
        told = {name: data[name] for name in ("scope", "fate")}
        return {"patient": patient.code, "received_on": data["received_on"].isoformat()} | told | touched

    return api_answer(work)


@bp.get("/patients/<path:code>/withdrawals")
@requires(Permission.PATIENT_READ)
def list_withdrawals(code: str) -> ResponseReturnValue:
    """Everything the patient took back, the newest first."""
    withdrawals = consent.withdrawals_of(asked_patient(code))
    codes = studies.study_codes({each.study_id for each in withdrawals if each.study_id})
    items = [withdrawal_json(each, codes.get(each.study_id or 0)) for each in withdrawals]
    return jsonify({"items": items, "next": None})
