"""Containers, and what stands where in them: each act, what it refuses, and what it leaves in the record."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DatabaseError

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.samples import life
from biobank.samples.models import QuantityEntry, Sample
from biobank.storage import checks
from biobank.storage import service as storage
from biobank.storage.models import Container, Placement
from tests.conftest import NOON

HOUR = timedelta(hours=1)


@pytest.fixture
def freezer(bench):
    """A freezer with a rack in its second place and a box in the rack's third."""
    freezer = bench.container("freezer_minus80", name="Freezer 3")
    rack = bench.container("drawer_rack", name="Rack 2", parent=freezer, position="2")
    box = bench.container(name="CC12", parent=rack, position="3")
    return freezer, rack, box


def place_of(sample):
    """Where a sample stands, as text; None when it stands nowhere."""
    steps = storage.where_is([sample.id]).get(sample.id)
    return " > ".join(f"{step.name} {step.position}" for step in steps) if steps else None


def acts_of(sample):
    return [entry["act"] for entry in audit.history("sample", sample.code)]


class Statements:
    """Counts what is sent to the database while the block lasts."""

    def __enter__(self):
        self.sent = []
        event.listen(db.engine, "before_cursor_execute", self._note)
        return self

    def _note(self, _connection, _cursor, statement, *_rest):
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            self.sent.append(statement)

    def __exit__(self, *_error):
        event.remove(db.engine, "before_cursor_execute", self._note)

    def __len__(self):
        return len(self.sent)


# --- setting up


def test_a_container_has_a_number_of_its_own_and_stands_in_its_parent(bench, freezer):
    _, rack, box = freezer

    assert [step.name for step in storage.path_of([box.id])[box.id]] == ["Freezer 3", "Rack 2"]
    assert storage.find_container(f" {box.code[0]} {box.code[1:7]} {box.code[7:]}", bench.by).id == box.id
    assert [occupant.code for occupant in storage.what_is_in(rack).occupants] == [box.code]
    assert [entry["act"] for entry in audit.history("container", box.code)] == ["container_made", "placed"]


def test_a_container_without_a_place_named_takes_its_parents_first_free_one(bench, freezer):
    parent = freezer[0]

    for _ in range(4):
        bench.container("shelf", parent=parent)

    assert sorted(storage.what_is_in(parent).by_position) == ["01", "02", "03", "04", "05"]
    with pytest.raises(RuleViolation, match="container_full"):
        bench.container("shelf", parent=parent)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "bathtub"}, "kind"),
        ({"kind": "shelf", "name": "  "}, "name"),
        ({"kind": "shelf", "position": "1"}, "position"),
    ],
)
def test_a_container_that_cannot_be_is_refused_by_its_field(bench, wrong, field):
    with pytest.raises(Malformed) as refused:
        bench.container(**wrong)

    assert list(refused.value.fields) == [field]


def test_a_refused_container_leaves_no_trace(bench):
    box = bench.container()
    entries = audit.verify().entries

    with pytest.raises(RuleViolation, match="does_not_fit"):
        bench.container("shelf", parent=box)

    assert [each.code for each in storage.list_containers(bench.by).items] == [box.code]
    assert audit.verify().entries == entries


def test_nobody_finds_another_sites_container(bench, other_bench):
    theirs = other_bench.container()

    with pytest.raises(NotFound):
        storage.find_container(theirs.code, bench.by)
    with pytest.raises(NotFound):
        bench.container("shelf", parent=theirs)
    assert storage.list_containers(bench.by).items == []


# --- placing and moving


@pytest.mark.parametrize("written", ["B07", "b7", "B,7", "B-07", "16"])
def test_a_place_may_be_written_in_many_ways(bench, freezer, written):
    tube = bench.tube()

    bench.place(freezer[2], written, sample=tube)

    assert place_of(tube) == "Freezer 3 02 > Rack 2 03 > CC12 B07"


