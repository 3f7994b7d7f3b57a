"""The API of numbers on labels: replaced ones, those printed ahead of the draw, and the scans that verify a label."""

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.printing import checks, relabelling
from biobank.printing.api_parts import bp
from biobank.printing.number_schemas import (
    AllotmentNewSchema,
    AllotmentsQuery,
    CheckNewSchema,
    NumbersSchema,
    PairSchema,
    ReplacementNewSchema,
    VoidSchema,
    allotment_json,
    check_json,
    number_json,
    replacement_json,
)
from biobank.procedures import kits
from biobank.samples import allotments, allotted, numbers
from biobank.samples.models import Allotment
from biobank.samples.reading import find_sample
from biobank.web.api import page_arguments, page_json
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

# --- replaced


@bp.post("/samples/<code>/code-replacements")
@requires(Permission.SAMPLE_COLLECT)
@bp.arguments(ReplacementNewSchema)
def replace_code(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Give a tube another number: the old one is void for ever, and the new label is printed.

    `new_code` is a number whose label was printed ahead of the draw; the next number unless given.
    """

    def work() -> dict[str, Any]:
        sample = find_sample(code, actor())
        return replacement_json(*relabelling.replace_code(sample=sample, **data, by=actor()))

    return api_answer(work)


@bp.get("/samples/<code>/code-replacements")
@requires(Permission.SAMPLE_READ)
def list_replacements(code: str) -> ResponseReturnValue:
    """Every number that this tube had before, the newest replacement first."""
    found = numbers.replacements_of(find_sample(code, actor()).id)
    return jsonify({"items": [replacement_json(told) for told in found], "next": None})


# --- printed ahead


@bp.post("/label-allotments")
@requires(Permission.LABEL_PRINT)
@bp.arguments(AllotmentNewSchema)
def allot(data: dict[str, Any]) -> ResponseReturnValue:
    """Numbers before the draw, one for each tube of `sets` kits, or `count` loose ones, and their labels."""

    def work() -> dict[str, Any]:
        by = actor()
        kit = kits.find_kit(data["kit"], by, _site_id(data)) if data["kit"] else None
        site_id = kit.site_id if kit else access.site_for(data["site"], by).id
        made = allotments.allot(
            site_id=site_id, kit=kit, sets=data["sets"], count=data["count"], note=data["note"], by=by
        )
        if data["print"]:
            relabelling.print_ahead(allotment=made, station=data["station"], by=by)
        return _told(made)

    return api_answer(work)


def _site_id(data: dict[str, Any]) -> int | None:
    return access.site_for(data["site"], actor()).id if data["site"] else None


def _told(allotment: Allotment) -> dict[str, Any]:
    counts = allotted.counts([allotment.id])[allotment.id]
    return allotment_json(allotment, counts, allotted.numbers_in(allotment))


@bp.get("/label-allotments")
@requires(Permission.LABEL_PRINT)
@bp.arguments(AllotmentsQuery, location="query")
def list_allotments(_data: dict[str, Any]) -> ResponseReturnValue:
    """What was printed ahead, the newest first, with how many numbers are out, returned, used and voided."""
    page = allotted.list_allotments(actor(), **page_arguments())
    counts = allotted.counts(each.id for each in page.items)
    return page_json(page, lambda each: allotment_json(each, counts[each.id]))


@bp.get("/label-allotments/<int:key>")
@requires(Permission.LABEL_PRINT)
def allotment(key: int) -> ResponseReturnValue:
    """One allotment with all its numbers."""
    return jsonify(_told(allotted.find_allotment(key, actor())))


@bp.post("/label-allotments/returns")
@requires(Permission.LABEL_PRINT)
@bp.arguments(NumbersSchema)
def return_numbers(data: dict[str, Any]) -> ResponseReturnValue:
    """These came back unused, and may go out again: all of them, or none."""

    def work() -> dict[str, Any]:
        return _items(allotments.return_(numbers=data["numbers"], by=actor()))

    return api_answer(work, 200)


@bp.post("/label-allotments/sendings")
@requires(Permission.LABEL_PRINT)
@bp.arguments(NumbersSchema)
def send_numbers(data: dict[str, Any]) -> ResponseReturnValue:
    """These go out once more."""
    return api_answer(lambda: _items(allotments.send_out(numbers=data["numbers"], by=actor())), 200)


@bp.post("/label-allotments/voids")
@requires(Permission.LABEL_PRINT)
@bp.arguments(VoidSchema)
def void_numbers(data: dict[str, Any]) -> ResponseReturnValue:
    """Nobody ever gets these numbers; a scan of one says why."""

    def work() -> dict[str, Any]:
        return _items(allotments.void(numbers=data["numbers"], reason=data["reason"], by=actor()))

    return api_answer(work, 200)


def _items(changed: list[Any]) -> dict[str, Any]:
    return {"items": [number_json(number) for number in changed]}


# --- verified


@bp.post("/label-checks")
@requires(Permission.LABEL_PRINT)
@bp.arguments(PairSchema)
def verify_pair(data: dict[str, Any]) -> ResponseReturnValue:
    """A tube and the label on it were scanned one after the other: 201 when they belong together, else 409.

    `known_by` is what says which tube it is: its maker's code, or its old label.
    """

    def work() -> dict[str, Any]:
        by = actor()
        sample, known_by = checks.tube_in_hand(data["known_by"], by)
        read = checks.read_label(data["read"], by)
        return check_json(checks.verify(sample=sample, read=read, known_by=known_by, by=by), sample.code)

    return api_answer(work)


@bp.post("/samples/<code>/label-checks")
@requires(Permission.LABEL_PRINT)
@bp.arguments(CheckNewSchema)
def verify(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """The label just stuck on this tube was scanned: 201 when it is its own, 409 `label_mismatch` with both codes."""

    def work() -> dict[str, Any]:
        by = actor()
        sample, read = find_sample(code, by), checks.read_label(data["read"], by)
        known_by = checks.known_by(sample, data["known_by"], by) if data["known_by"] else None
        return check_json(checks.verify(sample=sample, read=read, known_by=known_by, by=by), sample.code)

    return api_answer(work)


@bp.get("/samples/<code>/label-checks")
@requires(Permission.SAMPLE_READ)
def list_checks(code: str) -> ResponseReturnValue:
    """Every scan of the label of a tube, the newest first."""
    sample = find_sample(code, actor())
    items = [check_json(check, sample.code) for check in checks.checks_of(sample)]
    return jsonify({"items": items, "next": None})
