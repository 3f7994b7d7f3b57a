"""May this sample be used for that, may it be kept, and what does its card say? Pure: no database, no Flask, no clock.

Nothing recorded is a no. What the rules cannot evaluate is for a person to say. Of two forms the better one wins, of
two donors the worse one; a withdrawal stands over all of them and takes away permissions, never restrictions.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import chain

from biobank.consent import gates
from biobank.consent.answers import Papers, read
from biobank.consent.facts import (
    ClauseFact,
    ConsentFact,
    DonorFacts,
    HoldFact,
    Review,
    SampleFacts,
    StudyFacts,
    Use,
    WithdrawalFact,
    donor_as_dict,
    facts_as_dict,
    facts_from_dict,
    use_as_dict,
    use_from_dict,
)
from biobank.consent.family import Question, ask, forbidding, missed, objected, paper, reply, withdrawn
from biobank.consent.terms import Purpose, Term, parse_purposes, parse_term
from biobank.consent.verdicts import (
    COLOURS,
    SEVERITY,
    Decision,
    Finding,
    Standing,
    Verdict,
    conclude,
    review_code,
    worst,
)
from biobank.core.errors import Reason
from biobank.core.vocabularies import ConsentVocabulary, consent_vocabulary

__all__ = [
    "OWN_CARE",
    "PRESERVE_ACTS",
    "RULE_VERSION",
    "SENSITIVE_FLAGS",
    "USE_ACTS",
    "ClauseFact",
    "ConsentFact",
    "Decision",
    "DonorFacts",
    "HoldFact",
    "Purpose",
    "Review",
    "SampleFacts",
    "Standing",
    "StudyFacts",
    "Term",
    "Use",
    "Verdict",
    "WithdrawalFact",
    "decide",
    "donor_as_dict",
    "facts_as_dict",
    "facts_from_dict",
    "may_preserve",
    "parse_purposes",
    "parse_term",
    "review_code",
    "standing",
    "use_as_dict",
    "use_from_dict",
]

# Stored with every decision: rises when the same facts could give another verdict.
RULE_VERSION = "3"

OWN_CARE = "own_care"
PRESERVE_ACTS = frozenset({"receive", "spin", "aliquot", "derive", "freeze", "move", "pool", "discard"})
USE_ACTS = frozenset(
    {"allocate", "pick", "hand_out", "ship", "analyse", "give_data", "pool_across_donors", OWN_CARE}
)
# After a withdrawal a tube may only be put aside or destroyed.
ALLOWED_AFTER_WITHDRAWAL = frozenset({"move", "discard"})

# Each has its own sentence; any other flag is a reason for review too.
SENSITIVE_FLAGS = (
    "paediatric",
    "one-sex",
    "controls",
    "population",
    "vulnerable",
    "illegal-behaviour",
    "sexual",
    "psychological",
    "stigmatising",
    "not-health",
    "other",
)


def decide(
    sample: SampleFacts,
    use: Use,
    *,
    as_of: date,
    known_at: datetime,
    vocabulary: ConsentVocabulary,
    reviews: Sequence[Review] = (),
) -> Decision:
    """May this sample be used so, on the day `as_of`, by what was recorded until `known_at`?

    reviews  what people settled for this very request and sample
    """
    if use.act == OWN_CARE:
        # Giving material back to the care of the person it came from is no research, whatever was answered.
        return Decision(Verdict.PERMIT, (Reason("own_care"),))
    settled = frozenset(chain.from_iterable(review.reason_codes for review in reviews))
    question = ask(use, as_of, vocabulary)
    findings = _settle(_about_the_request(sample, use, as_of, vocabulary), settled)
    consent_ids = []
    for donor in _in_order(sample.donors):
        papers = read(donor, sample.study, as_of=as_of, known_at=known_at)
        found, consent_id = _ask_donor(papers, sample, donor, question, settled)
        findings += found
        if consent_id is not None:
            consent_ids.append(consent_id)
    return conclude(findings, tuple(consent_ids))


def may_preserve(
    sample: SampleFacts,
    act: str,
    *,
    as_of: date,
    known_at: datetime,
    vocabulary: ConsentVocabulary | None = None,
) -> Decision:
    """May this sample be received, processed, stored, moved or discarded?

    Allowed while nothing is answered yet; after a withdrawal that covers the sample only `move` and `discard` are.
    """
    if act not in PRESERVE_ACTS:
        return Decision(Verdict.DENY, (Reason("not_preserving", {"act": act}),))
    if act == "pool" and len(sample.donors) > 1:
        return Decision(Verdict.DENY, (Reason("pooling_donors_is_use"),))
    if not sample.donors:
        verdict = Verdict.PERMIT if act in ALLOWED_AFTER_WITHDRAWAL else Verdict.DENY
        return Decision(verdict, (Reason("no_donor"),))
    vocabulary = vocabulary or consent_vocabulary()
    findings = []
    for donor in _in_order(sample.donors):
        papers = read(donor, sample.study, as_of=as_of, known_at=known_at)
        withdrawal = papers.withdrawal(vocabulary)
        if withdrawal is None:
            verdict, reason = Verdict.PERMIT, _silence(papers, sample) or Reason("preserve_allowed")
        else:
            verdict = Verdict.PERMIT if act in ALLOWED_AFTER_WITHDRAWAL else Verdict.DENY
            reason = withdrawn(withdrawal)
        findings += _of(donor, sample, [Finding(verdict, reason)])
    return conclude(findings)


def standing(
    sample: SampleFacts, *, as_of: date, known_at: datetime, vocabulary: ConsentVocabulary | None = None
) -> Standing:
    """The colour of the card: that of the worst donor; a hold turns green to amber."""
    if not sample.donors:
        return Standing("red", Reason("no_donor"))
    vocabulary = vocabulary or consent_vocabulary()
    found = [
        _donor_standing(
            donor, read(donor, sample.study, as_of=as_of, known_at=known_at), sample, as_of, vocabulary
        )
        for donor in _in_order(sample.donors)
    ]
    keep_until = sample.terms.keep_until
    if keep_until is not None and as_of > keep_until:
        found.append(Standing("red", Reason("retention_over", {"keep_until": keep_until.isoformat()})))
    least = max(found, key=lambda each: COLOURS.index(each.colour))
    if least.colour == "green" and sample.holds:
        return Standing("amber", gates.holds(sample.holds)[0])
    return least


def _donor_standing(
    donor: DonorFacts, papers: Papers, sample: SampleFacts, as_of: date, vocabulary: ConsentVocabulary
) -> Standing:
    if (withdrawal := papers.withdrawal(vocabulary)) is not None:
        return Standing("red", withdrawn(withdrawal))
    if (silence := _silence(papers, sample)) is not None:
        return Standing("amber", silence)
    for verdict, reason in gates.about_the_donor(sample, donor, papers, as_of, vocabulary):
        return Standing("red" if verdict is Verdict.DENY else "amber", reason)
    for family in papers.families:
        if family.gives_something(vocabulary):
            return Standing("green", Reason("consent_given", paper(family.newest)))
    against = [
        reason for family in papers.families for reason in (*forbidding(family), *missed(family, vocabulary))
    ]
    return Standing("red", next(iter(against), Reason("no_permission", paper(papers.families[0].newest))))


def _about_the_request(
    sample: SampleFacts, use: Use, as_of: date, vocabulary: ConsentVocabulary
) -> list[Finding]:
    """What stands in the way whatever the donors answered."""
    findings = gates.about_the_sample(sample, use, as_of, vocabulary)
    if not sample.donors:
        findings.append(Finding(Verdict.DENY, Reason("no_donor")))
    if not use.purposes:
        findings.append(Finding(Verdict.DENY, Reason("purpose_missing")))
    findings += [Finding(Verdict.REVIEW, _flag(flag)) for flag in sorted(set(use.flags))]
    return findings


def _flag(flag: str) -> Reason:
    if flag in SENSITIVE_FLAGS:
        return Reason(f"flag_{flag.replace('-', '_')}")
    return Reason("flag_unknown", {"flag": flag})


def _ask_donor(
    papers: Papers, sample: SampleFacts, donor: DonorFacts, question: Question, settled: frozenset[str]
) -> tuple[list[Finding], int | None]:
    """Everything found for one donor, and the consent it rests on unless the donor's papers deny."""
    if not papers.families:
        reasons = [withdrawn(gate) for gate in papers.gates]
        reasons.append(_silence(papers, sample) or Reason("no_consent", {"study": sample.study}))
        return _of(donor, sample, [Finding(Verdict.DENY, reason) for reason in reasons]), None

    replies = [reply(family, question) for family in papers.families]
    over_all = [
        *gates.about_the_donor(sample, donor, papers, question.as_of, question.vocabulary),
        *(objected(withdrawal, question) for withdrawal in papers.objections),
        *chain.from_iterable(each.objections for each in replies),
    ]
    common = _settle(_of(donor, sample, over_all), settled)
    answers = [(_settle(_of(donor, sample, each.findings), settled), each.consent_id) for each in replies]
    best = min((worst(findings) for findings, _ in answers), key=SEVERITY.__getitem__)
    chosen = [answer for answer in answers if worst(answer[0]) is best]
    if best is Verdict.PERMIT:
        chosen = chosen[:1]
    found = [*common, *chain.from_iterable(findings for findings, _ in chosen)]
    return found, None if worst(found) is Verdict.DENY else chosen[0][1]


