"""What a request says, in words: its purposes and approvals, and the reasons that the rules give for it."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from biobank.consent import words
from biobank.core.errors import Reason
from biobank.core.vocabularies import research_types
from biobank.requests.reviewing import Question
from biobank.web import sentences

#: Other names of the kinds of approvals, as committees and rules call them.
KINDS = {
    "ceei": "ethics",
    "col": "collaboration",
    "cpp": "ethics",
    "irb": "ethics",
    "pub": "publication",
    "rtn": "return",
    "transfer": "export",
}


def purpose(text: str) -> str:
    """`DS:C50.1` -> "research on a disease (C50.1 Malignant neoplasm …)"; what nobody knows stays as it is."""
    tag, _colon, diseases = text.partition(":")
    told = sentences.word("purpose", tag)
    if told == tag:
        return text
    return f"{told} ({', '.join(words.disease(each) for each in diseases.split(','))})" if diseases else told


def approval(text: str) -> str:
    """`ethics:CPP 26.011@2027-03-31` -> "ethics approval CPP 26.011, until Mar 31, 2027"."""
    document, at, until = text.rpartition("@")
    kind, _colon, number = (document if at else until).partition(":")
    kind = kind.strip().casefold()
    told = sentences.word("approval", KINDS.get(kind, kind))
    told = f"{told} {number.strip()}" if number.strip() else told
    return _("%(approval)s, until %(day)s", approval=told, day=_day(until.strip())) if at else told


def _day(text: str) -> str:
    try:
        return str(format_date(date.fromisoformat(text)))
    except ValueError:
        return text


def research_type(code: str) -> str:
    """A kind of research by its name."""
    known = research_types().get(code)
    return words.label_of(known) if known else code


def reason(told: Reason | Mapping[str, Any]) -> str:
    """The sentence of a reason; what people settled is told in words as well."""
    if not isinstance(told, Reason):
        told = Reason(told["code"], told.get("params") or {})
    if told.code == "review_settled":
        settled = sentences.of_reason(_reason_of(str(told.params.get("settled", ""))))
        return sentences.sentence(told.code, {"settled": settled.rstrip(".")})
    return sentences.of_reason(told)


def _reason_of(code: str) -> Reason:
    """The reason that a review code names: `flag_paediatric`, or `modifier_irb:clause=research:form=F …`."""
    name, *params = re.split(r":(?=\w+=)", code)
    return Reason(name, dict(each.split("=", 1) for each in params))


def question(asked: Question) -> str:
    """What people are asked, in one sentence; of papers of several days it says how many."""
    days = asked.days - {""}
    if len(days) < 2:
        return reason(asked.reason)
    several = ngettext("%(num)s day", "%(num)s days", len(days))
    return reason(Reason(asked.reason.code, {**asked.reason.params, "signed_on": several}))
