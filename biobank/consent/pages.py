"""What a patient answered and took back, on one page. The other pages of consent stand in the files it brings in."""

from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import (
    document_pages,
    form_pages,
    reading,
    recording_pages,
    rules_page,
    service,
    status_pages,
)
from biobank.consent.documents import replaced
from biobank.consent.page_parts import at_site, bp
from biobank.consent.words import describe_term
from biobank.core.i18n import N_
from biobank.patients.asking import asked_patient
from biobank.studies import service as studies
from biobank.web import pages
from biobank.web.navigation import NavItem

__all__ = [
    "NAVIGATION",
    "bp",
    "document_pages",
    "form_pages",
    "recording_pages",
    "rules_page",
    "status_pages",
]

NAVIGATION = [
    NavItem("consent.forms", N_("Consent forms"), "consent", Permission.STUDY_READ.value, 65, "patients"),
    NavItem("consent.rules", N_("Consent rules"), "quality", Permission.DECISION_READ.value, 66, "patients"),
]


@bp.get("/patients/<path:code>/consents")
@requires(Permission.PATIENT_READ)
def consents(code: str) -> ResponseReturnValue:
    """What holds now, and every record: what a patient answered and took back."""
    patient = asked_patient(code)
    records = service.consents_of(patient)
    withdrawals = service.withdrawals_of(patient)
    return pages.render(
        "consent/consents.html",
        patient=patient,
        consents=records,
        holding=reading.what_holds(patient, records),
        newer=replaced(document for record in records for document in record.documents),
        withdrawals=withdrawals,
        reversals=reading.reversals_of(withdrawals),
        study_codes=studies.study_codes({each.study_id for each in withdrawals if each.study_id}),
        describe_term=describe_term,
        at_site=at_site(),
    )
