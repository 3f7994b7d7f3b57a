"""A stored decision in plain words, for its page. What programs are told is in `decision_schemas`."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _

from biobank.access import service as access
from biobank.consent import rules as consent_rules
from biobank.consent.models import Clause
from biobank.consent.rules import Purpose
from biobank.consent.words import describe_term, disease, label_of, meaning_of
from biobank.core import clock, vocabularies
from biobank.core.times import When
from biobank.samples import decisions
from biobank.samples.decisions import Reading, Weighed
from biobank.web import sentences, spoken

#: Group -> tone of its list.
TONES = {"permits": "yes", "binds": "look", "against": "no", "people": "look", "settled": "yes"}
#: `flag_other:a=b:c=d:e`: a value may hold colons, a name does not.
_NEXT_PARAM = re.compile(r":(?=\w+=)")


def page_of(reading: Reading) -> dict[str, Any]:
    """Everything that the page of a decision shows, in words."""
    decision = reading.decision
    keys = {decision.actor_key, *(review.reviewer_key for review in reading.reviews)}
    names = access.names_of(keys | ({reading.used.actor_key} if reading.used else set()))
    return {
        "decision": decision,
        "sample": reading.sample,
        "sentence": verdict_sentence(reading),
        "asked": asked(reading.use),
        "by": name_of(decision.actor_key, names),
        "decided": moment(decision.recorded_at),
        "days": [spoken.iso(day.isoformat()) for day in reading.days],
        "request_number": reading.request,
        "groups": groups(reading, names),
        "donors": [_donor(reading, place) for place in range(len(reading.facts.donors))],
        "holds": [sentences.word("hold", hold.code) for hold in reading.facts.holds],
        "study": _study(reading),
        "used": reading.used and {
            "when": moment(reading.used.happened_at), "by": name_of(reading.used.actor_key, names),
        },
        "as_known_today": reading.as_known_today,
        "today": (consent_rules.RULE_VERSION, vocabularies.consent_vocabulary().version),
    }  # fmt: skip


def verdict_sentence(reading: Reading) -> str:
    """The verdict in one sentence."""
    told = {"act": sentences.word("act", reading.decision.act), "sample": reading.sample.code}
    if reading.decision.verdict == "permit":
        return _("The consent allows this: %(act)s, for sample %(sample)s.", **told)
    if reading.decision.verdict == "review":
        return _("A person must decide about this: %(act)s, for sample %(sample)s.", **told)
    return _("The consent does not allow this: %(act)s, for sample %(sample)s.", **told)


def name_of(key: str, names: Mapping[str, str]) -> str:
    """Who it was; a job by its own name."""
    return names.get(key, key.removeprefix("job:"))


def moment(at: datetime) -> str:
    """An instant for people, by the bank's clock."""
    return spoken.moment(When.exactly(at), clock.zone()) or ""


# --- what was asked


def asked(use: consent_rules.Use) -> list[tuple[str, str | None]]:
    """What the use was said to be; None where nothing was said."""
    answers = {True: _("yes"), False: _("no"), None: None}
    kinds = vocabularies.research_types()
    told = [
        (_("Purpose"), "; ".join(purpose(each) for each in use.purposes) or None),
        (_("Organisation"), sentences.word("organisation", use.organisation)),
        (_("Institution"), use.institution),
        (_("Country"), use.country),
        (_("Project or study"), use.study),
        (_("Commercial use"), answers[use.commercial]),
        (_("Genetic examination"), answers[use.genetic]),
    ]
    flags = ", ".join(sentences.word("delicate", flag) for flag in use.flags)
    research = ", ".join(label_of(kinds[each]) if each in kinds else each for each in use.research_types)
    more = [
        (_("Kind of research"), research),
        (_("Who works with it"), ", ".join(use.users)),
        (_("Documents on file"), "; ".join(use.approvals)),
        (_("Delicate because of"), flags),
    ]
    return told + [(label, value) for label, value in more if value]


def purpose(asked_for: Purpose) -> str:
    """A purpose in words, its diseases by name."""
    words = sentences.word("purpose", asked_for.tag)
    if not asked_for.diseases:
        return words
    return f"{words}: {', '.join(disease(code) for code in asked_for.diseases)}"


# --- why


