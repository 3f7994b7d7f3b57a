"""The page that puts a wrong patient or a wrong type of a tube right. It stands here because what the right patient
withdrew is carried out with it."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.patients import service as patients
from biobank.samples import correction, reading
from biobank.samples.pages import Problems, sample_page, type_options, typed
from biobank.samples.schemas import CorrectionSchema
from biobank.web import pages
from biobank.web.asking import actor
from biobank.withdrawal import correcting
from biobank.withdrawal.blueprints import pages_bp as bp

CORRECTION = CorrectionSchema()


@bp.get("/samples/<code>/correct")
@requires(Permission.SAMPLE_CORRECT)
def correct_form(code: str) -> ResponseReturnValue:
    """The form to put right a wrong patient or a wrong type."""
    return _correct(code)


@bp.post("/samples/<code>/correct")
@requires(Permission.SAMPLE_CORRECT)
def correct(code: str) -> ResponseReturnValue:
    """Put a mistake right; earlier decisions no longer count."""
    what = request.form.get("what", "")

    def work() -> str:
        sample = reading.find_sample(code, actor())
        given = CORRECTION.load(typed("reason", "patient" if what == "patient" else "type"))
        if what == "patient":
            patient = patients.find_patient(given["patient"] or "", actor(), sample.site_id)
            correcting.wrong_patient(sample=sample, patient=patient, reason=given["reason"], by=actor())
        else:
            correction.wrong_type(sample=sample, type=given["type"] or "", reason=given["reason"], by=actor())
        return sample_page(sample)

    return pages.submit(work, again=lambda *told: _correct(code, *told))


def _correct(code: str, problems: Problems | None = None, sentence: str | None = None) -> Any:
    return pages.render(
        "withdrawal/correct.html",
        sample=reading.find_sample(code, actor()),
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        type_options=type_options(),
    )
