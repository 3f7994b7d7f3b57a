"""A bench with boxes and tubes, and files as readers write them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from biobank.core.db import db, unit_of_work
from biobank.racks import scans, service
from biobank.racks.models import RackScan
from biobank.racks.service import Applied, Compared
from biobank.samples.models import Sample
from biobank.storage import service as storage
from biobank.storage.models import Container
from tests.storage.conftest import Bench, FarBench, make_bench

__all__ = ["Bench", "FarBench"]


def two_columns(wells: dict[str, str]) -> bytes:
    """A file without a heading: place, code."""
    return "".join(f"{place},{code}\n" for place, code in wells.items()).encode()


@dataclass
class Racks:
    """One box, and what readers tell of it, each in a unit of work of its own."""

    bench: Bench
    box: Container

    def tubes(self, count: int) -> list[Sample]:
        """Tubes whose maker's codes are FX00000001 and so on."""
        start = getattr(self, "made", 0)
        self.made = start + count
        return [self.bench.tube(container_code=f"FX{start + n:08d}") for n in range(1, count + 1)]

    def keep(self, content: bytes | dict[str, str], box: Container | None = None, **told: Any) -> RackScan:
        data = two_columns(content) if isinstance(content, dict) else content
        where = {"container": box or self.box} | told

        def work() -> RackScan:
            return scans.keep(
                content=data, file_name="rack.csv", source="upload", by=self.bench.by, **where
            ).scan

        key = unit_of_work(lambda: work().id)
        return db.session.get_one(RackScan, key)

    def compare(self, content: bytes | dict[str, str], **how: Any) -> Compared:
        scan = content if isinstance(content, RackScan) else self.keep(content)
        return service.compare(scan=scan, by=self.bench.by, **how)

    def apply(self, content: bytes | dict[str, str] | RackScan, **how: Any) -> Applied:
        scan = content if isinstance(content, RackScan) else self.keep(content)
        return unit_of_work(lambda: service.apply(scan=scan, by=self.bench.by, **how))

    def place(self, tubes: dict[str, Sample], box: Container | None = None) -> None:
        for position, tube in tubes.items():
            self.bench.place(box or self.box, position, sample=tube)

    def stands(self, box: Container | None = None) -> dict[str, str]:
        """Position -> our number of the tube that stands there."""
        db.session.rollback()
        found = storage.what_is_in(box or self.box).by_position
        return {position: occupant.code for position, occupant in found.items()}

    def states(self, content: bytes | dict[str, str], **how: Any) -> dict[str, str]:
        """Position -> state."""
        return {
            entry.position: entry.state.value for entry in self.compare(content, **how).difference.entries
        }


def make_racks(kind: str = "tube_box_8x12", bench: Bench | None = None) -> Racks:
    bench = bench or make_bench()
    return Racks(bench, bench.container(kind))


@pytest.fixture
def racks(app_context: Flask) -> Racks:
    """A rack of 96 places."""
    return make_racks()


@pytest.fixture
def make(app_context: Flask) -> Callable[..., Racks]:
    return make_racks


@pytest.fixture
def far_bench(app: Flask) -> FarBench:
    return FarBench(app)