def test_a_tube_that_stands_elsewhere_is_moved(bench, freezer):
    box, other = freezer[2], bench.container()
    tube = bench.tube()
    bench.place(box, "A1", sample=tube)

    placed = bench.do(storage.put, container=other, position="C3", sample=tube)

    assert (place_of(tube), placed.came_from) == (f"{other.name} C03", (box.code, "A01"))
    assert storage.what_is_in(box).used == 0
    last = audit.history("sample", tube.code)[-1]
    assert (last["act"], last["before"], last["after"]) == (
        "moved",
        {"container": box.code, "position": "A01"},
        {"container": other.code, "position": "C03"},
    )


def test_placing_a_tube_where_it_stands_already_changes_nothing(bench, freezer):
    tube = bench.tube()
    first = bench.place(freezer[2], "A1", sample=tube)

    again = bench.place(freezer[2], "A01", sample=tube)

    assert (again.id, acts_of(tube)) == (first.id, ["placed"])


def test_a_taken_place_is_refused_with_the_occupant(bench, freezer):
    sitting, coming = bench.tubes(2)
    bench.place(freezer[2], "A1", sample=sitting)

    with pytest.raises(RuleViolation, match="position_taken") as refused:
        bench.place(freezer[2], "A1", sample=coming)

    assert refused.value.params == {"container": freezer[2].code, "position": "A01", "occupant": sitting.code}
    assert (place_of(coming), acts_of(coming)) == (None, [])


@pytest.mark.parametrize(
    ("kind", "position", "code"),
    [
        ("tube_box_9x9", "J1", "position_outside"),
        ("tube_box_9x9", "A10", "position_outside"),
        ("tube_box_9x9", "AAAA1", "position_outside"),
        ("tube_box_9x9", "?", "position_unreadable"),
        ("slide_box", "1", "does_not_fit"),
        ("unpositioned_shelf", "A1", "container_has_no_positions"),
    ],
)
def test_what_cannot_stand_there_is_refused(bench, kind, position, code):
    container = bench.container(kind)

    with pytest.raises(RuleViolation, match=code):
        bench.place(container, position, sample=bench.tube())


def test_a_box_needs_to_be_told_which_place(bench, freezer):
    with pytest.raises(Malformed, match="malformed"):
        bench.place(freezer[2], sample=bench.tube())


def test_the_next_free_place_is_taken_from_where_one_points(bench, freezer):
    box = freezer[2]
    tubes = bench.tubes(4)
    bench.place(box, "A2", sample=tubes[0])

    for tube, start in zip(tubes[1:], [None, None, "I9"], strict=True):
        bench.do(storage.put, container=box, position=start, sample=tube, next_free=True)

    assert [place_of(tube)[-3:] for tube in tubes] == ["A02", "A01", "A03", "I09"]


@pytest.mark.parametrize(
    "status", ["expected", "collected", "depleted", "handed_out", "shipped", "destroyed", "lost"]
)
def test_only_a_sample_in_our_hands_is_placed(bench, freezer, status):
    with pytest.raises(RuleViolation, match="act_not_possible"):
        bench.place(freezer[2], "A1", sample=bench.tube(status=status))


def test_another_sites_sample_is_not_known_here(bench, other_bench, freezer):
    theirs = other_bench.tube()

    with pytest.raises(NotFound, match="sample_unknown"):
        bench.place(freezer[2], "A1", sample=theirs)
    with pytest.raises(NotFound, match="container_unknown"):
        other_bench.place(freezer[2], "A1", sample=theirs)


def test_a_shelf_without_places_takes_no_more_than_it_can(bench, monkeypatch):
    shelf = bench.container("unpositioned_shelf")
    tubes = bench.tubes(500)
    for tube in tubes[:3]:
        bench.place(shelf, sample=tube)
    _fill(shelf, tubes[3:])
    late = bench.tube()

    with pytest.raises(RuleViolation, match="container_full"):
        bench.place(shelf, sample=late)
    bench.place(shelf, sample=tubes[0])  # it stands there already

    assert storage.what_is_in(shelf).free == 0


def _fill(container, tubes):
    now = clock.now()
    rows = [
        {"container_id": container.id, "sample_id": tube.id, "placed_at": now, "placed_recorded_at": now,
         "placed_by": "tests"}
        for tube in tubes
    ]  # fmt: skip
    unit_of_work(lambda: db.session.execute(db.insert(Placement), rows))


