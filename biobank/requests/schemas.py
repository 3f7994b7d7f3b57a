"""The shapes of requests at the edge: what comes in, and what goes out to whom."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from biobank.access import service as access
from biobank.core import clock
from biobank.core.actor import Actor
from biobank.requests import rules, service, wording
from biobank.requests.models import Request, RequestLine
from biobank.requests.reviewing import Question
from biobank.samples import reviews
from biobank.samples.models import Sample
from biobank.samples.schemas import UseSchema
from biobank.web.schemas import Code, SafeString, Schema

TERMS = (
    "commercial", "country", "genetic", "study", "institution", "approvals", "flags", "users", "research_types",
)  # fmt: skip


class LinesSchema(Schema):
    """Samples by their codes: our numbers or makers' codes."""

    samples = fields.List(Code(), required=True, validate=validate.Length(min=1, max=rules.MOST_LINES))


class RequestNewSchema(UseSchema):
    """What somebody wants to study, what for, and with which samples (more can be named later)."""

    title = SafeString(required=True, max_length=500)
    site = Code(load_default=None, allow_none=True, max_length=40)
    samples = fields.List(Code(), load_default=list, validate=validate.Length(max=rules.MOST_LINES))


class RefusalSchema(Schema):
    """Why a request is refused; the researcher reads it."""

    reason = SafeString(required=True, max_length=2000, lines=True)


class ReviewSchema(Schema):
    """What somebody settled: one question of those that the rules leave to people, for all its samples or for some."""

    reason = SafeString(required=True, max_length=1000)
    samples = fields.List(
        Code(), load_default=None, allow_none=True, validate=validate.Length(min=1, max=rules.MOST_LINES)
    )
    outcome = SafeString(required=True, validate=validate.OneOf(reviews.OUTCOMES))
    why = SafeString(required=True, max_length=2000, lines=True)


class RequestCancelSchema(Schema):
    """Why a request ends before its time, if there is something to say."""

    reason = SafeString(load_default=None, allow_none=True, max_length=2000, lines=True)


def summary_json(request: Request, counts: dict[str, int], researcher: str) -> dict[str, Any]:
    """A request as lists give it."""
    return {
        "code": request.code,
        "title": request.title,
        "status": request.status,
        "researcher": researcher,
        "submitted_at": _time(request.submitted_at),
        "settled_at": _time(request.settled_at),
        "counts": {status.value: counts.get(status, 0) for status in rules.LineStatus},
    }


def request_json(request: Request, by: Actor) -> dict[str, Any]:
    """A request with its lines. A researcher reads nothing of a donor in it."""
    asked = service.asked_of(request)
    counts: dict[str, int] = {}
    for each in asked:
        counts[each.line.status] = counts.get(each.line.status, 0) + 1
    researcher = service.researchers_of([request]).get(request.researcher_id, "")
    return summary_json(request, counts, researcher) | {
        "site": access.site_code(request.site_id),
        "purposes": list(request.purposes),
        "organisation": request.organisation,
        **{name: request.terms.get(name) for name in TERMS},
        "settled_reason": request.settled_reason,
        "lines": [line_json(each.line, each.sample, by) for each in asked],
    }


def line_json(line: RequestLine, sample: Sample, by: Actor) -> dict[str, Any]:
    """One line; the reasons are those that this reader may know."""
    return {
        "sample": sample.code,
        "type": sample.type,
        "status": line.status,
        "verdict": line.verdict,
        "reasons": reasons_json(line, by),
    }


def reasons_json(line: RequestLine, by: Actor) -> list[dict[str, str]]:
    """What led to the verdict, as code and sentence; a researcher is told only what says nothing about the donor."""
    reasons = line.reasons
    if not service.reads_all(by):
        reasons = [] if line.verdict == "permit" else rules.without_donors(reasons)
    return [{"code": reason["code"], "text": wording.reason(reason)} for reason in reasons]


def reviews_json(request: Request) -> dict[str, Any]:
    """What the rules leave to people, question by question, and what was settled of it by whom."""
    questions = service.questions(request)
    names = access.names_of(act.by for question in questions for act in question.settled.values())
    return {
        "open": sum(len(question.open) for question in questions),
        "reviews": [question_json(question, names) for question in questions],
    }


def question_json(question: Question, names: Mapping[str, str]) -> dict[str, Any]:
    """One question; `reason` is what settles it."""
    return {
        "reason": question.key,
        "code": question.reason.code,
        "text": wording.question(question),
        "samples": question.samples,
        "open": [sample.code for sample in question.open],
        "settled": [
            {
                "id": key,
                "outcome": act.outcome,
                "why": act.why,
                "by": names.get(act.by, act.by),
                "at": _time(act.at),
                "samples": [sample.code for sample in act.samples],
            }
            for key, act in question.settled.items()
        ],
    }


def chances_json(chances: rules.Chances) -> dict[str, Any]:
    """Counts; `null` for fewer than may be told."""
    return {**chances._asdict(), "smallest": rules.SMALLEST_COUNT}


def _time(at: Any) -> str | None:
    return at.astimezone(clock.zone()).isoformat(timespec="seconds") if at else None
