"""Two people at the same freezer in the same moment: real threads, each with its own connection."""

import threading

import pytest
from sqlalchemy import func, select

from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError
from biobank.samples.models import Sample
from biobank.storage import checks, kinds
from biobank.storage import service as storage
from biobank.storage.models import Container, Placement
from tests import people

ROUNDS = 4


def at_once(app, *acts):
    """Run each act in a thread and a unit of work of its own, all released together. returns the codes of what they
    were refused with, and None for those that went through, in order."""
    start, outcomes = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number, act):
        with app.app_context():
            db.session.connection()
            start.wait()
            try:
                unit_of_work(act)
            except BiobankError as refusal:
                outcomes[number] = refusal
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    return outcomes


def placing(bench, container, position=None, *, sample=None, child=None):
    """The act of placing, for a unit of work in any thread."""
    ids = container.id, sample.id if sample is not None else None, child.id if child is not None else None

    def act():
        storage.place(
            container=db.session.get(Container, ids[0]),
            position=position,
            sample=db.session.get(Sample, ids[1]) if ids[1] else None,
            child=db.session.get(Container, ids[2]) if ids[2] else None,
            by=bench.by,
        )

    return act


def codes(outcomes):
    return sorted(refusal.code if refusal is not None else "" for refusal in outcomes)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_of_two_people_at_one_place_exactly_one_gets_it(app, bench, _round):
    box, (one, two) = bench.container(), bench.tubes(2)

    outcomes = at_once(
        app, placing(bench, box, "A1", sample=one), placing(bench, box, "A1", sample=two),
    )  # fmt: skip

    assert codes(outcomes) == ["", "position_taken"]
    winner = one if outcomes[0] is None else two
    refusal = next(refusal for refusal in outcomes if refusal is not None)
    assert refusal.params["occupant"] == winner.code
    assert storage.what_is_in(box).by_position["A01"].code == winner.code


def test_over_http_the_loser_gets_409_with_the_occupant(app, far_bench):
    box, tubes = far_bench.container(), far_bench.tubes(6)
    programs = [people.api(app, "technician") for _ in tubes]
    start, answers = threading.Barrier(len(tubes)), [None] * len(tubes)

    def run(number):
        start.wait()
        address = f"/containers/{box.code}/positions/E5"
        answers[number] = programs[number].put(address, {"sample": tubes[number].code})

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(tubes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]
    winner = tubes[statuses.index(201)].code
    assert {answer.json["occupant"] for answer in answers if answer.status_code == 409} == {winner}


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_tube_put_into_two_places_at_once_ends_in_one(app, bench, _round):
    box, other, tube = bench.container(), bench.container(), bench.tube()

    outcomes = at_once(
        app, placing(bench, box, "A1", sample=tube), placing(bench, other, "B2", sample=tube),
    )  # fmt: skip

    assert codes(outcomes) == ["", ""]  # the second of them moved it
    current = select(func.count()).where(
        Placement.sample_id == tube.id, Placement.removed_recorded_at.is_(None)
    )
    assert db.session.scalar(current) == 1
    assert storage.what_is_in(box).used + storage.what_is_in(other).used == 1


def test_the_last_room_of_a_shelf_goes_to_one(app, bench, monkeypatch):
    kind = kinds.kinds()["unpositioned_shelf"]
    smaller = {"unpositioned_shelf": type(kind)(**(vars(kind) | {"capacity": 3}))}
    monkeypatch.setattr(kinds, "kinds", lambda: smaller)
    shelf, tubes = bench.container("unpositioned_shelf"), bench.tubes(6)
    bench.place(shelf, sample=tubes[0])
    bench.place(shelf, sample=tubes[1])

    outcomes = at_once(app, *(placing(bench, shelf, sample=tube) for tube in tubes[2:]))

    assert codes(outcomes) == ["", "container_full", "container_full", "container_full"]
    assert storage.what_is_in(shelf).used == 3


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_two_containers_put_into_each_other_at_once_make_no_circle(app, bench, monkeypatch, _round):
    one, two = _nesting(bench, monkeypatch, 2)

    outcomes = at_once(app, placing(bench, one, child=two), placing(bench, two, child=one))

    assert codes(outcomes) == ["", "container_in_itself"]
    assert checks.checks() == []


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_four_containers_put_round_in_a_circle_at_once_leave_it_open(app, bench, monkeypatch, _round):
    shelves = _nesting(bench, monkeypatch, 4)
    acts = [placing(bench, shelves[n], child=shelves[n - 1]) for n in range(4)]

    outcomes = at_once(app, *acts)

    assert codes(outcomes) == ["", "", "", "container_in_itself"]
    assert checks.checks() == []


def _nesting(bench, monkeypatch, count):
    kind = kinds.kinds()["unpositioned_shelf"]
    nesting = {
        "unpositioned_shelf": type(kind)(**(vars(kind) | {"holds": kind.holds | {"unpositioned_shelf"}}))
    }
    monkeypatch.setattr(kinds, "kinds", lambda: nesting)
    return [bench.container("unpositioned_shelf") for _ in range(count)]


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_two_tubes_that_change_places_never_share_one(app, bench, _round):
    box, other, (one, two) = bench.container(), bench.container(), bench.tubes(2)
    bench.place(box, "A1", sample=one)
    bench.place(other, "A1", sample=two)

    outcomes = at_once(
        app, placing(bench, other, "A1", sample=one), placing(bench, box, "A1", sample=two),
    )  # fmt: skip

    assert "position_taken" in codes(outcomes)
    assert checks.checks() == []


def test_a_tube_put_back_while_another_takes_its_place_does_not_push_it_out(app, bench):
    box, (one, two) = bench.container(), bench.tubes(2)
    bench.place(box, "A1", sample=one)
    bench.do(storage.take_out, sample=one)

    one_id = one.id
    outcomes = at_once(
        app,
        lambda: storage.put_back(sample=db.session.get(Sample, one_id), by=bench.by),
        placing(bench, box, "A1", sample=two),
    )

    assert codes(outcomes) == ["", "position_taken"]


def test_a_box_filled_by_many_hands_at_once_has_each_tube_once(app, bench):
    box, tubes = bench.container(), bench.tubes(24)
    box_id = box.id

    def filling(ids):
        def act():
            for sample_id in ids:
                storage.put(
                    container=db.session.get(Container, box_id),
                    sample=db.session.get(Sample, sample_id),
                    next_free=True,
                    by=bench.by,
                )

        return act

    hands = [[tube.id for tube in tubes[n::4]] for n in range(4)]
    outcomes = at_once(app, *(filling(ids) for ids in hands))

    assert codes(outcomes) == ["", "", "", ""]
    assert (
        sorted(storage.what_is_in(box).by_position)[:24]
        == [f"{row}0{column}" for row in "ABC" for column in range(1, 10)][:24]
    )
