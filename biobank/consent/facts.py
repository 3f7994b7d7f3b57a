"""The plain facts a consent decision is made from, and their JSON: what is stored beside a decision to make it again.

Nothing here names a person: a donor is a random `subject_key`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from biobank.consent.terms import Purpose, Term

GRANTED = "granted"
REFUSED = "refused"


@dataclass(frozen=True)
class ClauseFact:
    """A statement of a form that is answered on its own."""

    key: str
    """The same in every version of the form family."""
    required: bool = False
    """Not granted: nothing is allowed under this form."""
    if_granted: tuple[Term, ...] = ()
    if_refused: tuple[Term, ...] = ()
    """Apply to a blank as well: a blank is not a yes."""


@dataclass(frozen=True)
class ConsentFact:
    """One person's dated answers to one version of one form."""

    id: int
    family: str
    version: str
    study: str | None
    """None covers all studies."""
    signed_on: date
    seq: int
    """Order of recording, over all consents and withdrawals."""
    recorded_at: datetime
    clauses: tuple[ClauseFact, ...]
    answers: Mapping[str, str] = field(default_factory=dict)
    """Clause key -> granted or refused; a clause that is not here was left blank."""
    corrects: int | None = None
    """Id of the mistaken record that this one replaces for all purposes."""


@dataclass(frozen=True)
class WithdrawalFact:
    """What a person took back: all, one clause of a form family, or one study."""

    id: int
    scope: str
    """all, clause or study"""
    received_on: date
    seq: int
    recorded_at: datetime
    family: str | None = None
    clause: str | None = None
    study: str | None = None


@dataclass(frozen=True)
class DonorFacts:
    """Everything one donor ever answered and took back."""

    subject_key: str
    consents: tuple[ConsentFact, ...] = ()
    withdrawals: tuple[WithdrawalFact, ...] = ()


@dataclass(frozen=True)
class HoldFact:
    """A reason why the sample may not be used now."""

    code: str
    seq: int | None = None


@dataclass(frozen=True)
class SampleFacts:
    """One sample, whose it is, and what stands in its way."""

    code: str
    study: str
    donors: tuple[DonorFacts, ...] = ()
    holds: tuple[HoldFact, ...] = ()
    form_in_force: bool = False
    """Some form in force covers the sample's study: without an answer the sample is pending."""


@dataclass(frozen=True)
class Use:
    """What somebody wants to do with a sample; whatever is None was not said."""

    act: str
    purposes: tuple[Purpose, ...] = ()
    organisation: str = "unknown"
    """non-profit, for-profit or unknown"""
    commercial: bool | None = None
    country: str | None = None
    """Where it is processed, ISO 3166 alpha-2."""
    genetic: bool | None = None
    study: str | None = None
    """The project the use belongs to."""
    institution: str | None = None
    approvals: tuple[str, ...] = ()
    """Documents on file: `ethics`, `collaboration`, `publication`, `return`; `ethics:CPP 26.011@2027-03-31` has a last
    day."""
    flags: tuple[str, ...] = ()
    """What makes the use delicate: paediatric, vulnerable, …"""


@dataclass(frozen=True)
class Review:
    """What a person settled for this request and sample: lifts exactly these reasons, and never a denial."""

    reason_codes: tuple[str, ...]
    """As `Decision.review_codes` gives them."""


def facts_as_dict(sample: SampleFacts) -> dict[str, Any]:
    """Plain JSON in one order, whatever order the facts came in."""
    return {
        "code": sample.code,
        "study": sample.study,
        "form_in_force": sample.form_in_force,
        "holds": sorted(
            ({"code": hold.code, "seq": hold.seq} for hold in sample.holds),
            key=lambda hold: (hold["code"], hold["seq"] or 0),
        ),
        "donors": [
            {
                "subject_key": donor.subject_key,
                "consents": [_consent_as_dict(consent) for consent in _by_seq(donor.consents)],
                "withdrawals": [_withdrawal_as_dict(withdrawal) for withdrawal in _by_seq(donor.withdrawals)],
            }
            for donor in sorted(sample.donors, key=lambda donor: donor.subject_key)
        ],
    }


