"""People who act in the same moment at one plan, on both databases."""

import pytest

from biobank.core.db import db
from biobank.core.errors import BiobankError
from biobank.moves import reading
from biobank.moves import service as moves
from biobank.moves.models import MovePlan, MoveStep
from biobank.storage import checks
from biobank.storage import service as storage
from biobank.storage.models import Container
from tests.moves.world import make_world
from tests.racing import refusals, together
from tests.storage.conftest import make_bench


@pytest.fixture
def world(app):
    with app.app_context():
        made = make_world(make_bench(), tubes=(2, 1))
        made.other_freezer()
        yield made


def step(key: int) -> MoveStep:
    return db.session.get_one(MoveStep, key)


def test_of_two_people_who_confirm_one_step_the_second_is_told_so(app, world):
    plan = world.evacuate()
    (shown,) = world.steps(plan)
    key, code, by = shown.step.id, shown.code, world.bench.by

    outcomes = together(app, *[lambda: moves.confirm(step=step(key), scanned=code, by=by).done] * 2)

    assert sorted(map(str, outcomes)) == sorted(
        ["True", *(str(each) for each in outcomes if each is not True)]
    )
    assert refusals(outcomes) in (["step_done"], ["move_plan_closed"])
    assert reading.progress_of(plan).done == 1
    assert checks.checks() == []


def test_a_stranger_never_gets_a_place_that_is_kept(app, world):
    plan = world.evacuate()
    (shown,) = world.steps(plan)
    key, code, by = shown.step.id, shown.code, world.bench.by
    place, position = shown.target.container.id, shown.target.position
    stranger = world.bench.container("tube_box_4x6").id

    def intrude():
        from dataclasses import replace

        box = db.session.get_one(Container, stranger)
        there = db.session.get_one(Container, place)
        return storage.place(container=there, position=position, child=box, by=replace(by, key="somebody"))

    outcomes = together(app, intrude, lambda: moves.confirm(step=step(key), scanned=code, by=by))

    assert isinstance(outcomes[0], BiobankError)
    assert refusals(outcomes[:1])[0] in ("position_reserved", "position_taken")
    assert outcomes[1].done
    assert checks.checks() == []


def test_two_evacuations_at_once_never_plan_the_same_thing(app, world):
    key, by = world.freezer.id, world.bench.by

    def plan():
        return moves.evacuate(container=db.session.get_one(Container, key), why="alarm", by=by).id

    outcomes = together(app, plan, plan)

    assert refusals(outcomes) == ["move_plan_open"]
    assert db.session.query(MovePlan).count() == 1


def test_a_confirmation_and_giving_up_come_one_after_the_other(app, world):
    plan = world.evacuate()
    (shown,) = world.steps(plan)
    key, code, by, plan_id = shown.step.id, shown.code, world.bench.by, plan.id

    together(
        app,
        lambda: moves.confirm(step=step(key), scanned=code, by=by).done,
        lambda: moves.give_up(plan=db.session.get_one(MovePlan, plan_id), why="no alarm", by=by).id,
    )

    db.session.rollback()
    ended = step(key)
    assert (ended.done_at is None) != (ended.skipped_at is None)
    assert db.session.get_one(MovePlan, plan_id).closed_at is not None
    assert checks.checks() == []