def groups(reading: Reading, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The reasons as sentences, by what they did; what stands in the way first."""
    titles = {
        decisions.AGAINST: _("What stands in the way"),
        decisions.PEOPLE: _("What a person must say"),
        decisions.SETTLED: _("What a person has settled"),
        decisions.PERMITS: _("What permits it"),
        decisions.BINDS: _("What it binds to"),
    }
    return [
        {"title": title, "tone": TONES[group], "reasons": found}
        for group, title in titles.items()
        if (found := [_told(reading, each, names) for each in reading.reasons if each.group == group])
    ]


def _told(reading: Reading, weighed: Weighed, names: Mapping[str, str]) -> dict[str, str]:
    text = sentence_of(weighed.reason)
    if weighed.review is not None:
        text = _(
            "%(reason)s Settled by %(who)s on %(when)s: %(why)s",
            reason=text,
            who=name_of(weighed.review.reviewer_key, names),
            when=moment(weighed.review.recorded_at),
            why=weighed.review.why,
        )
    whose = _whose(reading, weighed.reason)
    return {"code": weighed.reason["code"], "text": f"{whose}: {text}" if whose else text}


def sentence_of(reason: Mapping[str, Any]) -> str:
    """The sentence of a reason; of one that was settled, that of the reason itself."""
    if reason["code"] != "review_settled":
        return sentences.of_reason(reason)
    code, *params = _NEXT_PARAM.split(str(reason["params"]["settled"]))
    return sentences.sentence(code, dict(part.split("=", 1) for part in params))


def _whose(reading: Reading, reason: Mapping[str, Any]) -> str:
    """In a pool, which donor a reason is about."""
    key = reason.get("params", {}).get("donor")
    places = {donor.subject_key: place for place, donor in enumerate(reading.facts.donors)}
    return donor_name(reading, places[key]) if key in places else ""


def donor_name(reading: Reading, place: int) -> str:
    """The pseudonym for who may read it; else a number that means nothing outside."""
    key = reading.facts.donors[place].subject_key
    return reading.pseudonyms.get(key) or _("Donor %(number)s", number=place + 1)


# --- what was known


def _study(reading: Reading) -> list[str]:
    """What the study laid on its samples then."""
    terms = reading.facts.terms
    told = []
    if terms.reserved:
        closed = terms.closed_on and spoken.iso(terms.closed_on.isoformat())
        told.append(
            _(
                "Reserved to study %(study)s until it closed on %(day)s.",
                study=reading.facts.study,
                day=closed,
            )
            if closed
            else _("Reserved to study %(study)s while that is open.", study=reading.facts.study)
        )
    if terms.keep_until:
        told.append(
            _("To be used until %(day)s at the latest.", day=spoken.iso(terms.keep_until.isoformat()))
        )
    if reading.facts.germinal:
        told.append(_("Germinal tissue or cells."))
    return told


def _donor(reading: Reading, place: int) -> dict[str, Any]:
    donor = reading.facts.donors[place]
    newer = {consent.corrects: consent.id for consent in donor.consents if consent.corrects is not None}
    return {
        "name": donor_name(reading, place),
        "patient": reading.pseudonyms.get(donor.subject_key),
        "consents": [
            _consent(reading, consent, newer.get(consent.id)) for consent in reversed(donor.consents)
        ],
        "withdrawals": [_withdrawal(withdrawal) for withdrawal in reversed(donor.withdrawals)],
    }


def _consent(reading: Reading, consent: consent_rules.ConsentFact, replaced_by: int | None) -> dict[str, Any]:
    wording = reading.wordings.get((consent.family, consent.version), {})
    return {
        "consent": consent,
        "rests": consent.id in reading.decision.consent_ids,
        "replaced_by": replaced_by,
        "signed_on": spoken.iso(consent.signed_on.isoformat()),
        "recorded": moment(consent.recorded_at),
        "basis": sentences.word("basis", consent.basis),
        "given_by": sentences.word("given_by", consent.given_by),
        "clauses": [_clause(consent, clause, wording.get(clause.key)) for clause in consent.clauses],
    }


def _clause(
    consent: consent_rules.ConsentFact, clause: consent_rules.ClauseFact, wording: Clause | None
) -> dict[str, Any]:
    said = consent.answers.get(clause.key)
    terms = clause.if_granted if said == "granted" else clause.if_refused
    in_french = str(get_locale()) == "fr"
    return {
        "text": ((in_french and wording.text_fr) or wording.text) if wording else clause.key,
        "said": said,
        "nothing": clause.required and said != "granted",
        "terms": [describe_term(term.text) for term in terms],
    }


def _withdrawal(withdrawal: consent_rules.WithdrawalFact) -> dict[str, Any]:
    of = {
        "clause": f"{withdrawal.family}, {withdrawal.clause}",
        "study": withdrawal.study,
        "objection": meaning_of(withdrawal.objects_to) if withdrawal.objects_to else None,
    }
    return {
        "scope": sentences.word("scope", withdrawal.scope),
        "of": of.get(withdrawal.scope),
        "received_on": spoken.iso(withdrawal.received_on.isoformat()),
        "recorded": moment(withdrawal.recorded_at),
        "reversed": moment(withdrawal.reversed_at) if withdrawal.reversed_at else None,
    }
