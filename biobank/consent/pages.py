"""The pages of consent: forms and their versions, and a patient's answers to one of them."""

import json
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import editing, service
from biobank.consent.models import ConsentForm
from biobank.consent.schemas import ConsentNewSchema
from biobank.consent.words import describe_term
from biobank.core.errors import Malformed, Reason
from biobank.core.i18n import N_
from biobank.patients.asking import asked_patient, asked_site
from biobank.patients.models import Patient
from biobank.studies import service as studies
from biobank.web import pages
from biobank.web.asking import actor

bp = pages.blueprint("consent", __name__)

NAVIGATION = [pages.NavItem("consent.forms", N_("Consent forms"), "consent", Permission.STUDY_READ.value, 65)]

CONSENT = ConsentNewSchema()


# --- forms


@bp.get("/consent-forms")
@requires(Permission.STUDY_READ)
def forms() -> ResponseReturnValue:
    """Every version of every form, the newest first."""
    page = service.page_of_forms(by=actor(), after=request.args.get("after"))
    return pages.render(
        "consent/forms.html",
        page=page,
        study_codes=studies.study_codes({form.study_id for form in page.items if form.study_id}),
        every_site=actor().site_id is None,
        site_code=access.site_code,
    )


@bp.get("/consent-forms/<code>/<version>")
@requires(Permission.STUDY_READ)
def form(code: str, version: str) -> ResponseReturnValue:
    """One version, clause by clause, with what each answer allows."""
    found = service.find_form(code, version, actor(), asked_site())
    codes = studies.study_codes({found.study_id} if found.study_id else set())
    return pages.render(
        "consent/form.html",
        form=found,
        study=codes.get(found.study_id or 0),
        describe_term=describe_term,
        at_site=_at_site(),
    )


@bp.get("/consent-forms/new")
@requires(Permission.FORM_WRITE)
def new_form() -> ResponseReturnValue:
    """An empty form; `?like=CODE&version=V` begins with the clauses of that version."""
    like, version = request.args.get("like"), request.args.get("version", "")
    older = service.find_form(like, version, actor(), asked_site()) if like else None
    return _editor(editing.of_form(older) | {"version": ""} if older else editing.EMPTY)


@bp.post("/consent-forms")
@requires(Permission.FORM_WRITE)
def make_form() -> ResponseReturnValue:
    """Write a version: a draft, which its own page brings into force."""
    typed = editing.typed(request.form)
    if request.form.get("more"):
        return _editor(typed)

    def work() -> str:
        given = editing.read(typed)
        site = access.site_for(given["site"], by=actor())
        study = studies.find_study(given["study"], actor(), site.id) if given["study"] else None
        made = service.make_form(
            site_id=site.id,
            code=given["code"],
            version=given["version"],
            title=given["title"] or given["code"],
            study=study,
            clauses=given["clauses"],
            draft=True,
            by=actor(),
        )
        return url_for("consent.form", code=made.code, version=made.version, **_at_site(given["site"]))

    return pages.submit(work, again=lambda problems, sentence: _editor(typed, problems, sentence))


@bp.get("/consent-forms/<code>/<version>/edit")
@requires(Permission.FORM_WRITE)
def edit_form(code: str, version: str) -> ResponseReturnValue:
    """The draft in the editor."""
    found = service.find_form(code, version, actor(), asked_site())
    return _editor(editing.of_form(found), draft=found)


@bp.post("/consent-forms/<code>/<version>/edit")
@requires(Permission.FORM_WRITE)
def redraft(code: str, version: str) -> ResponseReturnValue:
    """Write the draft anew."""
    found = service.find_form(code, version, actor(), asked_site())
    typed = editing.typed(request.form) | {"code": found.code, "version": found.version}
    if request.form.get("more"):
        return _editor(typed, draft=found)

    def work() -> str:
        given = editing.read(typed)
        draft = service.find_form(code, version, actor(), asked_site())
        service.redraft(form=draft, title=given["title"] or draft.code, clauses=given["clauses"], by=actor())
        return _to_form(code, version)

    return pages.submit(work, again=lambda problems, sentence: _editor(typed, problems, sentence, found))


@bp.post("/consent-forms/<code>/<version>/in-force")
@requires(Permission.FORM_WRITE)
def put_in_force(code: str, version: str) -> ResponseReturnValue:
    """A draft comes into force; the older versions of its family retire."""

    def work() -> str:
        service.put_in_force(form=service.find_form(code, version, actor(), asked_site()), by=actor())
        return _to_form(code, version)

    return pages.submit(work)


@bp.post("/consent-forms/<code>/<version>/retire")
@requires(Permission.FORM_WRITE)
def retire(code: str, version: str) -> ResponseReturnValue:
    """Nobody signs this version any more."""

    def work() -> str:
        service.retire(form=service.find_form(code, version, actor(), asked_site()), by=actor())
        return _to_form(code, version)

    return pages.submit(work)


def _to_form(code: str, version: str) -> str:
    return url_for("consent.form", code=code, version=version, **_at_site())


