"""How full freezers are is kept by the acts themselves: whatever is done, it is what is counted anew."""

import importlib.util
import random
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import update

from biobank import migrations
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError
from biobank.samples.models import Sample
from biobank.storage import building, bulk, checks, tally, undoing
from biobank.storage import service as storage
from biobank.storage.layouts import Level
from biobank.storage.models import Container, StockFlow, StockTally
from tests.conftest import NOON
from tests.storage.test_races import at_once

MIGRATIONS = Path(migrations.__file__).parent


@pytest.fixture
def freezers(bench):
    """Two freezers with a shelf, a rack and two boxes each."""
    levels = [Level("shelf", 1), Level("drawer_rack", 1), Level("tube_box_9x9", 2, "Box {n}")]
    return [
        bench.do(
            building.build, site_id=bench.site_id, kind="freezer_minus80", name=name, levels=levels
        ).container
        for name in ("F1", "F2")
    ]


def of_kind(kind):
    return list(db.session.query(Container).filter_by(kind=kind).order_by(Container.id))


def wrong():
    db.session.rollback()
    return list(tally.differences())


def samples_in(root):
    db.session.rollback()
    return sum(row.samples for row in db.session.query(StockTally).filter_by(root_id=root.id))


class Hands:
    """Does one thing after another, each chosen by chance; what is refused changes nothing."""

    def __init__(self, bench, seed):
        self.bench, self.chance = bench, random.Random(seed)
        self.tubes = [tube.id for tube in bench.tubes(12)]
        self.placements = []

    def act(self):
        name = self.chance.choice(
            ["put", "put", "out", "carry", "carry", "lift", "many", "undo", "new", "both", "gone"]
        )
        unit_of_work(getattr(self, name))

    def tube(self):
        return db.session.get(Sample, self.chance.choice(self.tubes))

    def box(self, kind="tube_box_9x9"):
        return self.chance.choice(of_kind(kind))

    def put(self):
        at = self.chance.choice(["A1", "A2", "B5", "I9"])
        self.placements.append(
            storage.put(container=self.box(), position=at, sample=self.tube(), by=self.bench.by).placement.id
        )

    def out(self):
        self.placements.append(storage.take_out(sample=self.tube(), by=self.bench.by).id)

    def carry(self):
        kind, into = self.chance.choice([("tube_box_9x9", "drawer_rack"), ("drawer_rack", "shelf")])
        placed = storage.put(container=self.box(into), child=self.box(kind), next_free=True, by=self.bench.by)
        self.placements.append(placed.placement.id)

    def lift(self):
        kind = self.chance.choice(["tube_box_9x9", "drawer_rack"])
        self.placements.append(storage.take_out(child=self.box(kind), by=self.bench.by).id)

    def many(self):
        keys = self.chance.sample(self.tubes, 3)
        bulk.put_many(self.box(), dict(zip(("C1", "C2", "C3"), keys, strict=True)), self.bench.by)

    def undo(self):
        if self.placements:
            undoing.undo_placed(self.chance.choice(self.placements[-3:]), self.bench.by)

    def new(self):
        storage.make_container(
            site_id=self.bench.site_id,
            kind="tube_box_9x9",
            name="new",
            parent=self.box("drawer_rack"),
            by=self.bench.by,
        )

    def both(self):
        """Several in one unit of work: a tube into a box that is carried away, with its rack behind it."""
        box, rack = self.box(), self.box("drawer_rack")
        if self.chance.random() < 0.5:
            storage.put(container=self.box("shelf"), child=rack, next_free=True, by=self.bench.by)
        storage.put(container=rack, child=box, next_free=True, by=self.bench.by)
        storage.put(container=box, sample=self.tube(), next_free=True, by=self.bench.by)

    def gone(self):
        storage.lose(sample=self.tube(), by=self.bench.by)
        if self.chance.random() < 0.8:
            raise BiobankError("given_up")  # what was noted is given up with it


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_done_in_whatever_order_the_tallies_are_what_is_counted_anew(
    bench, freezers, frozen_clock, seed
):
    hands = Hands(bench, seed)

    refused = 0
    for number in range(60):
        with clock.freeze(NOON + timedelta(hours=7 * number)):
            try:
                hands.act()
            except BiobankError:
                refused += 1
            assert wrong() == []

    assert refused < 50
    assert checks.checks() == []


def test_a_box_takes_its_tubes_and_their_days_with_it(bench, freezers, frozen_clock):
    box, (_, rack) = of_kind("tube_box_9x9")[0], of_kind("drawer_rack")
    for tube in bench.tubes(3):
        bench.do(storage.put, container=box, sample=tube, next_free=True)
    with clock.freeze(NOON + timedelta(days=5)):
        bench.place(rack, "9", child=box)

    assert [samples_in(root) for root in freezers] == [0, 3]
    flows = db.session.query(StockFlow.root_id, StockFlow.day, StockFlow.net).filter(StockFlow.net != 0).all()
    assert flows == [(freezers[1].id, NOON.date(), 3)]


@pytest.mark.parametrize("_round", range(4))
def test_tubes_taken_out_while_their_box_is_carried_away_are_counted_once(app, bench, freezers, _round):
    box, (_, rack) = of_kind("tube_box_9x9")[0], of_kind("drawer_rack")
    tubes = [tube.id for tube in bench.tubes(3)]
    for key in tubes:
        bench.do(storage.put, container=box, sample=db.session.get(Sample, key), next_free=True)
    box_id, rack_id = box.id, rack.id

    def out(key):
        return lambda: storage.take_out(sample=db.session.get(Sample, key), by=bench.by)

    outcomes = at_once(
        app,
        *(out(key) for key in tubes[:2]),
        lambda: storage.put(
            container=db.session.get(Container, rack_id), child=db.session.get(Container, box_id), next_free=True,
            by=bench.by,
        ),
    )  # fmt: skip

    assert outcomes == [None, None, None]
    assert wrong() == []
    assert [samples_in(root) for root in freezers] == [0, 1]


def test_what_is_told_wrong_is_found_at_night_and_counted_anew(bench, freezers):
    box = of_kind("tube_box_9x9")[0]
    bench.place(box, "A1", sample=bench.tube())
    unit_of_work(lambda: db.session.execute(update(StockTally).values(samples=StockTally.samples + 5)))
    unit_of_work(lambda: db.session.execute(update(StockFlow).values(net=9)))

    found = checks.checks()
    unit_of_work(tally.recount)

    assert f"storage: tallied wrong: {freezers[0].code}, tube_box_9x9: off by samples 5" in found
    assert any("what came on" in line and "off by 8" in line for line in found)
    assert wrong() == []


def test_a_bank_that_was_there_before_is_counted_when_it_is_migrated(app, bench, freezers):
    for box in of_kind("tube_box_9x9")[:3]:
        bench.place(box, "A1", sample=bench.tube())
    bench.do(storage.take_out, sample=db.session.query(Sample).first())
    bench.container("drawer_rack")
    first = freezers[0].id
    db.session.remove()

    path = MIGRATIONS / "versions" / "0003_the_bench.py"
    spec = importlib.util.spec_from_file_location("the_bench", path)
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    with db.engine.begin() as connection:
        for table in ("stock_flow", "stock_tally"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        with Operations.context(MigrationContext.configure(connection)):
            migration._tallies()

    assert wrong() == []
    assert sum(row.samples for row in db.session.query(StockTally).filter_by(root_id=first)) == 1
