"""Hands a signed paper out: as a file to be kept, never shown inside a page of ours, whatever its bytes would do."""

from flask import Response, make_response

from biobank.consent import documents
from biobank.core.db import unit_of_work
from biobank.core.errors import NotFound
from biobank.patients.models import Patient
from biobank.patients.service import find_patient
from biobank.web.asking import actor


def download(patient: Patient, key: int, **record: int) -> Response:
    """The document as an attachment; the reading goes on record in a short unit of its own.

    record  where the address names it as well: consent_id or withdrawal_id
    """
    by, code, site_id = actor(), patient.code, patient.site_id

    def read() -> tuple[bytes, str, str]:
        person = find_patient(code, by, site_id)
        document = documents.read_document(patient=person, key=key, by=by)
        if any(getattr(document, name) != named for name, named in record.items()):
            raise NotFound("document_unknown", document=str(key)[:20])
        return document.content or b"", document.media_type, documents.file_name(document)

    content, media_type, name = unit_of_work(read)
    response = make_response(content)
    response.content_type = media_type
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
