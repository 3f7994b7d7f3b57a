"""Two people who look into one freezer in the same moment."""

import pytest
from sqlalchemy import select

from biobank.core.db import db
from biobank.quality import discrepancies, inventory, service
from biobank.quality.models import Discrepancy, Inventory, InventoryLine, NonConformity
from biobank.samples import holds
from biobank.samples.models import Sample
from biobank.storage import checks
from tests.racing import refusals, together
from tests.storage.conftest import make_bench


@pytest.fixture
def place(app):
    """A bench, a box, and the key of the tube at its first place."""
    with app.app_context():
        bench = make_bench()
        box, tube = bench.container("tube_box_4x6"), bench.tube()
        bench.place(box, "A1", sample=tube)
        yield bench, box, tube.id


def test_a_difference_is_settled_once(app, place):
    bench, box, tube = place
    row = bench.do(
        discrepancies.open_discrepancy, container=box, position="A01", kind="missing", source="bench",
        sample=db.session.get_one(Sample, tube),
    ).id  # fmt: skip

    def settle(how):
        found = db.session.get_one(Discrepancy, row)
        return discrepancies.settle(discrepancy=found, how=how, by=bench.by).id

    outcomes = together(app, lambda: settle("found"), lambda: settle("lost"))

    assert refusals(outcomes) == ["discrepancy_settled"]
    assert holds.open_holds([tube]) == {}
    assert checks.checks() == []


def test_a_tube_that_two_people_miss_is_on_the_worklist_once(app, place):
    bench, box, tube = place
    key = box.id

    def miss():
        from biobank.storage.models import Container

        return discrepancies.open_discrepancy(
            container=db.session.get_one(Container, key), position="A01", kind="missing", source="bench",
            sample=db.session.get_one(Sample, tube), by=bench.by,
        ).id  # fmt: skip

    outcomes = together(app, miss, miss)

    assert refusals(outcomes) == []
    assert outcomes[0] == outcomes[1]
    assert len(holds.open_holds([tube])[tube]) == 1


def test_a_place_is_marked_once(app, place):
    bench, box, _tube = place
    found = bench.do(inventory.open_inventory, container=box, kind="whole").id
    line = db.session.scalar(select(InventoryLine.id).where(InventoryLine.inventory_id == found))

    def mark(outcome):
        return inventory.mark(line=db.session.get_one(InventoryLine, line), outcome=outcome, by=bench.by).id

    outcomes = together(app, lambda: mark("right"), lambda: mark("missing"))

    assert refusals(outcomes) in (["line_checked"], ["inventory_closed"])
    assert db.session.get_one(Inventory, found).closed_at is not None


def test_a_non_conformity_is_closed_once(app, place):
    bench, _box, tube = place
    item = bench.do(
        service.record, sample=db.session.get_one(Sample, tube), code="broken", stage="storage"
    ).id

    def close():
        return service.close(item=db.session.get_one(NonConformity, item), action="mended", by=bench.by).id

    outcomes = together(app, close, close)

    assert refusals(outcomes) == ["non_conformity_closed"]
    assert holds.open_holds([tube]) == {}
