"""Our decisions beside those of DUOS, the peer whose cases are published (DataBiosphere/consent-ontology, V4).

A table has the columns case_id, source_test, dataset_permissions, purpose, expected. DUOS approves, denies or abstains;
we permit, deny or review. Where we mean to differ, `DIFFERENCES` says why; nothing else may differ.
"""

import csv

import pytest

from biobank.core.vocabularies import consent_vocabulary
from tests.consent.papers import asked, granting, sample, use

VERDICTS = {"approve": "permit", "deny": "deny", "abstain": "review"}
# DUOS speaks of diseases by DOID; these are the same in ICD-10.
ICD10 = {
    "DOID_162": "II",  # cancer
    "DOID_1612": "C50",
    "DOID_1324": "C34",
    "DOID_2998": "C62",
    "DOID_10283": "C61",
}


def tokens(text):
    return [token.strip() for token in text.split("+") if token.strip()]


def in_icd10(token):
    code, _, args = token.partition(":")
    return f"{code}:{','.join(ICD10.get(arg, arg) for arg in args.split(','))}" if args else code


def dataset(permissions):
    """`DS:DOID_162`, `HMB+NPU=true` -> a sample whose donor agreed to these terms."""
    granted = [token for token in tokens(permissions) if not token.endswith("=false")]
    return sample(granting(*(in_icd10(token.removesuffix("=true")) for token in granted)))


def research(purpose):
    """`HMB+GS:M`, `NPU=true` -> a use; a use that is not said to be non-profit is not."""
    names, facts, flags = [], {"organisation": "unknown", "commercial": None}, []
    known = {*consent_vocabulary().names, *consent_vocabulary().purposes}
    for token in tokens(purpose):
        name, _, value = token.partition("=")
        if name in ("NPU", "NCU", "NPUNCU"):
            facts = {"organisation": "non-profit", "commercial": False}
            if value == "false":
                facts = {"organisation": "for-profit", "commercial": True}
        elif value == "false":
            continue
        elif name.partition(":")[0] in known:
            names.append(in_icd10(name))
        else:
            flags.append(name)
    # DUOS asks by facets: one that names no purpose, such as NPU=true, is asked as health research.
    return use(*(names or ["HMB"]), flags=tuple(flags), **facts)


def gives_nothing(row):
    return not {token.partition(":")[0] for token in tokens(row["dataset_permissions"])} & {
        *consent_vocabulary().permissions
    }


def is_general_on_narrow(row):
    held = {token.partition(":")[0] for token in tokens(row["dataset_permissions"])}
    return "GRU" in tokens(row["purpose"]) and not held & {"GRU", "NRES"}


def is_methods_on_disease(row):
    return tokens(row["purpose"]) == ["MDS"] and row["dataset_permissions"].startswith("DS")


def is_denied_without_what_duos_abstains_on(row):
    facets = {"GRU", "HMB", "POA", "MDS", "DS", "CC"}
    plain = [token for token in tokens(row["purpose"]) if token.partition(":")[0] in facets]
    return (
        bool(plain)
        and asked(dataset(row["dataset_permissions"]), research("+".join(plain))).verdict == "deny"
    )


# (what DUOS says, when, what we say): taken from the table, not from the code that is behind it.
DIFFERENCES = [
    # A dataset without any permission is approved; nothing recorded is a no here.
    ("approve", gives_nothing, "deny"),
    ("abstain", gives_nothing, "deny"),
    # Any research is approved on data for one disease, or for origins alone.
    ("approve", is_general_on_narrow, "deny"),
    # Methods are approved on data for one disease without naming a disease; a person must say here.
    ("approve", is_methods_on_disease, "review"),
    # An abstention hides a denial; a denial is a denial here.
    ("abstain", is_denied_without_what_duos_abstains_on, "deny"),
]


def ours(row):
    for says, applies, verdict in DIFFERENCES:
        if row["expected"] == says and applies(row):
            return verdict
    return VERDICTS[row["expected"]]


def test_every_published_case_is_decided_as_duos_does_or_differs_on_purpose(shared_data):
    tables = sorted((shared_data / "duos_truth_table").glob("*.csv"))
    assert tables

    wrong = []
    for table in tables:
        with table.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                decision = asked(dataset(row["dataset_permissions"]), research(row["purpose"]))
                if decision.verdict != ours(row):
                    wrong.append((table.name, row["case_id"], decision.verdict, ours(row)))

    assert wrong == []


@pytest.mark.parametrize(
    ("permissions", "purpose", "expected", "verdict"),
    [
        ("NPU=true", "NPU=true", "approve", "deny"),
        ("DS:DOID_162", "GRU", "approve", "deny"),
        ("POA", "GRU", "approve", "deny"),
        ("DS:DOID_162", "MDS", "approve", "review"),
        ("DS:DOID_162", "HMB+IRB", "abstain", "deny"),
        ("HMB", "HMB+IRB", "abstain", "review"),
        ("HMB", "HMB+pediatric=true", "abstain", "review"),
        ("DS:DOID_162", "DS:DOID_1612", "approve", "permit"),
        ("DS:DOID_1612", "DS:DOID_162", "deny", "deny"),
        ("HMB+NPU=true", "HMB", "deny", "deny"),
        ("HMB+NPU=true", "HMB+NPU=true", "approve", "permit"),
    ],
)
def test_the_differences_are_what_is_decided(permissions, purpose, expected, verdict):
    row = {"dataset_permissions": permissions, "purpose": purpose, "expected": expected}

    assert ours(row) == verdict
    assert asked(dataset(permissions), research(purpose)).verdict == verdict
