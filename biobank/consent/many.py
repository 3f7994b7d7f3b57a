"""The same decisions for many samples at once. Most people answer the same form in one of a few ways, so each way is
decided once, and only the day of the signature is written anew. Pure, like the rules it asks.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from biobank.consent.facts import ClauseFact, ConsentFact, SampleFacts, Use
from biobank.consent.rules import decide
from biobank.consent.tables import TIMED
from biobank.consent.verdicts import Decision, review_code
from biobank.core.errors import Reason
from biobank.core.vocabularies import ConsentVocabulary


class Asked(NamedTuple):
    """One sample, and the moment it is asked about."""

    sample: SampleFacts
    as_of: date
    known_at: datetime


def decide_many(asked: Iterable[Asked], use: Use, *, vocabulary: ConsentVocabulary) -> list[Decision]:
    """`rules.decide` for each, in the order given: the very same decisions, sooner."""
    memo = _Memo(use, vocabulary)
    return [memo.decide(each) for each in asked]


class _Pattern(NamedTuple):
    """A decision without the day of the signature, which is all that differs between people who answered alike."""

    decision: Decision
    reasons: tuple[Callable[[str], Reason], ...]
    """Day -> the reason as it reads for a paper of that day."""

    def on(self, consent: ConsentFact) -> Decision:
        """As decided for this paper."""
        day = consent.signed_on.isoformat()
        reasons = tuple(reason(day) for reason in self.reasons)
        codes: tuple[str, ...] = ()
        if self.decision.review_codes:
            pairs = zip(self.decision.reasons, reasons, strict=True)
            renamed = {review_code(old): review_code(new) for old, new in pairs}
            codes = tuple(renamed[code] for code in self.decision.review_codes)
        relied_on = (consent.id,) if self.decision.consent_ids else ()
        return Decision(self.decision.verdict, reasons, relied_on, codes)


class _Memo:
    """What was decided already, by all that a decision depends on."""

    def __init__(self, use: Use, vocabulary: ConsentVocabulary) -> None:
        self.use, self.vocabulary = use, vocabulary
        self.patterns: dict[Any, _Pattern] = {}
        self.timed: dict[int, bool] = {}
        self.done: dict[Any, Decision] = {}

    def decide(self, asked: Asked) -> Decision:
        """As the rules say."""
        consent = self._only_paper(asked)
        if consent is None:
            return self._ask(asked)
        sample = asked.sample
        # Forms and answers are told apart by identity: those of one form are one object, and all live while we ask.
        alike = (
            id(consent.clauses), id(consent.answers), consent.family, consent.version, consent.basis,
            consent.given_by, sample.study, sample.holds, sample.terms, sample.home, sample.germinal, asked.as_of,
        )  # fmt: skip
        own = (alike, consent.id)
        if (known := self.done.get(own)) is not None:
            return known
        pattern = self.patterns.get(alike)
        if pattern is None:
            first = self.done[own] = self._ask(asked)
            self.patterns[alike] = _Pattern(first, tuple(_undated(reason) for reason in first.reasons))
            return first
        found = self.done[own] = pattern.on(consent)
        return found

    def _ask(self, asked: Asked) -> Decision:
        return decide(
            asked.sample, self.use, as_of=asked.as_of, known_at=asked.known_at, vocabulary=self.vocabulary
        )

    def _only_paper(self, asked: Asked) -> ConsentFact | None:
        """The one paper that all hangs on; None where there is more to it, and each sample is asked for itself."""
        if len(asked.sample.donors) != 1:
            return None
        (donor,) = asked.sample.donors
        if len(donor.consents) != 1 or donor.withdrawals or donor.of_age_on or donor.died_on:
            return None
        (consent,) = donor.consents
        counts = (
            consent.corrects is None
            and consent.study in (None, asked.sample.study)
            and consent.signed_on <= asked.as_of
            and consent.recorded_at <= asked.known_at
        )
        return consent if counts and not self._is_timed(consent.clauses) else None

    def _is_timed(self, clauses: Sequence[ClauseFact]) -> bool:
        """Some term counts from the day of the signature."""
        found = self.timed.get(id(clauses))
        if found is None:
            terms = (term for clause in clauses for term in (*clause.if_granted, *clause.if_refused))
            rules = (self.vocabulary.modifiers.get(term.code) for term in terms)
            found = self.timed[id(clauses)] = any(rule is not None and rule.test in TIMED for rule in rules)
        return found


def _undated(reason: Reason) -> Callable[[str], Reason]:
    if "signed_on" not in reason.params:
        return lambda _day: reason
    code, params = reason.code, reason.params
    return lambda day: Reason(code, {**params, "signed_on": day})
