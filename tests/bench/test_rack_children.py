"""Aliquots at the station, read with their rack: one file, one key, and each stands in its well."""

import pytest

from biobank.bench import commands, work
from biobank.core.db import unit_of_work
from biobank.core.errors import BiobankError, RuleViolation
from biobank.samples.reading import find_sample
from biobank.storage import service as storage
from tests import people
from tests.bench.test_work import Station, parent_patient, place_of
from tests.factories import ContainerFactory, SampleFactory, act, fresh, withdraw

CONFIRM, UNDO = commands.number_of("confirm"), commands.number_of("undo")


@pytest.fixture
def station(app_context):
    return Station(people.actor("technician"))


@pytest.fixture
def box(station):
    return ContainerFactory(kind="tube_box_8x12")


@pytest.fixture
def parent(station):
    """A tube whose plan is 2 × 500 µL."""
    return SampleFactory(volume_ul=1000)


def read(station, content):
    session = work.current(station.by)
    told = {"content": content.encode(), "file_name": "rack.csv", "by": station.by}
    return unit_of_work(lambda: work.add_rack(session=session, **told)).told["code"]


def read_of(station, content, box):
    """The file, and the box it is of where the file names none."""
    if read(station, content) == "divide_rack_unnamed":
        station.step(box.code)


def begin(station, parent):
    station.command("aliquot")
    station.scan(parent.code)


def stands_in(box):
    return {position: each.code for position, each in storage.what_is_in(box).by_position.items()}


def test_one_file_and_one_key_make_the_children_in_their_wells(station, box, parent):
    begin(station, parent)

    assert read(station, f"{box.code},A1,FY0001\n{box.code},B7,FY0002\n") == "divide_rack_read"
    done = station.step(CONFIRM)

    assert done.told["code"] == "divide_done"
    assert list(stands_in(box)) == ["A01", "B07"]
    assert fresh(parent).remaining == 0


@pytest.mark.parametrize(("rack", "asked"), [("RK1,", "divide_rack_unknown"), ("", "divide_rack_unnamed")])
def test_a_rack_that_nobody_knows_is_asked_for_by_one_scan_of_its_box(station, box, parent, rack, asked):
    begin(station, parent)

    assert read(station, f"{rack}A1,FY0001\n{rack}A2,FY0002\n") == asked
    assert station.refused(CONFIRM).code in ("divide_rack_box_first", "divide_children_missing")
    assert station.scan(box.code) == "divide_rack_read"
    station.command("confirm")

    assert list(stands_in(box)) == ["A01", "A02"]


def test_a_taken_well_and_nothing_happens(station, box, parent):
    other = SampleFactory()
    act(storage.place, container=box, position="A1", sample=other)
    begin(station, parent)

    with pytest.raises(RuleViolation, match="rack_not_for_children"):
        read(station, f"{box.code},A1,FY0001\n")

    assert (stands_in(box), fresh(parent).remaining) == ({"A01": other.code}, 1_000_000)


def test_a_well_that_was_taken_since_stops_the_whole_dividing(station, box, parent):
    other = SampleFactory()
    begin(station, parent)
    read(station, f"{box.code},A1,FY0001\n{box.code},A2,FY0002\n")
    act(storage.place, container=box, position="A2", sample=other)

    assert station.refused(CONFIRM).code in ("rack_box_changed", "rack_not_for_children")

    assert (stands_in(box), fresh(parent).remaining) == ({"A02": other.code}, 1_000_000)


def test_a_withdrawal_in_between_stops_the_whole_dividing(station, box, parent):
    begin(station, parent)
    read(station, f"{box.code},A1,FY0001\n{box.code},A2,FY0002\n")
    withdraw(parent_patient(parent))

    assert station.refused(CONFIRM).code == "preserving_refused"

    assert (stands_in(box), fresh(parent).remaining) == ({}, 1_000_000)


def test_fewer_tubes_than_planned_are_noticed(station, box, parent):
    begin(station, parent)
    read(station, f"{box.code},A1,FY0001\n")

    assert station.refused(CONFIRM).code == "divide_children_missing"
    assert stands_in(box) == {}


def test_the_whole_dividing_is_taken_back_by_one_undo(station, box, parent):
    begin(station, parent)
    read(station, f"{box.code},A1,FY0001\n{box.code},A2,FY0002\n")
    station.command("confirm")

    assert station.command("undo") == "undone"

    assert (stands_in(box), fresh(parent).remaining) == ({}, 1_000_000)


def test_a_child_that_was_moved_since_is_not_taken_back(station, box, parent):
    other = ContainerFactory()
    begin(station, parent)
    read(station, f"{box.code},A1,FY0001\n{box.code},A2,FY0002\n")
    made = station.step(CONFIRM).told["undo"]["children"]
    moved = find_sample(made[0], station.by)
    act(storage.place, container=other, position="A1", sample=moved)

    assert station.refused(UNDO).code == "undo_not_last"
    assert (place_of(moved), len(stands_in(box))) == ((other.code, "A01"), 1)


@pytest.mark.parametrize("content", ["", "what is this\n", "A1,1.03E+09\n", "A1,FY1\nA01,FY2\n", "I13,FY1\n"])
def test_what_is_no_rack_is_refused_and_the_plan_stays(station, box, parent, content):
    begin(station, parent)

    with pytest.raises(BiobankError, match="rack_"):
        read_of(station, content, box)

    assert (station.session.state["parent"], station.session.state["codes"]) == (parent.code, [])
