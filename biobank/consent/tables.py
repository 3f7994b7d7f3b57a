"""Reads the rule tables in `config/vocabularies`: which permission answers which purpose, what each modifier asks.

The tables are written in sentences. `PHRASES` lists the ones that can be asked here, and what they ask for; the
answers that follow from them stand in the tables alone. A sentence that is not in the list is never guessed at: it
means review.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache, partial
from typing import NamedTuple

from biobank.consent.facts import Use
from biobank.consent.terms import Term
from biobank.consent.verdicts import Verdict
from biobank.core.vocabularies import NO_EFFECT, ConsentVocabulary, Diseases


class Case(NamedTuple):
    """A use, and the terms of the form family it is held against."""

    use: Use
    as_of: date
    tags: frozenset[str]
    """Of all purposes of the use."""
    diseases: tuple[str, ...]
    """Of all purposes of the use."""
    vocabulary: ConsentVocabulary
    additions: frozenset[str]
    """Terms of the family that give something beside the permissions: `CC`."""
    consented: tuple[str, ...]
    """Diseases named by the permissions of the family."""


class Given(NamedTuple):
    """A term, and the day from which it holds."""

    term: Term
    signed_on: date


def permission_answer(permission: str, tag: str, case: Case) -> tuple[Verdict, str]:
    """What a permission answers to a purpose, and the condition that a person must look at, if there is one."""
    cell = case.vocabulary.matrix.get((permission, tag))
    if cell is None:
        return Verdict.REVIEW, f"{permission}, {tag}"
    if cell.outcome != "COND":
        return _outcome(cell.outcome, case)
    return _outcome(cell.condition, case)


def modifier_answer(given: Given, case: Case) -> Verdict | None:
    """What follows from a modifier; None when it changes nothing."""
    rule = case.vocabulary.modifiers[given.term.code]
    if rule.inert:
        return None
    question = PHRASES.get(rule.test)
    if question is None:
        return Verdict.REVIEW
    answer = question(case, given)
    outcome = {True: rule.if_true, False: rule.if_false, None: rule.if_unknown}[answer]
    if outcome == NO_EFFECT:
        return None
    return _outcome(outcome, case)[0]


class Condition(NamedTuple):
    """`PERMIT iff …; REVIEW if …; else DENY`: all phrases of a part must hold."""

    permit: tuple[str, ...]
    review: tuple[str, ...]
    otherwise: Verdict


@lru_cache(maxsize=256)
def parse_condition(text: str) -> Condition | None:
    """None when the sentence is not one that can be read."""
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        return None
    permit, review, otherwise = found.group("permit", "review", "otherwise")
    review_if = tuple(review.split(" and ")) if review else ()
    return Condition(tuple(permit.split(" and ")), review_if, Verdict(otherwise.lower()))


def _outcome(text: str, case: Case) -> tuple[Verdict, str]:
    """A bare verdict, or a condition."""
    bare = _BARE.get(text)
    if bare is not None:
        return bare, ""
    condition = parse_condition(text)
    if condition is None:
        return Verdict.REVIEW, text
    holds = _all_hold(condition.permit, case)
    if holds is True:
        return Verdict.PERMIT, ""
    if holds is None or (condition.review and _all_hold(condition.review, case) is not False):
        return Verdict.REVIEW, text
    return condition.otherwise, ""


def _all_hold(phrases: Iterable[str], case: Case) -> bool | None:
    """False when any phrase is false; else None when any cannot be told."""
    result: bool | None = True
    for phrase in phrases:
        holds = _holds(phrase, case)
        if holds is False:
            return False
        if holds is None:
            result = None
    return result


def _holds(phrase: str, case: Case) -> bool | None:
    if question := PHRASES.get(phrase):
        return question(case, _NOTHING)
    named = MODIFIER_PRESENT.fullmatch(phrase)
    return named.group(1) in case.additions if named else None


Question = Callable[[Case, Given], bool | None]


def _is_covered(case: Case, _: Given) -> bool | None:
    """Every disease of the use is one that was consented to, or below one; a use that names none is not covered."""
    return covered(case.vocabulary.diseases, case.consented, case.diseases) if case.diseases else False


def covered(diseases: Diseases, consented: Iterable[str], wanted: Iterable[str]) -> bool | None:
    """True or False; None when it hangs on a consented disease that the hierarchy does not know exactly."""
    result: bool | None = True
    for disease in wanted:
        if any(diseases.covers(allowed, disease) for allowed in consented):
            continue
        if not any(diseases.may_cover(allowed, disease) for allowed in consented):
            return False
        result = None
    return result


def _both(*answers: bool | None) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _is_non_profit(case: Case, _: Given) -> bool | None:
    return {"non-profit": True, "for-profit": False}.get(case.use.organisation)


def _is_non_commercial(case: Case, _: Given) -> bool | None:
    return None if case.use.commercial is None else not case.use.commercial


def _in_list(value: str | None, given: Given) -> bool | None:
    if not value or not given.term.args:
        return None
    return value.strip().casefold() in {arg.casefold() for arg in given.term.args}


def _all_listed(values: tuple[str, ...], given: Given) -> bool | None:
    """True when every one of them is in the list; None when none is said, or the list is empty."""
    answers = [_in_list(value, given) for value in values]
    return _both(*answers) if answers else None


def _is_research_of_the_kind(case: Case, given: Given) -> bool | None:
    """None as well when the consent says it in words of its own: those are for a person to read."""
    if not {arg.casefold() for arg in given.term.args} <= case.vocabulary.research_types.keys():
        return None
    return _all_listed(case.use.research_types, given)


def _country_is_allowed(case: Case, given: Given) -> bool | None:
    """None as well when the consent names a region: which countries it holds is for a person to say."""
    listed = _in_list(case.use.country, given)
    regions = [arg for arg in given.term.args if len(arg) != 2 or arg.upper() in _REGIONS]
    return None if listed is False and regions else listed


def _is_in_time(case: Case, given: Given) -> bool | None:
    """The limit is counted in whole months from the signature; the last day is still in."""
    if len(given.term.args) != 1 or not given.term.args[0].isdecimal() or len(given.term.args[0]) > 4:
        return None
    months = given.signed_on.month - 1 + int(given.term.args[0])
    year, month = given.signed_on.year + months // 12, months % 12 + 1
    if year > date.max.year:
        return True
    return case.as_of <= date(year, month, min(given.signed_on.day, monthrange(year, month)[1]))


def _on_file(kinds: tuple[str, ...], case: Case, _: Given) -> bool | None:
    return on_file(case.use.approvals, kinds, case.as_of)


def on_file(approvals: Iterable[str], kinds: tuple[str, ...], as_of: date) -> bool | None:
    """A document of that kind, still valid on the day of use; False when it has run out, None when there is none."""
    expired = False
    for text in approvals:
        document, at, until = text.rpartition("@")
        kind = (document if at else until).partition(":")[0].strip().casefold()
        if kind not in kinds:
            continue
        if not at:
            return True
        try:
            last_day = date.fromisoformat(until.strip())
        except ValueError:
            continue
        if as_of <= last_day:
            return True
        expired = True
    return False if expired else None


# The sentences of the tables that can be asked here. What follows from the answer is in the tables.
PHRASES: dict[str, Question] = {
    "purpose includes POA": lambda case, _: "POA" in case.tags,
    "purpose includes MDS": lambda case, _: "MDS" in case.tags,
    "purpose is a genetic study": lambda case, _: case.use.genetic,
    "purpose names diseases": lambda case, _: bool(case.diseases),
    "purpose names none": lambda case, _: not case.diseases,
    "every purpose disease is self-or-descendant of some consented disease": _is_covered,
    "every purpose disease is self-or-descendant of a consented disease": _is_covered,
    "all purpose diseases are self-or-descendant of consented ones": _is_covered,
    "all are self-or-descendant of consented ones": _is_covered,
    "requesting organisation is not-for-profit": _is_non_profit,
    "use is non-commercial": _is_non_commercial,
    "organisation not-for-profit AND use non-commercial": lambda case, given: _both(
        _is_non_profit(case, given), _is_non_commercial(case, given)
    ),
    "country of processing in allowed list": _country_is_allowed,
    "project in allowed list": lambda case, given: _in_list(case.use.study, given),
    "user in allowed list": lambda case, given: _all_listed(case.use.users, given),
    "structured research-type predicate satisfied": _is_research_of_the_kind,
    "institution in allowed list": lambda case, given: _in_list(case.use.institution, given),
    "today <= start + n months": _is_in_time,
    # French committees answer as CPP (people) or CEEI (data).
    "ethics approval document valid on the date of use": partial(_on_file, ("ethics", "irb", "cpp", "ceei")),
    "signed collaboration clause on file": partial(_on_file, ("collaboration", "col")),
    "signed publication clause on file": partial(_on_file, ("publication", "pub")),
    "signed return-of-data clause on file": partial(_on_file, ("return", "rtn")),
}

# Those that count from the day of the signature.
TIMED = frozenset({"today <= start + n months"})

_NOTHING = Given(Term(""), date.min)
_BARE = {verdict.name: verdict for verdict in Verdict}
_CONDITION = re.compile(
    r"PERMIT iff (?P<permit>.+?)(?:; REVIEW if (?P<review>.+?))?[;,] else (?P<otherwise>PERMIT|REVIEW|DENY)"
)
MODIFIER_PRESENT = re.compile(r"modifier (\w+) present")
# Two letters that are no country.
_REGIONS = ("EU", "UE")
