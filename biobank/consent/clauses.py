"""Reads the clauses of a form while it is written: every bad field is named, and every term is in its one spelling."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from biobank.consent.models import Clause
from biobank.consent.terms import DISEASE_PURPOSES, Term, parse_term
from biobank.core.errors import Malformed, Reason
from biobank.core.vocabularies import clean_disease, consent_vocabulary

#: The permission whose arguments are diseases.
DISEASES = DISEASE_PURPOSES[0]
#: C50, C50.1, B24+0, C00-C97: what only ICD-10 writes so. Codes of other ontologies do not look like it.
_LIKE_ICD10 = re.compile(r"[A-Z]\d+(\.\d*)?(\+\w*)?(-[A-Z]\d+(\.\d*)?)?")


def read_clauses(clauses: Sequence[Mapping[str, Any]]) -> list[Clause]:
    """The clauses as rows. raises Malformed naming every bad field by its place, such as `clauses.0.if_granted.1`"""
    wrong: dict[str, Reason] = {} if clauses else {"clauses": Reason("clause_missing")}
    keys: list[str] = []
    rows = []
    for place, clause in enumerate(clauses):
        at = f"clauses.{place}"
        key, text = str(clause.get("key") or "").strip(), str(clause.get("text") or "").strip()
        if not key:
            wrong[f"{at}.key"] = Reason("clause_key_missing")
        elif key in keys:
            wrong[f"{at}.key"] = Reason("clause_key_twice", {"clause": key})
        keys.append(key)
        if not text:
            wrong[f"{at}.text"] = Reason("clause_text_missing")
        rows.append(
            Clause(
                place=place + 1,
                key=key,
                text=text,
                text_fr=(clause.get("text_fr") or "").strip() or None,
                required=bool(clause.get("required", False)),
                if_granted=_terms(clause.get("if_granted") or (), f"{at}.if_granted", wrong),
                if_refused=_terms(clause.get("if_refused") or (), f"{at}.if_refused", wrong),
            )
        )
    if wrong:
        raise Malformed(wrong)
    return rows


def copy_of(clauses: Sequence[Clause]) -> list[dict[str, Any]]:
    """The clauses as they are told and written again."""
    names = ("key", "text", "text_fr", "required", "if_granted", "if_refused")
    return [{name: getattr(clause, name) for name in names} for clause in clauses]


def wrong_disease(term: Term) -> Reason | None:
    """The first disease of a permission that looks like ICD-10 and is not in the version that is read here.

    A code of another ontology (DOID_162, MONDO:0004992) is kept: a person will look at each use.
    """
    if term.code != DISEASES:
        return None
    diseases = consent_vocabulary().diseases
    for code in term.args:
        if diseases.is_known(code) or not _LIKE_ICD10.fullmatch(clean_disease(code)):
            continue
        nearest = diseases.nearest(code)
        if nearest is None:
            return Reason("disease_unknown", {"disease": code})
        return Reason("disease_unknown_near", {"disease": code, "nearest": nearest})
    return None


def _terms(texts: Sequence[str], at: str, wrong: dict[str, Reason]) -> list[str]:
    """Terms in their one spelling; a term nobody knows is kept, and a person will look at each use."""
    terms = []
    for place, text in enumerate(texts):
        try:
            term = parse_term(text)
        except Malformed as error:
            wrong[f"{at}.{place}"] = error.fields["term"]
            continue
        if bad := wrong_disease(term):
            wrong[f"{at}.{place}"] = bad
        terms.append(term.text)
    return list(dict.fromkeys(terms))
