"""The API of labels: `GET /labels/{code}.{png|svg|pdf|zpl}`, sheets of many, designs, printers and their jobs.

Numbers that were replaced or printed ahead, and the scans that verify a label, stand in number_api.
"""

from typing import Any

from flask import jsonify, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import codes
from biobank.core.errors import NotFound
from biobank.printing import designs, jobs, number_api, pictures, printers, sheets
from biobank.printing.api_parts import bp
from biobank.printing.schemas import (
    DesignQuery,
    DesignSchema,
    JobsNewSchema,
    JobsQuery,
    MoveSchema,
    ReprintSchema,
    SheetNewSchema,
    design_json,
    design_version_json,
    job_json,
    printer_json,
)
from biobank.web.api import page_arguments, page_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

__all__ = ["bp", "number_api"]


@bp.get("/labels/<code>.<form>")
@requires(Permission.LABEL_PRINT)
@bp.arguments(pictures.LabelQuery, location="query")
def label(data: dict[str, Any], code: str, form: str) -> ResponseReturnValue:
    """The label of a sample, container, card or patient, read back before it is let out. No identity stands on it."""
    return pictures.answer(code, form, data)


# --- many at once


@bp.post("/labels/sheets")
@requires(Permission.LABEL_PRINT)
@bp.arguments(SheetNewSchema)
def order_sheet(data: dict[str, Any]) -> ResponseReturnValue:
    """Give out the labels of many things, those of one patient together; the answer says where they are to be had.

    What was printed before is printed again, for which `reason` is needed, and bears R1, R2 …
    """

    def work() -> dict[str, Any]:
        key = sheets.order(**data, by=actor())
        given = sheets.jobs_of(key, actor())
        forms = ("pdf", "sheet", "zpl")
        return {
            "sheet": key,
            "items": [{"code": job.code, "reprint": job.reprint} for job in given],
            "files": {form: url_for("printing_api.sheet_file", key=key, form=form) for form in forms},
        }

    return api_answer(work)


@bp.get("/labels/sheets/<int:key>.<form>")
@requires(Permission.LABEL_PRINT)
@bp.arguments(pictures.SheetQuery, location="query")
def sheet_file(data: dict[str, Any], key: int, form: str) -> ResponseReturnValue:
    """The labels that were given out as one file: pdf (one a page), sheet (a PDF from the cell `start` on) or zpl."""
    return pictures.sheet(key, form, data)


# --- what is to be printed


@bp.post("/labels/jobs")
@requires(Permission.LABEL_PRINT)
@bp.arguments(JobsNewSchema)
def order(data: dict[str, Any]) -> ResponseReturnValue:
    """Ask for the first label of things, at a printer or browser; asked for twice, it is printed once."""

    def work() -> dict[str, Any]:
        by = actor()
        ordered = jobs.order(**data, site_id=site_of(data["codes"]), by=by)
        return {"items": [job_json(job) for job in ordered]}

    return api_answer(work)


def site_of(wanted: list[str]) -> int:
    """Where these things are: the actor's own site, or for who sees them all that of the first."""
    by = actor()
    if by.site_id is not None:
        return by.site_id
    found = codes.find(wanted, by)
    return found[0].site_id if found else access.site_for(None, by).id


@bp.get("/labels/jobs")
@requires(Permission.LABEL_PRINT)
@bp.arguments(JobsQuery, location="query")
def list_(data: dict[str, Any]) -> ResponseReturnValue:
    """Label jobs, the newest first; `state` and `printer` narrow them."""
    page = jobs.list_jobs(actor(), state=data["state"], printer=data["printer"], **page_arguments())
    return page_json(page, job_json)


@bp.post("/labels/reprints")
@requires(Permission.LABEL_PRINT)
@bp.arguments(ReprintSchema)
def reprint(data: dict[str, Any]) -> ResponseReturnValue:
    """Ask for a label once more, with the reason; it is counted, and R1, R2 … stands on it."""
    return api_answer(lambda: job_json(jobs.reprint(**data, by=actor())))


@bp.post("/labels/jobs/<int:job_id>/send-again")
@requires(Permission.LABEL_PRINT)
def send_again(job_id: int) -> ResponseReturnValue:
    """It did not come out: send it again."""
    return _act(jobs.send_again, job_id)


@bp.post("/labels/jobs/<int:job_id>/came-out")
@requires(Permission.LABEL_PRINT)
def came_out(job_id: int) -> ResponseReturnValue:
    """Somebody looked, and it is there."""
    return _act(jobs.came_out, job_id)


@bp.post("/labels/jobs/<int:job_id>/cancel")
@requires(Permission.LABEL_PRINT)
def cancel(job_id: int) -> ResponseReturnValue:
    """It is not wanted any more."""
    return _act(jobs.cancel, job_id)


@bp.post("/labels/jobs/<int:job_id>/move")
@requires(Permission.LABEL_PRINT)
@bp.arguments(MoveSchema)
def move(data: dict[str, Any], job_id: int) -> ResponseReturnValue:
    """Another printer prints it; null: the browser of its station."""
    return _act(jobs.move, job_id, **data)


def _act(act: Any, job_id: int, **told: Any) -> ResponseReturnValue:
    return api_answer(lambda: job_json(act(job=jobs.find_job(job_id, actor()), by=actor(), **told)), 200)


@bp.get("/labels/printers")
@requires(Permission.LABEL_PRINT)
def list_printers() -> ResponseReturnValue:
    """Every printer of the settings: what it last said of itself, and how many labels wait for it."""
    items = [printer_json(state) for state in printers.printers_state(actor())]
    return jsonify({"items": items, "next": None})


# --- how labels look


@bp.get("/labels/designs")
@requires(Permission.LABEL_PRINT)
@bp.arguments(DesignQuery, location="query")
def list_designs(data: dict[str, Any]) -> ResponseReturnValue:
    """Every design that the site can print with; `site` where the actor sees several."""
    known = designs.known(access.site_for(data["site"], actor()).id)
    return jsonify({"items": [design_json(one) for one in known], "next": None})


@bp.get("/labels/designs/<name>")
@requires(Permission.LABEL_PRINT)
@bp.arguments(DesignQuery, location="query")
def design(data: dict[str, Any], name: str) -> ResponseReturnValue:
    """One design with its text, and the versions that the site wrote."""
    site_id = access.site_for(data["site"], actor()).id
    known = designs.known_one(name, site_id)
    if known is None:
        raise NotFound("label_design_nowhere", design=name[:64])
    versions = [design_version_json(row) for row in designs.history(name, site_id)]
    return jsonify(design_json(known) | {"text": known.text, "versions": versions})


@bp.put("/labels/designs/<name>")
@requires(Permission.LABEL_DESIGN)
@bp.arguments(DesignSchema)
def save_design(data: dict[str, Any], name: str) -> ResponseReturnValue:
    """Keep a design as the site's own: a new version. 409 where somebody wrote another one meanwhile."""

    def work() -> dict[str, Any]:
        by = actor()
        site_id = access.site_for(data["site"], by).id
        row = designs.save(name=name, text=data["text"], site_id=site_id, seen=data["version"], by=by)
        return design_version_json(row)

    return api_answer(work)
