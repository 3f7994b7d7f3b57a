"""The API of withdrawals: record one and carry it out, list them, take one back."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import service as consent
from biobank.consent.schemas import ReasonSchema, WithdrawalNewSchema, withdrawal_json
from biobank.patients.asking import asked_patient
from biobank.studies import service as studies
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer
from biobank.withdrawal import anonymising_api, correcting_api, service
from biobank.withdrawal.blueprints import api_bp as bp

__all__ = ["anonymising_api", "bp", "correcting_api"]


@bp.post("/patients/<path:code>/withdrawals")
@requires(Permission.CONSENT_RECORD)
@bp.arguments(WithdrawalNewSchema)
def withdraw(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """A patient takes back all, one clause or one study, or objects; answers with what that touched."""

    def work() -> dict[str, Any]:
        patient = asked_patient(code, data["site"])
        touched = service.withdraw(
            patient=patient,
            scope=data["scope"],
            received_on=data["received_on"],
            fate=data["fate"],
            channel=data["channel"],
            by=actor(),
        )
        told = {name: data[name] for name in ("scope", "fate", "channel")}
        return {"patient": patient.code, "received_on": data["received_on"].isoformat()} | told | touched

    return api_answer(work)


@bp.get("/patients/<path:code>/withdrawals")
@requires(Permission.PATIENT_READ)
def list_withdrawals(code: str) -> ResponseReturnValue:
    """Everything the patient took back, the newest first."""
    withdrawals = consent.withdrawals_of(asked_patient(code))
    codes = studies.study_codes({each.study_id for each in withdrawals if each.study_id})
    reversals = consent.reversals_of(withdrawals)
    items = [
        withdrawal_json(each, codes.get(each.study_id or 0), reversals.get(each.id)) for each in withdrawals
    ]
    return jsonify({"items": items, "next": None})


@bp.post("/patients/<path:code>/withdrawals/<int:key>/reversal")
@requires(Permission.CONSENT_REVERSE)
@bp.arguments(ReasonSchema)
def reverse(data: dict[str, Any], code: str, key: int) -> ResponseReturnValue:
    """It was recorded by mistake: somebody else takes it out of force, and what it held is let go."""
    return api_answer(lambda: _undone(service.reverse, data, code, key))


@bp.post("/patients/<path:code>/withdrawals/<int:key>/lift")
@requires(Permission.CONSENT_REVERSE)
@bp.arguments(ReasonSchema)
def lift(data: dict[str, Any], code: str, key: int) -> ResponseReturnValue:
    """The patient agreed again: what no withdrawal covers any more is let go."""
    return api_answer(lambda: _undone(service.lift, data, code, key), 200)


def _undone(act: Any, data: dict[str, Any], code: str, key: int) -> dict[str, Any]:
    withdrawal = consent.find_withdrawal(asked_patient(code, data["site"]), key)
    done: dict[str, Any] = act(withdrawal=withdrawal, reason=data["reason"], by=actor())
    return done
