"""A site with a study, tubes and boxes, made as plainly as a test of storage needs them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from flask import Flask

from biobank.access.models import Site
from biobank.core import clock, codes
from biobank.core.actor import Actor, job
from biobank.core.db import db, unit_of_work
from biobank.samples.models import Sample
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.studies.models import Study

ALL = job("tests")


@dataclass
class Bench:
    """Makes what stands in a freezer, each thing in a unit of work of its own, and gives back its code or key."""

    site_id: int
    study_id: int
    by: Actor
    made: int = field(default=0)

    def tubes(self, count: int = 1, **columns: object) -> list[Sample]:
        """Samples in the bank's hands, detached from any session; find them again by `id`."""

        def work() -> list[Sample]:
            rows = [Sample(**self._row(code, columns)) for code in codes.issue("sample", "IPC", count)]
            db.session.add_all(rows)
            db.session.flush()
            codes.register_many([(row.code, "sample", row.id) for row in rows], self.site_id)
            codes.register_many(
                [(row.container_code, "tube", row.id) for row in rows if row.container_code], self.site_id
            )
            return rows

        rows = unit_of_work(work)
        for row in rows:
            db.session.refresh(row)
        return rows

    def tube(self, **columns: object) -> Sample:
        return self.tubes(1, **columns)[0]

    def container(self, kind: str = "tube_box_9x9", **where: object) -> Container:
        self.made += 1
        name = str(where.pop("name", f"{kind} {self.made}"))
        made = unit_of_work(
            lambda: storage.make_container(
                site_id=self.site_id, kind=kind, name=name, by=self.by, **where
            )
        )
        db.session.refresh(made)
        return made

    def place(self, container: Container, position: str | None = None, **thing: object):
        return unit_of_work(
            lambda: storage.place(container=container, position=position, by=self.by, **thing)
        )

    def do(self, act: Callable, **arguments: object):
        """One act in a unit of work of its own."""
        return unit_of_work(lambda: act(by=self.by, **arguments))

    def _row(self, code: str, columns: dict[str, object]) -> dict[str, object]:
        now = clock.now()
        plain = {
            "site_id": self.site_id, "study_id": self.study_id, "code": code, "type": "Plasma", "vessel": "tube",
            "status": "available", "origin": "imported", "quantity_kind": "volume", "initial": 500_000,
            "remaining": 500_000, "reserved": 0, "recorded_at": now, "treated_at": now, "treated_precision": "minute",
        }  # fmt: skip
        return plain | columns


def make_bench(site: str = "IPC") -> Bench:
    def work() -> tuple[int, int]:
        row = Site(code=site, name=site, recorded_at=clock.now())
        db.session.add(row)
        db.session.flush()
        study = Study(site_id=row.id, code="ESSAI", title="Essai", recorded_at=clock.now())
        db.session.add(study)
        db.session.flush()
        return row.id, study.id

    site_id, study_id = unit_of_work(work)
    return Bench(site_id, study_id, Actor(key=f"tech-{site}", name="Tove", site_id=site_id))


@pytest.fixture
def bench(app_context: Flask) -> Bench:
    """The bench of one site, in the context of the app."""
    return make_bench()


@pytest.fixture
def other_bench(bench: Bench) -> Bench:
    """The bench of another site."""
    return make_bench("IUCT")
