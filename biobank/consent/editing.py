"""A consent form while it is written: the fields of the editor, and back. No clause is lost on the way."""

import re
from collections.abc import Mapping
from typing import Any

from biobank.consent.models import ConsentForm
from biobank.consent.schemas import FormNewSchema
from biobank.consent.texts import WORDS

#: Terms that the editor explains.
TERMS = tuple(key.removeprefix("meaning.") for key in WORDS if key.startswith("meaning."))
#: Empty clauses at the end of the editor, to be filled in.
SPARE = 3
MOST = 100

CLAUSE = {"key": "", "text": "", "text_fr": "", "required": False, "if_granted": "", "if_refused": ""}
EMPTY: dict[str, Any] = {"code": "", "version": "", "title": "", "study": "", "site": "", "clauses": []}

FORM = FormNewSchema()
#: Terms stand one beside the other: a comma parts the arguments of one term, a semicolon parts two terms.
_BETWEEN_TERMS = re.compile(r"[;\r\n]+")


def of_form(form: ConsentForm) -> dict[str, Any]:
    """A form as the editor shows it."""
    clauses = [
        {
            "key": clause.key,
            "text": clause.text,
            "text_fr": clause.text_fr or "",
            "required": clause.required,
            "if_granted": "; ".join(clause.if_granted),
            "if_refused": "; ".join(clause.if_refused),
        }
        for clause in form.clauses
    ]
    return EMPTY | {"code": form.code, "version": form.version, "title": form.title, "clauses": clauses}


def typed(fields: Mapping[str, str]) -> dict[str, Any]:
    """What came in from the editor; a clause that says nothing at all is none."""
    places = {int(found[1]) for name in fields if (found := re.match(r"clauses\.(\d{1,3})\.", name))}
    clauses = [
        {name: fields.get(f"clauses.{place}.{name}", "").strip() for name in CLAUSE}
        for place in sorted(places)
    ]
    for clause in clauses:
        clause["required"] = bool(clause["required"])  # type: ignore[assignment]
    return {name: fields.get(name, "").strip() for name in EMPTY if name != "clauses"} | {
        "clauses": [clause for clause in clauses if any(clause.values())]
    }


def read(written: Mapping[str, Any]) -> dict[str, Any]:
    """What was written, in the shape of the API. raises ValidationError naming each field as the editor does"""
    given = {name: value for name, value in written.items() if value and name != "clauses"}
    given["clauses"] = [_clause(clause) for clause in written["clauses"]]
    loaded: dict[str, Any] = FORM.load(given)
    return loaded


def rows(written: Mapping[str, Any], more: bool) -> list[dict[str, Any]]:
    """The clauses to show: those written, and some empty ones."""
    spare = SPARE if more or not written["clauses"] else 1
    return [*written["clauses"], *(dict(CLAUSE) for _ in range(spare))][:MOST]


def by_field(problems: Mapping[str, str]) -> dict[str, str]:
    """The sentences by the editor's own fields: several terms of a clause stand in one of them."""
    found: dict[str, str] = {}
    for name, sentence in problems.items():
        term = re.fullmatch(r"(clauses\.\d+\.if_\w+)\.\d+", name)
        field = term[1] if term else name
        found[field] = f"{found[field]} {sentence}" if field in found else sentence
    return found


def place_of(name: str) -> int | None:
    """Which clause a field belongs to, from 1; None for the form's own."""
    found = re.match(r"clauses\.(\d+)\.", name)
    return int(found[1]) + 1 if found else None


def _clause(clause: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in clause.items() if value}
    for name in ("if_granted", "if_refused"):
        given[name] = [text.strip() for text in _BETWEEN_TERMS.split(str(clause[name])) if text.strip()]
    return given
