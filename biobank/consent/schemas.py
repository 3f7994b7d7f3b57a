"""The shapes of consent forms, consents and withdrawals at the edge."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_smorest.fields import Upload
from marshmallow import ValidationError, fields, validate

from biobank.access import service as access
from biobank.consent.bases import CHANNELS
from biobank.consent.forms import KINDS
from biobank.consent.models import Clause, ConsentForm, SignedDocument, Withdrawal, WithdrawalReversal
from biobank.consent.service import FATES, RecordedConsent
from biobank.core.db import MAX_INTEGER
from biobank.core.i18n import N_
from biobank.patients.models import Patient
from biobank.web.schemas import Code, SafeString, Schema

#: What may be said of a consent besides its form, its day and its answers.
GROUNDS = (
    "basis", "given_by", "channel", "ethics_reference", "basis_reason", "of_age_on", "corrects", "reason",
)  # fmt: skip
#: Form and version stand in addresses, where a slash parts one name from the next.
NO_SLASH = validate.Regexp(r"[^/]+\Z", error=N_("May not contain a slash."))


class Version(SafeString):
    """The version of a form as printed; a program may send a bare number."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        return super()._deserialize(value, attr, data, **kwargs)


class ClauseSchema(Schema):
    key = Code(required=True, max_length=40)
    text = SafeString(required=True, max_length=5000, lines=True)
    text_fr = SafeString(load_default=None, allow_none=True, max_length=5000, lines=True)
    required = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    if_granted = fields.List(SafeString(max_length=500), load_default=list, validate=validate.Length(max=50))
    if_refused = fields.List(SafeString(max_length=500), load_default=list, validate=validate.Length(max=50))


class FormNewSchema(Schema):
    code = Code(required=True, max_length=80, validate=NO_SLASH)
    version = Version(required=True, max_length=40, validate=NO_SLASH)
    title = SafeString(load_default=None, allow_none=True, max_length=500)
    study = Code(load_default=None, allow_none=True, max_length=80)
    site = Code(load_default=None, allow_none=True, max_length=40)
    clauses = fields.List(
        fields.Nested(ClauseSchema), required=True, validate=validate.Length(min=1, max=100)
    )
    draft = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    kind = SafeString(load_default="consent", validate=validate.OneOf(KINDS))
    in_force_on = fields.Date(load_default=None, allow_none=True)


class InForceSchema(Schema):
    """The first day on which a draft may be signed, and which version it is thought to succeed."""

    in_force_on = fields.Date(load_default=None, allow_none=True)
    succeeds = SafeString(load_default=None, allow_none=True, blank=True, max_length=40)


class ConsentNewSchema(Schema):
    form = Code(required=True, max_length=80)
    version = Version(required=True, max_length=40)
    signed_on = fields.Date(required=True)
    answers = fields.Dict(
        keys=SafeString(max_length=40),
        values=SafeString(max_length=40),
        required=True,
        validate=validate.Length(max=100),
    )
    basis = SafeString(load_default=None, allow_none=True, max_length=40)
    given_by = SafeString(load_default=None, allow_none=True, max_length=40)
    channel = SafeString(load_default=None, allow_none=True, max_length=40)
    ethics_reference = SafeString(load_default=None, allow_none=True, max_length=200)
    basis_reason = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)
    of_age_on = fields.Date(load_default=None, allow_none=True)
    corrects = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, MAX_INTEGER)
    )
    reason = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)
    site = Code(load_default=None, allow_none=True, max_length=40)


class StatusSchema(Schema):
    """What became of a person. A day that is not named stays as it is known; null takes it back."""

    of_age_on = fields.Date(allow_none=True)
    died_on = fields.Date(allow_none=True)
    reason = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)
    site = Code(load_default=None, allow_none=True, max_length=40)


class DocumentFieldsSchema(Schema):
    """What comes beside the file."""

    replaces = fields.Integer(load_default=None, validate=validate.Range(1, MAX_INTEGER))


class DocumentFileSchema(Schema):
    file = Upload(required=True, metadata={"description": "PDF, PNG or JPEG"})


