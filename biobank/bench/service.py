"""One place for every scan: told any text, says which of our things was meant."""

from dataclasses import dataclass
from typing import Any

from biobank.bench import cards, thing_cards
from biobank.core import scans
from biobank.core.actor import Actor
from biobank.core.errors import NotFound
from biobank.core.readings import Reading

#: The kind of thing a caller is told of: a maker's code stands for the sample in the tube, or for the box.
SHOWN_KIND = {"tube": "sample", "rack": "container"}


@dataclass(frozen=True)
class Scan:
    """What a scan was understood as.

    code           our own code of the thing
    read           the text that was recognised: our code or the maker's
    repaired_from  what was received, when a wrong keyboard setting had to be undone; `fault` names the setting
    gs1            the fields of GS1 data, by name
    """

    kind: str
    code: str
    read: str
    card: dict[str, Any]
    actions: list[str]
    repaired_from: str | None = None
    fault: str | None = None
    gs1: dict[str, Any] | None = None


def scan(raw: str, by: Actor, *, exact: bool = False) -> Scan:
    """Look up scanned or typed text.

    exact   of two readings somebody chose this one by eye
    raises  Malformed for what no scanner sends; NotFound `unknown_code`, with the check digits as a reason where they
            are wrong; RuleViolation `ambiguous_scan` when it may mean two things
    """
    try:
        meant = scans.meant(raw, by, exact=exact)
    except NotFound:
        product = _reagent(scans.read(raw, by))
        if product is None:
            raise
        return product
    card = cards.of(meant.found, by)
    actions = card.pop("actions")
    kind = SHOWN_KIND.get(meant.found.kind, meant.found.kind)
    return Scan(kind, card["title"], meant.text, card, actions, meant.repaired_from, meant.fault, meant.gs1)


def _reagent(read: Reading) -> Scan | None:
    """A product of somebody else, told by its own label; None where its number was misread."""
    found = scans.reagent(read)
    if found is None or found.gs1 is None or not found.gs1.check_digit_right:
        return None
    card = thing_cards.reagent_card(found.gs1, scans.today())
    fields = card["gs1"]
    return Scan("reagent", card["title"], found.text, card, [], found.repaired_from, found.fault, fields)


def sample_of_code(code: str, by: Actor) -> Any:
    """The row of a sample by any of its codes. raises NotFound, with the check digits as a reason if they are wrong"""
    try:
        return cards.sample_of_code(code, by)
    except NotFound as unknown:
        raise NotFound(unknown.code, reasons=scans.misread(code), **unknown.params) from None
