"""How full freezers and boxes are, how fast they fill, and when they will be full."""

from datetime import timedelta

import pytest

from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.samples import holds
from biobank.storage import building, capacity, claims
from biobank.storage import service as storage
from biobank.storage.forecasting import WEEKS, Outlook
from biobank.storage.layouts import Level
from biobank.storage.models import Container, Placement
from tests.conftest import NOON
from tests.storage.counting import statements

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def freezer(bench):
    """One shelf, one rack of 24 places with two boxes of 81 in it."""
    levels = [Level("shelf", 1), Level("drawer_rack", 1), Level("tube_box_9x9", 2, "Box {n}")]
    return unit_of_work(
        lambda: (
            building.build(
                site_id=bench.site_id, kind="freezer_minus80", name="F", levels=levels, by=bench.by
            ).container
        )
    )


def boxes():
    return list(db.session.query(Container).filter_by(kind="tube_box_9x9").order_by(Container.id))


def put(bench, box, positions, weeks_ago=0.0):
    """Tubes into these places, so long ago."""
    tubes = bench.tubes(len(positions))
    with clock.freeze(NOON - timedelta(weeks=weeks_ago)):
        for tube, position in zip(tubes, positions, strict=True):
            bench.place(box, position, sample=tube)
    return tubes


def places(first, count):
    """Count places from the `first`-th on, of a 9 × 9 box."""
    return [f"{'ABCDEFGHI'[(number) // 9]}{number % 9 + 1}" for number in range(first, first + count)]


def test_what_is_used_free_kept_and_still_to_come_is_told_apart(bench, freezer):
    box, _ = boxes()
    held, *_ = put(bench, box, places(0, 10))
    bench.do(claims.block, container=box, position="I9", why="cracked")
    bench.do(claims.reserve, container=box, positions=["I7", "I8"])
    bench.do(holds.hold, sample=held, code="quarantine", note=None)

    fill = capacity.fill_below([freezer.id], with_holds=True)[freezer.id]

    assert (fill.samples, fill.places, fill.boxes) == (10, 162, 2)
    assert (fill.blocked, fill.reserved, fill.held) == (1, 2, 1)
    assert fill.free == 162 - 10 - 3
    assert (fill.room_for, fill.more) == (22, 22 * 81)  # boxes of the kind that stand there mostly
    assert fill.share == pytest.approx(10 / (24 * 81))


def line_of(bench, freezer):
    return next(line for line in capacity.report(bench.by).freezers if line.container.id == freezer.id)


def test_a_freezer_that_fills_steadily_is_foretold(bench, freezer):
    one, two = boxes()
    for week in range(WEEKS):  # six more each week
        put(bench, (one, two)[week // 8], places(week % 8 * 6, 6), weeks_ago=WEEKS - week - 0.5)

    found = line_of(bench, freezer)

    left = 24 * 81 - 6 * WEEKS
    assert (found.forecast.outlook, found.forecast.per_week) == (Outlook.FILLING, 6)
    assert found.forecast.on == found.forecast.earliest == found.forecast.latest
    assert abs((found.forecast.on - NOON.date()).days - left / 6 * 7) <= 1
    kind = next(line for line in capacity.report(bench.by).boxes if line.kind == "tube_box_9x9")
    assert kind.fill.free == 162 - 6 * WEEKS
    assert kind.forecast.on < found.forecast.on  # the boxes there are full before the racks are


def test_what_is_taken_out_counts_against_what_is_put_in(bench, freezer):
    (box, _) = boxes()
    old = put(bench, box, places(0, 8), weeks_ago=30)
    put(bench, box, places(8, 3), weeks_ago=2)
    for tube in old[:5]:
        bench.do(storage.take_out, sample=tube)

    assert line_of(bench, freezer).forecast.outlook is Outlook.NOT_FILLING


def test_a_tube_that_only_moved_within_changes_nothing(bench, freezer):
    one, two = boxes()
    (tube,) = put(bench, one, ["A1"], weeks_ago=30)
    bench.place(two, "A1", sample=tube)

    found = line_of(bench, freezer).forecast

    assert (found.outlook, found.per_week) == (Outlook.NOT_FILLING, 0)


def test_too_little_history_is_said_to_be_so(bench, freezer):
    put(bench, boxes()[0], places(0, 20), weeks_ago=1)

    assert line_of(bench, freezer).forecast.outlook is Outlook.TOO_LITTLE


def test_nothing_is_foretold_of_a_cabinet_without_places(bench):
    cabinet = bench.container("room_cabinet")
    bench.place(cabinet, sample=bench.tube(vessel="block"))

    found = line_of(bench, cabinet)

    assert (found.fill.samples, found.forecast.outlook) == (1, Outlook.UNCOUNTED)


def test_a_freezer_without_racks_and_boxes_is_said_to_be_bare(bench):
    found = line_of(bench, bench.container("room_cabinet"))

    assert (found.fill.samples, found.forecast.outlook) == (0, Outlook.BARE)


def test_the_list_of_freezers_and_the_page_of_one_tell_the_same_room(bench, freezer):
    levels = [Level("shelf", 1), Level("drawer_rack", 1), Level("tube_box_10x10", 5, "Box {n}")]
    unit_of_work(
        lambda: building.build(
            site_id=bench.site_id, kind="freezer_minus80", name="G", levels=levels, by=bench.by
        )
    )

    assert line_of(bench, freezer).fill.room == capacity.fill_below([freezer.id])[freezer.id].room


def test_other_sites_are_not_told_of(bench, other_bench, freezer):
    assert capacity.report(other_bench.by).freezers == []
    assert [line.container.id for line in capacity.report(bench.by).freezers] == [freezer.id]


def test_the_report_reads_no_placement_of_a_tube_and_says_four_things_whatever_there_is(bench, freezer):
    put(bench, boxes()[0], places(0, 30), weeks_ago=3)
    for number in range(3):
        bench.container("ln2_tank", name=f"Tank {number}")
    bench.do(claims.block, container=boxes()[0], position="I9", why="cracked")

    with statements() as said:
        capacity.report(bench.by)

    assert len([one for one in said if one.startswith(("SELECT", "WITH"))]) == 4
    assert not [one for one in said if "sample_id" in one]


def test_every_tube_is_counted_once_at_whatever_depth(bench, freezer):
    put(bench, boxes()[1], places(0, 7))
    ids = [key for (key,) in db.session.query(Container.id)]

    fills = capacity.fill_below(ids)

    assert fills[freezer.id].samples == 7
    assert sum(fills[box.id].samples for box in boxes()) == 7
    assert db.session.query(Placement).filter(Placement.sample_id.is_not(None)).count() == 7
