"""The API of breaking the link to a person: ask, see what names them, agree or cancel."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from marshmallow import fields

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.patients.asking import asked_patient
from biobank.patients.models import Patient
from biobank.web import sentences
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer
from biobank.web.schemas import Code, SafeString, Schema
from biobank.withdrawal import anonymising, traces
from biobank.withdrawal.blueprints import api_bp as bp
from biobank.withdrawal.models import Anonymisation


class AnonymisationAskSchema(Schema):
    reason = SafeString(required=True, max_length=2000, lines=True)
    site = Code(load_default=None, allow_none=True, max_length=40)


class AnonymisationAgreeSchema(Schema):
    """`looked_at` and the keys to overwrite are those of `GET /anonymisations/{id}`."""

    code = SafeString(required=True, max_length=100)
    looked_at = SafeString(required=True, max_length=40)
    overwrite = fields.List(SafeString(max_length=40), load_default=list)


class AnonymisationCancelSchema(Schema):
    reason = SafeString(required=True, max_length=2000, lines=True)


@bp.post("/patients/<path:code>/anonymisations")
@requires(Permission.PATIENT_ANONYMISE)
@bp.arguments(AnonymisationAskSchema)
def ask_anonymisation(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Ask for the link to a person to be broken, who has withdrawn everything; somebody else must agree."""

    def work() -> dict[str, Any]:
        patient = asked_patient(code, data["site"])
        return _json(anonymising.ask(patient=patient, reason=data["reason"], by=actor()), patient)

    return api_answer(work)


@bp.get("/anonymisations")
@requires(Permission.PATIENT_ANONYMISE)
def list_anonymisations() -> ResponseReturnValue:
    """What waits for a second person, the oldest first."""
    items = [_json(*each) for each in anonymising.list_open(actor())]
    return jsonify({"items": items, "next": None})


@bp.get("/anonymisations/<int:key>")
@requires(Permission.PATIENT_ANONYMISE)
def show_anonymisation(key: int) -> ResponseReturnValue:
    """One, with every text that names the person and what becomes of it."""
    found, patient = anonymising.find(key, actor())
    told = _json(found, patient)
    if told["status"] == "open":
        present = traces.find_traces(patient)
        told |= {"traces": [_trace(trace) for trace in present], "looked_at": traces.seen(present)}
    return jsonify(told)


@bp.post("/anonymisations/<int:key>/agree")
@requires(Permission.PATIENT_ANONYMISE)
@bp.arguments(AnonymisationAgreeSchema)
def agree_anonymisation(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """Agree, as another person than who asked: the link is broken for good."""

    def work() -> dict[str, Any]:
        found, patient = anonymising.find(key, actor())
        anonymising.agree(
            anonymisation=found, code=data["code"], looked_at=data["looked_at"], erase=data["overwrite"],
            by=actor(),
        )  # fmt: skip
        return _json(found, patient)

    return api_answer(work, 200)


@bp.post("/anonymisations/<int:key>/cancel")
@requires(Permission.PATIENT_ANONYMISE)
@bp.arguments(AnonymisationCancelSchema)
def cancel_anonymisation(data: dict[str, Any], key: int) -> ResponseReturnValue:
    """The link stays as it is."""

    def work() -> dict[str, Any]:
        found, patient = anonymising.find(key, actor())
        return _json(anonymising.cancel(anonymisation=found, reason=data["reason"], by=actor()), patient)

    return api_answer(work, 200)


def _json(asked: Anonymisation, patient: Patient) -> dict[str, Any]:
    status = "agreed" if asked.agreed_at else "cancelled" if asked.cancelled_at else "open"
    return {
        "id": asked.id,
        "patient": patient.code,
        "status": status,
        "withdrawal": asked.withdrawal_id,
        "reason": asked.reason,
        "asked_at": asked.asked_at.isoformat(),
        "agreed_at": asked.agreed_at.isoformat() if asked.agreed_at else None,
    }


def _trace(trace: traces.Trace) -> dict[str, Any]:
    """`overwrite`: what the page proposes, by ticking it."""
    return {
        "key": trace.key,
        "place": trace.place,
        "text": sentences.word("place", trace.place),
        "excerpt": trace.excerpt,
        "count": len(trace.rows),
        "belongs_to": [
            {"kind": one.kind, "code": None if one.kind == "patient" else one.code} for one in trace.belongs
        ],
        "fate": trace.fate,
        "overwrite": trace.fate == traces.OVERWRITABLE and trace.certain,
    }