class Scope(fields.Raw):
    """ "all", {"form", "clause"}, {"study"} or {"objection"}."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str | dict[str, str]:
        if value == "all":
            return "all"
        if isinstance(value, dict) and set(value) in ({"study"}, {"form", "clause"}, {"objection"}):
            return {key: str(Code().deserialize(text, key)) for key, text in value.items()}
        raise ValidationError(N_("Must be “all”, a form with a clause, a study, or an objection."))


class WithdrawalNewSchema(Schema):
    scope = Scope(required=True)
    received_on = fields.Date(required=True)
    fate = SafeString(required=True, validate=validate.OneOf(FATES))
    channel = SafeString(load_default=None, allow_none=True, validate=validate.OneOf(CHANNELS))
    site = Code(load_default=None, allow_none=True, max_length=40)


class ReasonSchema(Schema):
    """Why a withdrawal is taken out of force, or what it holds is let go."""

    reason = SafeString(required=True, max_length=2000, lines=True)
    site = Code(load_default=None, allow_none=True, max_length=40)


def form_json(form: ConsentForm, study: str | None) -> dict[str, Any]:
    """A form as the API gives it."""
    return {
        "code": form.code,
        "version": form.version,
        "title": form.title,
        "site": access.site_code(form.site_id),
        "study": study,
        "kind": form.kind,
        "status": form.status,
        "in_force_on": form.in_force_on.isoformat() if form.in_force_on else None,
        "in_force_at": _instant(form.in_force_at),
        "retired_at": _instant(form.retired_at),
        "recorded_at": _instant(form.recorded_at),
        "clauses": [_clause_json(clause) for clause in form.clauses],
    }


def _clause_json(clause: Clause) -> dict[str, Any]:
    return {
        "key": clause.key,
        "text": clause.text,
        "text_fr": clause.text_fr,
        "required": clause.required,
        "if_granted": clause.if_granted,
        "if_refused": clause.if_refused,
    }


def consent_json(consent: RecordedConsent) -> dict[str, Any]:
    """A record as the API gives it; a clause that was left blank is not in `answers`."""
    return {
        "id": consent.id,
        "form": consent.form.code,
        "version": consent.form.version,
        "study": consent.study,
        "basis": consent.basis,
        "given_by": consent.given_by,
        "channel": consent.channel,
        "ethics_reference": consent.ethics_reference,
        "basis_reason": consent.basis_reason,
        "signed_on": consent.signed_on.isoformat(),
        "answers": dict(consent.answers),
        "documents": [document_json(document) for document in consent.documents],
        "corrects": consent.corrects,
        "corrected_by": consent.corrected_by,
        "reason": consent.reason,
        "recorded_at": consent.recorded_at.isoformat(),
    }


def document_json(document: SignedDocument) -> dict[str, Any]:
    """A signed paper as the API gives it: what it is, not what is in it."""
    return {
        "id": document.id,
        "media_type": document.media_type,
        "size": document.size,
        "sha256": document.sha256,
        "replaces": document.replaces_id,
        "recorded_at": document.recorded_at.isoformat(),
        "erased_at": _instant(document.erased_at),
    }


def status_json(patient: Patient) -> dict[str, Any]:
    """What became of the person."""
    days = {"of_age_on": patient.of_age_on, "died_on": patient.died_on}
    return {name: day.isoformat() if day else None for name, day in days.items()}


def withdrawal_json(
    withdrawal: Withdrawal, study: str | None, reversal: WithdrawalReversal | None = None
) -> dict[str, Any]:
    """A withdrawal as the API gives it, its scope as it was written; `reversed_at` once it turned out a mistake."""
    scope: Any = withdrawal.scope
    if withdrawal.scope == "clause":
        scope = {"form": withdrawal.form_code, "clause": withdrawal.clause_key}
    elif withdrawal.scope == "study":
        scope = {"study": study}
    elif withdrawal.scope == "objection":
        scope = {"objection": withdrawal.objects_to}
    return {
        "id": withdrawal.id,
        "scope": scope,
        "received_on": withdrawal.received_on.isoformat(),
        "fate": withdrawal.fate,
        "channel": withdrawal.channel,
        "recorded_at": withdrawal.recorded_at.isoformat(),
        "reversed_at": _instant(reversal.recorded_at if reversal else None),
        "why_reversed": reversal.reason if reversal else None,
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
