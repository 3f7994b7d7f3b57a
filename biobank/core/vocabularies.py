"""The code lists the biobank speaks: sample types, storage temperatures, consent terms and their rules, diseases.

Read from `config/vocabularies/*.csv` once, when first asked for. Each list carries a `version`, which changes whenever
a cell of its file changes. Diseases have their own file, `biobank/core/diseases.py`, and are reached through here.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Generic, TypeVar

from biobank.core.diseases import Diseases, clean_disease, diseases, icd10_version

__all__ = [
    "NO_EFFECT",
    "NO_PERMISSION",
    "CommandReason",
    "ConsentVocabulary",
    "Diseases",
    "DuoTerm",
    "LegalGate",
    "ModifierRule",
    "NonConformityReason",
    "PermissionCell",
    "ResearchType",
    "SampleType",
    "StorageTemperature",
    "Table",
    "clean_disease",
    "command_reasons",
    "consent_vocabulary",
    "diseases",
    "duo_terms",
    "germinal_types",
    "icd10_version",
    "legal_gates",
    "modifier_rules",
    "non_conformities",
    "permission_matrix",
    "research_types",
    "sample_types",
    "storage_temperatures",
    "versions",
]

FOLDER = Path(__file__).parents[2] / "config" / "vocabularies"

# What the permission column of the matrix says where a consent permits nothing at all.
NO_PERMISSION = "none"
# What an outcome column says where a modifier changes nothing.
NO_EFFECT = "-"

Key = TypeVar("Key")
Row = TypeVar("Row")


class Table(dict[Key, Row], Generic[Key, Row]):
    """Rows by their code, in the order of the file, with the version of the file."""

    def __init__(self, rows: Mapping[Key, Row], version: str) -> None:
        super().__init__(rows)
        self.version = version


@dataclass(frozen=True)
class SampleType:
    """A kind of material, by its MIABIS code; the other codings are empty where there is none."""

    code: str
    label: str
    collection_code: str
    """The coarser type a collection is described with."""
    sprec_code: str
    snomed_code: str
    hl7_code: str
    """HL7 v2 table 0487."""
    bbmri_de_code: str


@dataclass(frozen=True)
class StorageTemperature:
    """A class of storage temperature; the bounds are in °C, None where open."""

    label: str
    code: str
    """MIABIS-on-FHIR has one code for both phases of liquid nitrogen, and none for "< -135 °C"."""
    bbmri_de_code: str
    key: str
    low_c: float | None
    high_c: float | None


@dataclass(frozen=True)
class DuoTerm:
    """A term of the Data Use Ontology."""

    id: str
    """`DUO:0000007`"""
    code: str
    """`DS`; empty for the terms that have no shorthand."""
    label: str
    kind: str
    """permission, modifier, investigation, root or deprecated"""
    parameter: str
    """What stands after the colon, such as "disease code(s)"."""


@dataclass(frozen=True)
class PermissionCell:
    """What one permission answers to one purpose: PERMIT, DENY, REVIEW, or COND and the condition in words."""

    outcome: str
    condition: str


@dataclass(frozen=True)
class ModifierRule:
    """What a modifier asks, and what follows from each answer."""

    code: str
    test: str
    if_true: str
    if_false: str
    if_unknown: str
    obligation: str
    """What whoever uses the sample is bound to."""
    gate: bool
    """Stands over all consents of the person, not only over the one it was given in."""

    @property
    def adds_permission(self) -> bool:
        """Whether the term gives something instead of taking it: such a term falls with a withdrawal."""
        return self.test.startswith("(additive)")

    @cached_property
    def inert(self) -> bool:
        """Whether it never changes a verdict."""
        return {self.if_true, self.if_false, self.if_unknown} == {NO_EFFECT}


@dataclass(frozen=True)
class LegalGate:
    """What the law asks before any consent is looked at."""

    code: str
    """The reason's code."""
    verdict: str
    """DENY or REVIEW"""
    label: str
    label_fr: str
    law: str


@dataclass(frozen=True)
class ResearchType:
    """A kind of research that a consent may be limited to (`RS:biomarker`)."""

    code: str
    label: str
    label_fr: str


@dataclass(frozen=True)
class NonConformityReason:
    """Something that can be wrong with a tube or a container."""

    code: str
    label: str
    label_fr: str
    stages: frozenset[str]
    """When it is offered: arrival, processing, storage, transfer."""
    bars_shipping: bool
    """A tube with it is held until somebody has dealt with it."""
    key: str
    """The one key that chooses it."""


@dataclass(frozen=True)
class CommandReason:
    """A reason that has a command card: of a discard, or of a non-conformity."""

    number: int
    """On the card; fixed for ever."""
    verb: str
    """reason or non_conformity"""
    reason: str


@cache
def sample_types() -> Table[str, SampleType]:
    """Every MIABIS sample type by its code, such as `Plasma`."""
    rows, version = _read("miabis_sample_type.csv")
    types = (
        SampleType(
            code=row["miabis_fhir_code"],
            label=row["miabis_label"],
            collection_code=row["collection_level_code"],
            sprec_code=row["sprec_code"],
            snomed_code=row["snomed_code"],
            hl7_code=row["hl7_v2_0487"],
            bbmri_de_code=row["bbmri_de_code"],
        )
        for row in rows
    )
    return Table({kind.code: kind for kind in types}, version)


@cache
def storage_temperatures() -> tuple[StorageTemperature, ...]:
    """Every class of storage temperature, from warm to cold."""
    rows, _ = _read("miabis_storage_temperature.csv")
    return tuple(
        StorageTemperature(
            label=row["miabis_label"],
            code=row["miabis_fhir_code"],
            bbmri_de_code=row["bbmri_de_code"],
            key=row["internal_key"],
            low_c=float(row["low_c"]) if row["low_c"] else None,
            high_c=float(row["high_c"]) if row["high_c"] else None,
        )
        for row in rows
    )


