"""The patients of an import: who stands here already, who is new, and who cannot be whom the files mean."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import bulk, clock, codes
from biobank.core.actor import Actor
from biobank.core.db import chunks, db
from biobank.exchange.models import ImportedRecord
from biobank.exchange.profile import Draft
from biobank.patients.models import Patient

CASE = "case"
Fault = tuple[str, Mapping[str, Any]]
"""The code of what is wrong, and what fills its sentence."""


@dataclass
class People:
    """Everybody the files name, by the code they give them.

    named  code -> the other system's id of the case, None where the files have none
    """

    named: Mapping[str, str | None]
    profile: str
    site_id: int | None
    ids: dict[str, int] = field(default_factory=dict)
    """Code -> key, of those who stand here."""
    subjects: dict[int, str | None] = field(default_factory=dict)
    """Key -> what stands for the person in the record."""
    faults: dict[str, Fault] = field(default_factory=dict)
    """Code -> why nothing of theirs can be taken."""
    recorded: set[str] = field(default_factory=set)
    """Codes whose case has been imported."""
    cases: set[str] = field(default_factory=set)
    """What the other system calls all of them."""

    def look(self) -> None:
        """Find out who stands here already."""
        self.cases = {self.case_of(code) for code in self.named}
        for some in chunks(list(self.named), 500):
            self._look(some)

    def _look(self, some: Sequence[str]) -> None:
        cases = {self.case_of(code): code for code in some}
        mine = select(ImportedRecord).where(
            ImportedRecord.site_id == self.site_id, ImportedRecord.profile == self.profile
        )
        for record in db.session.scalars(mine.where(ImportedRecord.external_id.in_(cases))):
            code = cases[record.external_id]
            if record.patient_id is None:
                place = f"{record.file}:{record.row}"
                params = {"id": record.external_id, "level": CASE, "other": record.level, "first": place}
                self.faults[code] = ("import_id_at_two_levels", params)
                continue
            self.ids[code] = record.patient_id
            self.recorded.add(code)
        patients = select(Patient.code, Patient.id, Patient.subject_key).where(
            Patient.site_id == self.site_id
        )
        here = {}
        for code, key, subject in db.session.execute(patients.where(Patient.code.in_(some))):
            here[code] = key
            self.subjects[key] = subject
        for code in some:
            if code in self.recorded and here.get(code) != self.ids[code]:
                self.faults[code] = (
                    "import_case_known_otherwise", {"case": self.case_of(code), "patient": code},
                )  # fmt: skip
        unrecorded = {key: code for code, key in here.items() if code not in self.recorded}
        self.ids |= {code: key for key, code in unrecorded.items()}
        if unrecorded:
            others = mine.where(ImportedRecord.level == CASE, ImportedRecord.patient_id.in_(unrecorded))
            for record in db.session.scalars(others):
                self._compare(unrecorded[record.patient_id], record.external_id)  # type: ignore[index]
        if self.site_id is not None:
            for code, kind in codes.taken_codes(set(some) - set(here), self.site_id).items():
                self.faults.setdefault(code, ("import_patient_code_taken", {"code": code, "kind": kind}))

    def _compare(self, code: str, other: str) -> None:
        """A patient found by code alone was imported before, as the case `other`."""
        if other != code and self.named[code] is not None:
            names = {"case": f"{code} / {self.named[code]}", "other": f"{code} / {other}"}
            self.faults[code] = ("import_case_named_twice", names)

    def case_of(self, code: str) -> str:
        """What the other system calls the patient; where the files have no id of the case, the code."""
        return self.named[code] or code

    def take(self, first: Mapping[str, Draft], run_id: int, by: Actor) -> None:
        """Enrol those of these patients who are new, and remember the case of each.

        first  code -> the first row that names the patient
        """
        assert self.site_id is not None  # noqa: S101  the site is set up before anything is written
        self._enrol([code for code in first if code not in self.ids], by)
        bulk.insert_rows(
            ImportedRecord,
            [
                {
                    "run_id": run_id,
                    "site_id": self.site_id,
                    "profile": self.profile,
                    "external_id": self.case_of(code),
                    "level": CASE,
                    "sample_id": None,
                    "patient_id": self.ids[code],
                    "file": draft.file,
                    "row": draft.row,
                    "hash": _digest(CASE, self.case_of(code), code),
                    "raw": {},
                }
                for code, draft in first.items()
            ],
        )

    def _enrol(self, new: Sequence[str], by: Actor) -> None:
        """What `patients.service.enrol` does, for many at once."""
        now = clock.now()
        rows: list[dict[str, Any]] = [
            {
                "id": key,
                "site_id": self.site_id,
                "code": code,
                "subject_key": secrets.token_hex(16),
                "veil_key": secrets.token_hex(32),
                "sex": "unknown",
                "birth_year": None,
                "recorded_at": now,
            }
            for key, code in zip(bulk.next_keys(Patient, len(new)), new, strict=True)
        ]
        bulk.insert_rows(Patient, rows)
        bulk.insert_rows(
            codes.ScannableCode,
            [
                {"code": row["code"], "kind": "patient", "target_id": row["id"], "site_id": self.site_id}
                for row in rows
            ],
        )
        for row in rows:
            told = {name: audit.veil(row[name], row["veil_key"]) for name in ("code", "sex", "birth_year")}
            audit.record(by=by, act="enrolled", subject=("patient", row["subject_key"]), after=told)
        self.ids |= {row["code"]: row["id"] for row in rows}
        self.subjects |= {row["id"]: row["subject_key"] for row in rows}

    def to_take(self, drafts: Iterable[Draft]) -> dict[str, Draft]:
        """Code -> first of these rows, of the patients whose case is not recorded yet; from now on it is."""
        first: dict[str, Draft] = {}
        for draft in drafts:
            if draft.patient_code and draft.patient_code not in self.recorded:
                first.setdefault(draft.patient_code, draft)
        self.recorded |= first.keys()
        return first


def _digest(*said: str) -> str:
    return hashlib.sha256("\x1f".join(said).encode()).hexdigest()
