"""Explains the rule tables in words, as the program reads them: nothing is told here that it does not decide by."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask_babel import gettext as _

from biobank.consent.rules import RULE_VERSION, SENSITIVE_FLAGS
from biobank.consent.tables import MODIFIER_PRESENT, PHRASES, parse_condition
from biobank.consent.verdicts import Verdict
from biobank.consent.words import label_of
from biobank.core.vocabularies import (
    NO_EFFECT,
    NO_PERMISSION,
    ConsentVocabulary,
    ModifierRule,
    consent_vocabulary,
    versions,
)
from biobank.web.sentences import sentence, word

#: Verdict -> tone of the page.
TONES = {Verdict.PERMIT: "yes", Verdict.REVIEW: "look", Verdict.DENY: "no"}
_BARE = {verdict.name: verdict for verdict in Verdict}


class Outcome(NamedTuple):
    """What follows, in words. tone: yes, look, no, or mute where nothing does."""

    tone: str
    words: str
    details: tuple[str, ...] = ()
    """A condition, part by part."""
    by_people: bool = False
    """The program cannot evaluate the sentence, so that a person decides."""


def rules_page() -> dict[str, Any]:
    """Everything that the page of rules shows."""
    vocabulary = consent_vocabulary()
    return {
        "rule_version": RULE_VERSION,
        "versions": [(word("list", name), version) for name, version in versions().items()],
        "purposes": _purposes(vocabulary),
        "matrix": _matrix(vocabulary),
        "modifiers": [_modifier(rule) for rule in vocabulary.modifiers.values()],
        "flags": [sentence(f"flag_{flag.replace('-', '_')}") for flag in SENSITIVE_FLAGS],
        "gates": [
            {"code": gate.code, "label": label_of(gate), "law": gate.law, "outcome": outcome(gate.verdict)}
            for gate in vocabulary.gates.values()
        ],
        "research_types": [(kind.code, label_of(kind)) for kind in vocabulary.research_types.values()],
    }


def _purposes(vocabulary: ConsentVocabulary) -> list[tuple[str, str]]:
    tags = dict.fromkeys(tag for _permission, tag in vocabulary.matrix)
    return [(tag, word("purpose", tag)) for tag in tags]


def _matrix(vocabulary: ConsentVocabulary) -> list[dict[str, Any]]:
    rows = dict.fromkeys(permission for permission, _tag in vocabulary.matrix)
    tags = [tag for tag, _words in _purposes(vocabulary)]
    return [
        {
            "code": "" if permission == NO_PERMISSION else permission,
            "label": _("nothing granted") if permission == NO_PERMISSION else word("meaning", permission),
            "cells": [_cell(vocabulary, permission, tag) for tag in tags],
        }
        for permission in rows
    ]


def _cell(vocabulary: ConsentVocabulary, permission: str, tag: str) -> Outcome:
    cell = vocabulary.matrix.get((permission, tag))
    if cell is None:
        return Outcome("look", _("a person decides"), (), True)
    return outcome(cell.condition if cell.outcome == "COND" else cell.outcome)


def _modifier(rule: ModifierRule) -> dict[str, Any]:
    can_ask = rule.inert or rule.test in PHRASES
    return {
        "code": rule.code,
        "label": word("meaning", rule.code),
        "asks": word("phrase", rule.test),
        "by_people": not can_ask,
        "outcomes": [outcome(text) for text in (rule.if_true, rule.if_false, rule.if_unknown)],
        "obligation": _(rule.obligation) if rule.obligation else "",
        "gate": rule.gate,
    }


def outcome(text: str) -> Outcome:
    """What a cell says: a bare verdict, nothing, or a condition. A sentence that cannot be read is for a person."""
    if text == NO_EFFECT:
        return Outcome("mute", _("changes nothing"))
    if text in _BARE:
        verdict = _BARE[text]
        return Outcome(TONES[verdict], word("verdict", verdict.value))
    condition = parse_condition(text)
    if condition is None:
        return Outcome("look", _("a person decides"), (text,), True)
    details = [_("permitted if %(all)s", all=_all(condition.permit))]
    if condition.review:
        details.append(_("to be reviewed if %(all)s", all=_all(condition.review)))
    details.append(_("otherwise %(verdict)s", verdict=word("verdict", condition.otherwise.value)))
    phrases = (*condition.permit, *condition.review)
    by_people = not all(phrase in PHRASES or MODIFIER_PRESENT.fullmatch(phrase) for phrase in phrases)
    return Outcome("info", _("on a condition"), tuple(details), by_people)


def _all(phrases: Iterable[str]) -> str:
    return _(" and ").join(_phrase(phrase) for phrase in phrases)


def _phrase(phrase: str) -> str:
    """A sentence of the tables in words; as it is written where there are none."""
    if named := MODIFIER_PRESENT.fullmatch(phrase):
        return _("%(term)s is granted too", term=word("meaning", named[1]))
    return word("phrase", phrase)
