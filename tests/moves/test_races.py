"""People who act in the same moment at one plan, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import BiobankError
from biobank.moves import reading
from biobank.moves import service as moves
from biobank.moves.models import MovePlan, MoveStep
from biobank.storage import checks
from biobank.storage import service as storage
from biobank.storage.models import Container, PositionClaim
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


@pytest.mark.parametrize("_round", range(3))
def test_two_plans_and_a_station_never_hold_one_place(app, world, _round):
    """The time of the first plan is over when a second one is made, a stranger comes with a box, and somebody goes on
    with the first: whoever loses a place is told so, and gets another one."""
    first = world.evacuate()
    shown, by = world.steps(first)[0], world.bench.by
    shelf, key, code, first_id = shown.target.container.id, shown.step.id, shown.code, first.id
    failing = make_world(world.bench, tubes=(1, 1)).freezer.id
    stranger = world.bench.container("slide_box").id

    def come():
        box, there = db.session.get_one(Container, stranger), db.session.get_one(Container, shelf)
        somebody = replace(by, key="somebody")
        return storage.put(container=there, position="01", child=box, by=somebody).placement.position

    def plan():
        return moves.evacuate(container=db.session.get_one(Container, failing), why="alarm", by=by).id

    with clock.freeze(clock.now() + timedelta(days=8)):
        came, second, went = together(
            app, come, plan, lambda: moves.confirm(step=step(key), scanned=code, by=by).done
        )

        assert isinstance(second, int)
        assert went is False or refusals([came]) in (["position_taken"], ["position_reserved"])
        held = kept_for(first_id) + kept_for(second)
        assert len(held) == len(set(held))
        assert checks.checks() == []
        for plan_id in (first_id, second):
            opened = db.session.get_one(MovePlan, plan_id)
            assert reading.progress_of(opened).lost == 0
            world.do_all(opened)
            assert reading.progress_of(opened).waiting == 0
    assert checks.checks() == []


def kept_for(plan_id: int) -> list[tuple[int, str]]:
    query = select(PositionClaim).where(PositionClaim.plan_id == plan_id, PositionClaim.ended_at.is_(None))
    return [(claim.container_id, claim.position) for claim in db.session.scalars(query)]
