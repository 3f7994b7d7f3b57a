"""Thaws and minutes out of the cold: from where things stood and when, and never from what somebody typed."""

import random
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation
from biobank.core.settings import CONFIG
from biobank.core.times import When
from biobank.samples.models import SampleParent
from biobank.storage import accepting, bulk, cold, cold_rules
from biobank.storage import service as storage
from biobank.storage.cold_rules import FOREVER, Limits, history
from biobank.storage.models import Placement
from tests.conftest import NOON
from tests.storage.test_service import Statements

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = datetime(2012, 1, 1, tzinfo=UTC)


def at(minutes):
    return NOON + minutes * MINUTE


# --- rules


def spans(*pairs):
    return [(at(start), FOREVER if end is None else at(end)) for start, end in pairs]


def lived(cold_spans, thawed=(), until=1000, after=30, **told):
    return history(spans(*cold_spans), [at(each) for each in thawed], at(until), after * MINUTE, **told)


def test_what_was_never_frozen_never_thawed():
    assert lived([]) == cold_rules.History()


def test_a_short_time_out_is_counted_in_minutes_and_a_long_one_as_a_thaw():
    assert (lived([(0, 100), (130, None)]).thaws, lived([(0, 100), (130, None)]).minutes_out) == (0, 30)
    assert (lived([(0, 100), (131, None)]).thaws, lived([(0, 100), (131, None)]).minutes_out) == (1, 31)


def test_a_tube_that_is_still_out_thaws_once_it_is_out_too_long():
    assert lived([(0, 100)], until=120).thaws == 0
    assert lived([(0, 100)], until=120).out_since == at(100)
    assert lived([(0, 100)], until=131).thaws == 1
    assert lived([(0, 100)], until=131).thawed_now


def test_what_was_taken_out_to_thaw_thawed_however_short_it_was():
    assert lived([(0, 100), (101, None)], thawed=[100]).thaws == 1
    assert lived([(0, 100), (100, None)], thawed=[100]).thaws == 1  # back in the same minute
    assert lived([(0, 100), (200, None)], thawed=[100]).thaws == 1  # told, and too long: once
    assert lived([(0, 100)], thawed=[150], until=200).thaws == 1  # out already when it was told


def test_moving_from_one_freezer_to_another_is_no_time_out():
    assert lived([(0, 100), (100, 200), (150, None)]) == lived([(0, None)])


def test_what_has_left_the_bank_is_not_counted_on():
    gone = lived([(0, 100)], in_hand=False)

    assert (gone.thaws, gone.minutes_out, gone.out_since) == (0, 0, None)
    assert lived([(0, 100), (160, 200)], in_hand=False).thaws == 1


def test_limits_warn_and_block():
    limits = Limits(
        thaw_after_minutes=30, warn_thaws=2, max_thaws=3, warn_minutes_out=60, max_minutes_out=100
    )

    assert cold_rules.judge(1, 59, limits) == ("ok", ())
    assert cold_rules.judge(2, 0, limits)[0] == "warn"
    assert [reason.code for reason in cold_rules.judge(3, 60, limits)[1]] == [
        "cold_thaws_block",
        "cold_minutes_warn",
    ]
    assert cold_rules.judge(0, 101, limits)[0] == "block"
    assert cold_rules.judge(99, 999, Limits(thaw_after_minutes=30)) == ("ok", ())