# --- times


def test_a_placement_keeps_when_it_happened_and_when_it_was_recorded(bench, freezer, frozen_clock):
    tube = bench.tube()

    placement = bench.place(freezer[2], "A1", sample=tube, at=When.exactly(NOON - 3 * HOUR))

    assert (placement.placed_at, placement.placed_recorded_at) == (NOON - 3 * HOUR, NOON)


def test_nothing_is_placed_in_the_future_or_before_it_was_placed_last(bench, freezer, frozen_clock):
    tube = bench.tube()
    bench.place(freezer[2], "A1", sample=tube, at=When.exactly(NOON - HOUR))

    for at, code in [
        (When.exactly(NOON + HOUR), "happened_in_future"),
        (When.exactly(NOON - 2 * HOUR), "placed_before_last"),
        (When.on((NOON - 24 * HOUR).date()), "placed_before_last"),
    ]:
        with pytest.raises(RuleViolation, match=code):
            bench.place(freezer[2], "A2", sample=tube, at=at)
    with pytest.raises(Malformed):
        bench.place(freezer[2], "A2", sample=tube, at=When.unknown())

    assert place_of(tube).endswith("A01")


def test_a_move_of_which_only_the_day_is_known_does_not_go_before_the_placement_it_ends(
    bench, freezer, frozen_clock
):
    tube = bench.tube()
    bench.place(freezer[2], "A1", sample=tube, at=When.exactly(NOON - HOUR))

    moved = bench.place(freezer[2], "A2", sample=tube, at=When.on(NOON.date()))

    assert moved.placed_at == NOON - HOUR


# --- taking out, putting back


def test_a_tube_is_taken_out_and_put_back_where_it_stood(bench, freezer):
    tube = bench.tube()
    bench.place(freezer[2], "D4", sample=tube)

    ended = bench.do(storage.take_out, sample=tube, reason="thawed for a new label")
    assert (place_of(tube), ended.why) == (None, "taken_out")
    bench.do(storage.put_back, sample=tube)

    assert place_of(tube) == "Freezer 3 02 > Rack 2 03 > CC12 D04"
    assert acts_of(tube) == ["placed", "taken_out", "put_back"]


def test_a_tube_is_not_put_back_onto_another(bench, freezer):
    tube, other = bench.tubes(2)
    bench.place(freezer[2], "D4", sample=tube)
    bench.do(storage.take_out, sample=tube)
    bench.place(freezer[2], "D4", sample=other)

    with pytest.raises(RuleViolation, match="position_taken") as refused:
        bench.do(storage.put_back, sample=tube)

    assert refused.value.params["occupant"] == other.code


def test_what_stands_nowhere_is_neither_taken_out_nor_put_back(bench, freezer):
    tube = bench.tube()

    with pytest.raises(RuleViolation, match="stands_nowhere"):
        bench.do(storage.take_out, sample=tube)
    with pytest.raises(RuleViolation, match="stood_nowhere"):
        bench.do(storage.put_back, sample=tube)
    bench.place(freezer[2], "A1", sample=tube)
    with pytest.raises(RuleViolation, match="stands_already"):
        bench.do(storage.put_back, sample=tube)


def test_a_box_is_moved_with_all_that_stands_in_it(bench, freezer):
    _, rack, box = freezer
    other = bench.container("drawer_rack", name="Rack 9")
    tube = bench.tube()
    bench.place(box, "A1", sample=tube)

    bench.place(other, "24", child=box)

    assert (place_of(tube), storage.is_stored([tube.id])) == ("Rack 9 24 > CC12 A01", set())
    assert storage.what_is_in(rack).used == 0


def test_a_box_is_taken_out_and_put_back(bench, freezer):
    _, rack, box = freezer

    bench.do(storage.take_out, child=box)
    assert storage.path_of([box.id])[box.id] == []
    bench.do(storage.put_back, child=box)

    assert storage.what_is_in(rack).by_position["03"].code == box.code


