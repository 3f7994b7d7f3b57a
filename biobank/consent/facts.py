"""The plain facts a consent decision is made from, and their JSON: what is stored beside a decision to make it again.

Nothing here names a person: a donor is a random `subject_key`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from biobank.consent.terms import Purpose, Term

CONSENT = "consent"
"""The basis of what was signed."""
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
    basis: str = "consent"
    """consent, non_opposition or waiver"""
    given_by: str = "patient"
    """patient, guardian, representative or committee"""


@dataclass(frozen=True)
class WithdrawalFact:
    """What a person took back: all, one clause of a form family, or one study; or objected to."""

    id: int
    scope: str
    """all, clause, study or objection"""
    received_on: date
    seq: int
    recorded_at: datetime
    family: str | None = None
    clause: str | None = None
    study: str | None = None
    objects_to: str | None = None
    """The term that an objection brings over every form, such as NO_GENETIC."""
    reversed_at: datetime | None = None
    """When it became known that it had been recorded by mistake."""


@dataclass(frozen=True)
class DonorFacts:
    """Everything one donor ever answered and took back."""

    subject_key: str
    consents: tuple[ConsentFact, ...] = ()
    withdrawals: tuple[WithdrawalFact, ...] = ()
    of_age_on: date | None = None
    """The day from which a guardian no longer speaks for them."""
    died_on: date | None = None


@dataclass(frozen=True)
class HoldFact:
    """A reason why the sample may not be used now."""

    code: str
    seq: int | None = None


@dataclass(frozen=True)
class StudyFacts:
    """What the study lays on its samples."""

    reserved: bool = False
    """While it is open they serve no other study."""
    closed_on: date | None = None
    """Its last day."""
    keep_until: date | None = None
    """The last day on which its samples may be used."""


@dataclass(frozen=True)
class SampleFacts:
    """One sample, whose it is, and what stands in its way."""

    code: str
    study: str
    donors: tuple[DonorFacts, ...] = ()
    holds: tuple[HoldFact, ...] = ()
    form_in_force: bool = False
    """Some form in force covers the sample's study: without an answer the sample is pending."""
    terms: StudyFacts = StudyFacts()
    home: str | None = None
    """The country it is kept in, ISO 3166 alpha-2; None: leaving it is not asked about."""
    germinal: bool = False
    """It holds germinal tissue or cells."""


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
    users: tuple[str, ...] = ()
    """Who will work with it, as their names are written in a consent."""
    research_types: tuple[str, ...] = ()
    """Kinds of research, such as biomarker; codes of the vocabulary."""


@dataclass(frozen=True)
class Review:
    """What a person settled for this request and sample: lifts exactly these reasons, and never a denial."""

    reason_codes: tuple[str, ...]
    """As `Decision.review_codes` gives them."""


def facts_as_dict(sample: SampleFacts, *, days: Sequence[date]) -> dict[str, Any]:
    """Plain JSON in one order, whatever order the facts came in; what is as usual is left out.

    days  those that were decided for. The day somebody comes of age is nearly their birthday, so neither it nor the
          day of death is told: only the first of the days that matter here on which it was so.
    """
    told: dict[str, Any] = {
        "code": sample.code,
        "study": sample.study,
        "form_in_force": sample.form_in_force,
        "days": [day.isoformat() for day in sorted(days)],
        "holds": sorted(
            ({"code": hold.code, "seq": hold.seq} for hold in sample.holds),
            key=lambda hold: (hold["code"], hold["seq"] or 0),
        ),
        "donors": [
            donor_as_dict(donor, days) for donor in sorted(sample.donors, key=lambda donor: donor.subject_key)
        ],
    }
    if sample.terms != StudyFacts():
        told["terms"] = {
            "reserved": sample.terms.reserved,
            "closed_on": _iso(sample.terms.closed_on),
            "keep_until": _iso(sample.terms.keep_until),
        }
    usual = {"home": None, "germinal": False}
    return told | {name: getattr(sample, name) for name in usual if getattr(sample, name) != usual[name]}


def facts_from_dict(stored: Mapping[str, Any]) -> SampleFacts:
    """The facts as they were, so that a stored decision can be made again."""
    terms = stored.get("terms", {})
    return SampleFacts(
        code=stored["code"],
        study=stored["study"],
        form_in_force=stored["form_in_force"],
        holds=tuple(HoldFact(**hold) for hold in stored["holds"]),
        donors=tuple(_donor_from_dict(donor) for donor in stored["donors"]),
        terms=StudyFacts(
            terms.get("reserved", False), _day(terms.get("closed_on")), _day(terms.get("keep_until"))
        ),
        home=stored.get("home"),
        germinal=stored.get("germinal", False),
    )


def donor_as_dict(donor: DonorFacts, days: Sequence[date]) -> dict[str, Any]:
    """One donor's part of it."""
    told: dict[str, Any] = {
        "subject_key": donor.subject_key,
        "consents": [_consent_as_dict(consent) for consent in _by_seq(donor.consents)],
        "withdrawals": [_withdrawal_as_dict(withdrawal) for withdrawal in _by_seq(donor.withdrawals)],
    }
    mattering = sorted({*days, *(consent.signed_on for consent in donor.consents)})
    for name in ("of_age_on", "died_on"):
        if (day := getattr(donor, name)) is not None:
            told[name] = next((each for each in mattering if each >= day), date.max).isoformat()
    return told


def _donor_from_dict(stored: Mapping[str, Any]) -> DonorFacts:
    return DonorFacts(
        stored["subject_key"],
        tuple(_consent_from_dict(consent) for consent in stored["consents"]),
        tuple(_withdrawal_from_dict(withdrawal) for withdrawal in stored["withdrawals"]),
        _day(stored.get("of_age_on")),
        _day(stored.get("died_on")),
    )


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


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
        "users": sorted(use.users),
        "research_types": sorted(use.research_types),
    }


def use_from_dict(stored: Mapping[str, Any]) -> Use:
    """The use as it was asked; what was accepted then is not questioned now."""
    purposes = tuple(Purpose(each["tag"], tuple(each["diseases"])) for each in stored["purposes"])
    lists = {name: tuple(stored.get(name, ())) for name in ("approvals", "flags", "users", "research_types")}
    return Use(**{**stored, **lists, "purposes": purposes})


def _by_seq(facts: Iterable[Any]) -> list[Any]:
    return sorted(facts, key=lambda fact: (fact.seq, fact.id))


def _consent_as_dict(consent: ConsentFact) -> dict[str, Any]:
    told = {
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
    usual = {"basis": "consent", "given_by": "patient"}
    return told | {name: getattr(consent, name) for name in usual if getattr(consent, name) != usual[name]}


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
    told: dict[str, Any] = {
        "id": withdrawal.id,
        "scope": withdrawal.scope,
        "family": withdrawal.family,
        "clause": withdrawal.clause,
        "study": withdrawal.study,
        "received_on": withdrawal.received_on.isoformat(),
        "seq": withdrawal.seq,
        "recorded_at": withdrawal.recorded_at.isoformat(),
    }
    if withdrawal.objects_to is not None:
        told["objects_to"] = withdrawal.objects_to
    if withdrawal.reversed_at is not None:
        told["reversed_at"] = withdrawal.reversed_at.isoformat()
    return told


def _withdrawal_from_dict(stored: Mapping[str, Any]) -> WithdrawalFact:
    instants = {
        name: datetime.fromisoformat(stored[name])
        for name in ("recorded_at", "reversed_at")
        if name in stored
    }
    return WithdrawalFact(**{**stored, **instants, "received_on": date.fromisoformat(stored["received_on"])})
