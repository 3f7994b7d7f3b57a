"""What one donor's papers say about one sample on one day, as far as we knew: the newest answer to every clause.

Three things are settled here, before any purpose is looked at: which consents count, which answer is the newest, and
what a withdrawal has taken back.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

from biobank.consent.facts import (
    CONSENT,
    GRANTED,
    REFUSED,
    ClauseFact,
    ConsentFact,
    DonorFacts,
    WithdrawalFact,
)
from biobank.consent.terms import Term
from biobank.core.vocabularies import ConsentVocabulary

BLANK = "blank"
WITHDRAWN = "withdrawn"


class Answer(NamedTuple):
    """The newest answer to one clause of a form family."""

    consent: ConsentFact
    clause: ClauseFact
    state: str
    """granted, refused, blank or withdrawn"""
    said: str
    """What was answered before anything was taken back."""
    counts: bool
    """False when a withdrawal took back the whole consent."""
    taken_back_by: WithdrawalFact | None

    @property
    def forbids(self) -> bool:
        """A clause that had to be granted, and is not."""
        return self.clause.required and self.counts and self.state != GRANTED

    def terms(self, vocabulary: ConsentVocabulary) -> Sequence[Term]:
        """What the answer brings.

        Of an answer that was taken back only the restrictions stay, and those of a no come on top.
        """
        clause = self.clause
        if self.taken_back_by is None:
            return clause.if_granted if self.state == GRANTED else clause.if_refused
        said = clause.if_granted if self.said == GRANTED else ()
        both = dict.fromkeys((*said, *clause.if_refused))
        return [term for term in both if term.code not in vocabulary.permissive]


class Family(NamedTuple):
    """What a donor's consents to all versions of one form say together."""

    name: str
    newest: ConsentFact
    answers: tuple[Answer, ...]

    @property
    def taken_back(self) -> bool:
        """A withdrawal took back all there was."""
        return bool(self.answers) and not any(answer.counts for answer in self.answers)

    @property
    def alive(self) -> bool:
        """Some answer counts, and every required clause that counts is granted."""
        return any(answer.counts for answer in self.answers) and not any(
            answer.forbids for answer in self.answers
        )

    def gives_something(self, vocabulary: ConsentVocabulary) -> bool:
        """Alive, and some permission is among its terms."""
        return self.alive and any(
            term.code in vocabulary.permissions
            for answer in self.answers
            for term in answer.terms(vocabulary)
        )


class Papers(NamedTuple):
    """One donor's standing answers for the study of one sample."""

    families: tuple[Family, ...]
    """Newest first."""
    gates: tuple[WithdrawalFact, ...]
    """Withdrawals of everything, or of this study."""
    expected: ConsentFact | None
    """Recorded, but signed on a later day: the first of them."""
    given: tuple[ConsentFact, ...]
    """The consents that count, in the order they came in."""
    objections: tuple[WithdrawalFact, ...]
    """What the person objects to, whatever form they signed."""

    def withdrawal(self, vocabulary: ConsentVocabulary) -> WithdrawalFact | None:
        """The withdrawal that covers the sample: the newest one, unless a later consent agrees to something."""
        for family in self.families:
            agreed = any(answer.state == GRANTED for answer in family.answers)
            if (family.alive and agreed) or family.gives_something(vocabulary):
                return None
        broken = [
            answer.taken_back_by
            for family in self.families
            for answer in family.answers
            if answer.forbids and answer.taken_back_by
        ]
        return max([*self.gates, *broken], key=lambda withdrawal: withdrawal.seq, default=None)


def read(donor: DonorFacts, study: str, *, as_of: date, known_at: datetime) -> Papers:
    """The answers that count on the day `as_of`, by what was recorded until `known_at`.

    The day a withdrawal is received counts as withdrawn.
    """
    withdrawals = sorted(
        (
            withdrawal
            for withdrawal in donor.withdrawals
            if withdrawal.received_on <= as_of
            and withdrawal.recorded_at <= known_at
            and (withdrawal.reversed_at is None or withdrawal.reversed_at > known_at)
        ),
        key=lambda withdrawal: withdrawal.seq,
    )
    recorded = [consent for consent in donor.consents if consent.recorded_at <= known_at]
    replaced = {consent.corrects for consent in recorded if consent.corrects is not None}
    covering = [
        consent
        for consent in recorded
        if consent.id not in replaced and (consent.study is None or consent.study == study)
    ]
    given = [consent for consent in covering if consent.signed_on <= as_of]
    later = [consent for consent in covering if consent.signed_on > as_of]
    gates = tuple(withdrawal for withdrawal in withdrawals if _covers_study(withdrawal, study))
    chains = _chains(given, donor.consents if replaced else ())
    clauses = [withdrawal for withdrawal in withdrawals if withdrawal.scope == "clause"]
    return Papers(
        families=_families(given, chains, gates, clauses),
        gates=gates,
        expected=min(later, key=lambda consent: (consent.signed_on, consent.seq), default=None),
        given=tuple(given),
        objections=tuple(withdrawal for withdrawal in withdrawals if withdrawal.scope == "objection"),
    )


