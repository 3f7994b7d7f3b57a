"""The API of consent: forms and their versions, and what patients answered."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import documents, service
from biobank.consent.downloads import download
from biobank.consent.models import ConsentForm
from biobank.consent.schemas import (
    GROUNDS,
    ConsentNewSchema,
    DocumentFieldsSchema,
    DocumentFileSchema,
    FormNewSchema,
    InForceSchema,
    StatusSchema,
    consent_json,
    document_json,
    form_json,
    status_json,
)
from biobank.patients.asking import asked_patient, asked_site
from biobank.studies import service as studies
from biobank.web.api import blueprint, page_arguments, page_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer
from biobank.web.uploads import takes_file, uploaded

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
            kind=data["kind"],
            in_force_on=data["in_force_on"],
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
@bp.arguments(InForceSchema)
def put_in_force(data: dict[str, Any], code: str, version: str) -> ResponseReturnValue:
    """A draft comes into force, today or since `in_force_on`; the older versions of its family retire.

    With `succeeds`, it is refused unless that version is the one in force ("" for none).
    """
    return api_answer(
        lambda: _with_study(service.put_in_force(form=_form(code, version), **data, by=actor())), 200
    )


@bp.post("/consent-forms/<code>/<version>/retire")
@requires(Permission.FORM_WRITE)
def retire(code: str, version: str) -> ResponseReturnValue:
    """Nobody signs this version any more."""
    return api_answer(lambda: _with_study(service.retire(form=_form(code, version), by=actor())), 200)


@bp.post("/patients/<path:code>/consents")
@requires(Permission.CONSENT_RECORD)
@bp.arguments(ConsentNewSchema)
def record_consent(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Record a patient's dated answers to one version of a form; `corrects` names a mistaken record.

    A notice takes `basis` non_opposition, with the `channel` by which the person was informed, or waiver, with
    `ethics_reference` and `basis_reason`. Where `given_by` is guardian, `of_age_on` says when the child comes of age.
    """

    def work() -> dict[str, Any]:
        patient = asked_patient(code, data["site"])
        consent = service.record_consent(
            patient=patient,
            form=service.find_form(data["form"], data["version"], actor(), patient.site_id),
            signed_on=data["signed_on"],
            answers=data["answers"],
            by=actor(),
            **{name: data[name] for name in GROUNDS},
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


@bp.post("/patients/<path:code>/consents/<int:key>/documents")
@requires(Permission.CONSENT_RECORD)
@takes_file
@bp.arguments(DocumentFieldsSchema, location="form")
@bp.arguments(DocumentFileSchema, location="files")
def attach_to_consent(
    data: dict[str, Any], _files: dict[str, Any], code: str, key: int
) -> ResponseReturnValue:
    """Attach the scan of what was signed: PDF, PNG or JPEG; `replaces` names a document that it takes the place of."""
    return _attach(code, data["replaces"], consent_id=key)


@bp.post("/patients/<path:code>/withdrawals/<int:key>/documents")
@requires(Permission.CONSENT_RECORD)
@takes_file
@bp.arguments(DocumentFieldsSchema, location="form")
@bp.arguments(DocumentFileSchema, location="files")
def attach_to_withdrawal(
    data: dict[str, Any], _files: dict[str, Any], code: str, key: int
) -> ResponseReturnValue:
    """Attach the scan of the letter that took something back: PDF, PNG or JPEG; `replaces` as for a consent."""
    return _attach(code, data["replaces"], withdrawal_id=key)


def _attach(code: str, replaces: int | None, **record: int) -> ResponseReturnValue:
    def work() -> dict[str, Any]:
        document = documents.attach(
            patient=asked_patient(code), content=uploaded() or b"", replaces=replaces, by=actor(), **record
        )
        told = {name.removesuffix("_id"): key for name, key in record.items()}
        return {"patient": code} | told | document_json(document)

    return api_answer(work)


@bp.get("/patients/<path:code>/consents/<int:key>/documents/<int:document>")
@requires(Permission.PATIENT_READ)
def read_document(code: str, key: int, document: int) -> ResponseReturnValue:
    """What was scanned. That it was read is recorded."""
    return download(asked_patient(code), document, consent_id=key)


@bp.get("/patients/<path:code>/withdrawals/<int:key>/documents/<int:document>")
@requires(Permission.PATIENT_READ)
def read_letter(code: str, key: int, document: int) -> ResponseReturnValue:
    """What was scanned of a withdrawal. That it was read is recorded."""
    return download(asked_patient(code), document, withdrawal_id=key)


@bp.post("/patients/<path:code>/status")
@requires(Permission.CONSENT_RECORD)
@bp.arguments(StatusSchema)
def note_status(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Note the day on which a child comes of age, or the day of death; a correction says its reason."""

    def work() -> dict[str, Any]:
        patient = asked_patient(code, data["site"])
        said = {name: data[name] for name in ("of_age_on", "died_on", "reason") if name in data}
        service.note_status(patient=patient, by=actor(), **said)
        return {"patient": patient.code} | status_json(patient)

    return api_answer(work, 200)


def _form(code: str, version: str) -> ConsentForm:
    return service.find_form(code, version, actor(), asked_site())


def _with_study(form: ConsentForm) -> dict[str, Any]:
    codes = studies.study_codes({form.study_id} if form.study_id else set())
    return form_json(form, codes.get(form.study_id or 0))
