"""The pages of patients: find one by pseudonym, enrol one. A patient's own page is composed by `bench`."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.i18n import N_
from biobank.patients import service
from biobank.patients.models import SEXES
from biobank.patients.schemas import PatientNewSchema
from biobank.web import pages, sentences
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

bp = pages.blueprint("patients", __name__)

NAVIGATION = [
    NavItem("patients.patients", N_("Patients"), "people", Permission.PATIENT_READ.value, 20, "patients")
]

PATIENT = PatientNewSchema()


@bp.get("/patients")
@requires(Permission.PATIENT_READ)
def patients() -> ResponseReturnValue:
    """Patients of one's site, the newest first; `?code=` those whose pseudonym begins so."""
    code = request.args.get("code", "").strip()
    page = service.page_of_patients(by=actor(), after=request.args.get("after"), starts_with=code)
    return pages.render(
        "patients/patients.html",
        page=page,
        code=code,
        every_site=actor().site_id is None,
        site_code=access.site_code,
    )


@bp.get("/patients/new")
@requires(Permission.PATIENT_WRITE)
def new_patient() -> ResponseReturnValue:
    """The form to enrol one."""
    return _form()


@bp.post("/patients")
@requires(Permission.PATIENT_WRITE)
def enrol() -> ResponseReturnValue:
    """Enrol a patient, and go on to their page."""

    def work() -> str:
        given = PATIENT.load(_typed())
        site = access.site_for(given.pop("site"), by=actor())
        patient = service.enrol(site_id=site.id, by=actor(), **given)
        return url_for("bench.patient", code=patient.code)

    return pages.submit(work, again=_form)


def _typed() -> dict[str, Any]:
    """What was filled in; the year as a number if it is one."""
    typed: dict[str, Any] = {
        name: request.form[name] for name in ("code", "sex", "birth_year", "site") if request.form.get(name)
    }
    year = typed.get("birth_year", "").strip()
    if year.isascii() and year.isdigit():
        typed["birth_year"] = int(year[:9])
    return typed


def _form(problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    return pages.render(
        "patients/new_patient.html",
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        sex_options=[(sex, sentences.word("sex", sex)) for sex in SEXES],
        site_options=[(site.code, site.name) for site in access.list_sites(actor())],
        every_site=actor().site_id is None,
    )
