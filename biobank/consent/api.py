"""The API of consent: forms and their versions, and what patients answered."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import service
from biobank.consent.models import ConsentForm
from biobank.consent.schemas import ConsentNewSchema, FormNewSchema, consent_json, form_json
from biobank.patients.asking import asked_patient, asked_site
from biobank.studies import service as studies
from biobank.web.api import blueprint, page_arguments, page_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("consent", __name__)


@bp.post("/consent-forms")
@requires(Permission.FORM_WRITE)
@bp.arguments(FormNewSchema)
def make_form(data: dict[str, Any]) -> ResponseReturnValue:
    """Write a version of a form; it is in force at once unless `draft` is true, and older versions retire."""

    def work() -> dict[str, Any]:
        site = access.site_for(data["site"], by=actor())
        study = studies.find_study(data["study"], actor(), site.id) if data["study"] else None
        form = service.make_form(
            site_id=site.id,
            code=data["code"],
            version=data["version"],
            title=data["title"] or data["code"],
            study=study,
            clauses=data["clauses"],
            draft=data["draft"],
            by=actor(),
        )
        return form_json(form, study.code if study else None)

    return api_answer(work)


@bp.get("/consent-forms")
@requires(Permission.STUDY_READ)
def list_forms() -> ResponseReturnValue:
    """Forms of every version, the newest first; `?status=in_force`, `?after=…&limit=…`."""
    page = service.page_of_forms(by=actor(), status=request.args.get("status"), **page_arguments())
    codes = studies.study_codes({form.study_id for form in page.items if form.study_id})
    return page_json(page, lambda form: form_json(form, codes.get(form.study_id)))


@bp.get("/consent-forms/<code>/<version>")
@requires(Permission.STUDY_READ)
def show_form(code: str, version: str) -> ResponseReturnValue:
    """One version of a form, with its clauses."""
    return jsonify(_with_study(_form(code, version)))


@bp.post("/consent-forms/<code>/<version>/in-force")
@requires(Permission.FORM_WRITE)
def put_in_force(code: str, version: str) -> ResponseReturnValue:
    """A draft comes into force; the older versions of its family retire."""
    return api_answer(lambda: _with_study(service.put_in_force(form=_form(code, version), by=actor())), 200)


@bp.post("/consent-forms/<code>/<version>/retire")
@requires(Permission.FORM_WRITE)
def retire(code: str, version: str) -> ResponseReturnValue:
    """Nobody signs this version any more."""
    return api_answer(lambda: _with_study(service.retire(form=_form(code, version), by=actor())), 200)


@bp.post("/patients/<path:code>/consents")
@requires(Permission.CONSENT_RECORD)
@bp.arguments(ConsentNewSchema)
def record_consent(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Record a patient's dated answers to one version of a form; `corrects` names a mistaken record."""

    def work() -> dict[str, Any]:
        patient = asked_patient(code, data["site"])
        consent = service.record_consent(
            patient=patient,
            form=service.find_form(data["form"], data["version"], actor(), patient.site_id),
            signed_on=data["signed_on"],
            answers=data["answers"],
            corrects=data["corrects"],
            reason=data["reason"],
            by=actor(),
        )
        made = next(each for each in service.consents_of(patient) if each.id == consent.id)
        return {"patient": patient.code} | consent_json(made)

    return api_answer(work)


@bp.get("/patients/<path:code>/consents")
@requires(Permission.PATIENT_READ)
def list_consents(code: str) -> ResponseReturnValue:
    """Everything the patient answered, corrected records too, the newest first."""
    consents = service.consents_of(asked_patient(code))
    return jsonify({"items": [consent_json(consent) for consent in consents], "next": None})


def _form(code: str, version: str) -> ConsentForm:
    return service.find_form(code, version, actor(), asked_site())


def _with_study(form: ConsentForm) -> dict[str, Any]:
    codes = studies.study_codes({form.study_id} if form.study_id else set())
    return form_json(form, codes.get(form.study_id or 0))
