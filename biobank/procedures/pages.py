"""The pages of procedures and kits: what is followed, each version with its limits, and the forms to write them."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import vocabularies
from biobank.core.i18n import N_
from biobank.procedures import form_parts, rules, service
from biobank.procedures.checking import VESSELS
from biobank.procedures.models import Procedure
from biobank.procedures.schemas import (
    KitNewSchema,
    ProcedureEditSchema,
    ProcedureNewSchema,
    in_units,
    state_of,
    steps_in_base_units,
    tubes_in_base_units,
)
from biobank.studies import service as studies
from biobank.web import pages, sentences
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

bp = pages.blueprint("procedures", __name__)

NAVIGATION = [
    NavItem("procedures.procedures", N_("Procedures"), "spin", Permission.SAMPLE_READ.value, 58, "bench")
]

NEW, EDIT, KIT = ProcedureNewSchema(), ProcedureEditSchema(), KitNewSchema()
#: Tubes of which a kit's form has rows.
KIT_ROWS = 8

Problems = dict[str, str]


@bp.get("/procedures")
@requires(Permission.SAMPLE_READ)
def procedures() -> ResponseReturnValue:
    """Every version of every procedure, the newest first."""
    page = service.page_of_procedures(actor(), after=request.args.get("after"))
    return pages.render(
        "procedures/procedures.html",
        page=page,
        state_of=state_of,
        every_site=actor().site_id is None,
        site_code=access.site_code,
    )


@bp.get("/procedures/new")
@requires(Permission.PROCEDURE_WRITE)
def new_procedure() -> ResponseReturnValue:
    """The form to write one; `?like=` begins with the steps of another version."""
    return _form(None)


@bp.post("/procedures")
@requires(Permission.PROCEDURE_WRITE)
def draft() -> ResponseReturnValue:
    """Keep a new draft, and show it."""

    def work() -> str:
        by = actor()
        given = NEW.load(_typed("code", "title", "site") | {"steps": _steps_typed()})
        steps = steps_in_base_units(given["steps"])
        site_id = access.site_for(given["site"], by).id
        made = service.draft(code=given["code"], title=given["title"], steps=steps, site_id=site_id, by=by)
        return url_for("procedures.procedure", code=made.number)

    return pages.submit(work, again=lambda *told: _form(None, *told))


@bp.get("/procedures/<code>")
@requires(Permission.SAMPLE_READ)
def procedure(code: str) -> ResponseReturnValue:
    """One version: its steps with their limits, its card, and the other versions."""
    found = service.find_procedure(code, actor())
    others = service.versions(found)
    return pages.render(
        "procedures/procedure.html",
        procedure=found,
        state=state_of(found),
        steps=rules.read_steps(found.steps),
        parts_told={step["key"]: form_parts.parts_told(step["parts"]) for step in found.steps},
        versions=others,
        state_of=state_of,
        names=access.names_of({each.recorded_by for each in others}),
    )


@bp.get("/procedures/<code>/edit")
@requires(Permission.PROCEDURE_WRITE)
def edit_form(code: str) -> ResponseReturnValue:
    """The form to change a draft."""
    return _form(service.find_procedure(code, actor()))


@bp.post("/procedures/<code>/edit")
@requires(Permission.PROCEDURE_WRITE)
def edit(code: str) -> ResponseReturnValue:
    """Keep the draft as it is now."""

    def work() -> str:
        found = service.find_procedure(code, actor())
        given = EDIT.load(_typed("title") | {"steps": _steps_typed()})
        steps = steps_in_base_units(given["steps"])
        service.edit(procedure=found, title=given["title"], steps=steps, by=actor())
        return url_for("procedures.procedure", code=found.number)

    return pages.submit(work, again=lambda *told: _form(service.find_procedure(code, actor()), *told))


@bp.post("/procedures/<code>/in-force")
@requires(Permission.PROCEDURE_WRITE)
def put_in_force(code: str) -> ResponseReturnValue:
    """From now on it is followed."""
    return _act(service.put_in_force, code)


@bp.post("/procedures/<code>/retire")
@requires(Permission.PROCEDURE_WRITE)
def retire(code: str) -> ResponseReturnValue:
    """It is no longer followed."""
    return _act(service.retire, code)


def _act(act: Any, code: str) -> ResponseReturnValue:
    def work() -> str:
        found = act(procedure=service.find_procedure(code, actor()), by=actor())
        return url_for("procedures.procedure", code=found.number)

    return pages.submit(work)


def _typed(*names: str) -> dict[str, Any]:
    return {name: request.form[name].strip() for name in names if request.form.get(name, "").strip()}


def _steps_typed() -> list[dict[str, Any]]:
    rows = form_parts.rows_typed(request.form, "steps", form_parts.STEP_FIELDS)
    return [
        row | {"parts": form_parts.read_parts(row.get("parts", ""), f"steps.{place}.parts")}
        for place, row in enumerate(rows)
    ]


def _form(draft: Procedure | None, problems: Problems | None = None, sentence: str | None = None) -> Any:
    """The form, with what was typed, or the steps of the draft or of the version it begins with."""
    by = actor()
    like = draft
    if like is None and request.args.get("like"):
        like = service.find_procedure(request.args["like"], by)
    if problems is not None:
        rows = form_parts.rows_typed(request.form, "steps", form_parts.STEP_FIELDS)
    else:
        rows = [
            step | {"parts": form_parts.parts_told(step["parts"])} for step in (like.steps if like else [])
        ]
    return pages.render(
        "procedures/new_procedure.html",
        draft=draft,
        like=like,
        rows=rows + [{} for _ in range(form_parts.SPARE)],
        typed=request.form,
        problems=problems or {},
        sentence=sentence,
        kinds=[(kind.value, sentences.word("step_kind", kind.value)) for kind in rules.Kind],
        sinces=[(since.value, sentences.word("since", since.value)) for since in rules.Since],
        site_options=[(site.code, site.name) for site in access.list_sites(by)],
        every_site=by.site_id is None,
    )


# --- kits


@bp.get("/kits")
@requires(Permission.SAMPLE_READ)
def kits() -> ResponseReturnValue:
    """Every kit, the newest first."""
    page = service.list_kits(actor(), after=request.args.get("after"))
    names = studies.study_codes({kit.study_id for kit in page.items})
    return pages.render("procedures/kits.html", page=page, study_code=names)


@bp.get("/kits/new")
@requires(Permission.PROCEDURE_WRITE)
def new_kit() -> ResponseReturnValue:
    """The form to set one up."""
    return _kit_form()


@bp.post("/kits")
@requires(Permission.PROCEDURE_WRITE)
def make_kit() -> ResponseReturnValue:
    """Set a kit up, and show it."""

    def work() -> str:
        by = actor()
        tubes = form_parts.rows_typed(request.form, "tubes", form_parts.TUBE_FIELDS)
        typed = _typed("code", "study", "title", "visit", "procedure", "note", "site")
        given = KIT.load(typed | {"tubes": tubes})
        site_id = access.site_for(given["site"], by).id if given["site"] else None
        kit = service.make_kit(
            code=given["code"], study=studies.find_study(given["study"], by, site_id), title=given["title"],
            tubes=tubes_in_base_units(given["tubes"]), visit=given["visit"], procedure_code=given["procedure"],
            note=given["note"], by=by,
        )  # fmt: skip
        return url_for("procedures.kit", code=kit.number)

    return pages.submit(work, again=_kit_form)


@bp.get("/kits/<code>")
@requires(Permission.SAMPLE_READ)
def kit(code: str) -> ResponseReturnValue:
    """One kit: its tubes, its procedure, its card."""
    found = service.find_kit(code, actor())
    return pages.render(
        "procedures/kit.html",
        kit=found,
        study=studies.study_codes([found.study_id])[found.study_id],
        tubes=[in_units(tube) for tube in found.tubes],
        followed=service.in_force(found.procedure_code, found.site_id) if found.procedure_code else None,
    )


@bp.post("/kits/<code>/retire")
@requires(Permission.PROCEDURE_WRITE)
def retire_kit(code: str) -> ResponseReturnValue:
    """No visit yields it any more."""

    def work() -> str:
        found = service.retire_kit(kit=service.find_kit(code, actor()), by=actor())
        return url_for("procedures.kit", code=found.number)

    return pages.submit(work)


def _kit_form(problems: Problems | None = None, sentence: str | None = None) -> Any:
    by = actor()
    rows = form_parts.rows_typed(request.form, "tubes", form_parts.TUBE_FIELDS)
    types = sorted(
        ((code, sentences.word("type", code)) for code in vocabularies.sample_types()), key=lambda one: one[1]
    )
    return pages.render(
        "procedures/new_kit.html",
        rows=rows + [{} for _ in range(max(form_parts.SPARE, KIT_ROWS - len(rows)))],
        typed=request.form,
        problems=problems or {},
        sentence=sentence,
        study_options=[(study.code, f"{study.code} – {study.title}") for study in studies.list_studies(by)],
        procedure_options=[(each.code, f"{each.code} – {each.title}") for each in service.list_in_force(by)],
        type_options=types,
        vessel_options=[(vessel, sentences.word("vessel", vessel)) for vessel in VESSELS],
        site_options=[(site.code, site.name) for site in access.list_sites(by)],
        every_site=by.site_id is None,
    )
