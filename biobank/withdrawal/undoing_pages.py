"""The pages that take a withdrawal back: a mistake, or what it holds after the patient agreed again."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import service as consent
from biobank.patients.asking import asked_patient
from biobank.web import pages
from biobank.web.asking import actor
from biobank.withdrawal import reading, service
from biobank.withdrawal.blueprints import pages_bp as bp
from biobank.withdrawal.page_parts import at_site


@bp.get("/patients/<path:code>/withdrawals/<int:key>/undo")
@requires(Permission.CONSENT_REVERSE)
def undo(code: str, key: int) -> ResponseReturnValue:
    """Two forms with a reason: it was a mistake; or what it holds is let go."""
    return _form(code, key)


@bp.post("/patients/<path:code>/withdrawals/<int:key>/reversal")
@requires(Permission.CONSENT_REVERSE)
def reverse(code: str, key: int) -> ResponseReturnValue:
    """It was recorded by mistake, and is taken out of force."""
    return _carry_out(service.reverse, code, key)


@bp.post("/patients/<path:code>/withdrawals/<int:key>/lift")
@requires(Permission.CONSENT_REVERSE)
def lift(code: str, key: int) -> ResponseReturnValue:
    """The patient agreed again: what no withdrawal covers any more is let go."""
    return _carry_out(service.lift, code, key)


def _carry_out(act: Any, code: str, key: int) -> ResponseReturnValue:
    def work() -> str:
        withdrawal = consent.find_withdrawal(asked_patient(code), key)
        act(withdrawal=withdrawal, reason=request.form.get("reason", "")[:2000], by=actor())
        return url_for("withdrawal.withdrawal", code=code, key=key, **at_site())

    return pages.submit(work, again=lambda problems, sentence: _form(code, key, problems, sentence))


def _form(code: str, key: int, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    patient = asked_patient(code)
    withdrawal = consent.find_withdrawal(patient, key)
    return pages.render(
        "withdrawal/undo.html",
        patient=patient,
        seen=reading.overview(patient, withdrawal),
        withdrawal=withdrawal,
        mine=withdrawal.recorded_by == actor().key,
        tried="lift" if request.path.endswith("/lift") else "reversal",
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        at_site=at_site(),
    )
