"""The pages of studies: the list, and a form to open one."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.i18n import N_
from biobank.studies import service
from biobank.studies.schemas import StudyNewSchema
from biobank.web import pages
from biobank.web.asking import actor

bp = pages.blueprint("studies", __name__)

NAVIGATION = [pages.NavItem("studies.studies", N_("Studies"), "study", Permission.STUDY_READ.value, 60)]

STUDY = StudyNewSchema()


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


def _form(problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    return pages.render(
        "studies/new_study.html",
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        site_options=[(site.code, site.name) for site in access.list_sites(actor())],
        every_site=actor().site_id is None,
    )
