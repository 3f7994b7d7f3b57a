"""The pages of signed papers: attach the scan of one, put another in its place, take one away to read it."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import documents, service
from biobank.consent.downloads import download
from biobank.consent.page_parts import at_site, bp
from biobank.consent.schemas import DocumentFieldsSchema
from biobank.consent.service import RecordedConsent
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.patients.asking import asked_patient
from biobank.patients.models import Patient
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.uploads import takes_file, uploaded

FIELDS = DocumentFieldsSchema()


@bp.get("/patients/<path:code>/consents/<int:key>/documents/new", defaults={"of": "consent"})
@bp.get("/patients/<path:code>/withdrawals/<int:key>/documents/new", defaults={"of": "withdrawal"})
@requires(Permission.CONSENT_RECORD)
def new_document(code: str, key: int, of: str) -> ResponseReturnValue:
    """Choose the file; `?replaces=` names a document that it takes the place of."""
    return _form(code, key, of, request.args.get("replaces", ""))


@bp.post("/patients/<path:code>/consents/<int:key>/documents", defaults={"of": "consent"})
@bp.post("/patients/<path:code>/withdrawals/<int:key>/documents", defaults={"of": "withdrawal"})
@requires(Permission.CONSENT_RECORD)
@takes_file
def attach_document(code: str, key: int, of: str) -> ResponseReturnValue:
    """Keep the scan beside the consent, or the withdrawal, and go back there."""
    replaces = request.form.get("replaces", "")

    def work() -> str:
        patient = asked_patient(code)
        given = FIELDS.load({"replaces": replaces} if replaces else {})
        content = uploaded()
        if content is None:
            raise Malformed({"file": Reason("document_missing")})
        documents.attach(
            patient=patient, content=content, replaces=given["replaces"], by=actor(), **{f"{of}_id": key}
        )
        return _back(code, key, of)

    return pages.submit(
        work, again=lambda problems, sentence: _form(code, key, of, replaces, problems, sentence)
    )


@bp.get("/patients/<path:code>/documents/<int:key>")
@requires(Permission.PATIENT_READ)
def document(code: str, key: int) -> ResponseReturnValue:
    """What was scanned, to be kept as a file. That it was read is recorded."""
    return download(asked_patient(code), key)


def _back(code: str, key: int, of: str) -> str:
    """Where the paper is shown beside its record."""
    if of == "withdrawal":
        return url_for("withdrawal.withdrawal", code=code, key=key, **at_site())
    return url_for("consent.consents", code=code, _anchor=f"record-{key}", **at_site())


def _record(patient: Patient, key: int) -> RecordedConsent:
    record = next((each for each in service.consents_of(patient) if each.id == key), None)
    if record is None:
        raise NotFound("consent_unknown", consent=str(key)[:20])
    return record


def _form(
    code: str,
    key: int,
    of: str,
    replaces: str,
    problems: dict[str, str] | None = None,
    sentence: str | None = None,
) -> Any:
    patient = asked_patient(code)
    return pages.render(
        "consent/document.html",
        patient=patient,
        of=of,
        key=key,
        record=_record(patient, key) if of == "consent" else service.find_withdrawal(patient, key),
        back=_back(code, key, of),
        replaces=replaces if replaces.isdecimal() else "",
        problems=problems or {},
        sentence=sentence,
        at_site=at_site(),
    )
