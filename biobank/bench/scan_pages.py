"""The answer to a scan, and the scans that nobody recognised, to be settled one by one."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.bench import service
from biobank.bench.drawing import card_parts
from biobank.bench.page_parts import bp
from biobank.core import clock, scans, times
from biobank.core.errors import BiobankError
from biobank.core.readings import LONGEST_SCAN
from biobank.web import errors, pages, sentences
from biobank.web.asking import actor


@bp.get("/scan")
@requires(Permission.SCAN)
def scan() -> ResponseReturnValue:
    """The card of what was scanned; an unknown code is said, and the field waits for the next.

    `?exact=1`: of two readings somebody chose this one by eye.
    """
    by, raw = actor(), request.args.get("raw", "")
    try:
        found = service.scan(raw, by, exact=request.args.get("exact") == "1")
    except BiobankError as refusal:
        status = next(errors.STATUS[kind] for kind in type(refusal).__mro__ if kind in errors.STATUS)
        return pages.render(
            "bench/scan.html",
            status=status.value,
            raw=raw,
            refusal=_refusal(refusal),
            waiting=scans.count_open(by),
        )
    return pages.render("bench/scan.html", raw=raw, card=card_parts(found))


def _refusal(refusal: BiobankError) -> dict[str, Any]:
    either = str(refusal.params.get("readings", "")) if refusal.code == "ambiguous_scan" else ""
    return {
        "code": refusal.code,
        "sentence": sentences.of_error(refusal),
        "reasons": [sentences.of_reason(reason) for reason in refusal.reasons],
        "readings": [text for text in either.split(", ") if text],
        "new_code": refusal.params.get("new_code"),
    }


# --- not recognised


@bp.get("/scan/not-recognised")
@requires(Permission.SCAN)
def odd_scans() -> ResponseReturnValue:
    """What was scanned and nobody knows, today's first."""
    return _odd_scans()


@bp.post("/scan/not-recognised/<int:key>")
@requires(Permission.SCAN)
def settle_odd_scan(key: int) -> ResponseReturnValue:
    """It was this thing; or it is of no account."""

    def work() -> str:
        odd = scans.find_odd(key, actor())
        was = request.form.get("was", "")[:LONGEST_SCAN].strip()
        scans.settle(odd=odd, was=None if request.form.get("dismiss") else was, by=actor())
        return url_for("bench.odd_scans")

    return pages.submit(work, again=lambda _problems, sentence: _odd_scans(key, sentence))


def _odd_scans(key: int | None = None, sentence: str | None = None) -> Any:
    by = actor()
    waiting = scans.open_odd(by)
    today = times.local_day(clock.now(), clock.zone())
    days = {odd.id: times.local_day(odd.recorded_at, clock.zone()) for odd in waiting}
    return pages.render(
        "bench/odd_scans.html",
        today=[odd for odd in waiting if days[odd.id] == today],
        earlier=[odd for odd in waiting if days[odd.id] != today],
        names=access.names_of({odd.actor_key for odd in waiting}),
        wrong=key,
        sentence=sentence,
        typed=request.form.get("was", ""),
    )
