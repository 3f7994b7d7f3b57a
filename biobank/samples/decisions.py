"""Reads stored decisions: what was asked and known then, which reason weighed how, and the use that came of it.

What is told stands in the decision itself. Nothing is decided anew but to find out which of its reasons were left to
people: the row keeps reasons, not their weight.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from biobank.consent import rules as consent_rules
from biobank.consent.forms import wordings
from biobank.consent.models import Clause
from biobank.core import codes, vocabularies
from biobank.core.actor import Actor
from biobank.core.db import MAX_INTEGER, chunks, db
from biobank.core.errors import NotFound, Reason
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.patients import service as patients
from biobank.samples import uses
from biobank.samples.models import ConsentReview, Decision, Sample, SampleUse

PATIENT_READ = "patient:read"

#: What a reason did: it permits, it binds, it stands in the way, a person must say, or a person said.
PERMITS, BINDS, AGAINST, PEOPLE, SETTLED = GROUPS = ("permits", "binds", "against", "people", "settled")
_GIVING = frozenset({"granted", "own_care"})
#: Left to people whatever else is said: where a decision cannot be weighed again.
_FOR_PEOPLE = ("flag_", "purpose_unclear", "purpose_not_evaluated", "term_unknown", "came_of_age",
               "objection_unknown")  # fmt: skip


@dataclass(frozen=True)
class Weighed:
    """One reason, what it did, and the review that settled it where one did."""

    reason: Mapping[str, Any]
    group: str
    review: ConsentReview | None = None


@dataclass(frozen=True)
class Reading:
    """A stored decision with everything that explains it."""

    decision: Decision
    sample: Sample
    facts: consent_rules.SampleFacts
    use: consent_rules.Use
    reasons: tuple[Weighed, ...]
    reviews: tuple[ConsentReview, ...]
    used: SampleUse | None
    request: str | None
    """The number of the request it was decided for."""
    wordings: Mapping[tuple[str, str], Mapping[str, Clause]]
    """Form and version -> clause key -> clause, of the forms that were looked at."""
    may_read_patients: bool
    pseudonyms: Mapping[str, str]
    """subject_key -> pseudonym, for who may read patients; an erased one is left out."""

    @property
    def as_known_today(self) -> bool:
        """Whether rules and lists are those of today."""
        today = (consent_rules.RULE_VERSION, vocabularies.consent_vocabulary().version)
        return (self.decision.rule_version, self.decision.vocabulary_version) == today

    @property
    def days(self) -> list[date]:
        """The days it was decided for; rows of before this was kept tell none."""
        return _days(self.decision)


def find_decision(key: int, by: Actor) -> Decision:
    """raises NotFound, also for one about another site's sample"""
    decision = db.session.get(Decision, key) if 0 < key <= MAX_INTEGER else None
    if decision is None or not by.sees(db.session.get_one(Sample, decision.sample_id).site_id):
        raise NotFound("decision_unknown", decision=str(key)[:20])
    return decision


