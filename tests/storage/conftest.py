"""A site with a study, tubes and boxes, made as plainly as a test of storage needs them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from flask import Flask

from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import db, unit_of_work
from biobank.samples.models import QuantityEntry, Sample
from biobank.storage import service as storage
from biobank.storage.models import Container
from biobank.storage.places import Step
from biobank.studies.models import Study
from tests import people


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
            db.session.add_all(self._entry(row) for row in rows if row.remaining)
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
            lambda: storage.make_container(site_id=self.site_id, kind=kind, name=name, by=self.by, **where)
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

    def _entry(self, row: Sample) -> QuantityEntry:
        """What its ledger begins with."""
        told = {"recorded_at": row.recorded_at, "actor_key": self.by.key}
        return QuantityEntry(sample_id=row.id, amount=row.remaining, act="imported", **told)

    def _row(self, code: str, columns: dict[str, object]) -> dict[str, object]:
        now = clock.now()
        plain = {
            "site_id": self.site_id, "study_id": self.study_id, "code": code, "type": "Plasma", "vessel": "tube",
            "status": "available", "origin": "imported", "quantity_kind": "volume", "initial": 500_000,
            "remaining": 500_000, "reserved": 0, "recorded_at": now, "treated_at": now, "treated_precision": "minute",
        }  # fmt: skip
        return plain | columns


def make_bench(code: str = "IPC") -> Bench:
    site_id = people.site(code).id

    def work() -> int:
        study = Study(site_id=site_id, code="ESSAI", title="Essai", recorded_at=clock.now())
        db.session.add(study)
        db.session.flush()
        return study.id

    return Bench(site_id, unit_of_work(work), Actor(key=f"tech-{code}", name="Tove", site_id=site_id))


@pytest.fixture
def bench(app_context: Flask) -> Bench:
    """The bench of one site, in the context of the app."""
    return make_bench()


@pytest.fixture
def other_bench(bench: Bench) -> Bench:
    """The bench of another site."""
    return make_bench("IUCT")


class Row(NamedTuple):
    """A row, for tests that hold no context open: whoever asks over HTTP must not share the asker of the test."""

    id: int
    code: str


class FarBench:
    """The same bench, seen from outside the app."""

    def __init__(self, app: Flask, site: str = "IPC") -> None:
        self.app = app
        with app.app_context():
            self.bench = make_bench(site)

    def tubes(self, count: int = 1, **columns: object) -> list[Row]:
        with self.app.app_context():
            return [Row(tube.id, tube.code) for tube in self.bench.tubes(count, **columns)]

    def tube(self, **columns: object) -> Row:
        return self.tubes(1, **columns)[0]

    def container(self, kind: str = "tube_box_9x9", **where: object) -> Row:
        with self.app.app_context():
            made = self.bench.container(kind, **where)
            return Row(made.id, made.code)

    def where_is(self, tube: Row) -> list[Step] | None:
        with self.app.app_context():
            return storage.where_is([tube.id]).get(tube.id)


@pytest.fixture
def far_bench(app: Flask) -> FarBench:
    return FarBench(app)
