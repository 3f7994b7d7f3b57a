"""Taking back the last thing that was done in one place, by a reversing act."""

import pytest

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.errors import NotFound, RuleViolation
from biobank.storage import cold, undoing
from biobank.storage import service as storage
from tests import people
from tests.conftest import NOON
from tests.storage.test_cold import MINUTE
from tests.storage.test_service import acts_of, place_of


@pytest.fixture
def box(bench):
    return bench.container(
        name="CC12",
        parent=bench.container("shelf", name="S", parent=bench.container("freezer_minus80", name="F")),
    )


def undo(bench, act, placement):
    return bench.do(lambda by: act(placement.id, by))


def refused(bench, act, placement):
    with pytest.raises(RuleViolation) as refusal:
        undo(bench, act, placement)
    return refusal.value


def test_what_was_put_there_is_taken_out_again(bench, box):
    tube = bench.tube()
    placed = bench.place(box, "A1", sample=tube)

    ended = undo(bench, undoing.undo_placed, placed)

    assert (ended.id, ended.why) == (placed.id, "undone")
    assert place_of(tube) is None
    assert acts_of(tube)[:2] == ["placed", "taken_out"] or acts_of(tube)[-2:] == ["placed", "taken_out"]


def test_what_was_moved_goes_back_to_where_it_was(bench, box):
    tube = bench.tube()
    bench.place(box, "A1", sample=tube)
    moved = bench.place(box, "B2", sample=tube)

    undo(bench, undoing.undo_placed, moved)

    assert place_of(tube).endswith("CC12 A01")


def test_a_box_goes_back_too(bench, box):
    other = bench.container("shelf")
    moved = bench.place(other, "2", child=box)

    undo(bench, undoing.undo_moved, moved)

    assert [step.name for step in storage.path_of([box.id])[box.id]] == ["F", "S"]


def test_where_somebody_stands_now_nothing_goes_back(bench, box):
    one, two = bench.tubes(2)
    bench.place(box, "A1", sample=one)
    moved = bench.place(box, "B2", sample=one)
    bench.place(box, "A1", sample=two)

    refusal = refused(bench, undoing.undo_placed, moved)

    assert (refusal.code, refusal.params["occupant"]) == ("position_taken", two.code)
    assert place_of(one).endswith("CC12 B02")


def test_what_was_moved_since_is_not_taken_back(bench, box):
    tube = bench.tube()
    placed = bench.place(box, "A1", sample=tube)
    moved = bench.place(box, "A2", sample=tube)

    assert refused(bench, undoing.undo_placed, placed).code == "undo_not_last"
    assert refused(bench, undoing.undo_taken_out, placed).code == "undo_not_last"
    assert refused(bench, undoing.undo_taken_out, moved).code == "undo_not_last"
    undo(bench, undoing.undo_placed, moved)
    assert place_of(tube).endswith("CC12 A01")


def test_what_moved_nothing_is_no_move(bench, box):
    placed = bench.place(box, "A1", sample=bench.tube())

    assert refused(bench, undoing.undo_moved, placed).code == "undo_not_last"


def test_what_was_taken_out_is_put_back(bench, box):
    tube = bench.tube()
    bench.place(box, "A1", sample=tube)
    ended = bench.do(storage.take_out, sample=tube)

    undo(bench, undoing.undo_taken_out, ended)

    assert place_of(tube).endswith("CC12 A01")
    assert "put_back" in acts_of(tube)
    assert refused(bench, undoing.undo_taken_out, ended).code == "undo_not_last"


def test_what_was_taken_out_stays_out_when_its_place_was_filled(bench, box):
    one, two = bench.tubes(2)
    bench.place(box, "A1", sample=one)
    ended = bench.do(storage.take_out, sample=one)
    bench.place(box, "A1", sample=two)

    refusal = refused(bench, undoing.undo_taken_out, ended)

    assert (refusal.code, refusal.params["occupant"]) == ("position_taken", two.code)


def test_a_thaw_that_is_taken_back_counts_no_more(bench, frozen_clock):
    box = bench.container(parent=bench.container("shelf", parent=bench.container("freezer_minus80")))
    tube = bench.tube()
    bench.place(box, "A1", sample=tube)
    with clock.freeze(NOON + 5 * MINUTE):
        ended = bench.do(storage.thaw, sample=tube)
        assert cold.cold_of([tube.id])[tube.id].thaws == 1
    with clock.freeze(NOON + 6 * MINUTE):
        undo(bench, undoing.undo_taken_out, ended)
        found = cold.cold_of([tube.id])[tube.id]

    assert (found.thaws, found.minutes_out, found.frozen) == (0, 1, True)
    assert "thaw_undone" in [entry["act"] for entry in audit.history("sample", tube.code)]


def test_the_containers_to_lock_are_told(bench, box):
    other, tube = bench.container(), bench.tube()
    bench.place(box, "A1", sample=tube)
    moved = bench.place(other, "A1", sample=tube)

    assert undoing.containers_of([moved.id]) == {box.id, other.id}


def test_another_sites_placement_is_unknown(bench, box):
    placed = bench.place(box, "A1", sample=bench.tube())
    stranger = people.actor("technician", site_code="LYON")

    for key, by in ((placed.id, stranger), (99_999, bench.by)):
        with pytest.raises(NotFound):
            bench.do(lambda by, key=key, who=by: undoing.undo_placed(key, who))
