"""The API of requests: draft, name samples, submit, approve, refuse, cancel."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires, signed_in
from biobank.access.permissions import Permission
from biobank.core.errors import Malformed, Reason
from biobank.requests import rules, service
from biobank.requests.schemas import (
    TERMS,
    LinesSchema,
    RefusalSchema,
    RequestCancelSchema,
    RequestNewSchema,
    ReviewSchema,
    chances_json,
    request_json,
    reviews_json,
    summary_json,
)
from biobank.web.api import blueprint, page_arguments
from biobank.web.asking import actor
from biobank.web.idempotency import api_answer

bp = blueprint("requests", __name__)


@bp.post("/requests")
@requires(Permission.REQUEST_OWN)
@bp.arguments(RequestNewSchema)
def draft(data: dict[str, Any]) -> ResponseReturnValue:
    """Begin a request: a draft of one's own, which nobody answers before it is submitted."""

    def work() -> dict[str, Any]:
        by = actor()
        made = service.draft(
            site_id=access.site_for(data["site"], by).id,
            title=data["title"],
            purposes=data["purposes"],
            organisation=data["organisation"],
            **{name: data[name] for name in TERMS},
            by=by,
        )
        if data["samples"]:
            service.add_samples(request=made, samples=data["samples"], by=by)
        return request_json(made, by)

    return api_answer(work)


@bp.get("/requests")
@signed_in  # the service tells one's own requests from the site's
def list_requests() -> ResponseReturnValue:
    """Requests, newest first: the site's for who may read them, else one's own. ?status=&mine=true&after=&limit="""
    by = actor()
    page = service.list_requests(
        by,
        status=status_asked(),
        mine=request.args.get("mine") == "true",
        **page_arguments(),
    )
    counts = service.counts_of(each.id for each in page.items)
    names = service.researchers_of(page.items)
    items = [
        summary_json(each, counts.get(each.id, {}), names.get(each.researcher_id, "")) for each in page.items
    ]
    return jsonify({"items": items, "next": page.next})


def status_asked() -> str | None:
    """?status= of the request at hand. raises Malformed"""
    status = request.args.get("status") or None
    if status and status not in set(rules.Status):
        known = ", ".join(rules.Status)
        raise Malformed({"status": Reason("request_status_unknown", {"given": status[:40], "known": known})})
    return status


@bp.get("/requests/<code>")
@signed_in
def show(code: str) -> ResponseReturnValue:
    """One request with its lines. A researcher sees only their own."""
    return jsonify(request_json(service.find_request(code, actor()), actor()))


@bp.get("/requests/<code>/feasibility")
@signed_in
def feasibility(code: str) -> ResponseReturnValue:
    """How many of the samples asked for could be given now. Asks, and uses nothing."""
    return jsonify(chances_json(service.feasibility(service.find_request(code, actor()), actor())))


@bp.post("/requests/<code>/lines")
@requires(Permission.REQUEST_OWN)
@bp.arguments(LinesSchema)
def add_samples(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Ask for samples, in a draft of one's own."""

    def work() -> dict[str, Any]:
        found = service.find_request(code, actor())
        service.add_samples(request=found, samples=data["samples"], by=actor())
        return request_json(found, actor())

    return api_answer(work)


@bp.delete("/requests/<code>/lines/<sample>")
@requires(Permission.REQUEST_OWN)
def remove_sample(code: str, sample: str) -> ResponseReturnValue:
    """Strike a sample out of a draft of one's own."""

    def work() -> dict[str, Any]:
        found = service.find_request(code, actor())
        service.remove_sample(request=found, sample=sample, by=actor())
        return request_json(found, actor())

    return api_answer(work, 200)


@bp.post("/requests/<code>/submit")
@requires(Permission.REQUEST_OWN)
def submit(code: str) -> ResponseReturnValue:
    """Send a draft of one's own to the biobank."""

    def work() -> dict[str, Any]:
        found = service.find_request(code, actor())
        return request_json(service.submit(request=found, by=actor()), actor())

    return api_answer(work, 200)


@bp.post("/requests/<code>/approve")
@requires(Permission.REQUEST_DECIDE)
def approve(code: str) -> ResponseReturnValue:
    """Decide each line by its donors' consent, and hold the tubes that may be given. Never one's own request.

    What the rules leave to people stays asked until they have settled it; approving again decides it then.
    """

    def work() -> dict[str, Any]:
        found = service.find_request(code, actor())
        return request_json(service.approve(request=found, by=actor()), actor())

    return api_answer(work, 200)


@bp.get("/requests/<code>/reviews")
@requires(Permission.REQUEST_READ)
def list_reviews(code: str) -> ResponseReturnValue:
    """What the rules leave to people in this request, open and settled, grouped by reason."""
    return jsonify(reviews_json(service.find_request(code, actor())))


@bp.post("/requests/<code>/reviews")
@requires(Permission.CONSENT_REVIEW)
@bp.arguments(ReviewSchema)
def settle(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Settle one reason for all its samples, or for those named: `lift` or `uphold`, and why. Never a denial."""

    def work() -> dict[str, Any]:
        found = service.find_request(code, actor())
        service.settle(request=found, **data, by=actor())
        return reviews_json(found)

    return api_answer(work)


@bp.post("/requests/<code>/refuse")
@requires(Permission.REQUEST_DECIDE)
@bp.arguments(RefusalSchema)
def refuse(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """Say no to a whole request, and why."""

    def work() -> dict[str, Any]:
        found = service.find_request(code, actor())
        return request_json(service.refuse(request=found, reason=data["reason"], by=actor()), actor())

    return api_answer(work, 200)


@bp.post("/requests/<code>/cancel")
@signed_in  # the service lets the researcher, and who decides about requests
@bp.arguments(RequestCancelSchema, required=False)
def cancel(data: dict[str, Any], code: str) -> ResponseReturnValue:
    """End a request: what is still held for it is free again."""

    def work() -> dict[str, Any]:
        found = service.find_request(code, actor())
        service.cancel(request=found, reason=data.get("reason"), by=actor())
        return request_json(found, actor())

    return api_answer(work, 200)
