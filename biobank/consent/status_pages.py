"""The page on which is noted what becomes of a person: a child comes of age, somebody dies."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import service
from biobank.consent.page_parts import at_site, bp
from biobank.consent.schemas import StatusSchema
from biobank.patients.asking import asked_patient
from biobank.web import pages
from biobank.web.asking import actor

STATUS = StatusSchema()
DAYS = ("of_age_on", "died_on")


@bp.get("/patients/<path:code>/status")
@requires(Permission.CONSENT_RECORD)
def status(code: str) -> ResponseReturnValue:
    """What is noted, to be completed or corrected."""
    return _form(code)


@bp.post("/patients/<path:code>/status")
@requires(Permission.CONSENT_RECORD)
def note_status(code: str) -> ResponseReturnValue:
    """Note it, and go back to the patient. A field that was emptied takes back what was noted."""

    def work() -> str:
        typed: dict[str, Any] = {
            name: request.form.get(name) or None for name in DAYS if name in request.form
        }
        given = STATUS.load(typed | {"reason": request.form.get("reason") or None})
        patient = asked_patient(code)
        said = {name: given[name] for name in (*DAYS, "reason") if name in given}
        service.note_status(patient=patient, by=actor(), **said)
        return url_for("bench.patient", code=patient.code, **at_site())

    return pages.submit(work, again=lambda problems, sentence: _form(code, problems, sentence))


def _form(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    patient = asked_patient(code)
    known = {name: day.isoformat() for name in DAYS if (day := getattr(patient, name))}
    return pages.render(
        "consent/status.html",
        patient=patient,
        typed=request.form.to_dict() if request.method == "POST" else known,
        known=known,
        problems=problems or {},
        sentence=sentence,
        at_site=at_site(),
    )