def _editor(
    typed: dict[str, Any],
    problems: dict[str, str] | None = None,
    sentence: str | None = None,
    draft: ConsentForm | None = None,
) -> Any:
    found = editing.by_field(problems or {})
    return pages.render(
        "consent/editor.html",
        typed=typed,
        problems=found,
        summary=[{"name": name, "label": _label(name), "errors": [text]} for name, text in found.items()],
        sentence=sentence,
        draft=draft,
        rows=editing.rows(typed, request.form.get("more") is not None),
        terms=[describe_term(code) for code in editing.TERMS],
        study_options=[
            (study.code, f"{study.code} – {study.title}") for study in studies.list_studies(actor())
        ],
        site_options=[(site.code, site.name) for site in access.list_sites(actor())],
        every_site=actor().site_id is None,
        at_site=_at_site(),
    )


def _label(name: str) -> str:
    """What the summary of errors calls a field: `clauses.0.text` is in clause 1."""
    place = editing.place_of(name)
    return _("Clause %(number)s", number=place) if place else name


# --- what patients answer


@bp.get("/patients/<path:code>/consents")
@requires(Permission.PATIENT_READ)
def consents(code: str) -> ResponseReturnValue:
    """Everything a patient answered and took back."""
    patient = asked_patient(code)
    withdrawals = service.withdrawals_of(patient)
    return pages.render(
        "consent/consents.html",
        patient=patient,
        consents=service.consents_of(patient),
        withdrawals=withdrawals,
        study_codes=studies.study_codes({each.study_id for each in withdrawals if each.study_id}),
        describe_term=describe_term,
        at_site=_at_site(),
    )


@bp.get("/patients/<path:code>/consents/new")
@requires(Permission.CONSENT_RECORD)
def new_consent(code: str) -> ResponseReturnValue:
    """Choose the form, then answer it clause by clause. `?corrects=` begins with the answers of that record."""
    patient = asked_patient(code)
    corrects = request.args.get("corrects", "")
    if corrects:
        return _correction(patient, corrects)
    forms = service.forms_to_sign(patient.site_id)
    chosen = request.args.get("form")
    if chosen is None:
        in_force = [form for form in forms if form.status == "in_force"]
        return _answer(patient, in_force[0]) if len(forms) == 1 and in_force else _choose(patient, forms)
    return _answer(patient, _chosen(patient, chosen))


@bp.post("/patients/<path:code>/consents")
@requires(Permission.CONSENT_RECORD)
def record_consent(code: str) -> ResponseReturnValue:
    """Record the answers, and go back to the patient."""
    patient = asked_patient(code)
    form = service.find_form(
        request.form.get("form", ""), request.form.get("version", ""), actor(), patient.site_id
    )

    def work() -> str:
        given = CONSENT.load(_typed())
        person = asked_patient(code)
        service.record_consent(
            patient=person,
            form=service.find_form(given["form"], given["version"], actor(), person.site_id),
            signed_on=given["signed_on"],
            answers=given["answers"],
            corrects=given["corrects"],
            reason=given["reason"],
            by=actor(),
        )
        return url_for("bench.patient", code=person.code, **_at_site())

    return pages.submit(
        work,
        again=lambda problems, sentence: _answer(patient, form, problems=problems, sentence=sentence),
    )


def _typed() -> dict[str, Any]:
    """What was filled in: a clause that was left blank is no answer."""
    typed: dict[str, Any] = {
        name: request.form[name]
        for name in ("form", "version", "signed_on", "reason")
        if request.form.get(name)
    }
    if (corrects := request.form.get("corrects", "")).isdecimal():
        typed["corrects"] = int(corrects[:19])
    typed["answers"] = {
        name.removeprefix("answers."): answer
        for name, answer in request.form.items()
        if name.startswith("answers.") and answer
    }
    return typed


def _chosen(patient: Patient, text: str) -> ConsentForm:
    """The form that an option of the choice stands for. raises Malformed"""
    try:
        code, version = json.loads(text)
    except (ValueError, TypeError) as error:
        raise Malformed({"form": Reason("form_family_unknown", {"form": text[:80]})}) from error
    return service.find_form(str(code), str(version), actor(), patient.site_id)


def _choose(patient: Patient, forms: list[ConsentForm]) -> Any:
    codes = studies.study_codes({form.study_id for form in forms if form.study_id})
    return pages.render(
        "consent/choose.html",
        patient=patient,
        forms=[(json.dumps([form.code, form.version]), form) for form in forms],
        study_codes=codes,
        at_site=_at_site(),
    )


def _correction(patient: Patient, corrects: str) -> Any:
    found = next((each for each in service.consents_of(patient) if str(each.id) == corrects), None)
    if found is None:
        raise Malformed({"corrects": Reason("consent_unknown", {"consent": corrects[:40]})})
    answers = {f"answers.{key}": answer for key, answer in found.answers.items()}
    typed = answers | {"signed_on": found.signed_on.isoformat(), "corrects": str(found.id)}
    return _answer(patient, found.form, typed=typed)


def _answer(
    patient: Patient,
    form: ConsentForm,
    *,
    typed: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    sentence: str | None = None,
) -> Any:
    return pages.render(
        "consent/answer.html",
        patient=patient,
        form=form,
        typed=request.form if typed is None else typed,
        problems=problems or {},
        sentence=sentence,
        describe_term=describe_term,
        at_site=_at_site(),
    )


def _at_site(site: str | None = None) -> dict[str, Any]:
    """What an address needs besides a code, where somebody sees several sites."""
    named = site or request.args.get("site")
    return {"site": named} if named else {}
