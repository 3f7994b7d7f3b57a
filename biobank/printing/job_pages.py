"""The queue of labels: how the printers are, what waits, and what somebody says of a label that nobody knows about."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import RuleViolation
from biobank.printing import claims, jobs, printers
from biobank.printing.models import LabelJob
from biobank.printing.page_parts import REPRINT_REASONS, bp
from biobank.printing.schemas import MoveSchema, ReprintSchema
from biobank.printing.things import pseudonyms
from biobank.web import pages
from biobank.web.asking import actor

REPRINT, MOVE = ReprintSchema(), MoveSchema()
STATES = ("waiting", "sending", "held", "failed", "sent", "shown", "cancelled")
#: What a browser chooses among the printers to be one itself.
BROWSER = "-"


@bp.get("/labels/jobs")
@requires(Permission.LABEL_PRINT)
def job_list() -> ResponseReturnValue:
    """Printers, what is to be printed and what was, the newest first; and the form to print a label again."""
    return _list()


@bp.post("/labels/jobs/show")
@requires(Permission.LABEL_PRINT)
def show() -> ResponseReturnValue:
    """Give the browser what waits for it: it counts as printed, and the sheet with the labels follows."""

    def work() -> str:
        by = actor()
        given = jobs.show(jobs=jobs.waiting_here(by), by=by)
        if not given:
            return url_for("printing.job_list")
        return url_for("printing.print_page", jobs=",".join(str(job.id) for job in given))

    return pages.submit(work)


@bp.post("/labels/jobs/<int:job_id>/send-again")
@requires(Permission.LABEL_PRINT)
def send_again(job_id: int) -> ResponseReturnValue:
    """It did not come out: it waits anew."""
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
def move(job_id: int) -> ResponseReturnValue:
    """Another printer prints it, or the browser of its station."""
    asked = request.form.get("printer", "")
    told = MOVE.load({"printer": None if asked == BROWSER else asked})
    return _act(jobs.move, job_id, **told)


@bp.post("/labels/printers/<name>/move")
@requires(Permission.LABEL_PRINT)
def move_all(name: str) -> ResponseReturnValue:
    """All that waits for a printer goes to another one, or to the browsers of their stations."""
    asked = request.form.get("printer", "")
    told = MOVE.load({"printer": None if asked == BROWSER else asked})

    def work() -> str:
        for job in sorted(_waiting_for(name), key=lambda job: job.id):
            with suppress(RuleViolation):  # its sender was first, or somebody else
                jobs.move(job=job, by=actor(), **told)
        return url_for("printing.job_list")

    return pages.submit(work)


def _waiting_for(name: str) -> Iterator[LabelJob]:
    after = None
    while True:
        page = jobs.list_jobs(actor(), state="waiting", printer=name, after=after)
        yield from page.items
        after = page.next
        if after is None:
            return


@bp.post("/labels/reprints")
@requires(Permission.LABEL_PRINT)
def reprint() -> ResponseReturnValue:
    """Ask for a label once more, and say why."""

    def work() -> str:
        typed = {name: request.form[name].strip() for name in ("code", "reason") if request.form.get(name)}
        jobs.reprint(**REPRINT.load(typed), by=actor())
        return url_for("printing.job_list")

    return pages.submit(work, again=_list)


def _act(act: Any, job_id: int, **told: Any) -> ResponseReturnValue:
    def work() -> str:
        act(job=jobs.find_job(job_id, actor()), by=actor(), **told)
        return url_for("printing.job_list", **_filters())

    return pages.submit(work)


def _filters() -> dict[str, Any]:
    """What the list is narrowed to: `?state=` and `?printer=`."""
    return {
        name: request.args[name]
        for name in ("state", "printer")
        if request.args.get(name, "") not in ("", "all")
    }


def _list(problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    by = actor()
    filters = _filters()
    page = jobs.list_jobs(by, after=request.args.get("after"), **filters)
    return pages.render(
        "printing/jobs.html",
        page=page,
        groups=groups(page.items),
        printers=printers.printers_state(by),
        filters=filters,
        states=STATES,
        waiting=jobs.waiting_here(by),
        names=access.names_of({job.asked_by for job in page.items}),
        why={job.id: claims.reason_of(job) for job in page.items},
        reasons=[_(reason) for reason in REPRINT_REASONS],
        typed=request.form or request.args,
        problems=problems or {},
        sentence=sentence,
    )


def groups(found: Sequence[LabelJob]) -> list[dict[str, Any]]:
    """Labels under whose they are, or with what came out together: two patients never look like one."""
    names = pseudonyms({job.patient_id for job in found if job.patient_id is not None})
    made: list[dict[str, Any]] = []
    for job in found:
        key = (job.patient_id, None if job.patient_id is not None else job.batch)
        if not made or made[-1]["key"] != key:
            made.append({"key": key, "patient": names.get(job.patient_id or 0), "jobs": []})
        made[-1]["jobs"].append(job)
    return made
