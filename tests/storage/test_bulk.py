"""Many tubes at once: all of them stand where they should, or nothing has moved."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db
from biobank.core.errors import NotFound, RuleViolation
from biobank.core.times import When
from biobank.storage import accepting, bulk, claims
from biobank.storage import service as storage
from biobank.storage.models import Placement


def put(bench, box, positions, **how):
    return bench.do(
        bulk.put_many, container=box, positions={place: tube.id for place, tube in positions.items()}, **how
    )


def stands(box):
    db.session.rollback()
    return {place: occupant.code for place, occupant in storage.what_is_in(box).by_position.items()}


@pytest.fixture
def box(bench):
    return bench.container()


def test_tubes_are_placed_moved_and_left_where_they_stand(bench, box):
    stays, goes, comes = bench.tubes(3)
    bench.place(box, "A1", sample=stays)
    bench.place(box, "A2", sample=goes)

    done = put(bench, box, {"A1": stays, "b2": goes, "C3": comes})

    assert stands(box) == {"A01": stays.code, "B02": goes.code, "C03": comes.code}
    assert done.placed == {goes.id: (box.code, "A02"), comes.id: None}
    assert [audit.history("sample", tube.code)[-1]["act"] for tube in (goes, comes)] == ["moved", "placed"]


def test_a_whole_circle_of_tubes_changes_places(bench, box):
    tubes = bench.tubes(5)
    put(bench, box, {f"A{n}": tube for n, tube in enumerate(tubes, 1)})

    put(bench, box, {f"A{n}": tube for n, tube in enumerate([*tubes[1:], tubes[0]], 1)})

    assert list(stands(box).values()) == [tube.code for tube in (*tubes[1:], tubes[0])]


def test_some_are_taken_out_while_others_come(bench, box):
    leaves, comes = bench.tubes(2)
    bench.place(box, "A1", sample=leaves)

    done = put(bench, box, {"A1": comes}, out=[leaves.id], why="missing")

    assert (stands(box), done.out) == ({"A01": comes.code}, {leaves.id: (box.code, "A01")})
    ended = db.session.scalars(select(Placement).where(Placement.sample_id == leaves.id)).one()
    assert ended.why == "missing"


def test_who_stands_in_another_box_is_not_taken_out_of_it(bench, box):
    tube, other = bench.tube(), bench.container()
    bench.place(other, "A1", sample=tube)

    assert put(bench, box, {}, out=[tube.id]).out == {}
    assert stands(other) == {"A01": tube.code}


@pytest.mark.parametrize("what", ["taken", "twice", "both", "slide", "destroyed", "blocked", "accepted"])
def test_one_that_cannot_be_and_none_is_moved(bench, box, what):
    sitting, good, other = bench.tubes(3)
    bench.place(box, "A1", sample=sitting)
    slide, gone = bench.tube(vessel="slide"), bench.tube(status="destroyed")
    if what == "blocked":
        bench.do(claims.block, container=box, position="C1", why="broken")
    if what == "accepted":
        bench.do(accepting.set_accepts, container=box, types=["Serum"])
    positions, how, code = {
        "taken": ({"A1": good}, {}, "position_taken"),
        "twice": ({"B1": good, "C1": good}, {}, "sample_given_twice"),
        "both": ({"B1": sitting}, {"out": [sitting.id]}, "placed_and_taken_out"),
        "slide": ({"B1": good, "C1": slide}, {}, "does_not_fit"),
        "destroyed": ({"B1": good, "C1": gone}, {}, "act_not_possible"),
        "blocked": ({"B1": good, "C1": other}, {}, "position_blocked"),
        "accepted": ({"B1": good}, {}, "type_not_accepted"),
    }[what]

    with pytest.raises(RuleViolation, match=code):
        put(bench, box, positions, **how)

    assert stands(box) == {"A01": sitting.code}
    assert not [e for e in audit.history("sample", good.code) if e["act"] == "placed"]


def test_another_site_s_tube_is_not_there(bench, box, other_bench):
    with pytest.raises(NotFound, match="sample_unknown"):
        put(bench, box, {"A1": other_bench.tube()})


def test_it_is_told_when_it_was_done_and_never_before_what_was_done_before(bench, box):
    one, other = bench.tubes(2)
    yesterday = When.exactly(clock.now() - timedelta(days=1))
    put(bench, box, {"A1": one}, at=yesterday)
    assert db.session.scalars(select(Placement.placed_at)).one() == yesterday.at

    with pytest.raises(RuleViolation, match="placed_before_last"):
        put(bench, box, {"A2": one, "A3": other}, at=When.exactly(clock.now() - timedelta(days=2)))
    with pytest.raises(RuleViolation, match="happened_in_future"):
        put(bench, box, {"A2": one}, at=When.exactly(clock.now() + timedelta(days=2)))


def test_a_place_that_waits_for_the_actor_is_used_by_it(bench, box):
    (tube,) = bench.tubes(1)
    bench.do(claims.reserve, container=box, positions=["A1"])

    put(bench, box, {"A1": tube})

    assert claims.open_claims([box.id]) == {}
