"""A stored decision as the API gives it. Who may not read patients is told no key that stands for one."""

import json
from typing import Any

from biobank.access import service as access
from biobank.samples.decisions import Reading, Weighed
from biobank.samples.models import ConsentReview
from biobank.samples.telling import name_of, sentence_of, verdict_sentence


def decision_json(reading: Reading) -> dict[str, Any]:
    """Everything that was asked and known, each reason with its sentence, and the use that came of it."""
    decision = reading.decision
    names = access.names_of({decision.actor_key, *(review.reviewer_key for review in reading.reviews)})
    told = {
        "id": decision.id,
        "sample": reading.sample.code,
        "act": decision.act,
        "verdict": decision.verdict,
        "sentence": verdict_sentence(reading),
        "reasons": [_reason(each) for each in reading.reasons],
        "use": decision.use,
        "facts": decision.facts,
        "consents": _consents(reading),
        "reviews": [
            _review(review) | {"by": name_of(review.reviewer_key, names)} for review in reading.reviews
        ],
        "rule_version": decision.rule_version,
        "vocabulary_version": decision.vocabulary_version,
        "as_of": decision.as_of.isoformat(),
        "recorded_at": decision.recorded_at.isoformat(),
        "request": reading.request,
        "by": name_of(decision.actor_key, names),
        "used": _used(reading),
    }
    return told if reading.may_read_patients else _masked(told, reading)


def _masked(told: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """The same, with donor-1 in the place of what stands for a person: it also hides in the names of reasons."""
    text = json.dumps(told)
    for place, donor in enumerate(reading.facts.donors):
        if donor.subject_key:
            text = text.replace(donor.subject_key, f"donor-{place + 1}")
    masked: dict[str, Any] = json.loads(text)
    return masked


def _reason(weighed: Weighed) -> dict[str, Any]:
    return {
        "code": weighed.reason["code"],
        "params": weighed.reason.get("params", {}),
        "group": weighed.group,
        "text": sentence_of(weighed.reason),
    }


def _consents(reading: Reading) -> list[dict[str, Any]]:
    return [
        {
            "id": consent.id,
            "patient": reading.pseudonyms.get(donor.subject_key),
            "donor": place + 1,
            "form": consent.family,
            "version": consent.version,
            "study": consent.study,
            "signed_on": consent.signed_on.isoformat(),
            "answers": dict(consent.answers),
            "rests_on": consent.id in reading.decision.consent_ids,
        }
        for place, donor in enumerate(reading.facts.donors)
        for consent in donor.consents
    ]


def _review(review: ConsentReview) -> dict[str, Any]:
    return {
        "id": review.id,
        "reasons": review.reason_codes,
        "outcome": review.outcome,
        "why": review.why,
        "recorded_at": review.recorded_at.isoformat(),
    }


def _used(reading: Reading) -> dict[str, Any] | None:
    if reading.used is None:
        return None
    return {
        "happened_at": reading.used.happened_at.isoformat(),
        "recorded_at": reading.used.recorded_at.isoformat(),
    }
