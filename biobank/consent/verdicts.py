"""Permit, review or deny, with every reason: what the rules give back, and how findings become one verdict."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from biobank.core.errors import Reason


class Verdict(StrEnum):
    """What is said of a use."""

    PERMIT = "permit"
    REVIEW = "review"
    DENY = "deny"


SEVERITY = {Verdict.PERMIT: 0, Verdict.REVIEW: 1, Verdict.DENY: 2}


class Finding(NamedTuple):
    """What one rule said, and why."""

    verdict: Verdict
    reason: Reason


@dataclass(frozen=True)
class Decision:
    """A verdict and everything that led to it."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    """All that stands in the way; on a permit, what granted it and what it binds to."""
    consent_ids: tuple[int, ...] = ()
    """For each donor whose papers do not deny, the consent the verdict rests on."""
    review_codes: tuple[str, ...] = ()
    """What a person would have to settle: goes into `Review`. Empty unless the verdict is review."""

    @property
    def permitted(self) -> bool:
        """Only a permit permits."""
        return self.verdict is Verdict.PERMIT

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, without any sentence."""
        return {
            "verdict": self.verdict.value,
            "reasons": [reason.as_dict() for reason in self.reasons],
            "consent_ids": list(self.consent_ids),
            "review_codes": list(self.review_codes),
        }


@dataclass(frozen=True)
class Standing:
    """One colour and one sentence for the card of a sample, before any purpose is known."""

    colour: str
    """green: may be used for what the consent covers. amber: may be kept, not used. red: stop"""
    reason: Reason


COLOURS = ("green", "amber", "red")


def review_code(reason: Reason) -> str:
    """The one name of a reason for review, with everything that makes it this reason and no other.

    A settled review of the flag `paediatric`, or of a term in version 1 of a form, says nothing about any other.
    """
    return ":".join([reason.code, *(f"{name}={value}" for name, value in sorted(reason.params.items()))])


def worst(findings: Iterable[Finding]) -> Verdict:
    """Deny before review before permit."""
    found = Verdict.PERMIT
    for verdict, _ in findings:
        if SEVERITY[verdict] > SEVERITY[found]:
            found = verdict
    return found


def conclude(findings: list[Finding], consent_ids: tuple[int, ...] = ()) -> Decision:
    """The worst finding decides. A denial tells everything that stands in the way, not what would not have."""
    verdict = worst(findings)
    told = findings
    if verdict is not Verdict.PERMIT:
        told = sorted(findings, key=lambda finding: -SEVERITY[finding.verdict])
    if verdict is Verdict.DENY:
        told = [finding for finding in told if finding.verdict is not Verdict.PERMIT]
    codes: dict[str, None] = {}
    if verdict is Verdict.REVIEW:
        codes = dict.fromkeys(review_code(reason) for each, reason in told if each is Verdict.REVIEW)
    reasons = dict.fromkeys(reason for _, reason in told)
    return Decision(verdict, tuple(reasons), consent_ids, tuple(codes))
