"""The pages of studies: the list, a form to open one, and one study with what it lays on its samples."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import clock
from biobank.core.i18n import N_
from biobank.core.times import local_day
from biobank.studies import service
from biobank.studies.models import Study
from biobank.studies.schemas import StudyNewSchema, StudyTermsNewSchema
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

bp = pages.blueprint("studies", __name__)

NAVIGATION = [NavItem("studies.studies", N_("Studies"), "study", Permission.STUDY_READ.value, 60, "patients")]

STUDY, TERMS = StudyNewSchema(), StudyTermsNewSchema()


@bp.get("/studies")
@requires(Permission.STUDY_READ)
def studies() -> ResponseReturnValue:
    """Every study of one's site."""
    page = service.page_of_studies(by=actor(), after=request.args.get("after"))
    return pages.render(
        "studies/studies.html", page=page, every_site=actor().site_id is None, site_code=access.site_code
    )


@bp.get("/studies/new")
@requires(Permission.STUDY_WRITE)
def new_study() -> ResponseReturnValue:
    """The form to open one."""
    return _form()


@bp.post("/studies")
@requires(Permission.STUDY_WRITE)
def open_study() -> ResponseReturnValue:
    """Open a study."""

    def work() -> str:
        given = STUDY.load(
            {name: request.form[name] for name in ("code", "title", "site") if name in request.form}
        )
        site = access.site_for(given["site"], by=actor())
        service.open_study(code=given["code"], title=given["title"], site_id=site.id, by=actor())
        return url_for("studies.studies")

    return pages.submit(work, again=_form)


@bp.get("/studies/<path:code>")
@requires(Permission.STUDY_READ)
def study(code: str) -> ResponseReturnValue:
    """One study: what it lays on its samples, and what it laid on them before."""
    return _show(code)


@bp.post("/studies/<path:code>/terms")
@requires(Permission.STUDY_WRITE)
def set_terms(code: str) -> ResponseReturnValue:
    """Say what it lays on them from now on."""

    def work() -> str:
        typed = {
            name: request.form[name]
            for name in ("closed_on", "keep_until", "reason")
            if request.form.get(name, "").strip()
        }
        given = TERMS.load(typed | {"reserved": "reserved" in request.form})
        service.set_terms(study=_found(code), **given, by=actor())
        return url_for("studies.study", code=code, **_at_site())

    return pages.submit(work, again=lambda *told: _show(code, *told))


def _found(code: str) -> Study:
    named = request.args.get("site")
    return service.find_study(code, actor(), access.site_for(named, by=actor()).id if named else None)


def _at_site() -> dict[str, Any]:
    """What an address needs besides a code, where somebody sees several sites."""
    return {"site": request.args["site"]} if request.args.get("site") else {}


def _show(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    found = _found(code)
    history = service.history_of(found)
    today = local_day(clock.now(), clock.zone())
    return pages.render(
        "studies/study.html",
        study=found,
        terms=history[0] if history else None,
        today=today,
        history=history,
        names=access.names_of({terms.recorded_by for terms in history}),
        problems=problems or {},
        sentence=sentence,
        typed=request.form if problems is not None else None,
        at_site=_at_site(),
    )


def _form(problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    return pages.render(
        "studies/new_study.html",
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        site_options=[(site.code, site.name) for site in access.list_sites(actor())],
        every_site=actor().site_id is None,
    )
