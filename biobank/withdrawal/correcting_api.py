"""The API that puts a wrong patient or a wrong type of a tube right."""

from typing import Any

from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.patients import service as patients
from biobank.samples import correction, reading
from biobank.samples.schemas import CorrectionSchema, sample_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer
from biobank.withdrawal import correcting
from biobank.withdrawal.blueprints import api_bp as bp


@bp.post("/samples/<code>/corrections")
@requires(Permission.SAMPLE_CORRECT)
@bp.arguments(CorrectionSchema)
def correct(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Put right a wrong patient or a wrong type; earlier decisions no longer count."""
    if (data["type"] is None) == (data["patient"] is None):
        raise Malformed({"type": Reason("correct_one"), "patient": Reason("correct_one")})

    def work() -> dict[str, Any]:
        sample = reading.find_sample(code, actor())
        if data["type"]:
            changed = [
                correction.wrong_type(sample=sample, type=data["type"], reason=data["reason"], by=actor())
            ]
        else:
            patient = patients.find_patient(data["patient"], actor(), sample.site_id)
            changed = correcting.wrong_patient(
                sample=sample, patient=patient, reason=data["reason"], by=actor()
            )
        return {"items": [sample_json(each) for each in changed]}

    return api_answer(work)
