"""REVIEW: what the rules leave to people in a request, grouped into questions; a named person settles them.

A question is a reason with the samples that it is about. Two papers of one form, signed on two days, raise the same
question; what is written down names each paper, so that a newer one is never covered by an older review.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from biobank.audit import service as audit
from biobank.consent import rules as consent_rules
from biobank.core.actor import Actor
from biobank.core.db import Again, db
from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.requests import holding, reading, rules
from biobank.requests.models import Request, RequestLine
from biobank.requests.reading import Forecast
from biobank.requests.rules import Act
from biobank.samples import gate, reviews
from biobank.samples import reading as samples_reading
from biobank.samples.models import ConsentReview, Sample

#: What tells one person's paper from another's; it makes no other question of it.
OF_ONE_DONOR = frozenset({"donor", "signed_on"})
_SHOWN = 10


@dataclass
class Settled:
    """What one person settled in one act, as far as it still holds."""

    outcome: str
    why: str
    by: str
    at: datetime
    samples: list[Sample] = field(default_factory=list)


@dataclass
class Question:
    """One thing that the rules leave to people, and the samples it is about."""

    key: str
    reason: Reason
    """As it was found first."""
    days: set[str] = field(default_factory=set)
    """When the papers were signed that raise it."""
    open: list[Sample] = field(default_factory=list)
    settled: dict[int, Settled] = field(default_factory=dict)
    """Review acts, the oldest first."""
    codes: dict[int, list[str]] = field(default_factory=dict)
    """Sample key -> what is settled of it, exactly."""

    @property
    def samples(self) -> int:
        """How many samples it is about."""
        return len(self.codes)


def code_of(reason: Mapping[str, Any]) -> str:
    """The exact name of a stored reason, as reviews know it."""
    return consent_rules.review_code(Reason(reason["code"], reason["params"]))


def key_of(reason: Reason) -> str:
    """The name of the question that a reason raises."""
    params = {name: value for name, value in reason.params.items() if name not in OF_ONE_DONOR}
    return consent_rules.review_code(Reason(reason.code, params))


def upheld(codes: Iterable[str], said: Mapping[str, ConsentReview]) -> list[Reason]:
    """Of these reasons those that people did not agree to lift: each time in their own words."""
    rows = [said[code] for code in codes if code in said and said[code].outcome == reviews.UPHOLD]
    return list(dict.fromkeys(Reason("review_upheld", {"why": row.why}) for row in rows))


def questions(request: Request) -> list[Question]:
    """What the rules leave to people of what can still be given, open and settled; a handful of queries."""
    asked = reading.asked_of(request, *rules.OPEN_LINES)
    return _questions(request, [each.sample for each in asked])


def _questions(request: Request, samples: Sequence[Sample]) -> list[Question]:
    answers = reading.ask_rules(request, samples)
    said = reviews.last_words(request.id, list(answers))
    found: dict[str, Question] = {}
    for sample in samples:
        _ask(found, sample, answers[sample.id], said.get(sample.id, {}))
    return sorted(found.values(), key=lambda question: (not question.open, -question.samples, question.key))


def _ask(
    found: dict[str, Question], sample: Sample, answer: Forecast, said: Mapping[str, ConsentReview]
) -> None:
    """Put what is left to people of one sample to the questions."""
    left = frozenset(answer.bare.review_codes)
    by_key: dict[str, dict[str, Reason]] = {}
    for reason in answer.bare.reasons:
        code = consent_rules.review_code(reason)
        # Of two forms one may be settled, which answers for the other.
        if code in left and (code in said or code in answer.now.review_codes):
            by_key.setdefault(key_of(reason), {})[code] = reason
    for key, reasons in by_key.items():
        question = found.setdefault(key, Question(key, next(iter(reasons.values()))))
        question.codes[sample.id] = list(reasons)
        question.days |= {str(reason.params.get("signed_on", "")) for reason in reasons.values()}
        rows = [said[code] for code in reasons if code in said]
        if len(rows) < len(reasons):
            question.open.append(sample)
        else:
            _note(question, max(rows, key=lambda row: row.id), sample)


def _note(question: Question, row: ConsentReview, sample: Sample) -> None:
    """Rows that were written in one act have everything in common but the sample."""
    for act in question.settled.values():
        if (act.outcome, act.why, act.by, act.at) == (
            row.outcome,
            row.why,
            row.reviewer_key,
            row.recorded_at,
        ):
            act.samples.append(sample)
            return
    question.settled[row.id] = Settled(row.outcome, row.why, row.reviewer_key, row.recorded_at, [sample])


def settle(
    *,
    request: Request,
    reason: str,
    outcome: str,
    why: str,
    by: Actor,
    samples: Iterable[str] | None = None,
) -> list[ConsentReview]:
    """Settle one question of a request, for all its samples or for those named.

    reason   the question's key
    outcome  lift: may be used in spite of it. uphold: may not; what is held for the request is let go
    raises   Forbidden for one's own request; Malformed for a question that is not asked here, naming those that are,
             and for samples that it is not about; RuleViolation where all is settled so already
    """
    reading.require_anothers(request, by)
    rules.next_status(request.status, Act.SETTLE)
    named = None
    if samples is not None:
        named = {sample.id: sample for sample in samples_reading.find_samples(list(samples), by)}
    locked = gate.lock_samples([line.sample_id for line in reading.lines_of(request, *rules.OPEN_LINES)])
    holding.pass_on(request, Act.SETTLE)
    lines = reading.lines_of(request, *rules.OPEN_LINES)
    if {line.sample_id for line in lines} != {sample.id for sample in locked}:
        raise Again
    question = _find(request, reason, _questions(request, locked))
    chosen = _choose(question, locked, named, outcome)
    if not chosen:
        raise RuleViolation("review_all_settled", request=request.code)
    rows = reviews.settle(
        request_id=request.id, request=request.code, samples=chosen, reason_codes=question.codes,
        named=question.codes, outcome=outcome, why=why, by=by,
    )  # fmt: skip
    told = {"reason": question.key, "outcome": outcome, "samples": [sample.code for sample in chosen]}
    audit.record(
        by=by, act="review_settled", subject=("request", request.code), after=told, reason=why.strip()
    )
    if outcome == reviews.UPHOLD:
        _let_go(request, chosen, lines, why.strip(), by)
    return rows


def _find(request: Request, key: str, found: Sequence[Question]) -> Question:
    for question in found:
        if question.key == key:
            return question
    if not found:
        raise Malformed({"reason": Reason("review_unknown_none", {"request": request.code})})
    known = "; ".join(question.key for question in found[:_SHOWN])
    raise Malformed({"reason": Reason("review_unknown", {"given": key[:200], "known": known})})


def _choose(
    question: Question, locked: Sequence[Sample], named: Mapping[int, Sample] | None, outcome: str
) -> list[Sample]:
    """The samples it is settled for: all, or those named, but for those of which just this was said last."""
    about = {sample.id: sample for sample in locked if sample.id in question.codes}
    if named is not None:
        if others := [sample.code for key, sample in named.items() if key not in about]:
            told = {"samples": ", ".join(others[:_SHOWN])}
            raise Malformed({"samples": Reason("review_not_about", told)})
        about = {key: about[key] for key in named}
    done = {
        sample.id for act in question.settled.values() if act.outcome == outcome for sample in act.samples
    }
    return [sample for key, sample in about.items() if key not in done]


def _let_go(
    request: Request, samples: Sequence[Sample], lines: Sequence[RequestLine], why: str, by: Actor
) -> None:
    """What was taken back is not held any longer; what is still asked for is refused when it is decided."""
    db.session.flush()
    held = {line.sample_id: line for line in lines if line.status in rules.HOLDING_LINES}
    answers = reading.ask_rules(request, [sample for sample in samples if sample.id in held])
    gone = {key: answer.now for key, answer in answers.items() if not answer.now.permitted}
    reasons = {key: [Reason("review_upheld", {"why": why}), *answer.reasons] for key, answer in gone.items()}
    for verdict in {answer.verdict.value for answer in gone.values()}:
        mine = [held[key] for key, answer in gone.items() if answer.verdict == verdict]
        holding.let_go(request, mine, why="refused", reasons=reasons, verdict=verdict, by=by)
    if gone:
        holding.finish(request, by)
