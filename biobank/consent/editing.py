"""A consent form while it is written: the fields of the editor, and back. No clause is lost on the way.

What an answer adds is chosen from a list, one term a row with what it names; what the list does not have is written as
text beside it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from biobank.consent.models import ConsentForm
from biobank.consent.rules import parse_term
from biobank.consent.schemas import FormNewSchema
from biobank.core.errors import Malformed, Reason
from biobank.core.vocabularies import consent_vocabulary

#: Empty clauses at the end of the editor, to be filled in.
SPARE = 3
MOST = 100
#: Terms of one answer.
MOST_TERMS = 20

ANSWERS = ("if_granted", "if_refused")
CLAUSE = {"key": "", "text": "", "text_fr": "", "required": False, "if_granted": "", "if_refused": ""}
EMPTY: dict[str, Any] = {
    "code": "", "version": "", "title": "", "kind": "consent", "study": "", "site": "", "clauses": [],
}  # fmt: skip
#: What a version of a form is told with, besides its clauses.
FIELDS = tuple(name for name in EMPTY if name != "clauses")

#: Terms that mean nothing without what they name.
NEEDS_NAMES = ("DS", "GS", "TS", "US", "PS", "IS", "RS")

FORM = FormNewSchema()
#: Terms stand one beside the other: a comma parts the arguments of one term, a semicolon parts two terms.
_BETWEEN_TERMS = re.compile(r"[;\r\n]+")
_FIELD = re.compile(r"clauses\.(\d{1,3})\.")

Problems = Mapping[str, str]


def terms_for(answer: str) -> list[str]:
    """The terms that the list for a yes, or for a no, offers: a no gives no permission."""
    vocabulary = consent_vocabulary()
    permissions = [code for code in dict.fromkeys(permission for permission, _ in vocabulary.matrix)
                   if code in vocabulary.permissions]  # fmt: skip
    restrictions = [code for code in vocabulary.modifiers if code not in vocabulary.permissive]
    additions = [code for code in vocabulary.modifiers if code in vocabulary.permissive]
    return [*permissions, *additions, *restrictions] if answer == "if_granted" else restrictions


def takes_names(code: str) -> bool:
    """Whether something stands after the colon of this term."""
    return any(term.code == code and term.parameter for term in consent_vocabulary().terms.values())


def of_form(form: ConsentForm, study: str | None = None) -> dict[str, Any]:
    """A form as the editor shows it."""
    told = {"code": form.code, "version": form.version, "title": form.title, "kind": form.kind}
    clauses = [
        {
            "key": clause.key,
            "text": clause.text,
            "text_fr": clause.text_fr or "",
            "required": clause.required,
            **_answer("if_granted", clause.if_granted),
            **_answer("if_refused", clause.if_refused),
        }
        for clause in form.clauses
    ]
    return EMPTY | told | {"study": study or "", "clauses": clauses}


def _answer(name: str, texts: Iterable[str]) -> dict[str, Any]:
    """Terms of the list as rows, all others as text."""
    offered = terms_for(name)
    chosen, others = [], []
    for text in texts:
        term = parse_term(text)
        if term.code in offered and (takes_names(term.code) or not term.args):
            chosen.append({"term": term.code, "names": ", ".join(term.args)})
        else:
            others.append(text)
    return {name: "; ".join(others), f"{name}_terms": chosen}


def typed(fields: Mapping[str, str]) -> dict[str, Any]:
    """What came in from the editor; a clause that says nothing at all is none."""
    places = sorted({int(found[1]) for name in fields if (found := _FIELD.match(name))})
    clauses = [_typed_clause(fields, f"clauses.{place}") for place in places]
    told = {name: fields.get(name, "").strip() for name in FIELDS}
    return told | {"clauses": [clause for clause in clauses if any(clause.values())]}


def _typed_clause(fields: Mapping[str, str], at: str) -> dict[str, Any]:
    clause: dict[str, Any] = {name: fields.get(f"{at}.{name}", "").strip() for name in CLAUSE}
    clause["required"] = bool(clause["required"])
    for name in ANSWERS:
        rows = (
            {part: fields.get(f"{at}.{name}.{row}.{part}", "").strip() for part in ("term", "names")}
            for row in range(MOST_TERMS)
        )
        clause[f"{name}_terms"] = [
            row | {"names": row["names"].replace(";", ",")} for row in rows if any(row.values())
        ]
    return clause


def read(written: Mapping[str, Any]) -> dict[str, Any]:
    """What was written, in the shape of the API.

    raises  Malformed for rows of terms that are not filled in, else ValidationError; both name each field as the
            editor does
    """
    if wrong := _unfinished(written["clauses"]):
        raise Malformed(wrong)
    given = {name: written[name] for name in FIELDS if written[name]}
    given["clauses"] = [_clause(clause) for clause in written["clauses"]]
    loaded: dict[str, Any] = FORM.load(given)
    return loaded


def _unfinished(clauses: Iterable[Mapping[str, Any]]) -> dict[str, Reason]:
    wrong: dict[str, Reason] = {}
    for place, clause in enumerate(clauses):
        for name in ANSWERS:
            for row, chosen in enumerate(clause[f"{name}_terms"]):
                at = f"clauses.{place}.{name}.{row}"
                if not chosen["term"]:
                    wrong[f"{at}.term"] = Reason("term_not_chosen", {"names": chosen["names"][:80]})
                elif chosen["names"] and not takes_names(chosen["term"]):
                    wrong[f"{at}.names"] = Reason("term_names_nothing", {"term": chosen["term"][:40]})
                elif not chosen["names"] and chosen["term"] in NEEDS_NAMES:
                    wrong[f"{at}.names"] = Reason("term_needs_names", {"term": chosen["term"]})
    return wrong


def _clause(clause: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: clause[name] for name in CLAUSE if clause[name] and name not in ANSWERS}
    return given | {name: terms_of(clause, name) for name in ANSWERS}


def terms_of(clause: Mapping[str, Any], name: str) -> list[str]:
    """The terms of one answer: those chosen, then those written."""
    chosen = [
        f"{row['term']}:{row['names']}" if row["names"] else row["term"]
        for row in clause.get(f"{name}_terms", ())
    ]
    return chosen + [text.strip() for text in _BETWEEN_TERMS.split(str(clause[name])) if text.strip()]


def rows(written: Mapping[str, Any], more: bool) -> list[dict[str, Any]]:
    """The clauses to show: those written, and some empty ones; each with a row for one more term."""
    spare = SPARE if more or not written["clauses"] else 1
    empty = CLAUSE | {f"{name}_terms": [] for name in ANSWERS}
    shown = [*written["clauses"], *(dict(empty) for _ in range(spare))][:MOST]
    blank = {"term": "", "names": ""}
    return [
        clause | {f"{name}_terms": [*clause[f"{name}_terms"], blank][:MOST_TERMS] for name in ANSWERS}
        for clause in shown
    ]


def by_field(problems: Problems, written: Mapping[str, Any]) -> dict[str, str]:
    """The sentences by the editor's own fields: a term is in its row, or in the text that follows the rows."""
    found: dict[str, str] = {}
    for name, sentence in problems.items():
        field = _field_of(name, written["clauses"])
        found[field] = f"{found[field]} {sentence}" if field in found else sentence
    return found


def _field_of(name: str, clauses: list[Mapping[str, Any]]) -> str:
    term = re.fullmatch(r"clauses\.(\d+)\.(if_granted|if_refused)\.(\d+)", name)
    if term is None or int(term[1]) >= len(clauses):
        return name
    chosen = len(clauses[int(term[1])][f"{term[2]}_terms"])
    return f"{name}.names" if int(term[3]) < chosen else f"clauses.{term[1]}.{term[2]}"


def place_of(name: str) -> int | None:
    """Which clause a field belongs to, from 1; None for the form's own."""
    found = _FIELD.match(name)
    return int(found[1]) + 1 if found else None
