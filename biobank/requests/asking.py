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
PROMISES: dict[str, str] = {
    "collaboration": N_("It is a collaboration with the biobank"),
    "publication": N_("The results will be published"),
    "return": N_("The data won will be given back"),
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
        "approvals": [*form.getlist("promises"), *_ethics(form)],
        "flags": form.getlist("flags"),
        "samples": read_codes(form.get("samples", "")),
    }
    for name in ("organisation", "country", "institution", "study", "site"):
        if form.get(name, "").strip():
            given[name] = form[name]
    return given


def purposes(tags: list[str], diseases: str) -> list[str]:
    """Purposes as they are written in the API: DS:C50.1,C61."""
    named = ",".join(part for part in re.split(r"[\s,;]+", diseases) if part)
    return [f"{tag}:{named}" if named and tag in WITH_DISEASES else tag for tag in tags]


def read_codes(text: str) -> list[str]:
    """Codes pasted or scanned, one a line; also separated by commas or semicolons, as spreadsheets give them."""
    return list(dict.fromkeys(part for part in re.split(r"[\s,;]+", text) if part))


def _ethics(form: MultiDict[str, str]) -> list[str]:
    """The ethics approval with its last day, `ethics:CPP 26.011@2027-03-31`, where there is one."""
    number, until = form.get("ethics", "").strip(), form.get("ethics_until", "").strip()
    if not number:
        return []
    return [f"ethics:{number}@{until}" if until else f"ethics:{number}"]