def page_of_decisions(
    sample: Sample, *, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[Decision]:
    """Decisions about a sample, the newest first, a page at a time."""
    query = select(Decision).where(Decision.sample_id == sample.id)
    return page_of(query, Decision.id, after=after, limit=limit)


def latest_for(request_id: int, sample_ids: Iterable[int]) -> dict[int, int]:
    """Sample key -> key of the last decision about it that was made for this request."""
    found: dict[int, int] = {}
    for chunk in chunks(sorted(set(sample_ids)), 5000):
        query = (
            select(Decision.sample_id, func.max(Decision.id))
            .where(Decision.sample_id.in_(chunk), Decision.request_id == request_id)
            .group_by(Decision.sample_id)
        )
        found |= dict(db.session.execute(query).all())
    return found


def read(decision: Decision, by: Actor) -> Reading:
    """Everything that explains it. A constant number of queries.

    by  who reads: pseudonyms are for those who may read patients
    """
    sample = db.session.get_one(Sample, decision.sample_id)
    facts = consent_rules.facts_from_dict(decision.facts)
    use = consent_rules.use_from_dict(decision.use)
    reviews = _reviews(decision)
    signed = {(consent.family, consent.version) for donor in facts.donors for consent in donor.consents}
    return Reading(
        decision=decision,
        sample=sample,
        facts=facts,
        use=use,
        reasons=tuple(_weighed(decision, facts, use, reviews)),
        reviews=tuple(reviews),
        used=db.session.scalar(select(SampleUse).where(SampleUse.decision_id == decision.id)),
        request=_request(decision),
        wordings=wordings(sample.site_id, signed),
        may_read_patients=by.may(PATIENT_READ),
        pseudonyms=patients.by_keys(donor.subject_key for donor in facts.donors)
        if by.may(PATIENT_READ)
        else {},
    )


def _reviews(decision: Decision) -> list[ConsentReview]:
    """What people had settled, oldest first."""
    keys = [each["id"] for each in decision.reviews or ()]
    query = select(ConsentReview).where(ConsentReview.id.in_(keys)).order_by(ConsentReview.id)
    return list(db.session.scalars(query)) if keys else []


def _request(decision: Decision) -> str | None:
    """Its number, from the table of codes: requests come after samples on the path, and are not asked here."""
    if decision.request_id is None:
        return None
    found = db.session.scalars(codes.rows_of("request", decision.request_id)).first()
    return found.code if found else None


def _days(decision: Decision) -> list[date]:
    told = [date.fromisoformat(day) for day in decision.facts.get("days", ())]
    return told or uses.days_of(decision.recorded_at, decision.as_of)


# --- what each reason did


def _weighed(
    decision: Decision,
    facts: consent_rules.SampleFacts,
    use: consent_rules.Use,
    reviews: Sequence[ConsentReview],
) -> Iterable[Weighed]:
    settled_by = {code: review for review in reviews for code in review.reason_codes}
    people = _left_to_people(decision, facts, use)
    for reason in decision.reasons:
        code = reason["code"]
        if code == "review_settled":
            yield Weighed(reason, SETTLED, settled_by.get(str(reason["params"].get("settled"))))
        elif code in _GIVING:
            yield Weighed(reason, PERMITS)
        elif consent_rules.review_code(_reason(reason)) in people:
            yield Weighed(reason, PEOPLE)
        else:
            yield Weighed(reason, AGAINST if decision.verdict == "deny" else BINDS)


def _left_to_people(
    decision: Decision, facts: consent_rules.SampleFacts, use: consent_rules.Use
) -> frozenset[str]:
    """The codes of the reasons that a person could settle: those that are gone once people have settled everything."""
    if decision.verdict == "permit":
        return frozenset()
    codes_of_all = tuple(consent_rules.review_code(_reason(each)) for each in decision.reasons)
    lifted = [(each["id"], tuple(each["codes"])) for each in decision.reviews or ()]
    for day in _days(decision):
        answer = _decided(facts, use, day, decision.recorded_at, lifted)
        if [reason.as_dict() for reason in answer.reasons] == decision.reasons:
            rest = _decided(facts, use, day, decision.recorded_at, [*lifted, (0, codes_of_all)])
            stays = {consent_rules.review_code(reason) for reason in rest.reasons}
            return frozenset(codes_of_all) - stays
    return frozenset(
        code
        for code, each in zip(codes_of_all, decision.reasons, strict=True)
        if each["code"].startswith(_FOR_PEOPLE)
    )


def _decided(
    facts: consent_rules.SampleFacts,
    use: consent_rules.Use,
    day: date,
    known_at: datetime,
    settled: uses.Settled,
) -> consent_rules.Decision:
    return uses.worst_of_days(facts, use, days=[day], known_at=known_at, settled=settled)


def _reason(stored: Mapping[str, Any]) -> Reason:
    return Reason(stored["code"], stored.get("params", {}))
