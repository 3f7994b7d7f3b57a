"""How a consent says what it allows, and how a use says what it is for: terms and purposes, read from text.

A term is a DUO code, or one of our own, with arguments after a colon: `GRU`, `DS:C50,C61`, `GS:FR`, `NO_GENETIC`.
A term nobody knows is kept as it is written; it never gives anything, and a person must look at it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from biobank.core.errors import Malformed, Reason
from biobank.core.vocabularies import ConsentVocabulary, clean_disease, consent_vocabulary

# General research is `GEN` as a purpose and `GRU` as a permission; DUOS writes GRU for both.
PURPOSE_ALIASES = {"GRU": "GEN"}
# Purposes that may name diseases; the first cannot do without.
DISEASE_PURPOSES = ("DS", "MDS", "CC")


class Term(NamedTuple):
    """One term of a clause, such as `DS:C50,C61`."""

    code: str
    """The shorthand of a known term (`DS`), the DUO id where there is none, or what was written."""
    args: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As it is written on a form."""
        return f"{self.code}:{','.join(self.args)}" if self.args else self.code


class Purpose(NamedTuple):
    """One purpose of a use, such as `DS:C50.1,C61`."""

    tag: str
    diseases: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As a researcher writes it."""
        return f"{self.tag}:{','.join(self.diseases)}" if self.diseases else self.tag


@lru_cache(maxsize=4096)
def parse_term(text: str, vocabulary: ConsentVocabulary | None = None) -> Term:
    """Read a term; DUO shorthands and ids (`DUO:0000007`, `DUO_0000007`) are the same, unknown codes are kept.

    >>> parse_term("DUO:0000007:C50, C61")
    Term(code='DS', args=('C50', 'C61'))

    raises  Malformed when nothing is written
    """
    code, args = _split(text)
    if not code:
        raise Malformed({"term": Reason("term_empty")})
    names = (vocabulary or consent_vocabulary()).names
    return Term(names.get(code.upper(), code), args)


def parse_purposes(texts: Iterable[str], vocabulary: ConsentVocabulary | None = None) -> tuple[Purpose, ...]:
    """Read what a use is for; diseases must be known, so that a slip of the pen decides nothing.

    A DUO term that the permission matrix does not list (`COL`, `GS:M`) is kept, and leads to a review.

    raises  Malformed, with every bad purpose by its place (`purposes.0`)
    """
    vocabulary = vocabulary or consent_vocabulary()
    purposes, wrong = [], {}
    for place, text in enumerate(texts):
        found = _read_purpose(text, vocabulary)
        if isinstance(found, Reason):
            wrong[f"purposes.{place}"] = found
        else:
            purposes.append(found)
    if not purposes and not wrong:
        wrong["purposes"] = Reason("purpose_missing")
    if wrong:
        raise Malformed(wrong)
    return tuple(dict.fromkeys(purposes))


def _read_purpose(text: str, vocabulary: ConsentVocabulary) -> Purpose | Reason:
    code, args = _split(text)
    known = PURPOSE_ALIASES.get(code.upper(), vocabulary.names.get(code.upper(), code.upper()))
    tag = PURPOSE_ALIASES.get(known, known)
    if tag not in vocabulary.purposes:
        if code.upper() not in vocabulary.names:
            return Reason(
                "purpose_unknown", {"purpose": text.strip(), "known": ", ".join(sorted(vocabulary.purposes))}
            )
        return Purpose(Term(tag, args).text)
    if args and tag not in DISEASE_PURPOSES:
        return Reason("purpose_takes_no_disease", {"purpose": tag, "diseases": ", ".join(args)})
    if tag == DISEASE_PURPOSES[0] and not args:
        return Reason("disease_missing", {"purpose": tag})
    return _with_diseases(tag, args, vocabulary)


def _with_diseases(tag: str, codes: tuple[str, ...], vocabulary: ConsentVocabulary) -> Purpose | Reason:
    if not codes:
        return Purpose(tag)
    diseases = vocabulary.diseases
    for code in codes:
        if not diseases.is_known(code):
            nearest = diseases.nearest(code)
            if nearest is None:
                return Reason("disease_unknown", {"disease": code})
            return Reason("disease_unknown_near", {"disease": code, "nearest": nearest})
    return Purpose(tag, tuple(clean_disease(code) for code in codes))


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """`DUO:0000007:C50,C61` -> the code `DUO:0000007` and its arguments."""
    written = text.strip()
    prefix = _DUO_ID.match(written)
    code, _, rest = written[len(prefix.group()) :].partition(":") if prefix else written.partition(":")
    whole = (prefix.group() if prefix else "") + code
    return whole.strip(), tuple(arg.strip() for arg in rest.split(",") if arg.strip())


_DUO_ID = re.compile(r"DUO[:_](?=\d)", re.IGNORECASE)
