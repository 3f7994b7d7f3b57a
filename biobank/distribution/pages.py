"""The pages at the freezer and at the counter: fetch tube by tube by scan, then hand over what was fetched."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.distribution import recall_pages, service
from biobank.distribution.page_parts import bp
from biobank.distribution.pick_codes import pick_list_code
from biobank.printing import symbols
from biobank.requests import service as requests
from biobank.requests.rules import LineStatus
from biobank.samples import reading
from biobank.web import pages
from biobank.web.asking import actor

__all__ = ["bp", "recall_pages"]


@bp.get("/requests/<code>/fetch")
@requires(Permission.REQUEST_FULFIL)
def fetch(code: str) -> ResponseReturnValue:
    """The next tube in walking order, one scan field, what is still to come, and what waits to be handed out."""
    return _fetch(code)


@bp.post("/requests/<code>/fetch")
@requires(Permission.REQUEST_FULFIL)
def pick(code: str) -> ResponseReturnValue:
    """The tube in hand was scanned. Wrong, or refused since: the page turns red, and says why."""

    def work() -> str:
        found = requests.find_request(code, actor())
        scanned = request.form.get("raw", "")[:300]
        sample = service.pick(request=found, sample_code=scanned, by=actor())
        return url_for("distribution.fetch", code=code, picked=sample.code)

    return pages.submit(work, again=lambda _problems, sentence: _alarm(code, sentence))


@bp.post("/requests/<code>/missing")
@requires(Permission.REQUEST_FULFIL)
def missing(code: str) -> ResponseReturnValue:
    """The tube that is expected is not there."""

    def work() -> str:
        found = requests.find_request(code, actor())
        sample = reading.find_sample(request.form.get("sample", "")[:100], actor())
        service.missing(request=found, sample=sample, by=actor())
        return url_for("distribution.fetch", code=code, missing=sample.code)

    return pages.submit(work, again=lambda _problems, sentence: _fetch(code, sentence=sentence))


@bp.post("/requests/<code>/hand-out")
@requires(Permission.REQUEST_FULFIL)
def hand_out(code: str) -> ResponseReturnValue:
    """What was fetched changes hands."""

    def work() -> str:
        found = requests.find_request(code, actor())
        done = service.hand_out(request=found, to=request.form.get("to", "")[:200], by=actor())
        return url_for("requests.show", code=code, kept=len(done.kept) or None)

    return pages.submit(work, again=lambda problems, sentence: _fetch(code, problems, sentence))


def _fetch(code: str, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    found = requests.find_request(code, actor())
    return pages.render(
        "distribution/fetch.html",
        asked_for=found,
        stops=service.pick_list(found),
        picked=service.pick_list(found, LineStatus.PICKED),
        last=request.args.get("picked", "")[:100],
        lost=request.args.get("missing", "")[:100],
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
        list_code=pick_list_code(found.code),
        list_bars=Markup(symbols.bars(pick_list_code(found.code)).svg(module_mm=0.3, height_mm=12)),  # noqa: S704
    )


def _alarm(code: str, sentence: str) -> Any:
    return pages.render(
        "distribution/alarm.html",
        asked_for=requests.find_request(code, actor()),
        scanned=request.form.get("raw", "").strip()[:100],
        sentence=sentence,
    )
