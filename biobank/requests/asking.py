"""The form of a new request: plain words for what the rules know as purposes, approvals and flags."""

import re
from typing import Any

from werkzeug.datastructures import MultiDict

from biobank.consent.rules import SENSITIVE_FLAGS
from biobank.core.i18n import N_

#: Purpose -> what it means, in the order in which the form offers them.
PURPOSES: dict[str, str] = {
    "HMB": N_("Health and medical research"),
    "DS": N_("Research on a disease (name it below)"),
    "GEN": N_("Research of any kind, also outside health"),
    "MDS": N_("Development of methods or software"),
    "POA": N_("Origins and ancestry of populations"),
    "CC": N_("Use in clinical care"),
}
#: Those that may name diseases.
WITH_DISEASES = ("DS", "MDS", "CC")
ORGANISATIONS: dict[str, str] = {
    "non-profit": N_("A hospital, university or other non-profit"),
    "for-profit": N_("A company"),
    "unknown": N_("Not settled yet"),
}
#: yes, no or not said -> what the rules take.
ANSWERS: dict[str, bool | None] = {"yes": True, "no": False, "": None}
ANSWER_WORDS: dict[str, str] = {"yes": N_("yes"), "no": N_("no"), "": N_("not known yet")}
#: Kind of approval -> what the form calls it; each has a number and a last day, where there are any.
APPROVALS: dict[str, str] = {
    "ethics": N_("Ethics approval"),
    "collaboration": N_("Collaboration agreement"),
    "publication": N_("Agreement to publish the results"),
    "return": N_("Agreement to give the data back"),
    "export": N_("Authorisation of export"),
}
FLAGS: dict[str, str] = {
    "paediatric": N_("Children"),
    "one-sex": N_("One sex only"),
    "controls": N_("Samples serve as controls"),
    "population": N_("Variation in the population"),
    "vulnerable": N_("Vulnerable people"),
    "illegal-behaviour": N_("Illegal behaviour"),
    "sexual": N_("Sexual preference or behaviour"),
    "psychological": N_("Psychological traits"),
    "stigmatising": N_("May stigmatise a group"),
    "not-health": N_("Not about health"),
    "other": N_("Delicate for another reason"),
}
if tuple(FLAGS) != SENSITIVE_FLAGS:
    raise RuntimeError("the form and the rules name different flags")


def read_form(form: MultiDict[str, str]) -> dict[str, Any]:
    """The form as the API takes it; what was left empty is left out."""
    given: dict[str, Any] = {
        "title": form.get("title", ""),
        "purposes": purposes(form.getlist("purposes"), form.get("diseases", "")),
        "commercial": ANSWERS.get(form.get("commercial", "")),
        "genetic": ANSWERS.get(form.get("genetic", "")),
        "approvals": approvals(form),
        "flags": form.getlist("flags"),
        "research_types": form.getlist("research_types"),
        "users": read_names(form.get("users", "")),
        "samples": read_codes(form.get("samples", "")),
    }
    for name in ("organisation", "country", "institution", "study", "site"):
        if form.get(name, "").strip():
            given[name] = form[name]
    return given


def read_review(form: MultiDict[str, str]) -> dict[str, Any]:
    """What somebody settled, as the API takes it; no sample named means all of them."""
    return {
        "reason": form.get("question", ""),
        "outcome": form.get("outcome", ""),
        "why": form.get("why", ""),
        "samples": read_codes(form.get("samples", "")) or None,
    }


def purposes(tags: list[str], diseases: str) -> list[str]:
    """Purposes as they are written in the API: DS:C50.1,C61."""
    named = ",".join(part for part in re.split(r"[\s,;]+", diseases) if part)
    return [f"{tag}:{named}" if named and tag in WITH_DISEASES else tag for tag in tags]


def read_codes(text: str) -> list[str]:
    """Codes pasted or scanned, one a line; also separated by commas or semicolons, as spreadsheets give them."""
    return list(dict.fromkeys(part for part in re.split(r"[\s,;]+", text) if part))


def read_names(text: str) -> list[str]:
    """Names of people, one a line; a name has blanks and may have a comma in it."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def approvals(form: MultiDict[str, str]) -> list[str]:
    """What is on file, as the rules read it: `ethics:CPP 26.011@2027-03-31`."""
    told = []
    for kind in approval_kinds(form):
        number = form.get(f"{kind}_number", "").strip().replace("@", " at ")
        until = form.get(f"{kind}_until", "").strip()
        told.append(f"{kind}{':' if number else ''}{number}{'@' if until else ''}{until}")
    return told


def approval_kinds(form: MultiDict[str, str]) -> list[str]:
    """The kinds of which something is written, in the order of the form."""
    return [kind for kind in APPROVALS if form.get(f"{kind}_number", "").strip() or form.get(f"{kind}_until")]