def _covers_study(withdrawal: WithdrawalFact, study: str) -> bool:
    """Scope all or study; a scope that nobody knows is taken as everything."""
    if withdrawal.scope in ("clause", "objection"):
        return False
    return withdrawal.scope != "study" or withdrawal.study is None or withdrawal.study == study


class Chain(NamedTuple):
    """A record, and the mistaken ones that it replaces, one after the other.

    A correction stands where the first record stood. It is a clerk's act: it must not make old answers look as if they
    had been given after a withdrawal, nor as if they had been given to another form than the one that was taken back.
    """

    records: tuple[ConsentFact, ...]
    """The one that counts, then what it replaces."""

    @property
    def seq(self) -> int:
        """When it was first recorded."""
        return min(record.seq for record in self.records)

    def outlives(self, withdrawal: WithdrawalFact) -> bool:
        """Whether it was given, and became known here, only after the withdrawal.

        Somebody who said no is not overruled by a committee's waiver, nor by their own silence: only what they signed
        themselves, or who speaks for them, comes after it.
        """
        given = self.records[0].basis == CONSENT
        signed_on = min(record.signed_on for record in self.records)
        return given and self.seq > withdrawal.seq and signed_on >= withdrawal.received_on

    def slips_out_of(self, withdrawal: WithdrawalFact) -> bool:
        """Whether a clause that was taken back is gone from the record by its correction alone."""
        newest, *replaced = self.records
        if any(_names(withdrawal, newest.family, clause.key) for clause in newest.clauses):
            return False
        return any(_names(withdrawal, old.family, clause.key) for old in replaced for clause in old.clauses)


def _chains(given: Iterable[ConsentFact], everything: Iterable[ConsentFact]) -> dict[int, Chain]:
    """Each consent with what it replaces, by its id."""
    by_id = {consent.id: consent for consent in everything}
    chains = {}
    for consent in given:
        records, here = [consent], consent
        while here.corrects in by_id and by_id[here.corrects] not in records:
            here = by_id[here.corrects]
            records.append(here)
        chains[consent.id] = Chain(tuple(records))
    return chains


def _families(
    given: list[ConsentFact],
    chains: dict[int, Chain],
    gates: tuple[WithdrawalFact, ...],
    clauses: list[WithdrawalFact],
) -> tuple[Family, ...]:
    newest_first = given
    if len(given) > 1:
        newest_first = sorted(
            given, key=lambda consent: (consent.signed_on, chains[consent.id].seq, consent.seq), reverse=True
        )
    by_name: dict[str, list[ConsentFact]] = {}
    for consent in newest_first:
        by_name.setdefault(consent.family, []).append(consent)
    return tuple(
        Family(name, consents[0], tuple(_answers(consents, chains, gates, clauses)))
        for name, consents in by_name.items()
    )


def _answers(
    newest_first: list[ConsentFact],
    chains: dict[int, Chain],
    gates: tuple[WithdrawalFact, ...],
    clauses: list[WithdrawalFact],
) -> Iterable[Answer]:
    """One answer for each clause key: that of the newest consent whose form has the clause, across versions."""
    seen = set()
    for consent in newest_first:
        chain = chains[consent.id]
        gate = _taken_back(chain, gates)
        if gate is None and len(chain.records) > 1:
            gate = _taken_back(chain, (each for each in clauses if chain.slips_out_of(each)))
        for clause in consent.clauses:
            if clause.key in seen:
                continue
            seen.add(clause.key)
            said = consent.answers.get(clause.key, BLANK)
            if said not in (GRANTED, REFUSED):
                said = BLANK
            by = gate
            if by is None and clauses:
                named = (each for each in clauses if _names(each, consent.family, clause.key))
                by = _taken_back(chain, named)
            yield Answer(consent, clause, WITHDRAWN if by else said, said, gate is None, by)


def _names(withdrawal: WithdrawalFact, family: str, key: str) -> bool:
    return withdrawal.family in (None, family) and withdrawal.clause in (None, key)


def _taken_back(chain: Chain, withdrawals: Iterable[WithdrawalFact]) -> WithdrawalFact | None:
    """The newest withdrawal that the record does not come after, in the world and in our books."""
    # A paper signed before the withdrawal, and recorded only after it, brings nothing back.
    found = [withdrawal for withdrawal in withdrawals if not chain.outlives(withdrawal)]
    return max(found, key=lambda withdrawal: withdrawal.seq, default=None)
