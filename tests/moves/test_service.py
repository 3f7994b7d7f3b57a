"""Evacuating a failing freezer, tidying up, carrying a rack: planned, confirmed step by step, taken back."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from biobank.audit import service as audit
from biobank.audit.models import AuditEntry
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.moves import leaving, reading
from biobank.moves import service as moves
from biobank.moves.models import MovePlan, MoveStep
from biobank.samples.models import Sample
from biobank.storage import accepting, claims, claims_many
from biobank.storage import service as storage
from biobank.storage.kinds import kind_of
from biobank.storage.models import PositionClaim
from biobank.storage.position_codes import position_code
from tests.moves.world import full_rack, make_world
from tests.storage.test_suggesting import family


@pytest.fixture
def world(bench):
    return make_world(bench)


def kept(plan) -> list[tuple[int, str]]:
    db.session.rollback()
    query = select(PositionClaim).where(PositionClaim.plan_id == plan.id, PositionClaim.ended_at.is_(None))
    return sorted((claim.container_id, claim.position) for claim in db.session.scalars(query))


# --- the plan


def test_a_rack_with_all_its_boxes_goes_into_a_free_slot(world):
    _freezer, (shelf,) = world.other_freezer()

    plan = world.evacuate()

    steps = world.steps(plan)
    assert [(shown.code, shown.target.container.code, shown.target.position) for shown in steps] == [
        (world.rack.code, shelf.code, "01"),
        (world.boxes[2].code, shelf.code, "02"),
    ]
    assert reading.progress_of(plan) == reading.Progress(steps=2, done=0, skipped=0, left=0)


def test_the_places_are_kept_for_the_plan(world):
    _freezer, (shelf,) = world.other_freezer()

    plan = world.evacuate()

    assert kept(plan) == [(shelf.id, "01"), (shelf.id, "02")]
    stranger = world.bench.container("tube_box_4x6")
    with pytest.raises(RuleViolation, match="position_reserved"):
        unit_of_work(
            lambda: storage.place(container=shelf, position="01", child=stranger, by=other_person(world))
        )


def other_person(world):
    from dataclasses import replace

    return replace(world.bench.by, key="somebody-else")


def test_what_finds_no_slot_goes_tube_by_tube_into_the_gaps(world):
    """The rack elsewhere is full, but there are gaps in its boxes."""
    boxes = full_rack(world)
    world.fill(boxes[0], 20)

    plan = world.evacuate()

    steps = world.steps(plan)
    assert {shown.sample is not None for shown in steps} == {True}
    assert len(steps) == 9
    assert boxes[0].code not in {shown.target.container.code for shown in steps if shown.step.seq > 4}
    assert reading.progress_of(plan).left == 0


def test_what_finds_no_place_is_counted_by_box(world):
    plan = world.evacuate()

    assert world.steps(plan) == []
    assert reading.progress_of(plan).left == 9
    assert [left.tubes for left in leaving.left_by_box(plan)] == [4, 3, 2]
    assert set(leaving.left_codes(plan)) == {tube.code for box in world.tubes for tube in box}


def test_once_there_is_room_places_are_found_for_the_rest(world):
    plan = world.evacuate()
    world.other_freezer()

    added = world.bench.do(moves.extend, plan=plan)

    assert added == 2
    assert reading.progress_of(plan).left == 0


def test_nothing_goes_into_the_failing_freezer_itself(world):
    world.bench.container("shelf", parent=world.freezer)

    assert world.steps(world.evacuate()) == []


def test_a_warmer_place_is_the_last_one_and_said(world):
    fridge, _ = world.other_freezer("fridge_4c")
    plan = world.evacuate()
    assert [(shown.target.path[0].code, shown.doubtful) for shown in world.steps(plan)] == [
        (fridge.code, True)
    ] * 2
    world.bench.do(moves.give_up, plan=plan, why="there is a cold one")
    full_rack(world)

    again = world.evacuate()

    assert {shown.doubtful for shown in world.steps(again)} == {False}


def test_what_a_container_accepts_is_obeyed_where_it_can_be_and_broken_where_it_must(world):
    _freezer, (shelf,) = world.other_freezer()
    world.bench.do(accepting.set_accepts, container=shelf, types=["DNA"])

    plan = world.evacuate()

    assert len(world.steps(plan)) == 2
    world.do_all(plan)  # nobody is refused at the open door of a freezer: the plan said so before
    assert world.way(world.tubes[0][0])[1].startswith(shelf.code)


def test_a_plan_needs_a_reason_and_something_to_move(world, bench):
    with pytest.raises(Malformed):
        world.evacuate(why=" ")
    with pytest.raises(RuleViolation, match="nothing_to_move"):
        bench.do(moves.evacuate, container=bench.container("freezer_minus80"), why="alarm")


def test_two_plans_never_move_one_thing(world):
    world.other_freezer()
    plan = world.evacuate()

    with pytest.raises(RuleViolation, match="move_plan_open"):
        world.evacuate()
    with pytest.raises(RuleViolation, match="move_plan_open"):
        world.bench.do(moves.evacuate, container=world.shelf, why="alarm")
    world.bench.do(moves.give_up, plan=plan, why="no alarm")
    assert world.steps(world.evacuate())


def test_another_site_sees_none_of_it(world, other_bench):
    plan = world.evacuate()

    with pytest.raises(NotFound):
        moves.find_plan(plan.id, other_bench.by)
    with pytest.raises(NotFound):
        other_bench.do(moves.evacuate, container=world.freezer, why="alarm")
    assert moves.list_plans(other_bench.by).items == []


def test_a_plan_takes_the_same_number_of_statements_however_much_stands_there(world, bench):
    world.other_freezer(shelves=2)
    few = statements(lambda: moves.preview(world.freezer, bench.by))
    for _ in range(4):
        world.fill(bench.container("tube_box_4x6", parent=world.rack), 6)

    assert statements(lambda: moves.preview(world.freezer, bench.by)) == few


def statements(work) -> int:
    seen = []

    def note(_connection, _cursor, statement, *_more):
        seen.append(statement)

    db.session.rollback()
    event.listen(Engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        db.session.rollback()
    return len(seen)


# --- step by step


def test_whichever_box_comes_to_hand_is_scanned_and_confirmed(world):
    _freezer, (shelf,) = world.other_freezer()
    plan = world.evacuate()

    step = moves.step_for(plan, world.boxes[2].code, world.bench.by)
    done = world.bench.do(moves.confirm, step=step, scanned=world.boxes[2].code)

    assert done.done
    assert world.way(world.tubes[2][0])[1] == f"{shelf.code}:02"
    assert kept(plan) == [(shelf.id, "01")]
    assert reading.progress_of(plan).done == 1
    assert plan.closed_at is None


def test_the_last_step_closes_the_plan(world):
    world.other_freezer()
    plan = world.evacuate()

    world.do_all(plan)

    db.session.refresh(plan)
    assert plan.closed_at is not None
    assert plan.closed_by == world.bench.by.key
    assert kept(plan) == []


def test_the_place_may_be_scanned_and_a_wrong_one_is_refused(world):
    _freezer, (shelf,) = world.other_freezer()
    plan = world.evacuate()
    step = moves.step_for(plan, world.rack.code, world.bench.by)
    kind = kind_of(shelf)

    with pytest.raises(RuleViolation, match="wrong_target"):
        world.bench.do(
            moves.confirm, step=step, scanned=world.rack.code, to=position_code(shelf.code, kind, "05")
        )
    assert world.bench.do(
        moves.confirm, step=step, scanned=world.rack.code, to=position_code(shelf.code, kind, "01")
    ).done


def test_a_wrong_box_is_refused(world):
    world.other_freezer()
    plan = world.evacuate()
    step = moves.step_for(plan, world.rack.code, world.bench.by)

    with pytest.raises(RuleViolation, match="wrong_thing"):
        world.bench.do(moves.confirm, step=step, scanned=world.boxes[2].code)
    with pytest.raises(RuleViolation, match="not_in_plan"):
        moves.step_for(plan, world.bench.container().code, world.bench.by)


def test_a_box_whose_tubes_go_one_by_one_stands_for_the_next_of_them(world):
    full_rack(world)
    plan = world.evacuate()

    step = moves.step_for(plan, world.boxes[0].code, world.bench.by)
    assert step.sample_id == world.tubes[0][0].id
    world.bench.do(moves.confirm, step=step, scanned=world.tubes[0][0].code)
    assert moves.step_for(plan, world.boxes[0].code, world.bench.by).sample_id == world.tubes[0][1].id


def test_somebody_else_goes_on_where_the_first_one_stopped(world):
    world.other_freezer()
    plan = world.evacuate()
    shown = world.steps(plan)[0]

    unit_of_work(lambda: moves.confirm(step=shown.step, scanned=shown.code, by=other_person(world)))

    assert reading.progress_of(plan).done == 1


def test_what_is_done_is_not_done_twice(world):
    world.other_freezer()
    plan = world.evacuate()
    shown = world.steps(plan)[0]
    world.bench.do(moves.confirm, step=shown.step, scanned=shown.code)

    with pytest.raises(RuleViolation, match="step_done"):
        world.bench.do(moves.confirm, step=shown.step, scanned=shown.code)
    with pytest.raises(RuleViolation, match="step_done"):
        moves.step_for(plan, shown.code, world.bench.by)


def test_what_somebody_put_there_without_a_word_is_just_confirmed(world):
    world.other_freezer()
    plan = world.evacuate()
    shown = world.steps(plan)[0]
    world.bench.do(
        storage.put, container=shown.target.container, position=shown.target.position, child=shown.child,
        plan_id=plan.id,
    )  # fmt: skip

    assert world.bench.do(moves.confirm, step=shown.step, scanned=shown.code).done


def take_over(world, plan, shown, kind="slide_box"):
    """A stranger puts a box into the place that was kept: the time of the reservation is over."""
    late = clock.now() + timedelta(days=9)
    with clock.freeze(late):
        stranger = world.bench.container(kind)
        unit_of_work(
            lambda: storage.put(
                container=shown.target.container, position=shown.target.position, child=stranger,
                by=other_person(world),
            )
        )  # fmt: skip
    return stranger


def test_a_step_whose_place_was_taken_gets_another_one(world):
    world.other_freezer(shelves=2)
    plan = world.evacuate()
    shown = world.steps(plan)[0]
    stranger = take_over(world, plan, shown)

    found = world.bench.do(moves.confirm, step=shown.step, scanned=shown.code)

    assert (found.done, found.because) == (False, stranger.code)
    instead = found.instead
    assert (instead.child_id, instead.seq) == (world.rack.id, 3)
    assert (instead.to_container_id, instead.to_position) in kept(plan)
    assert world.bench.do(moves.confirm, step=instead, scanned=shown.code).done
    assert reading.progress_of(plan) == reading.Progress(steps=2, done=1, skipped=0, left=0)


def test_where_a_rack_finds_no_slot_any_more_its_boxes_go_alone(world):
    _freezer, (shelf,) = world.other_freezer()
    plan = world.evacuate()
    shown = world.steps(plan)[0]
    take_over(world, plan, shown)
    for position in ("03", "04", "05", "06"):
        world.bench.do(claims.block, container=shelf, position=position, why="ice")
    full_rack(world)

    world.bench.do(moves.confirm, step=shown.step, scanned=shown.code)

    assert len(world.steps(plan)) == 6  # five tubes of the rack, and the box beside it
    world.do_all(plan)
    assert reading.progress_of(plan).left == 0


def test_it_is_told_before_anybody_sets_out(world):
    world.other_freezer(shelves=2)
    plan = world.evacuate()
    shown = world.steps(plan)[0]
    take_over(world, plan, shown)

    assert not world.bench.do(moves.ready, step=shown.step).done
    assert world.bench.do(moves.ready, step=world.steps(plan)[0].step).done


def test_where_no_other_place_is_left_the_tubes_are_told_as_left(world):
    _freezer, (shelf,) = world.other_freezer()
    plan = world.evacuate()
    shown = world.steps(plan)[0]
    take_over(world, plan, shown)
    for position in ("03", "04", "05", "06"):
        world.bench.do(claims.block, container=shelf, position=position, why="ice")

    found = world.bench.do(moves.confirm, step=shown.step, scanned=shown.code)

    assert (found.done, found.instead) == (False, None)
    assert reading.progress_of(plan).left == 5


def test_it_may_be_put_elsewhere_and_that_is_recorded(world):
    _freezer, (first, second) = world.other_freezer(shelves=2)
    plan = world.evacuate()
    step = moves.step_for(plan, world.rack.code, world.bench.by)

    world.bench.do(moves.confirm_elsewhere, step=step, scanned=world.rack.code, to=second.code, position="4")

    assert world.way(world.tubes[0][0])[1] == f"{second.code}:04"
    assert (first.id, "01") not in kept(plan)
    assert reading.progress_of(plan) == reading.Progress(steps=2, done=1, skipped=0, left=0)


def test_a_step_is_given_up_with_a_reason_and_its_tubes_are_left(world):
    world.other_freezer()
    plan = world.evacuate()
    shown = world.steps(plan)[0]

    with pytest.raises(Malformed):
        world.bench.do(moves.skip, step=shown.step, why="")
    world.bench.do(moves.skip, step=shown.step, why="frozen in")

    assert reading.progress_of(plan) == reading.Progress(steps=2, done=0, skipped=1, left=5)
    assert len(kept(plan)) == 1
    with pytest.raises(RuleViolation, match="step_given_up"):
        world.bench.do(moves.confirm, step=shown.step, scanned=shown.code)


def test_what_fails_in_the_middle_leaves_nothing_half_done(world, monkeypatch):
    world.other_freezer()
    plan = world.evacuate()
    shown = world.steps(plan)[0]

    def work():
        moves.confirm(step=shown.step, scanned=shown.code, by=world.bench.by)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        unit_of_work(work)

    db.session.rollback()
    assert reading.progress_of(plan).done == 0
    assert world.way(world.tubes[0][0])[0].startswith(world.freezer.code)
    assert world.bench.do(moves.confirm, step=world.steps(plan)[0].step, scanned=shown.code).done


# --- places that are kept, and lost


def acts_of(plan, *acts: str) -> list[tuple[str, list[str]]]:
    """What the record says of places of this plan: act, places."""
    db.session.rollback()
    told = [
        json.loads(entry.content) for entry in db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
    ]
    values = [(each["act"], each["before"] | each["after"]) for each in told if each["act"] in acts]
    return [(act, value["positions"]) for act, value in values if value.get("plan") == plan.id]


def test_what_is_kept_and_given_back_stands_in_the_record(world):
    world.other_freezer()
    plan = world.evacuate()
    world.bench.do(moves.give_up, plan=plan, why="no alarm")

    told = acts_of(plan, "positions_reserved", "positions_released")

    assert told == [("positions_reserved", ["01", "02"]), ("positions_released", ["01", "02"])]
    assert audit.verify().broken_at is None


def test_keeping_and_giving_back_takes_as_many_statements_for_many_places_as_for_few(world):
    """However many containers they are in."""
    counts = []
    for number in (2, 3, 4):  # the first also asks what is asked once
        boxes = [world.bench.container("tube_box_4x6") for _ in range(number)]
        wanted = {box.id: [f"A0{n}" for n in range(1, number + 1)] for box in boxes}
        kept = lambda: claims_many.keep_for_plan(wanted, plan_id=900 + number, by=world.bench.by)  # noqa: B023, E731
        given = lambda: claims_many.release_plan(900 + number, world.bench.by)  # noqa: B023, E731
        counts.append([statements(lambda: unit_of_work(act)) for act in (kept, given)])  # noqa: B023

    assert counts[1] == counts[2]


def test_an_evacuation_that_goes_on_for_weeks_loses_no_place(world):
    """Each step keeps the other places on, and the record says so once a day."""
    world.other_freezer()
    plan = world.evacuate()
    first, second = world.steps(plan)

    with clock.freeze(clock.now() + timedelta(days=6)):
        world.bench.do(moves.confirm, step=first.step, scanned=first.code)
    stranger = world.bench.container("slide_box")
    with (
        clock.freeze(clock.now() + timedelta(days=12)),
        pytest.raises(RuleViolation, match="position_reserved"),
    ):
        unit_of_work(
            lambda: storage.put(
                container=second.target.container, position=second.target.position,
                child=stranger, by=other_person(world),
            )
        )  # fmt: skip

    told = acts_of(plan, "positions_reserved")
    assert [places for _act, places in told] == [["01", "02"], ["02"]]


def test_a_place_that_was_lost_is_told_and_found_anew_for_all_at_once(world):
    world.other_freezer(shelves=2)
    plan = world.evacuate()
    shown = world.steps(plan)[0]
    assert reading.progress_of(plan).lost == 0

    take_over(world, plan, shown)
    assert reading.progress_of(plan).lost == 1
    assert world.bench.do(moves.extend, plan=plan) == 1

    assert reading.progress_of(plan) == reading.Progress(steps=2, done=0, skipped=0, left=0)
    assert {(each.target.container.id, each.target.position) for each in world.steps(plan)} == set(kept(plan))
    world.do_all(plan)


def test_the_way_back_finds_its_lost_places_anew_too(world):
    world.other_freezer()
    plan = world.evacuate()
    world.do_all(plan)
    back = world.bench.do(moves.reverse, plan=plan, why="repaired")
    shown = world.steps(back)[-1]
    take_over(world, back, shown)

    world.bench.do(moves.extend, plan=back)

    assert world.steps(back)[-1].target.path[0].code == world.freezer.code
    world.do_all(back)
    assert reading.progress_of(back).lost == 0


# --- families


def test_the_places_of_families_are_planned_by_the_rule_of_where_they_go(world, bench):
    """One donor's tubes stand in the failing freezer and in a box that keeps families apart."""
    boxes = full_rack(world)
    (kin, mine) = bench.tubes(2)
    family(bench, kin, mine)
    bench.place(boxes[0], "A1", sample=kin)
    bench.place(world.boxes[0], "D6", sample=mine)

    def home() -> int:
        plan = world.evacuate()
        (found,) = (shown.target.container.id for shown in world.steps(plan) if shown.code == mine.code)
        bench.do(moves.give_up, plan=plan, why="once more")
        return found

    bench.do(accepting.set_accepts, container=boxes[0], families="apart")
    assert home() != boxes[0].id
    bench.do(accepting.set_accepts, container=boxes[0], families="together")
    assert home() == boxes[0].id


