"""One place for every scan: told any text, says which of our things was meant."""

from dataclasses import dataclass
from typing import Any

from biobank.bench import cards, rules
from biobank.core import accession, codes
from biobank.core.actor import Actor
from biobank.core.errors import Malformed, NotFound, Reason, RuleViolation
from biobank.samples import reading
from biobank.samples.models import Sample

#: The kind of thing a caller is told of: a maker's tube code stands for the sample in the tube.
SHOWN_KIND = {"tube": "sample"}


@dataclass(frozen=True)
class Scan:
    """What a scan was understood as.

    code           our own code of the thing
    read           the text that was recognised: our code or the maker's
    repaired_from  what was received, when a wrong keyboard setting had to be undone; `fault` names the setting
    """

    kind: str
    code: str
    read: str
    card: dict[str, Any]
    actions: list[str]
    repaired_from: str | None = None
    fault: str | None = None


def scan(raw: str, by: Actor) -> Scan:
    """Look up scanned or typed text.

    raises  Malformed for what no scanner sends; NotFound `unknown_code`, with the check digits as a reason where they
            are wrong; RuleViolation `ambiguous_scan` when it may mean two things
    """
    read = rules.readings(raw)
    found = codes.find([candidate.text for candidate in read.candidates], by)
    known: dict[str, list[codes.Found]] = {}
    for entry in found:
        if entry.kind != "patient" or by.may("patient:read"):
            known.setdefault(entry.code, []).append(entry)
    try:
        meant = rules.choose(read, known)
    except NotFound as unknown:
        raise NotFound(
            "unknown_code", reasons=_misread(read.candidates[0].text), raw=unknown.params["raw"]
        ) from None
    entries = known[meant.text]
    if len(entries) > 1:
        raise RuleViolation("ambiguous_code", sample=meant.text)
    if entries[0].voided:
        raise RuleViolation("code_voided", sample=meant.text)
    card = cards.of(entries[0], by)
    actions = card.pop("actions")
    kind = SHOWN_KIND.get(entries[0].kind, entries[0].kind)
    return Scan(kind, card["title"], meant.text, card, actions, meant.repaired_from, meant.fault)


def find_sample(code: str, by: Actor) -> Sample:
    """A sample by any of its codes. raises NotFound, with the check digits as a reason where they are wrong"""
    try:
        return reading.find_sample(code, by)
    except NotFound as unknown:
        raise NotFound(unknown.code, reasons=_misread(code), **unknown.params) from None


def _misread(text: str) -> list[Reason]:
    """Of a text that looks like one of our numbers: whether it was misread."""
    if not (text[:1] in accession.LETTERS and text[1:].isdigit()):
        return []
    try:
        accession.parse_number(text)
    except Malformed as wrong:
        return list(wrong.fields.values())
    return []
