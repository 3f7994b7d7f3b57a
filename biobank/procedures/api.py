"""The API of procedures and collection kits: write them, bring them into force, retire them, find them."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.procedures import service
from biobank.procedures.schemas import (
    KitNewSchema,
    ListQuery,
    ProcedureEditSchema,
    ProcedureNewSchema,
    kit_json,
    procedure_json,
    steps_in_base_units,
    tubes_in_base_units,
)
from biobank.studies import service as studies
from biobank.web.api import blueprint, page_arguments, page_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("procedures", __name__)


@bp.post("/procedures")
@requires(Permission.PROCEDURE_WRITE)
@bp.arguments(ProcedureNewSchema)
def make(data: dict[str, Any]) -> ResponseReturnValue:
    """Write a procedure, or the next version of one; in force at once unless `draft`."""

    def work() -> dict[str, Any]:
        by = actor()
        write = service.draft if data["draft"] else service.make
        told = {"code": data["code"], "title": data["title"], "steps": steps_in_base_units(data["steps"])}
        return procedure_json(write(**told, site_id=access.site_for(data["site"], by).id, by=by))

    return api_answer(work)


@bp.get("/procedures")
@requires(Permission.SAMPLE_READ)
@bp.arguments(ListQuery, location="query")
def list_(data: dict[str, Any]) -> ResponseReturnValue:
    """Every version of every procedure, or of one `code`; the newest first."""
    return page_json(
        service.page_of_procedures(actor(), code=data["code"], **page_arguments()), procedure_json
    )


@bp.get("/procedures/<code>")
@requires(Permission.SAMPLE_READ)
def one(code: str) -> ResponseReturnValue:
    """The procedure of this number (that version), or of this code (the version in force)."""
    return jsonify(procedure_json(service.find_procedure(code, actor())))


@bp.put("/procedures/<code>")
@requires(Permission.PROCEDURE_WRITE)
@bp.arguments(ProcedureEditSchema)
def edit(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Change a draft, by its number."""

    def work() -> dict[str, Any]:
        found = service.find_procedure(code, actor())
        steps = steps_in_base_units(data["steps"])
        return procedure_json(service.edit(procedure=found, title=data["title"], steps=steps, by=actor()))

    return api_answer(work, 200)


@bp.post("/procedures/<code>/in-force")
@requires(Permission.PROCEDURE_WRITE)
def put_in_force(code: str) -> ResponseReturnValue:
    """Bring a draft into force, by its number; the version before it is retired."""
    return _act(service.put_in_force, code)


@bp.post("/procedures/<code>/retire")
@requires(Permission.PROCEDURE_WRITE)
def retire(code: str) -> ResponseReturnValue:
    """It is no longer followed, and nothing takes its place."""
    return _act(service.retire, code)


def _act(act: Any, code: str) -> ResponseReturnValue:
    def work() -> dict[str, Any]:
        return procedure_json(act(procedure=service.find_procedure(code, actor()), by=actor()))

    return api_answer(work, 200)


@bp.post("/kits")
@requires(Permission.PROCEDURE_WRITE)
@bp.arguments(KitNewSchema)
def make_kit(data: dict[str, Any]) -> ResponseReturnValue:
    """Set up what a visit of a study yields."""

    def work() -> dict[str, Any]:
        by = actor()
        site_id = access.site_for(data["site"], by).id if data["site"] else None
        study = studies.find_study(data["study"], by, site_id)
        told = {name: data[name] for name in ("code", "title", "visit", "note")}
        tubes = tubes_in_base_units(data["tubes"])
        kit = service.make_kit(study=study, tubes=tubes, procedure_code=data["procedure"], by=by, **told)
        return kit_json(kit, study.code)

    return api_answer(work)


@bp.get("/kits")
@requires(Permission.SAMPLE_READ)
@bp.arguments(ListQuery, location="query")
def list_kits(data: dict[str, Any]) -> ResponseReturnValue:
    """Kits, the newest first; `study` those of one."""
    by = actor()
    study_id = studies.find_study(data["study"], by).id if data["study"] else None
    page = service.list_kits(by, study_id=study_id, **page_arguments())
    names = studies.study_codes({kit.study_id for kit in page.items})
    return page_json(page, lambda kit: kit_json(kit, names[kit.study_id]))


@bp.get("/kits/<code>")
@requires(Permission.SAMPLE_READ)
def one_kit(code: str) -> ResponseReturnValue:
    """The kit of this number or code."""
    kit = service.find_kit(code, actor())
    return jsonify(kit_json(kit, studies.study_codes([kit.study_id])[kit.study_id]))


@bp.post("/kits/<code>/retire")
@requires(Permission.PROCEDURE_WRITE)
def retire_kit(code: str) -> ResponseReturnValue:
    """No visit yields it any more."""

    def work() -> dict[str, Any]:
        kit = service.retire_kit(kit=service.find_kit(code, actor()), by=actor())
        return kit_json(kit, studies.study_codes([kit.study_id])[kit.study_id])

    return api_answer(work, 200)