# --- the way back


def test_everything_comes_back(world):
    world.other_freezer()
    before = [world.way(tube) for box in world.tubes for tube in box]
    plan = world.evacuate()
    world.do_all(plan)

    back = world.bench.do(moves.reverse, plan=plan, why="it was the alarm that was broken")
    world.do_all(back)

    assert [world.way(tube) for box in world.tubes for tube in box] == before
    assert (back.kind, back.reverses_id) == ("return", plan.id)


def test_the_way_back_gives_up_what_is_open_and_leaves_what_was_moved_on(world):
    world.other_freezer(shelves=2)
    plan = world.evacuate()
    first = world.steps(plan)[0]
    world.bench.do(moves.confirm, step=first.step, scanned=first.code)

    back = world.bench.do(moves.reverse, plan=plan, why="repaired")

    assert [shown.code for shown in world.steps(back)] == [first.code]
    db.session.refresh(plan)
    assert plan.closed_at is not None
    with pytest.raises(RuleViolation, match="reversed_already"):
        world.bench.do(moves.reverse, plan=plan, why="again")


def test_where_nothing_was_moved_there_is_nothing_to_bring_back(world):
    world.other_freezer()
    plan = world.evacuate()

    with pytest.raises(RuleViolation, match="nothing_to_bring_back"):
        world.bench.do(moves.reverse, plan=plan, why="repaired")
    db.session.refresh(plan)
    assert plan.closed_at is None


