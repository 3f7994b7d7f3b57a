"""REQUEST: a researcher asks for samples, somebody else decides, and what may be given is held for them."""

from collections.abc import Sequence

from sqlalchemy import insert

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.consent import rules as consent_rules
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import Again, chunks, db, lock
from biobank.core.errors import Forbidden, Malformed, NotFound, Reason, RuleViolation
from biobank.requests import holding, letters, reading, rules
from biobank.requests.deciding import approve, refuse
from biobank.requests.models import Request, RequestLine
from biobank.requests.reading import (
    Asked,
    asked_of,
    counts_of,
    feasibility,
    find_request,
    forecast,
    line_of,
    lines_of,
    list_requests,
    reads_all,
    researchers_of,
    use_of,
)
from biobank.requests.reviewing import questions, settle
from biobank.requests.rules import Act, LineAct, LineStatus
from biobank.samples import reading as samples_reading
from biobank.samples.models import Sample

__all__ = [
    "Asked",
    "add_samples",
    "approve",
    "asked_of",
    "cancel",
    "counts_of",
    "draft",
    "feasibility",
    "find_request",
    "forecast",
    "line_of",
    "lines_of",
    "list_requests",
    "questions",
    "reads_all",
    "refuse",
    "remove_sample",
    "researchers_of",
    "settle",
    "submit",
    "use_of",
]

DECIDE = "request:decide"


def draft(
    *,
    site_id: int,
    title: str,
    purposes: Sequence[str],
    by: Actor,
    organisation: str = "unknown",
    commercial: bool | None = None,
    country: str | None = None,
    genetic: bool | None = None,
    study: str | None = None,
    institution: str | None = None,
    approvals: Sequence[str] = (),
    flags: Sequence[str] = (),
    users: Sequence[str] = (),
    research_types: Sequence[str] = (),
) -> Request:
    """A researcher begins a request; nobody is asked before it is submitted.

    purposes    as they are written: HMB, DS:C50.1,C61 …
    commercial, genetic   None: not said
    raises      Malformed naming every bad field; RuleViolation for a job, which is no researcher
    """
    if by.user_id is None:
        raise RuleViolation("researcher_missing", name=by.name)
    if not by.sees(site_id):
        raise NotFound("site_unknown", site=site_id)
    rules.refuse_fields(
        {
            "title": None if title.strip() else Reason("title_missing"),
            "organisation": rules.check_organisation(organisation),
            "country": rules.check_country(country),
            **{f"approvals.{place}": rules.check_approval(text) for place, text in enumerate(approvals)},
        }
    )
    terms = {
        "commercial": commercial, "country": country.upper() if country else None, "genetic": genetic, "study": study,
        "institution": institution, "approvals": list(approvals), "flags": list(flags), "users": list(users),
        "research_types": list(research_types),
    }  # fmt: skip
    (code,) = codes.issue("request", access.site_code(site_id))
    request = Request(
        site_id=site_id,
        code=code,
        researcher_id=by.user_id,
        title=title.strip(),
        purposes=[purpose.text for purpose in consent_rules.parse_purposes(purposes)],
        organisation=organisation,
        terms=terms,
        status=rules.Status.DRAFT.value,
        recorded_at=clock.now(),
    )
    db.session.add(request)
    db.session.flush()
    codes.register(code, "request", request.id, site_id)
    after = {"purposes": request.purposes, "organisation": organisation, **terms}
    audit.record(by=by, act="request_drafted", subject=("request", code), after=after)
    return request