@cache
def duo_terms(folder: Path = FOLDER) -> Table[str, DuoTerm]:
    """Every DUO term by its id."""
    rows, version = _read("duo.csv", folder)
    return Table(
        {
            row["id"]: DuoTerm(row["id"], row["shorthand"], row["label"], row["kind"], row["parameter"])
            for row in rows
        },
        version,
    )


@cache
def permission_matrix(folder: Path = FOLDER) -> Table[tuple[str, str], PermissionCell]:
    """What each permission answers to each purpose, by (permission, purpose)."""
    rows, version = _read("duo_permission_matrix.csv", folder)
    return Table(
        {
            (row["permission"], row["purpose"]): PermissionCell(row["outcome"], row["condition"])
            for row in rows
        },
        version,
    )


@cache
def modifier_rules(folder: Path = FOLDER) -> Table[str, ModifierRule]:
    """The modifiers of DUO and our own, by shorthand."""
    duo, duo_version = _read("duo_modifier_rules.csv", folder)
    own, own_version = _read("own_modifier_rules.csv", folder)
    rules = (
        ModifierRule(
            code=row["shorthand"],
            test=row["test"],
            if_true=row["if_true"],
            if_false=row["if_false"],
            if_unknown=row["if_unknown"],
            obligation=row["obligation_on_permit"],
            gate=row.get("gate") == "yes",
        )
        for row in [*duo, *own]
    )
    return Table({rule.code: rule for rule in rules}, f"{duo_version}.{own_version}")


@cache
def legal_gates(folder: Path = FOLDER) -> Table[str, LegalGate]:
    """The gates of the law by the code of their reason, in the order they are asked."""
    rows, version = _read("legal_gates.csv", folder)
    return Table({row["code"]: LegalGate(**row) for row in rows}, version)


@cache
def research_types(folder: Path = FOLDER) -> Table[str, ResearchType]:
    """Every kind of research by its code, such as `biomarker`."""
    rows, version = _read("research_types.csv", folder)
    return Table({row["code"]: ResearchType(**row) for row in rows}, version)


@cache
def germinal_types() -> frozenset[str]:
    """Sample types that hold germinal tissue or cells, which the law guards more closely."""
    return frozenset(row["code"] for row in _read("germinal_types.csv")[0])


class ConsentVocabulary:
    """Everything `consent.rules` reads: terms, matrix, modifiers, diseases; and one version for the whole."""

    def __init__(self, folder: Path = FOLDER, load_diseases: Callable[[], Diseases] = diseases) -> None:
        self.terms = duo_terms(folder)
        self.matrix = permission_matrix(folder)
        self.modifiers = modifier_rules(folder)
        self.gates = legal_gates(folder)
        self.research_types = research_types(folder)
        self.permissions = frozenset(permission for permission, _ in self.matrix) - {NO_PERMISSION}
        self.purposes = frozenset(purpose for _, purpose in self.matrix)
        additive = {code for code, rule in self.modifiers.items() if rule.adds_permission}
        self.permissive = self.permissions | additive
        """Codes that give something; every other term restricts."""
        self.names = self._all_names()
        self.version = (
            f"DUO terms {self.terms.version}, matrix {self.matrix.version},"
            f" modifiers {self.modifiers.version}, gates {self.gates.version},"
            f" kinds of research {self.research_types.version}, {icd10_version()}"
        )
        self._load_diseases = load_diseases

    def _all_names(self) -> dict[str, str]:
        """Every way to write a term, in upper case, and its code: `DS`, `DUO:0000007` and `DUO_0000007` are one."""
        names = {code: code for code in self.modifiers}
        for term in self.terms.values():
            code = term.code or term.id
            names |= {code: code, term.id: code, term.id.replace(":", "_"): code}
        return names

    @cached_property
    def diseases(self) -> Diseases:
        """Loaded when the first disease is looked up."""
        return self._load_diseases()


@cache
def consent_vocabulary() -> ConsentVocabulary:
    """The vocabulary in force."""
    return ConsentVocabulary()


@cache
def non_conformities() -> Table[str, NonConformityReason]:
    """Everything that can be wrong, by its code, such as `haemolysis`."""
    rows, version = _read("non_conformities.csv")
    reasons = (
        NonConformityReason(
            code=row["code"],
            label=row["english"],
            label_fr=row["french"],
            stages=frozenset(row["stages"].split()),
            bars_shipping=row["bars_shipping"] == "yes",
            key=row["key"],
        )
        for row in rows
    )
    return Table({reason.code: reason for reason in reasons}, version)


@cache
def command_reasons() -> tuple[CommandReason, ...]:
    """Every reason that has a command card."""
    rows, _ = _read("command_reasons.csv")
    return tuple(CommandReason(int(row["number"]), row["verb"], row["reason"]) for row in rows)


def versions() -> dict[str, str]:
    """Every list with its version."""
    return {
        "duo": duo_terms().version,
        "permission_matrix": permission_matrix().version,
        "modifier_rules": modifier_rules().version,
        "legal_gates": legal_gates().version,
        "research_types": research_types().version,
        "sample_types": sample_types().version,
        "storage_temperatures": _read("miabis_storage_temperature.csv")[1],
        "diseases": icd10_version(),
    }


def _read(name: str, folder: Path = FOLDER) -> tuple[list[dict[str, str]], str]:
    """The rows of a list and its version: the start of the file's SHA-256, so that no change goes unseen."""
    content = (folder / name).read_bytes()
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    return rows, hashlib.sha256(content).hexdigest()[:8]
