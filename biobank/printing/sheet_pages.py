"""Many labels at once: scanned, typed or pasted codes, a design, and the cell of the sheet where the first one goes."""

import re
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import scans
from biobank.core.errors import BiobankError, Malformed, Reason
from biobank.printing import designs, jobs, pictures, printers, sheets, things
from biobank.printing.design_words import sized
from biobank.printing.page_parts import bp
from biobank.printing.schemas import SheetNewSchema
from biobank.printing.sheets import Choice
from biobank.storage import service as storage
from biobank.web import pages, sentences
from biobank.web.asking import actor

SHEET, QUERY = SheetNewSchema(), pictures.SheetQuery()
#: Codes of one patient that the page names; of more it says how many.
_NAMED = 12
#: How labels can be had that come out of the printer of the station.
PRINTER = "printer"

Typed = dict[str, str]


@bp.get("/labels/sheet")
@requires(Permission.LABEL_PRINT)
def sheet_form() -> ResponseReturnValue:
    """Choose codes and a design. `?codes=` begins with these, `?container=` with what stands in it."""
    codes = request.args.get("codes", "")
    if request.args.get("container"):
        box = storage.find_container(request.args["container"], actor())
        codes = "\n".join(occupant.code for occupant in storage.what_is_in(box, actor()).occupants)
    return _page({"codes": codes, "design": request.args.get("design", "")})


@bp.post("/labels/sheet")
@requires(Permission.LABEL_PRINT)
def look() -> ResponseReturnValue:
    """Show what was chosen so far, with one more scan. Keeps nothing."""
    typed = _typed()
    raw = request.form.get("raw", "").strip()
    try:
        added = scans.meant(raw[:300], actor()).found.code if raw else ""
    except BiobankError as error:
        return _page(typed, sentence=sentences.of_error(error), sound="no")
    if added:
        typed["codes"] = f"{typed['codes'].rstrip()}\n{added}".strip()
    return _page(typed, sound="yes" if added else "")


@bp.post("/labels/sheets")
@requires(Permission.LABEL_PRINT)
def order_sheet() -> ResponseReturnValue:
    """Give the labels out: they are accounted for, and the file or the page to print follows."""
    typed = _typed()
    form = request.form.get("form", "")

    def work() -> str:
        wanted = SHEET.load(
            {"codes": _codes(typed["codes"]), "design": typed["design"] or None, "reason": typed["reason"]}
        )
        if form == PRINTER:
            _to_printer(**wanted)
            return url_for("printing.job_list")
        start = QUERY.load({"start": typed["start"]} if typed["start"] else {})["start"]
        key = sheets.order(**wanted, form=form, start=start, by=actor())
        if form == "print":
            return url_for("printing.print_page", sheet=key)
        more = {"start": start} if form == "sheet" else {}
        return url_for("printing.sheet_file", key=key, form=form, **more)

    return pages.submit(work, again=lambda problems, sentence: _page(typed, problems, sentence))


def _to_printer(*, codes: list[str], design: str | None, reason: str, **_more: Any) -> None:
    """Ask for these labels at the printer of the station; with the reason, where they were printed before."""
    by = actor()
    chosen = sheets.choose(codes=codes, by=by)
    if chosen.printed and not reason.strip():
        told = {"count": len(chosen.printed), "label": chosen.printed[0]}
        raise Malformed({"reason": Reason("sheet_reason_needed", told)})
    for thing in chosen.things:
        if thing.code in chosen.printed:
            jobs.reprint(code=thing.code, reason=reason, by=by, design=design)
    new = [thing for thing in chosen.things if thing.code not in chosen.printed]
    for site_id in dict.fromkeys(thing.site_id for thing in new):
        here = [thing.code for thing in new if thing.site_id == site_id]
        for job in jobs.order(codes=here, by=by, site_id=site_id, design=design):
            if job.printer is None:  # it waited for a browser
                jobs.move(job=job, printer=printers.printer_of(by.station), by=by)


@bp.get("/labels/sheets/<int:key>.<form>")
@requires(Permission.LABEL_PRINT)
def sheet_file(key: int, form: str) -> ResponseReturnValue:
    """The labels that were given out, as one file: pdf (one a page), sheet (a PDF of sheets) or zpl."""
    if form == "print":
        return redirect(url_for("printing.print_page", sheet=key))
    given = {name: request.args[name] for name in QUERY.fields if request.args.get(name)}
    return pictures.sheet(key, form, QUERY.load(given))


def _typed() -> Typed:
    return {name: request.form.get(name, "") for name in ("codes", "design", "form", "start", "reason")}


def _codes(text: str) -> list[str]:
    return list(dict.fromkeys(code for code in re.split(r"[\s,;]+", text.strip()) if code))


def _page(
    typed: Typed, problems: dict[str, str] | None = None, sentence: str | None = None, sound: str = ""
) -> Any:
    codes = _codes(typed["codes"])
    chosen = None
    if codes:
        try:
            chosen = sheets.choose(codes=codes, by=actor(), words=pictures.words)
        except BiobankError as error:
            sentence = sentence or sentences.of_error(error)
    return pages.render(
        "printing/sheet.html",
        typed=typed | {"codes": "\n".join(codes)},
        problems=problems or {},
        sentence=sentence,
        sound=sound,
        count=len(codes),
        most=sheets.MOST,
        **(_chosen(chosen, typed) if chosen else {"chosen": None}),
    )


def _chosen(chosen: Choice, typed: Typed) -> dict[str, Any]:
    """What the page shows of a choice: whose labels, in which designs, and where on the sheet they may begin."""
    first = chosen.things[0]
    usual = designs.usual(first.kind, first.vessel, first.site_id)
    offered = designs.known(first.site_id, chosen.kinds) if len(chosen.kinds) == 1 else []
    design = next((one for one in offered if one.name == (typed["design"] or usual)), None)
    stock = design.design.stock if design and design.design else None
    return {
        "chosen": chosen,
        "groups": _groups(chosen),
        "designs": [(one.name, sized(one)) for one in offered if one.design],
        "design": design,
        "stock": stock,
        "sheet": stock.sheet if stock else None,
        "first": first,
        "forms": _forms(chosen, stock),
    }


def _groups(chosen: Choice) -> list[dict[str, Any]]:
    names = things.pseudonyms({thing.patient_id for thing in chosen.things if thing.patient_id is not None})
    made: list[dict[str, Any]] = []
    for thing in chosen.things:
        if not made or made[-1]["key"] != thing.patient_id:
            patient = names.get(thing.patient_id or 0)
            made.append({"key": thing.patient_id, "patient": patient, "codes": [], "more": 0})
        if len(made[-1]["codes"]) < _NAMED:
            made[-1]["codes"].append(thing.code)
        else:
            made[-1]["more"] += 1
    return made


def _forms(chosen: Choice, stock: Any) -> list[tuple[str, str]]:
    """How these labels can be had, the likeliest first."""
    printer = printers.printer_of(actor().station)
    words = {
        "sheet": _("PDF: sheets of labels"),
        PRINTER: _("On the label printer %(name)s", name=printer),
        "print": _("Print from the browser"),
        "pdf": _("PDF: one label a page"),
        "zpl": _("ZPL file for a label printer"),
    }
    on_sheets = stock is not None and stock.sheet is not None
    if not on_sheets:
        words.pop("sheet")
    if printer is None or on_sheets or len(chosen.things) > jobs.MOST_LABELS:
        words.pop(PRINTER)
    if len(chosen.things) > sheets.MOST_IN_BROWSER:
        words.pop("print")
    return list(words.items())
