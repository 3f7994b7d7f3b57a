"""Labels for people: the picture, the sheet that a browser prints, the list of what is to be printed, and the check."""

import re
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import scans
from biobank.core.actor import Actor
from biobank.core.errors import BiobankError, Malformed, Reason
from biobank.core.i18n import N_
from biobank.printing import checks, jobs, pictures, service
from biobank.printing.schemas import ReprintSchema
from biobank.samples.reading import find_sample
from biobank.web import pages, sentences
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

bp = pages.blueprint("printing", __name__)

NAVIGATION = [NavItem("printing.job_list", N_("Labels"), "label", Permission.LABEL_PRINT.value, 36, "bench")]

QUERY, REPRINT = pictures.LabelQuery(), ReprintSchema()
#: Why a label is printed again, as people write it; offered while typing, never required.
REPRINT_REASONS = (
    N_("Label fell off"), N_("Label cannot be read"), N_("Printer jammed"), N_("Stuck on the wrong tube"),
)  # fmt: skip


@bp.get("/labels/<code>.<form>")
@requires(Permission.LABEL_PRINT)
def label(code: str, form: str) -> ResponseReturnValue:
    """The label of a sample or a container."""
    given = {name: request.args[name] for name in ("design", "reprint") if request.args.get(name)}
    return pictures.answer(code, form, QUERY.load(given))


# --- jobs


@bp.get("/labels/jobs")
@requires(Permission.LABEL_PRINT)
def job_list() -> ResponseReturnValue:
    """What is to be printed and what was, the newest first; what waits for this browser, and the form to reprint."""
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


@bp.post("/labels/jobs/<int:job_id>/cancel")
@requires(Permission.LABEL_PRINT)
def cancel(job_id: int) -> ResponseReturnValue:
    """It is not wanted any more."""
    return _act(jobs.cancel, job_id)


@bp.post("/labels/reprints")
@requires(Permission.LABEL_PRINT)
def reprint() -> ResponseReturnValue:
    """Ask for a label once more, and say why."""

    def work() -> str:
        typed = {name: request.form[name].strip() for name in ("code", "reason") if request.form.get(name)}
        jobs.reprint(**REPRINT.load(typed), by=actor())
        return url_for("printing.job_list")

    return pages.submit(work, again=_list)


def _act(act: Any, job_id: int) -> ResponseReturnValue:
    def work() -> str:
        act(job=jobs.find_job(job_id, actor()), by=actor())
        return url_for("printing.job_list")

    return pages.submit(work)


def _list(problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    by = actor()
    page = jobs.list_jobs(by, after=request.args.get("after"))
    return pages.render(
        "printing/jobs.html",
        page=page,
        waiting=jobs.waiting_here(by),
        open=jobs.OPEN,
        names=access.names_of({job.asked_by for job in page.items}),
        error_of=sentences.sentence,
        reasons=[_(reason) for reason in REPRINT_REASONS],
        typed=request.form or request.args,
        problems=problems or {},
        sentence=sentence,
    )


# --- the sheet that a browser prints


@bp.get("/labels/print")
@requires(Permission.LABEL_PRINT)
def print_page() -> ResponseReturnValue:
    """Labels in their own size, one a page: `?codes=` or the `?jobs=` that were given to this browser."""
    by = actor()
    if request.args.get("jobs"):
        wanted = jobs.find_jobs(_keys(request.args["jobs"]), by)
        labels = [_sheet(job.code, job.reprint) for job in wanted for _again in range(job.copies)]
    else:
        labels = [
            _sheet(code, 0) for code in re.split(r"[\s,]+", request.args.get("codes", "").strip()) if code
        ]
    if not 1 <= len(labels) <= jobs.MOST_LABELS:
        raise Malformed(
            {"codes": Reason("labels_out_of_range", {"count": len(labels), "most": jobs.MOST_LABELS})}
        )
    return pages.render("printing/print.html", labels=labels)


def _keys(text: str) -> list[int]:
    return [
        int(key) for key in text.split(",")[: jobs.MOST_LABELS] if re.fullmatch(r"[0-9]{1,18}", key, re.ASCII)
    ]


def _sheet(code: str, reprint: int) -> dict[str, Any]:
    """One label: its address, and the stock it is cut from, which sets the size of the page."""
    return {"code": code, "reprint": reprint, "design": service.label_of(code, actor()).design}


# --- is the right label on the right tube?


@bp.get("/samples/<code>/verify")
@requires(Permission.LABEL_PRINT)
def verify_form(code: str) -> ResponseReturnValue:
    """Scan the label that was just stuck on this tube."""
    return _verify(code)


@bp.post("/samples/<code>/verify")
@requires(Permission.LABEL_PRINT)
def verify(code: str) -> ResponseReturnValue:
    """The label was scanned: right, or the page turns red with both codes."""

    def work() -> str:
        by = actor()
        sample = find_sample(code, by)
        checks.verify(sample=sample, expected=sample.code, read=_read(request.form.get("raw", ""), by), by=by)
        return url_for("printing.verify_form", code=sample.code)

    return pages.submit(work, again=lambda _fields, sentence: _verify(code, sentence))


def _read(raw: str, by: Actor) -> str:
    """What was scanned, also with a badly set scanner; a code that nobody knows, as it came."""
    try:
        return scans.meant(raw[:300], by).found.code
    except BiobankError:
        return raw.strip()[:256]


def _verify(code: str, sentence: str | None = None) -> Any:
    sample = find_sample(code, actor())
    found = checks.checks_of(sample)
    return pages.render(
        "printing/verify.html",
        sample=sample,
        checks=found,
        verified=any(check.matched for check in found),
        sentence=sentence,
        read=request.form.get("raw", "").strip()[:100],
        names=access.names_of({check.recorded_by for check in found}),
    )
