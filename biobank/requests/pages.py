"""The pages of requests: one's own and the site's, a new one, and one with its life, its lines and what may be done."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.access.guard import requires, signed_in
from biobank.access.permissions import Permission
from biobank.core.actor import Actor
from biobank.core.i18n import N_
from biobank.requests import asking, mail, rules, service
from biobank.requests.models import Request
from biobank.requests.rules import Act, LineStatus, Status
from biobank.requests.schemas import TERMS, LinesSchema, RequestNewSchema, reasons_json
from biobank.web import pages, sentences
from biobank.web.asking import actor

bp = pages.blueprint("requests", __name__)
bp.record(mail.init)

NAVIGATION = [
    pages.NavItem("requests.all_requests", N_("Requests"), "request", Permission.REQUEST_READ.value, 40),
    pages.NavItem("requests.my_requests", N_("My requests"), "request", Permission.REQUEST_OWN.value, 41),
]

NEW = RequestNewSchema()
LINES = LinesSchema()


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
    return _new_form({}, None)


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

    return pages.submit(work, again=_new_form)


def _new_form(problems: dict[str, str], sentence: str | None) -> Any:
    by = actor()
    listed: dict[str, str] = {}
    for name, text in problems.items():  # purposes.1 -> purposes
        key = name.partition(".")[0]
        listed[key] = f"{listed[key]} {text}" if key in listed else text
    return pages.render(
        "requests/new_request.html",
        problems=listed,
        sentence=sentence,
        typed=request.form,
        words={
            name: [(value, _(text)) for value, text in getattr(asking, name.upper()).items()]
            for name in ("purposes", "organisations", "answer_words", "promises", "flags")
        },
        site_options=[(site.code, site.name) for site in access.list_sites(by)],
        every_site=by.site_id is None,
    )


# --- one request


@bp.get("/requests/<code>")
@signed_in  # the service tells one's own requests from the site's
def show(code: str) -> ResponseReturnValue:
    """A request: where it is in its life, its lines with every reason, and what may be done with it now."""
    return _show(service.find_request(code, actor()))


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
        return _show(service.find_request(code, actor()), problems, sentence)

    return pages.submit(work, again=again)


def _url(code: str) -> str:
    return url_for("requests.show", code=code)


# --- drawing


def _show(found: Request, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    by = actor()
    asked = service.asked_of(found)
    staff = service.reads_all(by)
    waiting = found.status in (Status.DRAFT, Status.SUBMITTED) and bool(asked)
    forecast = service.forecast(found) if waiting and staff else {}
    own = by.user_id == found.researcher_id
    possible = rules.possible_acts(found.status)
    decides = by.may(Permission.REQUEST_DECIDE.value)
    return pages.render(
        "requests/request.html",
        asked_for=found,
        researcher=service.researchers_of([found]).get(found.researcher_id, ""),
        lines=[_line(each, forecast, by) for each in asked],
        steps=_steps(found, [each.line.status for each in asked]),
        purposes=_purposes(found),
        flags=[
            _(asking.FLAGS[flag]) if flag in asking.FLAGS else flag for flag in found.terms.get("flags") or ()
        ],
        status_sentence=sentences.sentence(rules.STATUS_SENTENCES[Status(found.status)]),
        chances=service.feasibility(found, by) if waiting else None,
        smallest=rules.SMALLEST_COUNT,
        staff=staff,
        may_edit=own and Act.EDIT in possible and by.may(Permission.REQUEST_OWN.value),
        may_decide=decides and not own and Act.APPROVE in possible,
        own_decision=decides and own and Act.APPROVE in possible,
        may_fetch=Act.PICK in possible and by.may(Permission.REQUEST_FULFIL.value),
        may_cancel=Act.CANCEL in possible and (own or decides),
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )


def _line(each: service.Asked, forecast: dict[int, Any], by: Actor) -> dict[str, Any]:
    """One line of the table: its status, and in sentences what was decided, or would be now."""
    answer = forecast.get(each.line.id)
    if answer is None:
        verdict, reasons = each.line.verdict, reasons_json(each.line, by)
    else:
        verdict = answer.verdict.value
        reasons = [{"code": reason.code, "text": sentences.of_reason(reason)} for reason in answer.reasons]
    return {
        "code": each.sample.code,
        "type": each.sample.type,
        "status": each.line.status,
        "verdict": verdict,
        "reasons": reasons,
        "tone": "no" if verdict == "deny" else "look" if verdict == "review" else None,
    }


def _purposes(found: Request) -> list[str]:
    """What it is for, in words, with the diseases named."""
    told = []
    for text in found.purposes:
        tag, _colon, diseases = text.partition(":")
        words = _(asking.PURPOSES[tag]) if tag in asking.PURPOSES else tag
        told.append(f"{words}: {diseases.replace(',', ', ')}" if diseases else words)
    return told


def _steps(found: Request, lines: list[str]) -> list[dict[str, str]]:
    """The life of a request as a picture: what is done, where it is, and where it was stopped."""
    labels = [_("Written"), _("Sent"), _("Decided"), _("Fetched"), _("Handed out")]
    at = {
        Status.DRAFT: 0,
        Status.SUBMITTED: 2,
        Status.REFUSED: 2,
        Status.CANCELLED: 3 if LineStatus.REFUSED in lines else 2 if found.submitted_at else 0,
        Status.APPROVED: 3 if LineStatus.RESERVED in lines else 4,
        Status.COMPLETED: 5,
    }[Status(found.status)]
    stopped = found.status in (Status.REFUSED, Status.CANCELLED)
    return [
        {"label": label, "state": "done" if place < at else _state_here(stopped) if place == at else "todo"}
        for place, label in enumerate(labels)
    ]


def _state_here(stopped: bool) -> str:
    return "stopped" if stopped else "now"
