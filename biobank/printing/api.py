"""The API of labels: `GET /labels/{code}.png` or `.svg`; jobs, and the scan that verifies a label on its tube."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import codes
from biobank.printing import checks, jobs, pictures
from biobank.printing.schemas import (
    CheckNewSchema,
    JobsNewSchema,
    JobsQuery,
    ReprintSchema,
    check_json,
    job_json,
)
from biobank.samples.reading import find_sample
from biobank.web.api import blueprint, page_arguments, page_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("printing", __name__)


@bp.get("/labels/<code>.<form>")
@requires(Permission.LABEL_PRINT)
@bp.arguments(pictures.LabelQuery, location="query")
def label(data: dict[str, Any], code: str, form: str) -> ResponseReturnValue:
    """The label of a sample or a container, read back before it is let out. No patient's data stands on it."""
    return pictures.answer(code, form, data)


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
    """Label jobs, the newest first; `state` narrows them."""
    return page_json(jobs.list_jobs(actor(), state=data["state"], **page_arguments()), job_json)


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
    return api_answer(lambda: job_json(jobs.send_again(job=jobs.find_job(job_id, actor()), by=actor())), 200)


@bp.post("/labels/jobs/<int:job_id>/cancel")
@requires(Permission.LABEL_PRINT)
def cancel(job_id: int) -> ResponseReturnValue:
    """It is not wanted any more."""
    return api_answer(lambda: job_json(jobs.cancel(job=jobs.find_job(job_id, actor()), by=actor())), 200)


@bp.post("/samples/<code>/label-checks")
@requires(Permission.LABEL_PRINT)
@bp.arguments(CheckNewSchema)
def verify(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """The label just stuck on this tube was scanned: 201 when it is its own, 409 `label_mismatch` with both codes."""

    def work() -> dict[str, Any]:
        sample = find_sample(code, actor())
        check = checks.verify(sample=sample, expected=sample.code, read=data["read"], by=actor())
        return check_json(check, sample.code)

    return api_answer(work)


@bp.get("/samples/<code>/label-checks")
@requires(Permission.SAMPLE_READ)
def list_checks(code: str) -> ResponseReturnValue:
    """Every scan of the label of a tube, the newest first."""
    sample = find_sample(code, actor())
    items = [check_json(check, sample.code) for check in checks.checks_of(sample)]
    return jsonify({"items": items, "next": None})
