"""The one door to every use of a sample: decide by the rules, store the decision, and only then write the use.

A refusal is kept as well: its decisions are written in a unit of their own after the act was rolled back.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any, NoReturn

from sqlalchemy import insert

from biobank.audit import service as audit
from biobank.consent import many
from biobank.consent import rules as consent_rules
from biobank.consent import service as consent
from biobank.core import clock, times, vocabularies
from biobank.core.actor import Actor
from biobank.core.db import current_unit, db
from biobank.core.errors import Reason, RuleViolation
from biobank.core.times import When
from biobank.samples import gate, reading, reviews, rules
from biobank.samples.models import Decision, Sample, SampleUse

#: Reviews that lift reasons: their keys, and the reasons' codes.
Settled = Sequence[tuple[int, Sequence[str]]]

_ORDER = (consent_rules.Verdict.DENY, consent_rules.Verdict.REVIEW, consent_rules.Verdict.PERMIT)


class UseRefused(RuleViolation):
    """At least one sample may not be used so. `reasons` has every reason, `samples` their codes."""


def use(
    samples: Sequence[Sample],
    asked: consent_rules.Use,
    *,
    act: str,
    by: Actor,
    at: When | None = None,
    request_id: int | None = None,
) -> list[SampleUse]:
    """Use samples: all of them, or none. Locks donors and samples, decides, stores decisions and uses.

    act     one of the use acts of the rules
    at      when it happened; now unless given. It must have been allowed then, and must be allowed now
    raises  UseRefused with every reason; the refusing decisions are kept. RuleViolation for what the life of a sample
            does not list, and for a time to come or before the draw
    """
    locked = gate.lock_samples([sample.id for sample in samples])
    _require_possible(locked, act, at)
    decisions = decide(locked, asked, act=act, by=by, at=at, request_id=request_id)
    refused = [decision for decision in decisions if decision.verdict != "permit"]
    if refused:
        refuse(locked, refused, act=act, by=by)
    return _enter(decisions, act=act, by=by, at=at)


def use_permitted(
    samples: Sequence[Sample],
    asked: consent_rules.Use,
    *,
    act: str,
    by: Actor,
    at: When | None = None,
    request_id: int | None = None,
) -> list[Decision]:
    """Use those samples that may be used so, and leave the others. Locks donors and samples, and decides set by set.

    returns  every decision, in the order given: a permit was used, any other says why its sample was not
    """
    locked = gate.lock_samples([sample.id for sample in samples])
    _require_possible(locked, act, at)
    decisions = decide(locked, asked, act=act, by=by, at=at, request_id=request_id)
    _enter([decision for decision in decisions if decision.verdict == "permit"], act=act, by=by, at=at)
    for sample, decision in zip(locked, decisions, strict=True):
        if decision.verdict != "permit":
            after = {
                "act": act,
                "verdict": decision.verdict,
                "reasons": decision.reasons,
                "decision": decision.id,
            }
            audit.record(by=by, act="use_refused", subject=("sample", sample.code), after=after)
    return decisions


def _require_possible(samples: Sequence[Sample], act: str, at: When | None) -> None:
    """What no consent can make possible: using what is gone, before it was drawn, or tomorrow."""
    for sample in samples:
        rules.next_status(sample.status, act)
    if at is None:
        return
    events = reading.events_of(samples)
    drawn = (When(event.happened_at, event.precision) for event in events.values())
    zone = clock.zone()
    rules.refuse(
        [
            rules.act_not_in_future(at, clock.now(), zone),
            *(rules.act_not_before_collection(at, collected, zone) for collected in drawn),
        ]
    )


def _enter(decisions: Sequence[Decision], *, act: str, by: Actor, at: When | None) -> list[SampleUse]:
    """Write the uses that these permits are for."""
    if not decisions:
        return []
    happened = at.at if at and at.at else clock.now()
    rows = [
        {"decision_id": decision.id, "sample_id": decision.sample_id, "act": act, "verdict": decision.verdict,
         "recorded_at": decision.recorded_at, "happened_at": happened, "actor_key": by.key}
        for decision in decisions
    ]  # fmt: skip
    query = insert(SampleUse).returning(SampleUse, sort_by_parameter_order=True)
    return list(db.session.scalars(query, rows))


def decide(
    samples: Sequence[Sample],
    asked: consent_rules.Use,
    *,
    act: str,
    by: Actor,
    at: When | None = None,
    request_id: int | None = None,
) -> list[Decision]:
    """Decide for each sample and store the decisions, in the order given. The caller holds the locks of the donors."""
    asked = replace(asked, act=act)
    facts = gate.facts_of(samples)
    latest = _latest_events(samples)
    settled = reviews.lifting(request_id, [sample.id for sample in samples]) if request_id else {}
    rows = [
        _row(sample, facts[sample.id], asked, latest[sample.id], at, settled.get(sample.id, []))
        | {"request_id": request_id, "actor_key": by.key}
        for sample in samples
    ]
    query = insert(Decision).returning(Decision, sort_by_parameter_order=True)
    return list(db.session.scalars(query, rows)) if rows else []


def _row(
    sample: Sample, facts: consent_rules.SampleFacts, asked: consent_rules.Use, latest: int, at: When | None,
    settled: Settled,
) -> dict[str, Any]:  # fmt: skip
    vocabulary = vocabularies.consent_vocabulary()
    now = gate.now_for(facts)
    days = days_of(now, at.at if at else None)
    answer = worst_of_days(facts, asked, days=days, known_at=now, settled=settled)
    return {
        "sample_id": sample.id,
        "act": asked.act,
        "verdict": answer.verdict.value,
        "reasons": [reason.as_dict() for reason in answer.reasons],
        "use": consent_rules.use_as_dict(asked),
        "facts": consent_rules.facts_as_dict(facts, days=days),
        "consent_ids": list(answer.consent_ids),
        "consent_event_id": latest,
        "rule_version": consent_rules.RULE_VERSION,
        "vocabulary_version": vocabulary.version,
        "as_of": at.at if at and at.at else now,
        "recorded_at": now,
        "reviews": [{"id": key, "codes": list(codes)} for key, codes in settled],
    }


def vocabulary_version() -> str:
    """Of the lists that decide now."""
    return vocabularies.consent_vocabulary().version


def days_of(now: datetime, happened: datetime | None) -> list[date]:
    """The days that a use must be allowed on. One told afterwards must have been allowed on its day, and must be
    allowed today: a withdrawal is not evaded by dating a use before it."""
    zone = clock.zone()
    return sorted({times.local_day(each, zone) for each in (now, happened) if each is not None})


def worst_of_days(
    facts: consent_rules.SampleFacts,
    asked: consent_rules.Use,
    *,
    days: Sequence[date],
    known_at: datetime,
    settled: Settled = (),
) -> consent_rules.Decision:
    """What the rules say on the least of these days."""
    lifted = tuple(consent_rules.Review(tuple(codes)) for _, codes in settled)
    vocabulary = vocabularies.consent_vocabulary()
    answers = [
        consent_rules.decide(
            facts, asked, as_of=day, known_at=known_at, vocabulary=vocabulary, reviews=lifted
        )
        for day in days
    ]
    return min(answers, key=lambda answer: _ORDER.index(answer.verdict))


def _latest_events(samples: Sequence[Sample]) -> dict[int, int]:
    """The latest consent event of each sample's donors, 0 for none."""
    donors = gate.donors_of([sample.id for sample in samples])
    latest = consent.latest_events(set().union(*donors.values()) if donors else set())
    return {
        key: max((latest.get(patient, 0) for patient in patients), default=0)
        for key, patients in donors.items()
    }


