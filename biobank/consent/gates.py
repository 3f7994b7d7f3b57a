"""What the law asks before any consent is looked at: of the sample, of the use, and of each donor.

Which gates there are, and what the law is, stands in `config/vocabularies/legal_gates.csv`; so does the verdict. A gate
that the table does not list denies.
"""

from datetime import date
from typing import Any

from biobank.consent.answers import Papers
from biobank.consent.facts import DonorFacts, HoldFact, SampleFacts, Use
from biobank.consent.tables import on_file
from biobank.consent.verdicts import Finding, Verdict
from biobank.core.errors import Reason
from biobank.core.vocabularies import ConsentVocabulary

#: Documents that allow a sample to leave the country: an authorisation of export, or of transfer abroad.
EXPORT = ("export", "transfer")


def about_the_sample(
    sample: SampleFacts, use: Use, as_of: date, vocabulary: ConsentVocabulary
) -> list[Finding]:
    """Holds, an open trial, the end of the time it may be kept, and leaving the country."""
    findings = [Finding(Verdict.DENY, reason) for reason in holds(sample.holds)]
    terms = sample.terms
    trial_is_open = terms.closed_on is None or as_of <= terms.closed_on
    if terms.reserved and trial_is_open and use.study != sample.study:
        findings.append(_gate(vocabulary, "reserved_to_trial", study=sample.study))
    if terms.keep_until is not None and as_of > terms.keep_until:
        findings.append(_gate(vocabulary, "retention_over", keep_until=terms.keep_until.isoformat()))
    if _leaves(sample, use) and on_file(use.approvals, EXPORT, as_of) is not True:
        findings.append(_gate(vocabulary, "export_not_authorised", country=str(use.country)))
    return findings


def about_the_donor(
    sample: SampleFacts, donor: DonorFacts, papers: Papers, as_of: date, vocabulary: ConsentVocabulary
) -> list[Finding]:
    """Coming of age, and the closer rules for germinal tissue."""
    findings = []
    if (paper := _of_a_child(donor, papers, as_of)) is not None:
        findings.append(_gate(vocabulary, "came_of_age", **paper))
    if sample.germinal:
        if donor.died_on is not None and as_of >= donor.died_on:
            findings.append(_gate(vocabulary, "germinal_after_death"))
        if papers.given and all(consent.basis == "waiver" for consent in papers.given):
            findings.append(_gate(vocabulary, "germinal_waiver"))
    return findings


def holds(held: tuple[HoldFact, ...]) -> list[Reason]:
    """Each reason for which it is held, once."""
    return [Reason("hold", {"hold": code}) for code in sorted({hold.code for hold in held})]


def _leaves(sample: SampleFacts, use: Use) -> bool:
    """A country that nobody named is asked for by the restrictions of the consent, not here."""
    return bool(sample.home and use.country and use.country.strip().upper() != sample.home.upper())


def _of_a_child(donor: DonorFacts, papers: Papers, as_of: date) -> dict[str, str] | None:
    """The newest paper that was given for a child who is of age by now, and has said nothing since."""
    of_age_on = donor.of_age_on
    by_guardian = [
        consent
        for consent in papers.given
        if consent.given_by == "guardian"
        or (consent.given_by == "representative" and of_age_on is not None and consent.signed_on < of_age_on)
    ]
    if not by_guardian:
        return None
    if donor.of_age_on is not None:
        if as_of < donor.of_age_on:
            return None
        if any(_spoke_up(consent.given_by, consent.signed_on, donor.of_age_on) for consent in papers.given):
            return None
    newest = max(by_guardian, key=lambda consent: (consent.signed_on, consent.seq))
    return {"form": newest.family, "version": newest.version, "signed_on": newest.signed_on.isoformat()}


def _spoke_up(given_by: str, signed_on: date, of_age_on: date) -> bool:
    """An adult answered, or somebody who represents an adult."""
    return given_by in ("patient", "representative") and signed_on >= of_age_on


def _gate(vocabulary: ConsentVocabulary, code: str, **params: Any) -> Finding:
    row = vocabulary.gates.get(code)
    verdict = Verdict.REVIEW if row is not None and row.verdict == Verdict.REVIEW.name else Verdict.DENY
    return Finding(verdict, Reason(code, params))
