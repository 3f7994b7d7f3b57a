"""The freezer as it was: what stood where at an instant, by when things happened."""

import random
from datetime import timedelta

import pytest

from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import Malformed, RuleViolation
from biobank.core.times import When
from biobank.storage import map as maps
from biobank.storage import service as storage
from biobank.storage import undoing
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


# --- against a replay of what was done


class Replay:
    """Does things at random, some told late and some taken back, and remembers every place at every hour by itself."""

    def __init__(self, bench, seed):
        self.bench, self.dice = bench, random.Random(seed)
        self.boxes = [bench.container(), bench.container()]
        self.tubes = bench.tubes(5)
        self.told = {
            tube.code: [] for tube in self.tubes
        }  # (instant, box or None, place): the last one told holds
        self.done = []

    def act(self, now):
        tube = self.dice.choice(self.tubes)
        at = now - timedelta(minutes=self.dice.randrange(0, 300)) if self.dice.random() < 0.3 else now
        way = self.dice.choice([self.put, self.put, self.out, self.undo])
        way(tube, max([at, *(instant for instant, *_ in self.told[tube.code][-1:])]))

    def put(self, tube, at):
        box, place = self.dice.choice(self.boxes), self.dice.choice(["A01", "B02", "C03"])
        if self._stands(tube) == (box.id, place):
            return
        placed = self.bench.do(storage.put, container=box, position=place, sample=tube, at=When.exactly(at))
        self.told[tube.code].append((at, box.id, place))
        self.done.append((tube, placed.placement.id))

    def out(self, tube, at):
        self.bench.do(storage.take_out, sample=tube, at=When.exactly(at))
        self.told[tube.code].append((at, None, None))

    def undo(self, _tube, _at):
        """Takes back a placement: from now on it stands where it stood, and then it did stand there."""
        tube, placement_id = self.dice.choice(self.done or [(None, 0)])
        if tube is None or self._stands(tube) is None:
            return
        before = self._before(tube)
        self.bench.do(undoing.undo_placed, placement_id=placement_id)
        self.told[tube.code].append(
            (max(clock.now(), self.told[tube.code][-1][0]), *(before or (None, None)))
        )

    def _stands(self, tube):
        told = self.told[tube.code]
        return told[-1][1:] if told and told[-1][1] is not None else None

    def _before(self, tube):
        told = self.told[tube.code]
        return told[-2][1:] if len(told) > 1 and told[-2][1] is not None else None

    def at(self, instant):
        """(box, place, tube) of everything that stood somewhere then."""
        found = set()
        for code, told in self.told.items():
            until = [entry for entry in told if entry[0] <= instant]
            if until and until[-1][1] is not None:
                found.add((until[-1][1], until[-1][2], code))
        return found


@pytest.mark.parametrize("seed", range(3))
def test_the_map_of_any_moment_is_what_a_replay_of_all_that_was_done_comes_to(bench, frozen_clock, seed):
    replay = Replay(bench, seed)
    for number in range(50):
        with clock.freeze(NOON + number * HOUR):
            try:
                replay.act(NOON + number * HOUR)
            except RuleViolation:  # a place that is taken, a tube that stands nowhere: nothing was done
                db.session.rollback()

    compared = 0
    for minute in range(-60, 51 * 60, 47):
        then = NOON + timedelta(minutes=minute)
        maps = {box.id: storage.what_was_in(box, then) for box in replay.boxes}
        shown = {(key, each.position, each.code) for key, found in maps.items() for each in found.occupants}
        assert shown == replay.at(then)
        compared += len(shown)
    assert compared > 50
