"""What the consents to one form say of one use: its permissions for each purpose, then each of its restrictions."""

from collections.abc import Iterable
from datetime import date
from itertools import chain
from typing import NamedTuple

from biobank.consent.answers import Answer, Family
from biobank.consent.facts import GRANTED, ConsentFact, Use, WithdrawalFact
from biobank.consent.tables import Case, Given, modifier_answer, permission_answer
from biobank.consent.terms import Purpose, Term, parse_term
from biobank.consent.verdicts import SEVERITY, Finding, Verdict, worst
from biobank.core.errors import Reason
from biobank.core.vocabularies import ConsentVocabulary

Terms = list[tuple[Term, Answer]]


class Question(NamedTuple):
    """What is asked of every form of every donor."""

    use: Use
    tags: frozenset[str]
    """Of all purposes."""
    diseases: tuple[str, ...]
    """Of all purposes."""
    as_of: date
    vocabulary: ConsentVocabulary


class Reply(NamedTuple):
    """What one form family says of a use."""

    findings: list[Finding]
    objections: list[Finding]
    """Stand over the consents to every form."""
    consent_id: int
    """The newest consent that granted a purpose, else the newest of all."""


def ask(use: Use, as_of: date, vocabulary: ConsentVocabulary) -> Question:
    """The question, made once for all donors and forms."""
    return Question(
        use,
        frozenset(purpose.tag for purpose in use.purposes),
        tuple(chain.from_iterable(purpose.diseases for purpose in use.purposes)),
        as_of,
        vocabulary,
    )


def reply(family: Family, question: Question) -> Reply:
    """Every rule is asked and every finding kept."""
    vocabulary = question.vocabulary
    permissions: Terms = []
    restrictions: Terms = []
    additions: set[str] = set()
    for answer in family.answers:
        for term in answer.terms(vocabulary):
            if term.code in vocabulary.permissions:
                permissions.append((term, answer))
            elif term.code in vocabulary.permissive:
                additions.add(term.code)
            else:
                restrictions.append((term, answer))
    case = Case(
        question.use,
        question.as_of,
        question.tags,
        question.diseases,
        vocabulary,
        additions=frozenset(additions),
        consented=tuple(chain.from_iterable(term.args for term, _ in permissions)),
    )
    findings = [Finding(Verdict.DENY, reason) for reason in forbidding(family)]
    relied_on = family.newest
    # Where all was taken back the withdrawal says it; which purposes are not covered would only hide that.
    if not family.taken_back:
        granted, relied_on = _ask_permissions(case, family, permissions)
        findings += granted
    objections: list[Finding] = []
    for term, answer in restrictions:
        rule = vocabulary.modifiers.get(term.code)
        found = _ask_restriction(term, answer, case)
        (objections if rule is not None and rule.gate else findings).append(found)
    return Reply(findings, objections, relied_on.id)


def forbidding(family: Family) -> Iterable[Reason]:
    """Withdrawals of the whole, and required clauses that are not granted."""
    if family.taken_back:
        gates = {
            answer.taken_back_by.id: answer.taken_back_by for answer in family.answers if answer.taken_back_by
        }
        yield from (withdrawn(gate) for gate in gates.values())
    for answer in family.answers:
        if answer.forbids and answer.taken_back_by:
            yield withdrawn(answer.taken_back_by)
        elif answer.forbids:
            yield Reason(f"required_{answer.state}", _source(answer))


def missed(family: Family, vocabulary: ConsentVocabulary) -> Iterable[Reason]:
    """Clauses that would have given something, had they been granted."""
    for answer in family.answers:
        if answer.state == GRANTED or answer.forbids or not answer.counts:
            continue
        if not any(term.code in vocabulary.permissive for term in answer.clause.if_granted):
            continue
        if answer.taken_back_by is not None:
            yield withdrawn(answer.taken_back_by)
        else:
            yield Reason(f"clause_{answer.state}", _source(answer))


