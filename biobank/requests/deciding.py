"""DECIDE: somebody other than the researcher answers a request. What may be given is held, what may not is refused,
and what the rules leave to people stays asked until they have settled it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from biobank.audit import service as audit
from biobank.core.actor import Actor
from biobank.core.db import Again, db
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.requests import holding, letters, reading, reviewing, rules
from biobank.requests.models import Request
from biobank.requests.reading import Asked
from biobank.requests.rules import Act, LineAct, LineStatus, Status
from biobank.samples import gate, reviews, uses
from biobank.samples.models import ConsentReview, Decision, Sample


@dataclass
class _Answer:
    """What becomes of the lines of a request."""

    held: list[Asked] = field(default_factory=list)
    waiting: list[Asked] = field(default_factory=list)
    """For what people have to settle."""
    refused: list[Asked] = field(default_factory=list)


def approve(*, request: Request, by: Actor) -> Request:
    """Decide each line that is asked for, and hold the whole tube of those that may be given.

    What the rules leave to people stays asked; approving again decides it with what was settled since.

    raises  Forbidden for one's own request; RuleViolation with every reason when not one tube can be held: the
            request then waits as before, and the decisions are kept
    """
    reading.require_anothers(request, by)
    rules.next_status(request.status, Act.APPROVE)
    locked = gate.lock_samples([line.sample_id for line in reading.lines_of(request, LineStatus.ASKED)])
    again = request.status == Status.APPROVED
    holding.pass_on(request, Act.APPROVE)
    samples = {sample.id: sample for sample in locked}
    lines = reading.lines_of(request, LineStatus.ASKED)
    if {line.sample_id for line in lines} != set(samples):
        raise Again
    if not lines:
        raise RuleViolation("nothing_left_to_decide" if again else "nothing_asked_for", request=request.code)
    answer = _decide(request, [Asked(line, samples[line.sample_id]) for line in lines], by, again=again)
    db.session.flush()
    holding.reserve(request, answer.held, by)
    if not again:
        holding.note_settled(request, None, by)
    told = {"reserved": len(answer.held), "refused": len(answer.refused), "waiting": len(answer.waiting)}
    audit.record(by=by, act="request_approved", subject=("request", request.code), after=told)
    if answer.held:
        letters.tell(request, "request_approved")
    holding.finish(request, by)
    return request


def _decide(request: Request, asked: Sequence[Asked], by: Actor, *, again: bool) -> _Answer:
    """Decide, use what is permitted, and write down what is known of each line from now on.

    raises  RuleViolation when nothing can be held; not for a second approval that refuses something, for then at
            least that is settled
    """
    blocked = holding.not_free(each.sample for each in asked)
    free = [each.sample for each in asked if each.sample.id not in blocked]
    use = reading.use_of(request)
    made = uses.use_permitted(free, use, act="allocate", by=by, request_id=request.id) if free else []
    decisions = {decision.sample_id: decision for decision in made}
    settled = reviews.last_words(request.id, list(decisions))
    answer = _Answer()
    for each in asked:
        upheld = _upheld(decisions.get(each.sample.id), settled.get(each.sample.id, {}))
        _sort(answer, each, blocked.get(each.sample.id), decisions.get(each.sample.id), upheld)
    if not answer.held and not (again and answer.refused):
        _refuse_all(request, answer, free, made, blocked, by)
    return answer


def _upheld(decision: Decision | None, said: Mapping[str, ConsentReview]) -> list[Reason]:
    """What people did not agree to, of what a decision leaves to them."""
    if decision is None or decision.verdict != "review":
        return []
    return reviewing.upheld([reviewing.code_of(reason) for reason in decision.reasons], said)


def _sort(
    answer: _Answer, each: Asked, blocked: Reason | None, decision: Decision | None, upheld: list[Reason]
) -> None:
    """Put a line to its like, and write down why."""
    line = each.line
    if decision is None:
        line.reasons = [blocked.as_dict()] if blocked else []
    else:
        waits = decision.verdict == "review" and not upheld
        first = [Reason("consent_needs_review")] if waits else upheld
        line.verdict = decision.verdict
        line.reasons = [*(reason.as_dict() for reason in first), *decision.reasons]
        if decision.verdict == "permit":
            answer.held.append(each)
            return
        if waits:
            answer.waiting.append(each)
            return
    line.status = rules.next_line_status(line.status, LineAct.REFUSE, sample=each.sample.code).value
    answer.refused.append(each)


def _refuse_all(
    request: Request, answer: _Answer, free: Sequence[Sample], made: Sequence[Decision],
    blocked: Mapping[int, Reason], by: Actor,
) -> NoReturn:  # fmt: skip
    """Nothing can be held: say what stands in the way; the decisions are kept."""
    if not free:
        raise RuleViolation("nothing_to_reserve", reasons=list(blocked.values()), request=request.code)
    try:
        uses.refuse(free, made, act="allocate", by=by, besides=list(blocked.values()))
    except uses.UseRefused as refused:
        if not answer.waiting:
            raise
        why = [question.reason for question in reviewing.questions(request) if question.open]
        raise RuleViolation("reviews_open", reasons=why, request=request.code) from refused


def refuse(*, request: Request, reason: str, by: Actor) -> Request:
    """Say no to a whole request, and why. raises Forbidden for one's own; Malformed without a reason"""
    reading.require_anothers(request, by)
    if not reason.strip():
        raise Malformed({"reason": Reason("reason_missing")})
    holding.pass_on(request, Act.REFUSE)
    holding.close(request, reading.lines_of(request, LineStatus.ASKED), why="refused", by=by)
    holding.note_settled(request, reason.strip(), by)
    audit.record(by=by, act="request_refused", subject=("request", request.code), reason=reason.strip())
    letters.tell(request, "request_refused")
    return request