def facts_from_dict(stored: Mapping[str, Any]) -> SampleFacts:
    """The facts as they were, so that a stored decision can be made again."""
    return SampleFacts(
        code=stored["code"],
        study=stored["study"],
        form_in_force=stored["form_in_force"],
        holds=tuple(HoldFact(**hold) for hold in stored["holds"]),
        donors=tuple(
            DonorFacts(
                donor["subject_key"],
                tuple(_consent_from_dict(consent) for consent in donor["consents"]),
                tuple(_withdrawal_from_dict(withdrawal) for withdrawal in donor["withdrawals"]),
            )
            for donor in stored["donors"]
        ),
    )


def use_as_dict(use: Use) -> dict[str, Any]:
    """Plain JSON."""
    return {
        "act": use.act,
        "purposes": [{"tag": purpose.tag, "diseases": list(purpose.diseases)} for purpose in use.purposes],
        "organisation": use.organisation,
        "commercial": use.commercial,
        "country": use.country,
        "genetic": use.genetic,
        "study": use.study,
        "institution": use.institution,
        "approvals": sorted(use.approvals),
        "flags": sorted(use.flags),
    }


def use_from_dict(stored: Mapping[str, Any]) -> Use:
    """The use as it was asked; what was accepted then is not questioned now."""
    purposes = tuple(Purpose(each["tag"], tuple(each["diseases"])) for each in stored["purposes"])
    lists = {name: tuple(stored[name]) for name in ("approvals", "flags")}
    return Use(**{**stored, **lists, "purposes": purposes})


def _by_seq(facts: Iterable[Any]) -> list[Any]:
    return sorted(facts, key=lambda fact: (fact.seq, fact.id))


def _consent_as_dict(consent: ConsentFact) -> dict[str, Any]:
    return {
        "id": consent.id,
        "family": consent.family,
        "version": consent.version,
        "study": consent.study,
        "signed_on": consent.signed_on.isoformat(),
        "seq": consent.seq,
        "recorded_at": consent.recorded_at.isoformat(),
        "answers": dict(sorted(consent.answers.items())),
        "corrects": consent.corrects,
        # A term is its code and its arguments, apart: read again as text, it could mean something else one day.
        "clauses": [
            {
                "key": clause.key,
                "required": clause.required,
                "if_granted": [[term.code, *term.args] for term in clause.if_granted],
                "if_refused": [[term.code, *term.args] for term in clause.if_refused],
            }
            for clause in consent.clauses
        ],
    }


def _consent_from_dict(stored: Mapping[str, Any]) -> ConsentFact:
    clauses = tuple(
        ClauseFact(
            clause["key"], clause["required"], _terms(clause["if_granted"]), _terms(clause["if_refused"])
        )
        for clause in stored["clauses"]
    )
    return ConsentFact(
        **{
            **stored,
            "signed_on": date.fromisoformat(stored["signed_on"]),
            "recorded_at": datetime.fromisoformat(stored["recorded_at"]),
            "clauses": clauses,
        }
    )


def _terms(stored: Iterable[list[str]]) -> tuple[Term, ...]:
    return tuple(Term(code, tuple(args)) for code, *args in stored)


def _withdrawal_as_dict(withdrawal: WithdrawalFact) -> dict[str, Any]:
    return {
        "id": withdrawal.id,
        "scope": withdrawal.scope,
        "family": withdrawal.family,
        "clause": withdrawal.clause,
        "study": withdrawal.study,
        "received_on": withdrawal.received_on.isoformat(),
        "seq": withdrawal.seq,
        "recorded_at": withdrawal.recorded_at.isoformat(),
    }


def _withdrawal_from_dict(stored: Mapping[str, Any]) -> WithdrawalFact:
    return WithdrawalFact(
        **{
            **stored,
            "received_on": date.fromisoformat(stored["received_on"]),
            "recorded_at": datetime.fromisoformat(stored["recorded_at"]),
        }
    )
