"""The pages of withdrawals: what is taken back, what that reaches before it is done, what it did, what is left."""

import json
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import service as consent
from biobank.consent.bases import CHANNELS
from biobank.consent.documents import documents_of, replaced
from biobank.consent.schemas import WithdrawalNewSchema
from biobank.consent.service import FATES
from biobank.core.i18n import N_
from biobank.patients.asking import asked_patient
from biobank.patients.models import Patient
from biobank.web import letters, pages, sentences
from biobank.web.asking import actor
from biobank.web.navigation import NavItem
from biobank.withdrawal import (
    anonymising_pages,
    certificate,
    correcting_pages,
    reading,
    service,
    undoing_pages,
)
from biobank.withdrawal.blueprints import pages_bp as bp
from biobank.withdrawal.page_parts import at_site

__all__ = ["NAVIGATION", "anonymising_pages", "bp", "correcting_pages", "undoing_pages"]

NAVIGATION = [
    NavItem(
        "withdrawal.withdrawals", N_("Withdrawals"), "no", Permission.CONSENT_RECORD.value, 68, "patients"
    )
]

WITHDRAWAL = WithdrawalNewSchema()
FIELDS = ("scope", "received_on", "channel", "fate")


@bp.get("/patients/<path:code>/withdrawals/new")
@requires(Permission.CONSENT_RECORD)
def new_withdrawal(code: str) -> ResponseReturnValue:
    """What is taken back, when, and what becomes of what is left."""
    return _form(asked_patient(code))


@bp.post("/patients/<path:code>/withdrawals/check")
@requires(Permission.CONSENT_RECORD)
def check(code: str) -> ResponseReturnValue:
    """Look at what was filled in, and go on to what it would reach. Nothing is recorded."""

    def work() -> str:
        given = WITHDRAWAL.load(_typed(request.form))
        patient = asked_patient(code)
        scope = consent.read_scope(given["scope"], patient=patient, by=actor())
        consent.check_withdrawal(
            patient=patient,
            received_on=given["received_on"],
            fate=given["fate"],
            channel=given["channel"],
            scope=scope,
        )
        fields: dict[str, Any] = {name: request.form.get(name, "") for name in FIELDS}
        return url_for("withdrawal.confirm", code=code, **fields, **at_site())

    return pages.submit(work, again=lambda problems, sentence: _form(asked_patient(code), problems, sentence))


@bp.get("/patients/<path:code>/withdrawals/confirm")
@requires(Permission.CONSENT_RECORD)
def confirm(code: str) -> ResponseReturnValue:
    """What it would reach, before it is done."""
    patient = asked_patient(code)
    given = WITHDRAWAL.load(_typed(request.args))
    scope = consent.read_scope(given["scope"], patient=patient, by=actor())
    return pages.render(
        "withdrawal/confirm.html",
        patient=patient,
        given=given,
        scope=scope,
        touched=service.touched(patient=patient, scope=scope),
        fields={name: request.args.get(name, "") for name in FIELDS},
        at_site=at_site(),
    )


@bp.post("/patients/<path:code>/withdrawals")
@requires(Permission.CONSENT_RECORD)
def withdraw(code: str) -> ResponseReturnValue:
    """Record it and carry it out; then what is to be done by hand."""

    def work() -> str:
        given = WITHDRAWAL.load(_typed(request.form))
        done = service.withdraw(
            patient=asked_patient(code),
            scope=given["scope"],
            received_on=given["received_on"],
            fate=given["fate"],
            channel=given["channel"],
            by=actor(),
        )
        return url_for("withdrawal.withdrawal", code=code, key=done["withdrawal"], **at_site())

    return pages.submit(work, again=lambda problems, sentence: _form(asked_patient(code), problems, sentence))


@bp.get("/patients/<path:code>/withdrawals/<int:key>")
@requires(Permission.PATIENT_READ)
def withdrawal(code: str, key: int) -> ResponseReturnValue:
    """What was taken back; what of it is here, promised, to be destroyed, out, or was used before."""
    patient = asked_patient(code)
    found = consent.find_withdrawal(patient, key)
    seen = reading.overview(patient, found)
    papers = [paper for paper in documents_of(patient) if paper.withdrawal_id == key]
    return pages.render(
        "withdrawal/withdrawal.html",
        patient=patient,
        withdrawal=found,
        seen=seen,
        papers=papers,
        newer=replaced(papers),
        names=access.names_of(
            {found.recorded_by, seen.reversal.recorded_by if seen.reversal else found.recorded_by}
        ),
        most=reading.MOST_SHOWN,
        at_site=at_site(),
    )


@bp.get("/patients/<path:code>/withdrawals/<int:key>/certificate.pdf")
@requires(Permission.CONSENT_RECORD)
def destruction_certificate(code: str, key: int) -> ResponseReturnValue:
    """What was destroyed, for the bank to sign and the person to keep; `?language=fr` in French."""
    patient = asked_patient(code)
    found = consent.find_withdrawal(patient, key)
    with letters.in_language():
        return letters.answer(certificate.write(patient, found), f"certificate-{key}")


@bp.get("/withdrawals")
@requires(Permission.CONSENT_RECORD)
def withdrawals() -> ResponseReturnValue:
    """Withdrawals that still ask for work: tubes to destroy, letters without an answer."""
    page = reading.open_work(actor(), after=request.args.get("after"))
    return pages.render(
        "withdrawal/withdrawals.html",
        rows=page.items,
        next=page.next,
        every_site=actor().site_id is None,
        site_code=access.site_code,
    )


def _typed(fields: Any) -> dict[str, Any]:
    """The fields as the API takes them. A scope that is no JSON is left for the schema to refuse."""
    typed = {name: fields[name] for name in FIELDS if fields.get(name)}
    if typed.get("scope", "").startswith("{"):
        try:
            typed["scope"] = json.loads(typed["scope"])
        except ValueError:
            typed["scope"] = ""
    return typed


def _form(patient: Patient, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    problems = {
        "scope" if name.startswith("scope") else name: text for name, text in (problems or {}).items()
    }
    return pages.render(
        "withdrawal/new_withdrawal.html",
        patient=patient,
        problems=problems,
        sentence=sentence,
        typed=request.form,
        scope_options=_scopes(patient),
        fate_options=[(fate, sentences.word("fate", fate)) for fate in FATES],
        channel_options=[
            ("", _("not said")),
            *((each, sentences.word("channel", each)) for each in CHANNELS),
        ],
        at_site=at_site(),
    )


def _scopes(patient: Patient) -> list[dict[str, str]]:
    """What this patient can take back: everything, a study they are in, a clause they were asked."""
    options = [{"value": "all", "label": _("Everything"), "hint": _("All samples, all studies.")}]
    options += [
        {"value": json.dumps({"study": code}), "label": _("Study %(study)s", study=code), "hint": title}
        for code, title in service.studies_of(patient)
    ]
    french = str(get_locale()) == "fr"
    asked: dict[tuple[str, str], str] = {}
    for record in consent.consents_of(patient):
        for clause in record.form.clauses:
            text = clause.text_fr if french and clause.text_fr else clause.text
            asked.setdefault((record.form.code, clause.key), text)
    options += [
        {
            "value": json.dumps({"form": form, "clause": key}),
            "label": _("Clause %(clause)s of form %(form)s", clause=key, form=form),
            "hint": text,
        }
        for (form, key), text in asked.items()
    ]
    options += [
        {
            "value": json.dumps({"objection": code}),
            "label": sentences.word("objection", code),
            "hint": _("Over every form that was signed."),
        }
        for code in consent.objections()
    ]
    return options
