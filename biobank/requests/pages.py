"""The pages of requests: one's own and the site's, a new one, and one with its life, its lines and what may be done."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires, signed_in
from biobank.access.permissions import Permission
from biobank.core.i18n import N_
from biobank.requests import asking, drawing, mail, service
from biobank.requests.rules import Status
from biobank.requests.schemas import TERMS, LinesSchema, RequestNewSchema, ReviewSchema
from biobank.web import pages
from biobank.web.asking import actor
from biobank.web.navigation import NavItem

bp = pages.blueprint("requests", __name__)
bp.record(mail.init)

NAVIGATION = [
    NavItem(
        "requests.all_requests", N_("All requests"), "request", Permission.REQUEST_READ.value, 40, "requests"
    ),
    NavItem(
        "requests.my_requests", N_("My requests"), "request", Permission.REQUEST_OWN.value, 41, "requests"
    ),
]

NEW = RequestNewSchema()
LINES = LinesSchema()
REVIEW = ReviewSchema()


# --- lists


@bp.get("/requests")
@requires(Permission.REQUEST_READ)
def all_requests() -> ResponseReturnValue:
    """Every request of the site, newest first."""
    return _list("requests.all_requests", mine=False)


@bp.get("/requests/mine")
@requires(Permission.REQUEST_OWN)
def my_requests() -> ResponseReturnValue:
    """One's own requests, newest first."""
    return _list("requests.my_requests", mine=True)


def _list(endpoint: str, *, mine: bool) -> ResponseReturnValue:
    status = request.args.get("status")
    status = status if status in set(Status) else None
    page = service.list_requests(actor(), mine=mine, status=status, after=request.args.get("after"))
    return pages.render(
        "requests/requests.html",
        endpoint=endpoint,
        mine=mine,
        chosen=status,
        statuses=list(Status),
        page=page,
        counts=service.counts_of(each.id for each in page.items),
        names=service.researchers_of(page.items),
    )


# --- a new one


@bp.get("/requests/new")
@requires(Permission.REQUEST_OWN)
def new_request() -> ResponseReturnValue:
    """The form: one page, in plain words."""
    return drawing.new_form({}, None)


@bp.post("/requests/new")
@requires(Permission.REQUEST_OWN)
def make_request() -> ResponseReturnValue:
    """Keep it as a draft, and show it."""

    def work() -> str:
        by = actor()
        given = NEW.load(asking.read_form(request.form))
        made = service.draft(
            site_id=access.site_for(given["site"], by).id,
            title=given["title"],
            purposes=given["purposes"],
            organisation=given["organisation"],
            **{name: given[name] for name in TERMS},
            by=by,
        )
        if given["samples"]:
            service.add_samples(request=made, samples=given["samples"], by=by)
        return url_for("requests.show", code=made.code)

    return pages.submit(work, again=drawing.new_form)


# --- one request


@bp.get("/requests/<code>")
@signed_in  # the service tells one's own requests from the site's
def show(code: str) -> ResponseReturnValue:
    """A request: where it is in its life, its lines with every reason, and what may be done with it now."""
    return drawing.request_page(service.find_request(code, actor()))


@bp.post("/requests/<code>/lines")
@requires(Permission.REQUEST_OWN)
def add_samples(code: str) -> ResponseReturnValue:
    """Ask for samples: codes pasted or scanned."""

    def work() -> str:
        given = LINES.load({"samples": asking.read_codes(request.form.get("samples", ""))})
        service.add_samples(request=service.find_request(code, actor()), samples=given["samples"], by=actor())
        return _url(code)

    return _submit(code, work)


@bp.post("/requests/<code>/lines/<sample>/remove")
@requires(Permission.REQUEST_OWN)
def remove_sample(code: str, sample: str) -> ResponseReturnValue:
    """Strike a sample out of a draft."""

    def work() -> str:
        service.remove_sample(request=service.find_request(code, actor()), sample=sample, by=actor())
        return _url(code)

    return _submit(code, work)


@bp.post("/requests/<code>/submit")
@requires(Permission.REQUEST_OWN)
def submit(code: str) -> ResponseReturnValue:
    """Send it to the biobank."""

    def work() -> str:
        service.submit(request=service.find_request(code, actor()), by=actor())
        return _url(code)

    return _submit(code, work)


@bp.post("/requests/<code>/approve")
@requires(Permission.REQUEST_DECIDE)
def approve(code: str) -> ResponseReturnValue:
    """Decide every line, and hold what may be given."""

    def work() -> str:
        service.approve(request=service.find_request(code, actor()), by=actor())
        return _url(code)

    return _submit(code, work)


@bp.post("/requests/<code>/reviews")
@requires(Permission.CONSENT_REVIEW)
def settle(code: str) -> ResponseReturnValue:
    """Settle one thing that the rules leave to people, for all its samples or for some, and say why."""

    def work() -> str:
        given = REVIEW.load(asking.read_review(request.form))
        service.settle(request=service.find_request(code, actor()), **given, by=actor())
        return _url(code)

    return _submit(code, work)


@bp.post("/requests/<code>/refuse")
@requires(Permission.REQUEST_DECIDE)
def refuse(code: str) -> ResponseReturnValue:
    """Say no, and why."""

    def work() -> str:
        reason = request.form.get("reason", "")[:2000]
        service.refuse(request=service.find_request(code, actor()), reason=reason, by=actor())
        return _url(code)

    return _submit(code, work)


@bp.post("/requests/<code>/cancel")
@signed_in  # the service lets the researcher, and who decides about requests
def cancel(code: str) -> ResponseReturnValue:
    """End it; what is held is let go."""

    def work() -> str:
        service.cancel(request=service.find_request(code, actor()), by=actor())
        return _url(code)

    return _submit(code, work)


def _submit(code: str, work: Any) -> ResponseReturnValue:
    def again(problems: dict[str, str], sentence: str) -> Any:
        return drawing.request_page(service.find_request(code, actor()), problems, sentence)

    return pages.submit(work, again=again)


def _url(code: str) -> str:
    return url_for("requests.show", code=code)