def withdrawn(withdrawal: WithdrawalFact) -> Reason:
    """What was taken back, and when."""
    on = {"received_on": withdrawal.received_on.isoformat()}
    if withdrawal.scope == "clause":
        named = {"form": withdrawal.family or "*", "clause": withdrawal.clause or "*"}
        return Reason("withdrawn_clause", {**on, **named})
    if withdrawal.scope == "study":
        return Reason("withdrawn_study", {**on, "study": withdrawal.study or "*"})
    return Reason("withdrawn_all", on)


def objected(withdrawal: WithdrawalFact, question: Question) -> Finding:
    """What an objection brings, whatever form the person signed: the question of its term, asked of this use."""
    term = parse_term(withdrawal.objects_to or "?")
    source = {"term": term.text, "received_on": withdrawal.received_on.isoformat()}
    if term.code not in question.vocabulary.modifiers:
        return Finding(Verdict.REVIEW, Reason("objection_unknown", source))
    case = Case(
        question.use,
        question.as_of,
        question.tags,
        question.diseases,
        question.vocabulary,
        additions=frozenset(),
        consented=(),
    )
    verdict = modifier_answer(Given(term, withdrawal.received_on), case)
    return Finding(verdict or Verdict.PERMIT, Reason("objected", source))


def paper(consent: ConsentFact) -> dict[str, str]:
    """Which signed paper it is, for a sentence."""
    return {"form": consent.family, "version": consent.version, "signed_on": consent.signed_on.isoformat()}


def _source(answer: Answer) -> dict[str, str]:
    return {**paper(answer.consent), "clause": answer.clause.key}


def _ask_permissions(case: Case, family: Family, permissions: Terms) -> tuple[list[Finding], ConsentFact]:
    """For every purpose the best of all permissions."""
    if not permissions:
        # Nothing recorded is a no, for every purpose, whatever a table says.
        return [
            Finding(Verdict.DENY, Reason("no_permission", paper(family.newest))),
            *_not_given(family, case.vocabulary),
        ], family.newest
    findings: list[Finding] = []
    relied_on: ConsentFact | None = None
    for purpose in case.use.purposes:
        finding, consent = _ask_purpose(purpose, case, permissions)
        findings.append(finding)
        if consent is not None and (relied_on is None or consent.signed_on > relied_on.signed_on):
            relied_on = consent
    if worst(findings) is Verdict.DENY:
        findings += _not_given(family, case.vocabulary)
    return findings, relied_on or family.newest


def _not_given(family: Family, vocabulary: ConsentVocabulary) -> list[Finding]:
    return [Finding(Verdict.DENY, reason) for reason in missed(family, vocabulary)]


def _ask_purpose(purpose: Purpose, case: Case, permissions: Terms) -> tuple[Finding, ConsentFact | None]:
    if purpose.tag not in case.vocabulary.purposes:
        return Finding(Verdict.REVIEW, Reason("purpose_not_evaluated", {"purpose": purpose.text})), None
    asked = [(*permission_answer(term.code, purpose.tag, case), term, answer) for term, answer in permissions]
    verdict, condition, term, answer = min(asked, key=lambda each: SEVERITY[each[0]])
    source = {**_source(answer), "purpose": purpose.text}
    if verdict is Verdict.DENY:
        terms = ", ".join(dict.fromkeys(term.text for term, _ in permissions))
        return Finding(verdict, Reason("purpose_not_covered", {**source, "terms": terms})), None
    if verdict is Verdict.REVIEW:
        found = Reason("purpose_unclear", {**source, "term": term.text, "rule": condition})
        return Finding(verdict, found), answer.consent
    return Finding(verdict, Reason("granted", {**source, "term": term.text})), answer.consent


def _ask_restriction(term: Term, answer: Answer, case: Case) -> Finding:
    source = {**_source(answer), "term": term.text}
    if term.code not in case.vocabulary.modifiers:
        return Finding(Verdict.REVIEW, Reason("term_unknown", source))
    verdict = modifier_answer(Given(term, answer.consent.signed_on), case)
    # What a restriction binds to is told also when it does not stand in the way.
    return Finding(verdict or Verdict.PERMIT, Reason(f"modifier_{term.code.lower()}", source))