def test_the_limits_of_this_bank_are_read():
    limits = cold_rules.load_limits(CONFIG / "cold.toml")

    assert limits["default"].thaw_after_minutes == 30
    assert limits["Plasma"].thaw_after_minutes == 30  # not said of plasma, so as for all


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[default]\n", "thaw_after_minutes"),
        ("[default]\nthaw_after_minutes = 1\nmost = 3\n", "most"),
        ("[default]\nthaw_after_minutes = -1\n", "thaw_after_minutes"),
        ("[default]\nthaw_after_minutes = 1\n[RNA]\nmax_thaws = true\n", "[RNA]"),
        ("[default]\nthaw_after_minutes = 1\n[RNA]\ntemperatures = ['-80']\n", "[RNA] temperatures"),
        ("[default]\nthaw_after_minutes = 1\n[RNA]\ntemperatures = 'LN'\n", "[RNA] temperatures"),
        (
            "[default]\nthaw_after_minutes = 1\n[RNA]\nwrong_temperature = 'shout'\n",
            "[RNA] wrong_temperature",
        ),
        ("default = 1\n", "cold.toml"),
        ("[", "cold.toml"),
    ],
)
def test_a_file_of_limits_that_is_wrong_is_told_by_name(tmp_path, text, told):
    (tmp_path / "cold.toml").write_text(text)

    with pytest.raises(ValueError, match=r"cold\.toml") as error:
        cold_rules.load_limits(tmp_path / "cold.toml")
    assert told in str(error.value)


# --- with freezers


@pytest.fixture
def freezer(bench, frozen_clock):
    """A freezer with a rack and a box, and a tube in the box, since noon."""
    freezer = bench.container("freezer_minus80")
    rack = bench.container("drawer_rack", parent=freezer)
    box = bench.container(parent=rack)
    tube = bench.tube()
    bench.place(box, "A1", sample=tube)
    return freezer, rack, box, tube


def later(minutes, bench, act, **told):
    with clock.freeze(at(minutes)):
        return bench.do(act, **told)


def lived_by(sample, minutes):
    with clock.freeze(at(minutes)):
        return cold.cold_of([sample.id])[sample.id]


def test_a_tube_in_a_box_in_a_freezer_is_frozen(freezer):
    found = lived_by(freezer[3], 60)

    assert (found.frozen, found.thaws, found.minutes_out, found.limit_state) == (True, 0, 0, "ok")


def test_a_box_that_is_carried_out_takes_its_tubes_out(bench, freezer):
    _, rack, box, tube = freezer
    later(10, bench, storage.take_out, child=box)
    assert lived_by(tube, 30).minutes_out == 20
    with clock.freeze(at(30)):
        assert cold.out_since([box.id, rack.id]) == {box.id: at(10)}
    later(60, bench, storage.put_back, child=box)

    found = lived_by(tube, 100)

    assert (found.frozen, found.thaws, found.minutes_out, found.out_since) == (True, 1, 50, None)


def test_a_refrigerator_is_not_cold_enough(bench, freezer):
    _, _, box, tube = freezer
    shelf = bench.container("unpositioned_shelf", parent=bench.container("fridge_4c"))
    with clock.freeze(at(10)):
        bench.place(shelf, child=box)

    assert lived_by(tube, 50).out_since == at(10)
    assert lived_by(tube, 50).thaws == 1


def test_taking_out_to_thaw_is_counted_and_told(bench, freezer):
    tube = freezer[3]
    ended = later(5, bench, storage.thaw, sample=tube)
    later(6, bench, storage.put_back, sample=tube)

    assert ended.why == "thawed"
    assert lived_by(tube, 10).thaws == 1
    assert lived_by(tube, 10).minutes_out == 1
    (told,) = [entry for entry in audit.history("sample", tube.code) if entry["act"] == "taken_out"]
    assert told["after"] == {"why": "thawed"}


def test_a_type_that_bears_no_more_thaws_is_not_thawed(bench, freezer):
    box, cells = freezer[2], bench.tube(type="PBMC")
    bench.place(box, "B1", sample=cells)
    later(5, bench, storage.thaw, sample=cells)
    later(6, bench, storage.put_back, sample=cells)

    with pytest.raises(RuleViolation) as refusal:
        later(7, bench, storage.thaw, sample=cells)

    assert refusal.value.code == "too_many_thaws"
    assert (refusal.value.params["times"], refusal.value.params["limit"]) == (1, 1)
    assert lived_by(cells, 8).limit_state == "block"


def test_what_was_never_frozen_is_not_thawed(bench, frozen_clock):
    tube = bench.tube()
    bench.place(bench.container(), "A1", sample=tube)

    with pytest.raises(RuleViolation) as refusal:
        bench.do(storage.thaw, sample=tube)
    assert refusal.value.code == "never_frozen"