def add_samples(*, request: Request, samples: Sequence[str], by: Actor) -> list[RequestLine]:
    """Ask for samples by their codes, in a draft of one's own; those asked for already are left as they are.

    returns  every line of the request
    raises   Malformed naming the codes that are unknown; Forbidden; RuleViolation when it was sent
    """
    reading.require_own(request, by)
    holding.pass_on(request, Act.EDIT)
    found = {sample.id: sample for sample in samples_reading.find_samples(samples, by)}
    if elsewhere := [sample.code for sample in found.values() if sample.site_id != request.site_id]:
        raise Malformed({"samples": Reason("samples_unknown", {"samples": ", ".join(elsewhere[:20])})})
    lines = {line.sample_id: line for line in _all_lines(request)}
    again = [line for key, line in lines.items() if key in found and line.status == LineStatus.RELEASED]
    fresh = [key for key in found if key not in lines]
    open_lines = sum(line.status == LineStatus.ASKED for line in lines.values())
    if (given := open_lines + len(again) + len(fresh)) > rules.MOST_LINES:
        raise RuleViolation("lines_too_many", given=given, most=rules.MOST_LINES)
    for line in again:
        code = found[line.sample_id].code
        line.status = rules.next_line_status(line.status, LineAct.ASK, sample=code).value
        line.verdict, line.reasons = None, []
    rows = [
        {"request_id": request.id, "sample_id": key, "status": LineStatus.ASKED.value, "reasons": []}
        for key in fresh
    ]
    for chunk in chunks(rows, 2000):
        db.session.execute(insert(RequestLine), list(chunk))
    if asked := [*(line.sample_id for line in again), *fresh]:
        told = {"samples": [found[key].code for key in asked]}
        audit.record(by=by, act="lines_added", subject=("request", request.code), after=told)
    db.session.flush()
    return reading.lines_of(request)


def remove_sample(*, request: Request, sample: str, by: Actor) -> None:
    """Strike a sample out of a draft of one's own. raises NotFound where it is not asked for"""
    reading.require_own(request, by)
    holding.pass_on(request, Act.EDIT)
    found = samples_reading.find_sample(sample, by)
    line = reading.line_of(request, found)
    if line is None:
        raise NotFound("line_missing", sample=found.code, request=request.code)
    line.status = rules.next_line_status(line.status, LineAct.RELEASE, sample=found.code).value
    audit.record(by=by, act="line_removed", subject=("request", request.code), before={"sample": found.code})


def submit(*, request: Request, by: Actor) -> Request:
    """Send a draft of one's own to the biobank. raises RuleViolation when it asks for nothing"""
    reading.require_own(request, by)
    holding.pass_on(request, Act.SUBMIT)
    asked = reading.lines_of(request, LineStatus.ASKED)
    if not asked:
        raise RuleViolation("nothing_asked_for", request=request.code)
    request.submitted_at = clock.now()
    told = {"samples": len(asked)}
    audit.record(by=by, act="request_submitted", subject=("request", request.code), after=told)
    return request


def cancel(*, request: Request, by: Actor, reason: str | None = None) -> Request:
    """End a request: by its researcher, or by who may decide. What is still held is let go.

    When some of it was handed out already, it is completed rather than cancelled.
    """
    if not (reading.is_own(request, by) or by.may(DECIDE) or "job" in by.roles):
        raise Forbidden("not_your_request", request=request.code)
    rules.next_status(request.status, Act.CANCEL)
    held = {line.sample_id for line in reading.lines_of(request, LineStatus.RESERVED, LineStatus.PICKED)}
    lock(Sample, held)
    given = bool(reading.lines_of(request, LineStatus.HANDED_OUT))
    holding.pass_on(request, Act.COMPLETE if given else Act.CANCEL)
    lines = reading.lines_of(request, *rules.OPEN_LINES)
    if given != bool(reading.lines_of(request, LineStatus.HANDED_OUT)) or not held >= {
        line.sample_id for line in lines if line.status != LineStatus.ASKED
    }:
        raise Again
    holding.close(request, lines, why="cancelled", by=by)
    holding.note_settled(request, reason, by)
    act = "request_completed" if given else "request_cancelled"
    audit.record(by=by, act=act, subject=("request", request.code), reason=reason)
    if given:
        letters.tell(request, "request_completed")
    return request


def _all_lines(request: Request) -> Sequence[RequestLine]:
    """Also those struck out."""
    query = db.select(RequestLine).where(RequestLine.request_id == request.id)
    return db.session.scalars(query.execution_options(populate_existing=True)).all()