def test_nothing_stands_in_itself(bench, monkeypatch):
    from biobank.storage import kinds

    shelf = kinds.kinds()["unpositioned_shelf"]
    nesting = type(shelf)(**(vars(shelf) | {"holds": shelf.holds | {"unpositioned_shelf"}}))
    monkeypatch.setattr(kinds, "kinds", lambda: {"unpositioned_shelf": nesting})
    first = bench.container("unpositioned_shelf")
    second = bench.container("unpositioned_shelf", parent=first)
    third = bench.container("unpositioned_shelf", parent=second)

    for inside in (first, second, third):
        with pytest.raises(RuleViolation, match="container_in_itself"):
            bench.place(inside, child=first)


# --- the end of a sample


def test_a_discarded_sample_leaves_its_place_and_nothing_in_the_tube(bench, freezer):
    tube = bench.tube()
    bench.place(freezer[2], "A1", sample=tube)

    bench.do(storage.discard, sample=tube, reason="Tube broken")

    db.session.refresh(tube)
    ledger = db.session.scalars(select(QuantityEntry.amount).where(QuantityEntry.sample_id == tube.id)).all()
    assert (tube.status, tube.remaining, sorted(ledger), place_of(tube)) == (
        "destroyed",
        0,
        [-500_000, 500_000],
        None,
    )
    last = audit.history("sample", tube.code)[-1]
    assert (last["act"], last["reason"], last["before"]["position"]) == ("discarded", "Tube broken", "A01")
    bench.place(freezer[2], "A1", sample=bench.tube())


def test_a_discard_says_why(bench):
    with pytest.raises(Malformed):
        bench.do(storage.discard, sample=bench.tube(), reason="  ")


def test_what_is_promised_to_a_request_is_not_discarded(bench, freezer):
    tube = bench.tube(reserved=100_000)
    bench.place(freezer[2], "A1", sample=tube)

    with pytest.raises(RuleViolation, match="part_is_reserved"):
        bench.do(storage.discard, sample=tube, reason="Tube broken")

    assert place_of(tube).endswith("A01")


def test_a_sample_of_unknown_quantity_can_be_discarded_and_is_not_discarded_twice(bench):
    tube = bench.tube(quantity_kind=None, initial=None, remaining=None)

    bench.do(storage.discard, sample=tube, reason="Expired")

    with pytest.raises(RuleViolation, match="act_not_possible"):
        bench.do(storage.discard, sample=tube, reason="Expired")


def test_a_lost_sample_leaves_its_place_and_stands_nowhere_when_found(bench, freezer):
    tube = bench.tube()
    bench.place(freezer[2], "A1", sample=tube)

    bench.do(storage.lose, sample=tube, reason="Not in its box")
    assert place_of(tube) is None
    unit_of_work(lambda: life.find(sample=tube, by=bench.by))
    bench.do(storage.put_back, sample=tube)

    assert place_of(tube).endswith("A01")


# --- reading


def test_the_way_to_a_thousand_tubes_is_one_query(bench, freezer):
    tubes = bench.tubes(81)
    _fill_places(freezer[2], tubes)
    ids = [tube.id for tube in tubes]

    with Statements() as sent:
        found = storage.where_is(ids)

    assert (len(sent), len(found), found[ids[80]][-1].position) == (1, 81, "I09")


def _fill_places(box, tubes):
    now = clock.now()
    rows = [
        {"container_id": box.id, "sample_id": tube.id, "position": f"{'ABCDEFGHI'[n // 9]}0{n % 9 + 1}",
         "placed_at": now, "placed_recorded_at": now, "placed_by": "tests"}
        for n, tube in enumerate(tubes)
    ]  # fmt: skip
    unit_of_work(lambda: db.session.execute(db.insert(Placement), rows))


