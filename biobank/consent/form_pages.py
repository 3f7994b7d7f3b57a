"""The pages of consent forms: the list, one version, and the editor in which a version is written."""

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.consent import editing, service
from biobank.consent.forms import KINDS
from biobank.consent.models import ConsentForm
from biobank.consent.page_parts import at_site, bp
from biobank.consent.schemas import InForceSchema
from biobank.consent.words import describe_term, label_of, meaning_of
from biobank.core import clock
from biobank.core.errors import Malformed
from biobank.core.times import local_day
from biobank.core.vocabularies import research_types
from biobank.patients.asking import asked_site
from biobank.studies import service as studies
from biobank.web import pages, sentences
from biobank.web.asking import actor
from biobank.web.i18n import speaking

IN_FORCE = InForceSchema()
#: In which a form may be written.
LANGUAGES = ("en", "fr")

Problems = dict[str, str]


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
    return _form(service.find_form(code, version, actor(), asked_site()))


def _form(found: ConsentForm, problems: Problems | None = None, sentence: str | None = None) -> Any:
    return pages.render(
        "consent/form.html",
        form=found,
        study=_study_of(found),
        describe_term=describe_term,
        in_force=service.version_in_force(found),
        today=local_day(clock.now(), clock.zone()),
        problems=problems or {},
        sentence=sentence,
        at_site=at_site(),
    )


def _study_of(found: ConsentForm) -> str | None:
    codes = studies.study_codes({found.study_id} if found.study_id else set())
    return codes.get(found.study_id or 0)


# --- the editor


@bp.get("/consent-forms/new")
@requires(Permission.FORM_WRITE)
def new_form() -> ResponseReturnValue:
    """An empty form; `?like=CODE&version=V` begins as the next version of that one, with its clauses."""
    like = request.args.get("like")
    if not like:
        return _editor(editing.EMPTY)
    older = service.find_form(like, request.args.get("version", ""), actor(), asked_site())
    site = access.site_code(older.site_id) if actor().site_id is None else ""
    next_one = {"version": service.next_version(older), "site": site}
    return _editor(editing.of_form(older, _study_of(older)) | next_one)


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
            kind=given["kind"],
            clauses=given["clauses"],
            draft=True,
            by=actor(),
        )
        return url_for("consent.form", code=made.code, version=made.version, **at_site(given["site"]))

    return pages.submit(work, again=lambda problems, sentence: _editor(typed, problems, sentence))


@bp.post("/consent-forms/preview")
@requires(Permission.FORM_WRITE)
def preview() -> ResponseReturnValue:
    """What is written in the editor, as the patient would read it. Keeps nothing."""
    return pages.render("consent/preview.html", sheets=_sheets(editing.typed(request.form)))


@bp.get("/consent-forms/<code>/<version>/edit")
@requires(Permission.FORM_WRITE)
def edit_form(code: str, version: str) -> ResponseReturnValue:
    """The draft in the editor; a form that is or was in force is only succeeded."""
    found = service.find_form(code, version, actor(), asked_site())
    service.require_draft(found)
    return _editor(editing.of_form(found, _study_of(found)), draft=found)


@bp.post("/consent-forms/<code>/<version>/edit")
@requires(Permission.FORM_WRITE)
def redraft(code: str, version: str) -> ResponseReturnValue:
    """Write the draft anew."""
    found = service.find_form(code, version, actor(), asked_site())
    typed = editing.typed(request.form) | {"code": found.code, "version": found.version}
    if request.form.get("more"):
        return _editor(typed, draft=found)

    def work() -> str:
        given = editing.read(typed | {"site": "", "study": ""})
        draft = service.find_form(code, version, actor(), asked_site())
        service.redraft(
            form=draft,
            title=given["title"] or draft.code,
            kind=given["kind"],
            clauses=given["clauses"],
            by=actor(),
        )
        return _to_form(code, version)

    return pages.submit(work, again=lambda problems, sentence: _editor(typed, problems, sentence, found))


