"""Reads requests: one's own, or the site's for those who may. Changes nothing."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from biobank.access.models import User
from biobank.consent import rules as consent_rules
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.core.errors import Forbidden, NotFound
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.requests import rules
from biobank.requests.models import Request, RequestLine
from biobank.samples import gate, reviews, uses
from biobank.samples.models import Sample
from biobank.samples.reading import by_keys

READ, OWN = "request:read", "request:own"


class Asked(NamedTuple):
    """A line and the tube it asks for."""

    line: RequestLine
    sample: Sample


def reads_all(by: Actor) -> bool:
    """True for who reads every request of the site, with every reason; a researcher reads their own, without."""
    return by.may(READ) or "job" in by.roles


def is_own(request: Request, by: Actor) -> bool:
    """True for the researcher who wrote it."""
    return by.user_id is not None and by.user_id == request.researcher_id


def require_own(request: Request, by: Actor) -> None:
    """raises Forbidden for anybody but the researcher who wrote it"""
    if not is_own(request, by):
        raise Forbidden("not_your_request", request=request.code)


def require_anothers(request: Request, by: Actor) -> None:
    """Nobody decides about a request of their own, whatever roles they have. raises Forbidden"""
    if is_own(request, by):
        raise Forbidden("own_request", request=request.code)


def visible(by: Actor) -> Select[Any]:
    """The requests that the actor may read. raises Forbidden where there can be none"""
    if not reads_all(by) and not by.may(OWN):
        raise Forbidden("forbidden_permission", permission=READ)
    query = select(Request)
    if by.site_id is not None:
        query = query.where(Request.site_id == by.site_id)
    return query if reads_all(by) else query.where(Request.researcher_id == by.user_id)


def find_request(code: str, by: Actor) -> Request:
    """The request of that number. raises NotFound, also for another researcher's and another site's"""
    found = db.session.scalar(visible(by).where(Request.code == code)) if code.isprintable() else None
    if found is None:
        raise NotFound("request_unknown", request=code[:40])
    return found


def list_requests(
    by: Actor,
    *,
    mine: bool = False,
    status: str | None = None,
    after: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[Request]:
    """Requests, newest first, a page at a time.

    mine  only those that the actor wrote
    """
    query = visible(by)
    if mine:
        query = query.where(Request.researcher_id == by.user_id)
    if status:
        query = query.where(Request.status == status)
    return page_of(query, Request.id, after=after, limit=limit)


def lines_of(request: Request, *statuses: str) -> list[RequestLine]:
    """Its lines as they are now, in the order they were asked; of these statuses when any are given.

    What the researcher struck out of a draft is left out: it was let go without a reason.
    """
    query = select(RequestLine).where(RequestLine.request_id == request.id)
    if statuses:
        query = query.where(RequestLine.status.in_(statuses))
    rows = db.session.scalars(query.order_by(RequestLine.id).execution_options(populate_existing=True))
    return [line for line in rows if line.status != rules.LineStatus.RELEASED or line.reasons]


def line_of(request: Request, sample: Sample) -> RequestLine | None:
    """The line that asks for this sample, as it is now; None where there is none, or it was struck out."""
    query = select(RequestLine).where(
        RequestLine.request_id == request.id, RequestLine.sample_id == sample.id
    )
    line = db.session.scalar(query.execution_options(populate_existing=True))
    if line is None or (line.status == rules.LineStatus.RELEASED and not line.reasons):
        return None
    return line


def asked_of(request: Request, *statuses: str) -> list[Asked]:
    """Its lines with their tubes, in the order they were asked."""
    lines = lines_of(request, *statuses)
    samples = samples_of(lines)
    return [Asked(line, samples[line.sample_id]) for line in lines]


def samples_of(lines: Sequence[RequestLine]) -> dict[int, Sample]:
    """Sample key -> sample, for these lines."""
    return by_keys(line.sample_id for line in lines)


def counts_of(request_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Request key -> how many lines have which status."""
    found: dict[int, dict[str, int]] = {}
    for chunk in chunks(sorted(set(request_ids)), 500):
        query = (
            select(RequestLine.request_id, RequestLine.status, func.count())
            .where(RequestLine.request_id.in_(chunk))
            .group_by(RequestLine.request_id, RequestLine.status)
        )
        for request_id, status, count in db.session.execute(query):
            found.setdefault(request_id, {})[status] = count
    return found


def researchers_of(requests: Iterable[Request]) -> dict[int, str]:
    """User key -> the name of the researcher."""
    keys = {request.researcher_id for request in requests}
    query = select(User.id, User.name).where(User.id.in_(sorted(keys)))
    return dict(db.session.execute(query).all())


def use_of(request: Request, act: str = "allocate") -> consent_rules.Use:
    """What the request wants the samples for, as the consent rules take it."""
    terms = request.terms
    return consent_rules.Use(
        act=act,
        purposes=consent_rules.parse_purposes(request.purposes),
        organisation=request.organisation,
        commercial=terms.get("commercial"),
        country=terms.get("country"),
        genetic=terms.get("genetic"),
        study=terms.get("study"),
        institution=terms.get("institution"),
        approvals=tuple(terms.get("approvals") or ()),
        flags=tuple(terms.get("flags") or ()),
        users=tuple(terms.get("users") or ()),
        research_types=tuple(terms.get("research_types") or ()),
    )


class Forecast(NamedTuple):
    """What the rules say of a sample now."""

    bare: consent_rules.Decision
    """By themselves, whatever people settled."""
    now: consent_rules.Decision
    """With what people settled for the request."""


def ask_rules(request: Request, samples: Sequence[Sample]) -> dict[int, Forecast]:
    """Sample key -> what the rules say now. Asks, and uses nothing; a handful of queries for any number."""
    use = use_of(request)
    facts = gate.facts_of(samples)
    settled = reviews.lifting(request.id, list(facts))
    found = {}
    for key, known in facts.items():
        now = gate.now_for(known)
        days = uses.days_of(now, None)
        bare = with_reviews = uses.worst_of_days(known, use, days=days, known_at=now)
        if key in settled:
            with_reviews = uses.worst_of_days(known, use, days=days, known_at=now, settled=settled[key])
        found[key] = Forecast(bare, with_reviews)
    return found


def forecast(request: Request) -> dict[int, consent_rules.Decision]:
    """Line key -> what consent would say now of what is still asked for. Asks, and uses nothing."""
    asked = asked_of(request, rules.LineStatus.ASKED)
    answers = ask_rules(request, [each.sample for each in asked])
    return {each.line.id: answers[each.sample.id].now for each in asked}


def feasibility(request: Request, by: Actor) -> rules.Chances:
    """How many of the samples asked for could be given. A researcher is told no small numbers."""
    verdicts = [answer.verdict.value for answer in forecast(request).values()]
    return rules.chances(verdicts, exact=reads_all(by))