def test_placing_a_tube_takes_eleven_statements_at_most_and_moving_it_in_its_box_ten(bench, freezer):
    """One of them asks, because it freezes there, whether a procedure wants to know when; two keep the tallies (one, on
    PostgreSQL)."""
    tube_id, box_id = bench.tube().id, freezer[2].id
    counts = []
    for position in ("A1", "A2"):

        def work(position=position):
            tube, box = db.session.get(Sample, tube_id), db.session.get(Container, box_id)
            with Statements() as sent:
                storage.place(container=box, position=position, sample=tube, by=bench.by)
            return len(sent), len(whole)

        with Statements() as whole:
            placing, before = unit_of_work(work)
        counts.append(placing + len(whole) - before)  # the record is written at the end of the unit of work

    both_at_once = db.engine.dialect.name == "postgresql"
    assert counts == [10 if both_at_once else 11, 10]


def test_the_map_of_a_full_box_takes_no_more_statements_than_that_of_one_tube(bench, freezer):
    box, other = freezer[2], bench.container()
    tubes = bench.tubes(82)
    bench.place(other, "A1", sample=tubes[81])
    _fill_places(box, tubes[:81])
    ids, counts = (other.id, other.id, box.id), []

    for box_id in ids:  # the first time, what never changes is read as well: codes of studies, forms
        db.session.expunge_all()
        each = db.session.get(Container, box_id)
        with Statements() as sent:
            found = storage.what_is_in(each)
        counts.append(len(sent))

    assert (found.used, found.free, found.next_free) == (81, 0, None)
    assert counts[1] == counts[2]


def test_stored_at_an_instant_is_what_stood_below_a_freezer_then(bench, frozen_clock):
    with clock.freeze(NOON - 10 * HOUR):
        freezer = bench.container("freezer_minus80")
        rack = bench.container("drawer_rack", parent=freezer)
        box = bench.container(parent=rack)
        desk = bench.container("tube_box_4x6")
        first, second = bench.tubes(2)
        bench.place(box, "A1", sample=first)
        bench.place(desk, "A1", sample=second)
    with clock.freeze(NOON - 5 * HOUR):
        bench.do(storage.take_out, child=rack)

    def stored(at):
        found = db.session.scalars(storage.stored_samples(at)).all()
        count = select(func.count()).select_from(storage.stored_samples(at).subquery())
        assert db.session.scalar(count) == len(found)
        return found

    assert stored(NOON - 11 * HOUR) == []
    assert stored(NOON - 6 * HOUR) == [first.id]
    assert stored(NOON - 5 * HOUR) == []
    assert storage.is_stored([first.id, second.id]) == set()
    bench.place(freezer, "1", child=rack)
    assert storage.is_stored([first.id, second.id]) == {first.id}


def test_room_is_counted_by_kind_and_below_a_freezer(bench, freezer):
    for position, tube in zip(("A1", "A2"), bench.tubes(2), strict=True):
        bench.place(freezer[2], position, sample=tube)

    counts = {
        count.kind: (count.containers, count.used, count.free) for count in storage.count_by_kind(bench.by)
    }

    assert counts == {"freezer_minus80": (1, 1, 4), "drawer_rack": (1, 1, 23), "tube_box_9x9": (1, 2, 79)}
    room = storage.room_below([freezer[0].id])[freezer[0].id]
    assert (room.samples, room.places) == (2, 81)
    assert [each.code for each in storage.roots(bench.by)] == [freezer[0].code]


# --- the database's own guards, on a connection that knows nothing of us


def test_the_database_refuses_two_things_in_one_place_and_one_thing_in_two(bench, freezer):
    tube, other = bench.tubes(2)
    placed = bench.place(freezer[2], "A1", sample=tube)
    db.session.commit()
    row = (
        "INSERT INTO placement (container_id, position, sample_id, placed_at, placed_recorded_at, placed_by)"
        " VALUES ({box}, '{position}', {sample}, '2020-01-01 00:00:00', '2020-01-01 00:00:00', 'x')"
    )
    box = freezer[2].id

    for statement in (
        row.format(box=box, position="A01", sample=other.id),
        row.format(box=box, position="B02", sample=tube.id),
        f"UPDATE placement SET position = 'B02' WHERE id = {placed.id}",
        f"UPDATE placement SET removed_at = '2000-01-01 00:00:00', removed_recorded_at = '2000-01-01 00:00:00'"
        f" WHERE id = {placed.id}",
        f"UPDATE placement SET removed_at = '2030-01-01 00:00:00' WHERE id = {placed.id}",
        f"DELETE FROM placement WHERE id = {placed.id}",
    ):
        assert refused(statement), statement


