"""Writes what passed: patients, draws, samples with their lineage, and where each of them came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from biobank.access.models import Site
from biobank.audit import service as audit
from biobank.core import bulk, clock
from biobank.core.actor import Actor
from biobank.core.db import Again, db
from biobank.core.times import When
from biobank.exchange.meaning import inherited
from biobank.exchange.models import ImportedRecord, ImportRun
from biobank.exchange.people import People
from biobank.exchange.planning import Plan
from biobank.exchange.profile import Draft
from biobank.exchange.sifting import Ready
from biobank.samples import making
from biobank.samples.models import CollectionEvent, Processing
from biobank.studies import service as studies_service


@dataclass
class Landing:
    """One import on its way into the bank, inside one unit of work.

    studies  code -> key of the site's studies; those that are opened are added
    locked   keys of the patients whose locks are held
    """

    plan: Plan
    site: Site
    people: People
    studies: dict[str, int]
    locked: set[int]
    by: Actor
    opened: list[str] = field(default_factory=list)
    run: ImportRun | None = None
    _step: Processing | None = None
    _events: dict[tuple[int, int], int] = field(default_factory=dict)

    def write(self, ready: Sequence[Ready], new_patients: Mapping[str, Draft]) -> None:
        """Write rows of one level; what they were made from has been written, or stood here before."""
        if not ready:
            return
        run, step = self._begin()
        self._check_parents(ready, run)
        self.people.take(new_patients, run.id, self.by)
        for code in dict.fromkeys(one.study for one in ready):
            self._open(code)
        events = self._draws(ready)
        items = [self._item(one, event, run) for one, event in zip(ready, events, strict=True)]
        made = making.make_many(
            items,
            site_id=self.site.id,
            site_code=self.site.code,
            step=step,
            happened=When.unknown(),
            by=self.by,
        )
        bulk.insert_rows(
            ImportedRecord,
            [
                self._record(one.draft, one.study, sample.id, run)
                for one, sample in zip(ready, made, strict=True)
            ],
        )

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Say in the record what came in."""
        if self.run is None:
            return
        self.run.summary = dict(summary)
        files = [{"name": file["name"], "sha256": file["sha256"]} for file in self.run.files]
        told = {"profile": self.run.profile, "files": files, "summary": dict(summary)}
        audit.record(by=self.by, act="imported", subject=("import", str(self.run.id)), after=told)

    def _begin(self) -> tuple[ImportRun, Processing]:
        if self.run is None or self._step is None:
            files = [
                {"name": file.name, "sha256": file.sha256, "kinds": list(file.kinds), "rows": file.rows}
                for file in self.plan.files
            ]
            self.run = ImportRun(
                site_id=self.site.id, profile=self.plan.profile.name, files=files, summary={},
                recorded_at=clock.now(), actor_key=self.by.key,
            )  # fmt: skip
            db.session.add(self.run)
            self._step = making.start("import", self.site.id, happened=When.unknown(), by=self.by)
        return self.run, self._step

    def _check_parents(self, ready: Sequence[Ready], run: ImportRun) -> None:
        """Nothing is ever orphaned, and nobody's material is touched whose lock is not held."""
        for one in ready:
            if len(one.parents) != len(one.draft.parents):
                raise RuntimeError(f"{one.draft.external_id}: not everything it was made from stands here")
            for parent in one.parents:
                if parent.run_id != run.id and not self.locked.issuperset(parent.donors):
                    raise Again  # somebody became its donor since the locks were taken

    def _open(self, code: str) -> None:
        if code not in self.studies:
            study = studies_service.open_study(code=code, title=code, site_id=self.site.id, by=self.by)
            self.studies[code] = study.id
            self.opened.append(code)

    def _draws(self, ready: Sequence[Ready]) -> list[int | None]:
        """The draw of each: its parent's; one of its own for each patient and study, whose time nobody knows."""
        new: dict[tuple[int, int], int] = {}
        for one in ready:
            key = self._draw_key(one)
            if key and key not in self._events:
                new[key] = 0
        keys = bulk.next_keys(CollectionEvent, len(new))
        self._events |= dict(zip(new, keys, strict=True))
        now = clock.now()
        bulk.insert_rows(
            CollectionEvent,
            [
                {"id": self._events[patient, study], "site_id": self.site.id, "patient_id": patient,
                 "study_id": study, "visit": None, "happened_at": None, "precision": "unknown", "recorded_at": now}
                for patient, study in new
            ],
        )  # fmt: skip
        return [self._events[key] if (key := self._draw_key(one)) else _common_draw(one) for one in ready]

    def _draw_key(self, one: Ready) -> tuple[int, int] | None:
        if one.parents:
            return None
        return self.people.ids[one.draft.patient_code or ""], self.studies[one.study]

    def _item(self, one: Ready, event: int | None, run: ImportRun) -> making.NewSample:
        draft, donors = one.draft, one.donors
        told: dict[str, Any] = {"file": draft.file, "row": draft.row}
        if not one.parents:
            donors = (self.people.ids[draft.patient_code or ""],)
            told |= {"subject": self.people.subjects[donors[0]], "study": one.study}
        quantity = draft.quantity
        return making.NewSample(
            study_id=self.studies[one.study],
            type=self._type(one, run),
            origin="imported",
            donors=donors,
            collection_event_id=event,
            quantity=(quantity.kind, quantity.base) if quantity else None,
            left_known=not (quantity and quantity.at_start),
            container_code=None if draft.maker_code_shared else draft.maker_code,
            parents=one.parents,
            told=told,
        )

    def _type(self, one: Ready, run: ImportRun) -> str:
        """The files know the type of a part of something in them; of a part of what stood here, the bank does."""
        draft = one.draft
        if not draft.inherits_type or not one.parents or one.parents[0].run_id == run.id:
            return draft.type
        level = next(level for level in self.plan.profile.levels if level.name == draft.level)
        return inherited(level, draft.raw, draft.outside, one.parents[0].type)

    def _record(self, draft: Draft, study: str, sample_id: int, run: ImportRun) -> dict[str, Any]:
        raw = dict(draft.raw)
        if draft.maker_code_shared and draft.maker_code:
            raw["submitter_id"] = draft.maker_code
        if draft.project and draft.project != study:
            raw["project_id"] = draft.project
        return {
            "run_id": run.id,
            "site_id": self.site.id,
            "profile": self.plan.profile.name,
            "external_id": draft.external_id,
            "level": draft.level,
            "sample_id": sample_id,
            "patient_id": None,
            "file": draft.file,
            "row": draft.row,
            "hash": draft.digest,
            "raw": raw,
        }


def _common_draw(one: Ready) -> int | None:
    draws = {parent.event_id for parent in one.parents}
    return draws.pop() if len(draws) == 1 else None
