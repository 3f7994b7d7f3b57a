"""Labels printed before the draw: for which kits they went out, which came back, and which are void."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.core import settings
from biobank.core.db import db
from biobank.core.errors import Malformed, Reason
from biobank.core.i18n import N_
from biobank.printing import jobs, relabelling
from biobank.printing.number_schemas import AllotmentNewSchema, VoidSchema
from biobank.printing.page_parts import bp, printer_here
from biobank.procedures import kits
from biobank.procedures.models import CollectionKit
from biobank.samples import allotments, allotted
from biobank.web import pages
from biobank.web.asking import actor

ALLOTMENT, VOID = AllotmentNewSchema(), VoidSchema()
#: Why labels that were printed ahead are void, as people write it; offered while typing.
REASONS = (N_("Label is damaged"), N_("Kit is past its date"), N_("Lost on the ward"))
#: What is scanned one after the other: it came back, it goes out again, it is void.
WAYS = ("return", "send", "void")


@bp.get("/labels/allotments")
@requires(Permission.LABEL_PRINT)
def allotment_list() -> ResponseReturnValue:
    """What was printed ahead, the newest first, and what is out for long."""
    by = actor()
    page = allotted.list_allotments(by, after=request.args.get("after"))
    return pages.render(
        "printing/allotments.html",
        page=page,
        counts=allotted.counts(each.id for each in page.items),
        kits=_kits(page.items),
        names=access.names_of({each.recorded_by for each in page.items}),
        overdue=allotted.overdue(by),
        days=settings.allotted_days(),
    )


def _kits(found: Any) -> dict[int | None, CollectionKit]:
    keys = {each.kit_id for each in found if each.kit_id is not None}
    return {key: db.session.get_one(CollectionKit, key) for key in sorted(keys)}


@bp.get("/labels/allotments/new")
@requires(Permission.LABEL_PRINT)
def new_allotment() -> ResponseReturnValue:
    """The form to print labels ahead. `?kit=` begins with that kit."""
    return _form()


@bp.post("/labels/allotments")
@requires(Permission.LABEL_PRINT)
def allot() -> ResponseReturnValue:
    """Allot the numbers, have their labels printed, and show them."""

    def work() -> str:
        by = actor()
        names = ("kit", "note", "site")
        typed: dict[str, Any] = {name: request.form[name].strip() for name in names if request.form.get(name)}
        typed |= {name: _whole(name) for name in ("sets", "count") if request.form.get(name, "").strip()}
        given = ALLOTMENT.load(typed)
        kit = kits.find_kit(given["kit"], by) if given["kit"] else None
        site_id = kit.site_id if kit else access.site_for(given["site"], by).id
        made = allotments.allot(
            site_id=site_id, kit=kit, sets=given["sets"], count=given["count"], note=given["note"], by=by
        )
        relabelling.print_ahead(allotment=made, by=by)
        return url_for("printing.allotment", key=made.id)

    return pages.submit(work, again=_form)


def _whole(name: str) -> int | str:
    """The number if it is one; else as typed, for the sentence that refuses it."""
    text = request.form[name].strip()
    return int(text[:9]) if text.isascii() and text.isdigit() else text[:20]


def _form(problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    by = actor()
    open_kits = [kit for kit in kits.list_kits(by, limit=200).items if kit.retired_at is None]
    return pages.render(
        "printing/new_allotment.html",
        kit_options=[(kit.number, f"{kit.code} – {kit.title}") for kit in open_kits],
        only_kit=open_kits[0].number if len(open_kits) == 1 else None,
        site_options=[(site.code, site.name) for site in access.list_sites(by)],
        every_site=by.site_id is None,
        most=allotted.MOST,
        typed=request.form or request.args,
        problems=problems or {},
        sentence=sentence,
    )


@bp.get("/labels/allotments/<int:key>")
@requires(Permission.LABEL_PRINT)
def allotment(key: int) -> ResponseReturnValue:
    """One allotment: each number with what became of it, kit after kit."""
    by = actor()
    found = allotted.find_allotment(key, by)
    numbers = allotted.numbers_in(found)
    return pages.render(
        "printing/allotment.html",
        allotment=found,
        numbers=numbers,
        counts=allotted.counts([found.id])[found.id],
        kit=_kits([found]).get(found.kit_id),
        overdue=allotted.is_overdue(found),
        sheet=",".join(number.code for number in numbers if number.state == allotted.OUT),
        waiting=_waiting_here({number.code for number in numbers}),
        printer=printer_here(by),
        names=access.names_of({found.recorded_by}),
    )


def _waiting_here(codes: set[str]) -> int:
    """How many of these labels the browser at hand is to print."""
    return sum(job.code in codes for job in jobs.waiting_here(actor()))


@bp.get("/labels/allotments/scan")
@requires(Permission.LABEL_PRINT)
def scan_numbers() -> ResponseReturnValue:
    """Scan labels that came back, one after the other; or those that go out again, or are void: `?way=`."""
    return _scan()


@bp.post("/labels/allotments/scan")
@requires(Permission.LABEL_PRINT)
def scan_number() -> ResponseReturnValue:
    """One label: it came back, goes out again, or is void for ever, for the reason that was typed once."""

    def work() -> str:
        by, way, reason = actor(), _way(), request.form.get("reason", "").strip()[:500]
        number = allotted.read_number(request.form.get("raw", ""), by)
        if way == "void":
            if not reason:
                raise Malformed({"reason": Reason("void_reason_needed")})
            told = VOID.load({"numbers": [number], "reason": reason})
            allotments.void(**told, by=by)
        else:
            act = allotments.return_ if way == "return" else allotments.send_out
            act(numbers=[number], by=by)
        before = [each for each in request.form.get("done", "").split(",") if each][-19:]
        more: dict[str, Any] = {"reason": reason} if way == "void" else {}
        return url_for("printing.scan_numbers", way=way, done=",".join([*before, number]), **more)

    return pages.submit(work, again=_scan)


def _way() -> str:
    asked = request.values.get("way", "")
    return asked if asked in WAYS else "return"


def _scan(problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    by = actor()
    done = [code for code in request.values.get("done", "").split(",")[:20] if code]
    return pages.render(
        "printing/scan_numbers.html",
        way=_way(),
        ways=WAYS,
        reason=request.values.get("reason", "").strip()[:500],
        reasons=[_(reason) for reason in REASONS],
        done=[allotted.find_number(code, by) for code in done],
        problems=problems or {},
        sentence=sentence,
        raw=request.form.get("raw", "").strip()[:100],
    )