def refused(statement):
    """Does the database refuse it on a bare connection with its default settings?"""
    url = db.engine.url
    if url.get_backend_name() == "sqlite":
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(url.database)) as bare:
            try:
                bare.execute(statement)
            except sqlite3.IntegrityError:
                return True
        return False
    with db.engine.connect() as bare:
        try:
            bare.execute(text(statement))
        except DatabaseError:
            return True
    return False


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_sqlite_replaces_no_placement(bench, freezer):
    tube, other = bench.tubes(2)
    placed = bench.place(freezer[2], "A1", sample=tube)
    bench.place(freezer[2], "A2", sample=other)
    ended = bench.place(freezer[2], "A3", sample=other)
    db.session.commit()
    row = "(id, container_id, position, sample_id, placed_at, placed_recorded_at, placed_by)"
    values = f"{freezer[2].id}, 'A01', {other.id}, '2020-01-01', '2020-01-01', 'x'"

    for statement in (
        f"INSERT OR REPLACE INTO placement {row} VALUES ({placed.id}, {values})",
        f"INSERT OR REPLACE INTO placement {row} VALUES (NULL, {values})",
        f"REPLACE INTO placement {row} VALUES (999, {values})",
        f"UPDATE OR REPLACE placement SET position = 'A01' WHERE id = {ended.id}",
        f"UPDATE OR REPLACE placement SET sample_id = {tube.id} WHERE id = {ended.id}",
        f"UPDATE OR REPLACE placement SET id = {placed.id} WHERE id = {ended.id}",
        f"UPDATE OR REPLACE placement SET removed_at = NULL, removed_recorded_at = NULL"
        f" WHERE removed_at IS NOT NULL AND sample_id = {other.id}",
    ):
        assert refused(statement), statement


# --- the nightly checks


def test_a_bank_in_order_has_no_findings(bench, freezer):
    bench.place(freezer[2], "A1", sample=bench.tube())

    assert checks.checks() == []


def test_the_nightly_checks_find_what_should_not_be(bench, freezer):
    freezer_, rack, box = freezer
    gone, slide = bench.tube(status="destroyed"), bench.tube(vessel="slide")
    now = datetime(2020, 1, 1, tzinfo=UTC)
    kept = {"placed_at": now, "placed_recorded_at": now, "placed_by": "x"}
    rows = [
        {"container_id": box.id, "position": "A01", "sample_id": gone.id, "child_id": None},
        {"container_id": box.id, "position": "Z99", "sample_id": slide.id, "child_id": None},
        {"container_id": box.id, "position": None, "sample_id": None, "child_id": freezer_.id},
    ]
    unit_of_work(lambda: [db.session.execute(db.insert(Placement), row | kept) for row in rows])

    found = checks.checks()

    for sentence in (
        f"{gone.code} is destroyed and still has a place",
        f"{box.code} has no place Z99",
        "holds a slide, which a tube_box_9x9 does not take",
        "holds a freezer_minus80, which a tube_box_9x9 does not take",
        f"{box.code} holds something without a place",
        f"{rack.code} stands in itself",
    ):
        assert [each for each in found if sentence in each], (sentence, found)


def test_the_nightly_checks_count(bench, monkeypatch):
    from biobank.storage import kinds

    shelf = bench.container("unpositioned_shelf")
    for tube in bench.tubes(3):
        bench.place(shelf, sample=tube)
    kind = kinds.kinds()["unpositioned_shelf"]
    smaller = {"unpositioned_shelf": type(kind)(**(vars(kind) | {"capacity": 2}))}
    monkeypatch.setattr(kinds, "kinds", lambda: smaller)

    assert checks.checks() == [f"storage: too full: {shelf.code} holds 3 things; 2 go in"]