def _editor(
    typed: dict[str, Any],
    problems: Problems | None = None,
    sentence: str | None = None,
    draft: ConsentForm | None = None,
) -> Any:
    found = editing.by_field(problems or {}, typed)
    return pages.render(
        "consent/editor.html",
        typed=typed,
        problems=found,
        summary=[{"name": name, "label": _label(name), "errors": [text]} for name, text in found.items()],
        sentence=sentence,
        draft=draft,
        rows=editing.rows(typed, request.form.get("more", "terms") != "terms"),
        sheets=_sheets(typed),
        offered={name: [_option(code) for code in editing.terms_for(name)] for name in editing.ANSWERS},
        described=[describe_term(code) for code in editing.terms_for("if_granted")],
        research_types=[f"{kind.code}: {label_of(kind)}" for kind in research_types().values()],
        kind_options=[(kind, sentences.word("form_kind", kind)) for kind in KINDS],
        study_options=[
            (study.code, f"{study.code} – {study.title}") for study in studies.list_studies(actor())
        ],
        site_options=[(site.code, site.name) for site in access.list_sites(actor())],
        every_site=actor().site_id is None,
        at_site=at_site(),
    )


def _option(code: str) -> tuple[str, str]:
    return code, _("%(meaning)s (%(code)s)", meaning=sentences.word("meaning", code), code=code)


def _label(name: str) -> str:
    """What the summary of errors calls a field: `clauses.0.text` is in clause 1."""
    place = editing.place_of(name)
    named = {
        "code": _("Form"), "version": _("Version"), "title": _("Title"), "kind": _("What it is"),
        "study": _("Study"), "site": _("Site"), "clauses": _("Clauses"),
    }  # fmt: skip
    return _("Clause %(number)s", number=place) if place else named.get(name, name)


def _sheets(typed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The form as the patient would read it, once in each language, with what each answer means."""
    sheets = []
    for language in LANGUAGES:
        with speaking(language):
            clauses = [_sheet_clause(clause, language) for clause in typed["clauses"]]
            sheets.append(
                {
                    "language": language,
                    "name": {"en": "English", "fr": "Français"}[language],
                    "title": typed["title"] or typed["code"],
                    "clauses": clauses,
                    "yes": _("yes"),
                    "no": _("no"),
                }
            )
    return sheets


def _sheet_clause(clause: Mapping[str, Any], language: str) -> dict[str, Any]:
    nothing = _("changes nothing")
    refused = _meant(clause, "if_refused") or nothing
    if clause["required"]:
        refused = _("Nothing is allowed under this form.")
    return {
        "text": clause["text_fr"] if language == "fr" else clause["text"],
        "required": _("required") if clause["required"] else "",
        "means": [
            _("Yes: %(meaning)s", meaning=_meant(clause, "if_granted") or nothing),
            _("No, or no answer: %(meaning)s", meaning=refused),
        ],
    }


def _meant(clause: Mapping[str, Any], name: str) -> str:
    told = []
    for text in editing.terms_of(clause, name):
        try:
            told.append(meaning_of(text))
        except Malformed:  # half written: nothing before the colon
            told.append(text)
    return "; ".join(told)


# --- its life


@bp.post("/consent-forms/<code>/<version>/in-force")
@requires(Permission.FORM_WRITE)
def put_in_force(code: str, version: str) -> ResponseReturnValue:
    """A draft comes into force; the older versions of its family retire."""
    named = {name: request.form[name] for name in ("in_force_on", "succeeds") if name in request.form}
    if not named.get("in_force_on"):
        named.pop("in_force_on", None)

    def work() -> str:
        given: dict[str, Any] = IN_FORCE.load(named)
        found = service.find_form(code, version, actor(), asked_site())
        service.put_in_force(form=found, by=actor(), **given)
        return _to_form(code, version)

    def again(problems: Problems, sentence: str) -> Any:
        return _form(service.find_form(code, version, actor(), asked_site()), problems, sentence)

    return pages.submit(work, again=again)


@bp.post("/consent-forms/<code>/<version>/retire")
@requires(Permission.FORM_WRITE)
def retire(code: str, version: str) -> ResponseReturnValue:
    """Nobody signs this version any more."""

    def work() -> str:
        service.retire(form=service.find_form(code, version, actor(), asked_site()), by=actor())
        return _to_form(code, version)

    return pages.submit(work)


def _to_form(code: str, version: str) -> str:
    return url_for("consent.form", code=code, version=version, **at_site())
