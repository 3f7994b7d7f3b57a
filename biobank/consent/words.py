"""Puts a term of a consent form into words: `DS:C50` becomes "DS: research on named diseases (C50 Malignant …)"."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from flask_babel import get_locale
from flask_babel import gettext as _

from biobank.consent.clauses import DISEASES
from biobank.consent.rules import Use, Verdict, parse_term
from biobank.consent.tables import Case, Given, modifier_answer
from biobank.consent.terms import Term
from biobank.consent.texts import WORDS
from biobank.core.vocabularies import consent_vocabulary
from biobank.web.sentences import word


class Labelled(Protocol):
    """A row of a list that carries its own French."""

    @property
    def label(self) -> str: ...
    @property
    def label_fr(self) -> str: ...


def describe_term(text: str) -> str:
    """The term, what it means in the reader's language, and its arguments."""
    term = parse_term(text)
    if f"meaning.{term.code}" not in WORDS:
        return _("%(term)s: not known to the rules, a person looks at every use", term=term.text)
    words = _("%(code)s: %(meaning)s", code=term.code, meaning=meaning_of(text))
    return _("%(words)s; a person looks at every use", words=words) if is_for_people(term) else words


def meaning_of(text: str) -> str:
    """What the term means, without its code; what was written where nobody knows it."""
    term = parse_term(text)
    if f"meaning.{term.code}" not in WORDS:
        return term.text
    words = word("meaning", term.code)
    return f"{words} ({arguments(term.code, term.args)})" if term.args else words


def arguments(code: str, args: Sequence[str]) -> str:
    """Diseases with their names, kinds of research in words, everything else as it was written."""
    if code == DISEASES:
        return ", ".join(disease(each) for each in args)
    kinds = consent_vocabulary().research_types if code == "RS" else {}
    return ", ".join(label_of(kinds[each.casefold()]) if each.casefold() in kinds else each for each in args)


def label_of(row: Labelled) -> str:
    """What a row of our own lists says, in the reader's language."""
    return row.label_fr if str(get_locale()) == "fr" and row.label_fr else row.label


def disease(code: str) -> str:
    """The code with the WHO's words for it: `C50 Malignant neoplasm of breast`; the code alone where there are none."""
    diseases = consent_vocabulary().diseases
    return f"{code} {diseases.label(code)}" if diseases.is_known(code) else code


def is_for_people(term: Term) -> bool:
    """Whether a person must look at each use: even a use of which everything is said is not decided by the rules."""
    vocabulary = consent_vocabulary()
    if term.code in vocabulary.permissions:
        return term.code == DISEASES and not all(vocabulary.diseases.is_known(each) for each in term.args)
    if term.code not in vocabulary.modifiers:
        return True
    return modifier_answer(Given(term, _DAY), _case()) is Verdict.REVIEW


_DAY = date(2000, 1, 1)


def _case() -> Case:
    """A use of which everything is said, with every document on file, in a country that no list names."""
    vocabulary = consent_vocabulary()
    everything = Use(
        act="analyse", organisation="non-profit", commercial=False, country="ZZ", genetic=False, study="-",
        institution="-", approvals=("ethics", "collaboration", "publication", "return"), users=("-",),
        research_types=tuple(vocabulary.research_types)[:1],
    )  # fmt: skip
    return Case(everything, _DAY, frozenset(), (), vocabulary, frozenset(), ())