def test_a_child_has_seen_the_thaws_of_what_it_was_made_from_up_to_its_making(bench, freezer):
    parent = freezer[3]
    later(10, bench, storage.thaw, sample=parent)
    child = bench.tube(treated_at=at(20), origin="aliquoted")
    grandchild = bench.tube(treated_at=at(300), origin="aliquoted")
    _made_from(child, parent)
    _made_from(grandchild, child)
    later(100, bench, storage.put_back, sample=parent)  # the same thaw
    later(200, bench, storage.thaw, sample=parent)  # after the child was made
    with clock.freeze(at(40)):
        bench.place(freezer[2], "C1", sample=child)
    later(250, bench, storage.thaw, sample=child)

    told = cold.cold_of([parent.id, child.id, grandchild.id], at(400))

    assert [told[each.id].thaws for each in (parent, child, grandchild)] == [2, 2, 2]
    assert [told[each.id].inherited for each in (parent, child, grandchild)] == [0, 1, 2]
    assert told[child.id].minutes_out == 150


def test_a_child_made_on_a_day_has_seen_what_thawed_that_day(bench, freezer):
    parent = freezer[3]
    later(10, bench, storage.thaw, sample=parent)
    day = When.on(NOON.date())
    child = bench.tube(treated_at=day.at, treated_precision="day", origin="aliquoted")
    _made_from(child, parent)

    assert lived_by(child, 24 * 60).thaws == 1


def _made_from(child, parent):
    unit_of_work(lambda: db.session.add(SampleParent(child_id=child.id, parent_id=parent.id)))


def test_a_box_of_a_hundred_costs_as_many_statements_as_one_tube(bench, freezer):
    box = bench.container("tube_box_10x10", parent=bench.container("shelf", parent=freezer[0]))
    tubes = bench.tubes(100)
    unit_of_work(
        lambda: [storage.put(container=box, sample=tube, next_free=True, by=bench.by) for tube in tubes]
    )

    ids = [tube.id for tube in tubes]
    with Statements() as one:
        cold.cold_of(ids[:1])
    with Statements() as hundred:
        found = cold.cold_of(ids)

    assert len(one) == len(hundred) == 1
    assert len(found) == 100


# --- every way to thaw asks the limits


@pytest.mark.parametrize("limit", ["thaws", "minutes"])
def test_no_way_of_thawing_goes_round_the_limits(bench, freezer, monkeypatch, limit):
    """Taking out to thaw, by whatever name it is called, one tube or many at once."""
    *_, box, tube = freezer
    later(5, bench, storage.thaw, sample=tube)
    later(25, bench, storage.put_back, sample=tube)
    most = {"max_thaws": 1} if limit == "thaws" else {"max_minutes_out": 19}
    monkeypatch.setattr(cold, "limits_of", lambda _type: Limits(thaw_after_minutes=30, **most))

    def many(*, by):
        bulk.put_many(box, {}, by, out=[tube.id], why="thawed")

    for act, told in (
        (storage.thaw, {"sample": tube}), (storage.take_out, {"sample": tube, "why": "thawed"}), (many, {}),
    ):  # fmt: skip
        with pytest.raises(RuleViolation) as refusal:
            later(30, bench, act, **told)
        assert refusal.value.code == {"thaws": "too_many_thaws", "minutes": "out_too_long"}[limit]
    assert storage.what_is_in(box).by_position["A01"].code == tube.code


def test_a_box_is_taken_out_and_not_thawed_as_one(bench, freezer):
    with pytest.raises(TypeError):
        bench.do(storage.take_out, child=freezer[2], why="thawed")


# --- a freezer that was set to something else


def test_a_freezer_that_was_switched_off_was_cold_until_then(bench, freezer):
    root, *_, tube = freezer
    later(60, bench, accepting.set_accepts, container=root, temperature="RT")

    warm = lived_by(tube, 100)
    later(120, bench, accepting.set_accepts, container=root, temperature=None)
    cold_again = lived_by(tube, 200)

    assert (warm.minutes_out, warm.frozen, warm.thaws) == (40, False, 1)
    assert (cold_again.minutes_out, cold_again.frozen, cold_again.thaws) == (60, True, 1)