def _silence(papers: Papers, sample: SampleFacts) -> Reason | None:
    """Why nothing is answered; None when something is."""
    if papers.families:
        return None
    if papers.expected is not None:
        return Reason("not_yet_given", paper(papers.expected))
    return Reason("pending" if sample.form_in_force else "no_consent", {"study": sample.study})


def _in_order(donors: tuple[DonorFacts, ...]) -> Sequence[DonorFacts]:
    """The same order whatever order they came in, so that a decision made again is the same to the letter."""
    return donors if len(donors) < 2 else sorted(donors, key=lambda donor: donor.subject_key)


def _of(donor: DonorFacts, sample: SampleFacts, findings: Iterable[Finding]) -> list[Finding]:
    """In a pool each reason says whose it is, by a key that means nothing outside."""
    if len(sample.donors) < 2:
        return list(findings)
    key = {"donor": donor.subject_key}
    return [Finding(verdict, Reason(reason.code, {**reason.params, **key})) for verdict, reason in findings]


def _settle(findings: list[Finding], settled: frozenset[str]) -> list[Finding]:
    """Lift the reviews that people settled. A denial is never lifted."""
    if not settled:
        return findings
    return [_lift(finding, settled) for finding in findings]


def _lift(finding: Finding, settled: frozenset[str]) -> Finding:
    if finding.verdict is not Verdict.REVIEW:
        return finding
    code = review_code(finding.reason)
    return (
        Finding(Verdict.PERMIT, Reason("review_settled", {"settled": code})) if code in settled else finding
    )
