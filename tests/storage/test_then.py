"""The freezer as it was: what stood where at an instant, by when things happened."""

from datetime import timedelta

import pytest

from biobank.core import clock
from biobank.core.errors import Malformed
from biobank.core.times import When
from biobank.storage import map as maps
from biobank.storage import service as storage
from tests.conftest import NOON
from tests.storage.test_service import Statements

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def on(days, bench, act, **told):
    with clock.freeze(NOON + days * DAY):
        return bench.do(act, **told)


@pytest.fixture
def told(bench, frozen_clock):
    """A tube that was in A1 on day 0, in B2 from day 10, and out from day 20; its box changed freezers on day 15."""
    old = bench.container("shelf", name="Old", parent=bench.container("freezer_minus80", name="F1"))
    new = bench.container("shelf", name="New", parent=bench.container("freezer_minus80", name="F2"))
    box, (tube, other) = bench.container(name="CC12", parent=old), bench.tubes(2)
    bench.place(box, "A1", sample=tube)
    on(10, bench, storage.place, container=box, position="B2", sample=tube)
    on(11, bench, storage.place, container=box, position="A1", sample=other)
    on(15, bench, storage.place, container=new, child=box, position="2")
    on(20, bench, storage.take_out, sample=tube)
    return box, tube, other, old, new


def stood(box, days):
    found = storage.what_was_in(box, NOON + days * DAY + HOUR)
    where = " > ".join(step.name for step in found.path)
    return {place: occupant.code for place, occupant in found.by_position.items()}, where


def test_each_day_shows_what_stood_where_and_where_the_box_stood(told):
    box, tube, other, *_ = told

    assert stood(box, -1) == ({}, "")
    assert stood(box, 0) == ({"A01": tube.code}, "F1 > Old")
    assert stood(box, 10) == ({"B02": tube.code}, "F1 > Old")
    assert stood(box, 12) == ({"A01": other.code, "B02": tube.code}, "F1 > Old")
    assert stood(box, 16) == ({"A01": other.code, "B02": tube.code}, "F2 > New")
    assert stood(box, 21) == ({"A01": other.code}, "F2 > New")


def test_a_shelf_shows_its_boxes_of_then_with_how_full_they_were(told):
    *_, old, new = told
    then = storage.what_was_in(old, NOON + 12 * DAY)

    assert [(occupant.code, occupant.used) for occupant in then.occupants] == [(told[0].code, 2)]
    assert storage.what_was_in(new, NOON + 12 * DAY).occupants == []
    assert storage.what_was_in(old, NOON + 16 * DAY).occupants == []


def test_two_that_are_told_to_have_been_in_one_place_are_both_shown(bench, told):
    box, _, other, *_ = told
    third = bench.tube()
    on(30, bench, storage.take_out, sample=other, at=None)
    with clock.freeze(NOON + 31 * DAY):
        bench.do(storage.place, container=box, position="A1", sample=third, at=When.exactly(NOON + 25 * DAY))

    found = storage.what_was_in(box, NOON + 26 * DAY)

    assert found.by_position["A01"].code == third.code
    assert [occupant.code for occupant in found.overlaps] == [other.code]


def test_a_day_means_its_end_and_today_means_now(app_context, frozen_clock):
    yesterday, today = NOON.date() - DAY, NOON.date()

    assert maps.instant_of(When.on(yesterday)) == NOON - 12 * HOUR - timedelta(microseconds=1)
    assert maps.instant_of(When.on(today)) == NOON
    assert maps.instant_of(When.exactly(NOON - HOUR)) == NOON - HOUR
    for wrong in (When.on(today + DAY), When.unknown()):
        with pytest.raises(Malformed):
            maps.instant_of(wrong)


def test_looking_back_costs_the_same_whatever_stood_there(bench, told):
    box, *_ = told
    with Statements() as few:
        storage.what_was_in(box, NOON + HOUR)
    for tube in bench.tubes(20):
        bench.do(storage.put, container=box, sample=tube, next_free=True)
    with clock.freeze(NOON + DAY), Statements() as many:
        storage.what_was_in(box, NOON + DAY)

    assert len(few) == len(many)