# --- tidying up


def test_nearly_empty_boxes_are_emptied_into_others(world, bench):
    plan = bench.do(moves.defragment, container=world.freezer)

    steps = world.steps(plan)
    assert {shown.origin.container.code for shown in steps} == {world.boxes[0].code, world.boxes[1].code}
    assert {shown.target.container.code for shown in steps} == {world.boxes[2].code}
    world.do_all(plan)
    assert storage.used_in([box.id for box in world.boxes]) == {
        world.boxes[0].id: 0, world.boxes[1].id: 0, world.boxes[2].id: 9,
    }  # fmt: skip


def test_fuller_boxes_are_left_alone(world, bench):
    with pytest.raises(RuleViolation, match="nothing_to_tidy"):
        bench.do(moves.defragment, container=world.freezer, most_full=0.05)
    with pytest.raises(Malformed):
        bench.do(moves.defragment, container=world.freezer, most_full=1.5)


# --- a whole rack


def test_a_rack_is_carried_with_two_scans(world, bench):
    _freezer, (shelf,) = world.other_freezer()

    bench.do(moves.carry, what=world.rack.code, where=position_code(shelf.code, kind_of(shelf), "03"))

    assert world.way(world.tubes[0][0])[1] == f"{shelf.code}:03"
    assert world.way(world.tubes[0][0])[2].startswith(world.rack.code)


def test_without_a_place_it_takes_the_first_free_one(world, bench):
    _freezer, (shelf,) = world.other_freezer()

    placed = bench.do(moves.carry, what=world.boxes[2].code, where=shelf.code)

    assert placed.placement.position == "01"


@pytest.mark.parametrize("which", ["shelf", "freezer", "tube"])
def test_what_is_built_in_is_not_carried(world, bench, which):
    _freezer, (shelf,) = world.other_freezer()
    code = world.tubes[0][0].code if which == "tube" else getattr(world, which).code

    with pytest.raises(RuleViolation, match="not_carried_whole"):
        bench.do(moves.carry, what=code, where=shelf.code)


def test_what_a_plan_moves_is_confirmed_there(world, bench):
    _freezer, (shelf,) = world.other_freezer()
    world.evacuate()

    with pytest.raises(RuleViolation, match="move_plan_open"):
        bench.do(moves.carry, what=world.rack.code, where=shelf.code)
    assert db.session.scalar(select(MoveStep.id).where(MoveStep.done_at.is_not(None))) is None
    assert db.session.scalar(select(MovePlan.id)) is not None
    assert db.session.scalar(select(Sample.id)) is not None
