"""What is looked for every night, each put there by a stranger who took the guards away first."""

import pytest
from sqlalchemy.engine import make_url

from biobank.audit import service as audit
from biobank.core.db import db
from biobank.storage import checks, undoing
from biobank.storage import service as storage
from tests.guarded import NOON, Stranger

PLACED = {"placed_at": NOON, "placed_recorded_at": NOON, "placed_by": "x"}
CLAIMED = {"kind": "reserved", "for_key": "k", "made_at": NOON, "made_by": "k", "until_at": NOON}


@pytest.fixture
def stranger(database_uri):
    """Somebody with the database's own tools and no respect: no index, no trigger, no foreign key of places is left."""
    bank = Stranger(make_url(database_uri).render_as_string(hide_password=False))
    indexes = ["uq_placement_position_current", "uq_placement_sample_current", "uq_placement_child_current"]
    bank.say(*(f"DROP INDEX {name}" for name in [*indexes, "uq_position_claim_open"]))
    if bank.sqlite:
        tables = "('placement', 'position_claim')"
        found = bank.ask(f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN {tables}")
        bank.say(*(f'DROP TRIGGER "{name}"' for (name,) in found))
    else:
        found = bank.ask(
            "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = 'placement'::regclass"
        )
        bank.say(*(f'ALTER TABLE placement DROP CONSTRAINT "{name}"' for (name,) in found))
        bank.say(
            "ALTER TABLE placement DISABLE TRIGGER USER", "ALTER TABLE position_claim DISABLE TRIGGER USER"
        )
    yield bank
    bank.close()


@pytest.fixture
def put(stranger):
    """Put a row where none should be."""

    def put(number, container, position=None, *, sample=None, child=None, **told):
        where = {"id": 9000 + number, "container_id": container, "position": position}
        thing = {"sample_id": sample, "child_id": child}
        stranger.insert("placement", **(where | thing | PLACED | told))

    return put


def found():
    """What is wrong, but for the tallies: whatever was put there by a stranger is missing in them."""
    db.session.rollback()
    return [line for line in checks.checks() if not line.startswith("storage: tallied wrong")]


def test_nothing_is_found_where_nothing_is_wrong(bench):
    box, tubes = bench.container(parent=bench.container("shelf")), bench.tubes(3)
    bench.place(box, "A1", sample=tubes[0])
    bench.place(box, "A2", sample=tubes[0])
    bench.place(box, "A3", sample=tubes[1])

    assert checks.checks() == []


def test_an_object_in_two_places(bench, put):
    box, tube = bench.container(), bench.tube()
    put(1, box.id, "A01", sample=tube.id)
    put(2, box.id, "A02", sample=tube.id)

    assert found() == [f"storage: in two places: {tube.code} stands in 2 places"]


def test_a_place_told_to_be_free_in_which_something_stands(bench, put, stranger):
    box, tube = bench.container(), bench.tube()
    put(1, box.id, "A01", sample=tube.id)
    stranger.insert("position_claim", id=1, container_id=box.id, position="A01", **CLAIMED)

    assert found() == [f"storage: kept but taken: {box.code} A01 is reserved, and something stands there"]


def test_a_place_that_its_kind_of_box_does_not_have(bench, put, stranger):
    box, tube = bench.container(), bench.tube()
    put(1, box.id, "K01", sample=tube.id)
    stranger.insert("position_claim", id=1, container_id=box.id, position="K02", **CLAIMED)

    assert found() == [
        f"storage: outside its kind: {box.code} has no place K01",
        f"storage: kept outside its kind: {box.code} has no place K02, which is reserved or blocked",
    ]


def test_one_place_under_two_names(bench, put):
    box, (one, two) = bench.container(), bench.tubes(2)
    put(1, box.id, "A01", sample=one.id)
    put(2, box.id, "A1", sample=two.id)

    assert f"storage: one place twice: {box.code} A01 holds 2 things, one of them as A1" in found()


def test_two_objects_in_one_place(bench, put):
    box, (one, two) = bench.container(), bench.tubes(2)
    put(1, box.id, "A01", sample=one.id)
    put(2, box.id, "A01", sample=two.id)

    assert found() == [f"storage: two in one place: {box.code} A01 holds 2 things"]


def test_something_that_was_moved_and_stands_nowhere(bench, put):
    box, tube, rack = bench.container(), bench.tube(), bench.container("drawer_rack")
    ended = {"removed_at": NOON, "removed_recorded_at": NOON, "removed_by": "x", "why": "moved"}
    put(1, box.id, "A01", sample=tube.id, **ended)
    put(2, rack.id, "01", child=box.id, **ended)

    assert found() == [
        f"storage: moved to nowhere: {tube.code} was moved and arrived nowhere",
        f"storage: moved to nowhere: {box.code} was moved and arrived nowhere",
    ]


def test_a_place_that_points_to_nothing(bench, put):
    box = bench.container()
    put(1, box.id, "A01", sample=77_777)
    put(2, 88_888, "A02", sample=bench.tube().id)

    assert {each for each in found() if "pointing" in each} == {
        "storage: pointing to nothing: placement 9001 points to sample 77777, which there is not",
        "storage: pointing to nothing: placement 9002 is in a container that there is not",
    }


@pytest.mark.parametrize("status", ["destroyed", "shipped", "handed_out", "lost", "expected"])
def test_a_sample_that_is_not_here_and_has_a_place(bench, put, status):
    box, tube = bench.container(), bench.tube(status=status)
    put(1, box.id, "A01", sample=tube.id)

    assert found() == [f"storage: gone but standing: {tube.code} is {status} and still has a place"]


def test_more_in_a_shelf_than_goes_in(bench, put):
    shelf, tubes = bench.container("unpositioned_shelf"), bench.tubes(501)
    for number, tube in enumerate(tubes):
        put(number, shelf.id, sample=tube.id)

    assert found() == [f"storage: too full: {shelf.code} holds 501 things; 500 go in"]


def test_a_box_that_stands_in_itself(bench, put):
    rack, box = bench.container("drawer_rack"), bench.container()
    put(1, rack.id, "01", child=box.id)
    put(2, box.id, "A01", child=rack.id)

    assert f"storage: in itself: {box.code} stands in itself" in found()


def test_a_place_kept_for_a_plan_that_nobody_carries_out(bench, stranger):
    box = bench.container()
    plan = {"site_id": bench.site_id, "kind": "evacuate", "container_id": box.id, "why": "alarm", "made_at": NOON,
            "made_by": "k"}  # fmt: skip
    stranger.insert("move_plan", id=1, **plan)
    stranger.insert("move_plan", id=2, closed_at=NOON, closed_by="k", **plan)
    for plan_id in (1, 2, 3):
        stranger.insert(
            "position_claim",
            id=plan_id,
            container_id=box.id,
            position=f"A0{plan_id}",
            plan_id=plan_id,
            **CLAIMED,
        )

    assert found() == [
        f"storage: kept for no plan: {box.code} A0{plan_id} is kept for plan {plan_id}, which is not being carried out"
        for plan_id in (2, 3)
    ]


def fetched_by_a_stranger(stranger, bench, tube):
    """A reversal of the discard as the guards take it, and the status turned back, without a word in the record."""
    (entry,) = [each["seq"] for each in audit.history("sample", tube.code) if each["act"] == "discarded"]
    told = {"sample_id": tube.id, "entry_seq": entry, "recorded_at": NOON, "recorded_by": bench.by.key}
    stranger.insert("discard_reversal", id=7, **told)
    stranger.say(f"UPDATE sample SET status = 'available' WHERE id = {tube.id}")


IN_SILENCE = (
    "storage: fetched in silence: reversal 7 fetches {} out of the bin, and the record does not tell of it"
)


def test_a_tube_that_came_back_from_the_bin_without_a_word_in_the_record(bench, stranger):
    tube = bench.tube()
    bench.do(storage.discard, sample=tube, reason="broken")

    fetched_by_a_stranger(stranger, bench, tube)

    assert found() == [IN_SILENCE.format(tube.code)]


def test_what_the_record_tells_of_a_second_time_in_the_bin_does_not_speak_for_the_first(bench, stranger):
    tube = bench.tube()
    bench.do(storage.discard, sample=tube, reason="broken")
    fetched_by_a_stranger(stranger, bench, tube)
    db.session.rollback()
    bench.do(storage.discard, sample=tube, reason="broken after all")
    bench.do(undoing.undo_discarded, sample=tube)

    assert found() == [IN_SILENCE.format(tube.code)]


def test_a_tube_that_was_fetched_out_of_the_bin_by_who_threw_it_away_is_nothing_odd(bench):
    box, tube = bench.container(), bench.tube()
    bench.place(box, "A1", sample=tube)
    bench.do(storage.discard, sample=tube, reason="broken")
    bench.do(undoing.undo_discarded, sample=tube)

    assert found() == []