# --- against a walk from hour to hour


def test_it_agrees_with_a_walk_from_hour_to_hour(bench, monkeypatch, record_property):
    """Tubes and boxes are carried about at random at full hours; a slow walk asks each hour where everything is."""
    limits = Limits(thaw_after_minutes=150)
    monkeypatch.setattr(cold, "limits_of", lambda _type: limits)
    with clock.freeze(START - HOUR):
        shelf = bench.container("shelf", parent=bench.container("freezer_minus80"))
        cool = bench.container("unpositioned_shelf", parent=bench.container("fridge_4c"))
    dice, thaws = random.Random(20120314), 0

    for _ in range(50):
        boxes, tubes = [bench.container(), bench.container()], bench.tubes(4)
        hours = dice.randrange(20, 60)
        box_walks = [_walk(dice, hours, [None, shelf.id, cool.id]) for _ in boxes]
        tube_walks = [_walk(dice, hours, [None, boxes[0].id, boxes[1].id, shelf.id]) for _ in tubes]
        unit_of_work(partial(_write, boxes, box_walks, tubes, tube_walks, bench.by))
        where = {box.id: walk for box, walk in zip(boxes, box_walks, strict=True)}

        found = cold.cold_of([tube.id for tube in tubes], START + hours * HOUR)

        for tube, walk in zip(tubes, tube_walks, strict=True):
            expected = _slowly(walk, where, shelf.id, hours)
            told = found[tube.id]
            assert (told.thaws, told.minutes_out, told.out_since is not None) == expected
            thaws += told.thaws
    record_property("told", f"200 walks, {thaws} thaws")
    assert thaws > 100


def _walk(dice, hours, places):
    """[(from hour, place or None, taken out to thaw)]: where it is from each hour on."""
    walk, hour = [], 0
    while hour < hours:
        place = dice.choice(places)
        thawed = bool(walk) and walk[-1][1] is not None and dice.random() < 0.2
        walk.append((hour, place, thawed))
        hour += dice.randrange(1, 6)
    return walk


def _write(boxes, box_walks, tubes, tube_walks, by):
    for things, walks, column in ((boxes, box_walks, "child_id"), (tubes, tube_walks, "sample_id")):
        for thing, walk in zip(things, walks, strict=True):
            for (hour, place, _), after in zip(walk, [*walk[1:], None], strict=True):
                if place is None:
                    continue
                ended = START + after[0] * HOUR if after is not None else None
                db.session.add(
                    Placement(
                        container_id=place, position=f"{column[0]}{thing.id}", placed_at=START + hour * HOUR,
                        placed_recorded_at=START, placed_by=by.key, removed_at=ended, removed_recorded_at=ended,
                        why=("thawed" if after[2] else "moved") if after is not None else None, **{column: thing.id},
                    )
                )  # fmt: skip


def _at(walk, hour):
    return next((place for start, place, _ in reversed(walk) if start <= hour), None)


def _slowly(walk, where, freezer, hours):
    """(thaws, minutes out, still out), by asking each hour whether it is cold."""
    frozen = []
    for hour in range(hours):
        place = _at(walk, hour)
        while place in where:
            place = _at(where[place], hour)
        frozen.append(place == freezer)
    told = {start for start, _, thawed in walk if thawed}
    thaws, out, run, seen, counted = 0, 0, 0, False, False
    for hour in range(hours):
        if seen and hour in told and frozen[hour] and frozen[hour - 1]:
            thaws += 1  # thawed, and back in the same hour
        if frozen[hour]:
            if run:
                thaws += counted or run * 60 > 150 or hour in told
            seen, run, counted = True, 0, False
        elif seen:
            run += 1
            counted = counted or hour in told
            out += 60
    if run:
        thaws += counted or run * 60 > 150
    return thaws, out, run > 0