def refuse(
    samples: Sequence[Sample],
    refused: Sequence[Decision],
    *,
    act: str,
    by: Actor,
    besides: Sequence[Reason] = (),
) -> NoReturn:
    """Raise UseRefused, and leave word of the refusal for the unit that is written after the roll-back.

    besides  reasons that are not the rules' own, told first
    """
    codes = {sample.id: sample.code for sample in samples}
    rows = [_copy(decision) for decision in refused]
    told = [(codes[row["sample_id"]], row) for row in rows]

    def keep() -> None:
        kept = db.session.scalars(insert(Decision).returning(Decision.id, sort_by_parameter_order=True), rows)
        for key, (code, row) in zip(kept.all(), told, strict=True):
            after = {"act": act, "verdict": row["verdict"], "reasons": row["reasons"], "decision": key}
            audit.record(by=by, act="use_refused", subject=("sample", code), after=after)

    current_unit().after_refusal.append(keep)
    reasons = [
        Reason(reason["code"], {"sample": code, **reason["params"]})
        for code, row in told
        for reason in row["reasons"]
    ]
    raise UseRefused(
        "use_refused",
        reasons=list(dict.fromkeys([*besides, *reasons])),
        act=act,
        samples=", ".join(code for code, _row in told),
    )


def _copy(decision: Decision) -> dict[str, Any]:
    columns = [column.key for column in Decision.__table__.columns if column.key != "id"]
    return {column: getattr(decision, column) for column in columns}


def check(
    samples: Sequence[gate.Told],
    asked: consent_rules.Use,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> list[consent_rules.Decision]:
    """Could these be used so? Asks, uses nothing, stores nothing. In the order given; a handful of queries for any
    number of samples.

    as_of     the day it is asked for; today unless given
    known_at  by what was recorded until then; by all that is known unless given
    """
    facts = gate.facts_of(samples, known_at=known_at)
    vocabulary = vocabularies.consent_vocabulary()
    zone = clock.zone()
    day_of = cache(lambda moment: times.local_day(moment, zone))
    questions, present = [], clock.now()
    for sample in samples:
        now = gate.now_for(facts[sample.id], present)
        questions.append(many.Asked(facts[sample.id], day_of(as_of or now), known_at or now))
    return many.decide_many(questions, asked, vocabulary=vocabulary)


def standings(samples: Sequence[Sample]) -> dict[int, consent_rules.Standing]:
    """One colour and one sentence for each sample, before any purpose is known."""
    zone = clock.zone()
    found = {}
    for key, facts in gate.facts_of(samples, of_today=True).items():
        now = gate.now_for(facts)
        found[key] = consent_rules.standing(facts, as_of=times.local_day(now, zone), known_at=now)
    return found
