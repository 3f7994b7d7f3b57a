"""Single labels, and those that a browser prints: each on a page of paper in its own size."""

import re
from typing import Any

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, NotFound, Reason
from biobank.printing import claims, designs, jobs, pictures, service, sheets, things
from biobank.printing.design_words import offered_for
from biobank.printing.models import LabelJob
from biobank.printing.page_parts import REPRINT_REASONS, bp, printer_here
from biobank.printing.schemas import PrintSchema
from biobank.printing.things import Thing
from biobank.web import pages
from biobank.web.asking import actor

QUERY, PRINT = pictures.LabelQuery(), PrintSchema()


@bp.get("/labels/<code>.<form>")
@requires(Permission.LABEL_PRINT)
def label(code: str, form: str) -> ResponseReturnValue:
    """The label of a sample, a container, a card or a patient: png, svg, pdf or zpl."""
    given = {name: request.args[name] for name in QUERY.fields if request.args.get(name)}
    return pictures.answer(code, form, QUERY.load(given))


# --- one thing's label


@bp.get("/labels/of/<path:code>")
@requires(Permission.LABEL_PRINT)
def label_page(code: str) -> ResponseReturnValue:
    """The label of one thing as it comes out, every time that it was printed, and the form to print it again."""
    return _one(code)


@bp.post("/labels/of/<path:code>")
@requires(Permission.LABEL_PRINT)
def print_label(code: str) -> ResponseReturnValue:
    """Print it for the first time; or once more, with the reason."""
    typed = {name: request.form[name].strip() for name in PRINT.fields if request.form.get(name)}

    def work() -> str:
        given, by = PRINT.load(typed), actor()
        thing = things.find(code, by)
        if _before(thing):
            jobs.reprint(code=thing.code, by=by, **given)
        else:
            jobs.order(codes=[thing.code], site_id=thing.site_id, by=by, design=given["design"])
        return url_for("printing.label_page", code=code)

    return pages.submit(work, again=lambda problems, sentence: _one(code, problems, sentence))


def _before(thing: Thing) -> list[LabelJob]:
    """Every time that its label was asked for and still is, the newest first."""
    found = jobs.list_jobs(actor(), code=thing.code).items
    return [job for job in found if job.state != "cancelled"]


def _one(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    thing = things.find(code, actor(), pictures.words)
    usual = designs.usual(thing.kind, thing.vessel, thing.site_id)
    offered = offered_for(thing.site_id, [thing.kind])
    asked = request.form.get("design") or request.args.get("design")
    name = str(asked) if asked in dict(offered) else usual
    sheet = designs.find(name, thing.site_id).stock.sheet
    found = jobs.list_jobs(actor(), code=thing.code).items
    return pages.render(
        "printing/label.html",
        thing=thing,
        designs=offered,
        design=name,
        cells=sheet.cells if sheet else None,
        jobs=found,
        before=_before(thing),
        why={job.id: claims.reason_of(job) for job in found},
        names=access.names_of({job.asked_by for job in found}),
        waiting=[job for job in jobs.waiting_here(actor()) if job.code == thing.code],
        printer=printer_here(actor()),
        reasons=[_(reason) for reason in REPRINT_REASONS],
        typed=request.form,
        problems=problems or {},
        sentence=sentence,
    )


# --- those that a browser prints


@bp.get("/labels/print")
@requires(Permission.LABEL_PRINT)
def print_page() -> ResponseReturnValue:
    """Labels in their own size, one a page: `?codes=`, or what was given to this browser as `?jobs=` or `?sheet=`."""
    by = actor()
    if request.args.get("sheet"):
        given = sheets.jobs_of(_keys(request.args["sheet"])[0], by)
    elif request.args.get("jobs"):
        given = jobs.find_jobs(_keys(request.args["jobs"]), by)
    else:
        codes = [code for code in re.split(r"[\s,]+", request.args.get("codes", "").strip()) if code]
        given = [LabelJob(code=code, copies=1, reprint=0) for code in codes]
    count = sum(job.copies for job in given)
    if not 1 <= count <= sheets.MOST_IN_BROWSER:
        told = {"count": count, "most": sheets.MOST_IN_BROWSER}
        raise Malformed({"codes": Reason("labels_out_of_range", told)})
    labels = _labels(given)
    stocks = ",".join(dict.fromkeys(label["stock"] for label in labels))
    return pages.render("printing/print.html", labels=labels, stocks=stocks)


def _keys(text: str) -> list[int]:
    keys = [int(key) for key in text.split(",")[:500] if re.fullmatch(r"[0-9]{1,18}", key, re.ASCII)]
    return keys or [0]


def _labels(given: list[LabelJob]) -> list[dict[str, Any]]:
    """Each label as often as it is wanted: its address, and the stock that sets the size of its page."""
    found: dict[str, Thing] = {}
    wanted = list(dict.fromkeys(job.code for job in given))
    for code, thing in zip(wanted, things.find_many(wanted, actor()), strict=True):
        found[code] = thing
    return [
        {"code": found[job.code].code, "reprint": job.reprint, "design": job.design,
         "stock": _stock(job, found[job.code])}
        for job in given
        for _again in range(job.copies)
    ]  # fmt: skip


def _stock(job: LabelJob, thing: Thing) -> str:
    """The name of the page: a site may have another design of the same name."""
    return f"{thing.site_id}-{service.design_of(thing, job.design).name}"


@bp.get("/labels/print.css")
@requires(Permission.LABEL_PRINT)
def print_css() -> ResponseReturnValue:
    """A page in the size of each design that is printed: `?design=SITE-NAME,…`, as the page of labels names them."""
    rules = [_page_rules(name) for name in request.args.get("design", "").split(",")[:50] if name]
    response = make_response("".join(rules))
    response.content_type = "text/css; charset=utf-8"
    response.headers["Cache-Control"] = "private, no-cache"  # a design may be changed
    return response


def _page_rules(asked: str) -> str:
    site, _dash, name = asked.partition("-")
    if not re.fullmatch(r"[0-9]{1,18}", site, re.ASCII) or not actor().sees(int(site)):
        raise NotFound("label_design_nowhere", design=name[:64])
    stock = designs.find(name, int(site)).stock
    size = f"{stock.width_mm:.2f}mm {stock.height_mm:.2f}mm"
    return f"@page stock-{asked} {{ size: {size}; margin: 0; }}\n.stock-{asked} {{ page: stock-{asked}; }}\n"
