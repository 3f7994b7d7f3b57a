"""Places that are kept: reserved while a hand is on the way, blocked, taken over, and never lost without a word."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from biobank.access import service as access
from biobank.audit import service as audit
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.samples.models import Sample
from biobank.storage import bulk, checks, claims
from biobank.storage import service as storage
from biobank.storage.models import Container, PositionClaim
from tests import people
from tests.conftest import NOON
from tests.storage.test_races import at_once, codes, placing
from tests.storage.test_service import Statements

MINUTE = timedelta(minutes=1)
ROUNDS = 4


@pytest.fixture
def other(bench):
    """Somebody else at the same bench."""
    return people.actor("technician")


@pytest.fixture
def box(bench):
    return bench.container(name="CC12")


def reserve(bench, box, *positions, by=None, **told):
    act = lambda: claims.reserve(container=box, positions=positions, by=by or bench.by, **told)  # noqa: E731
    return unit_of_work(act)


def place(box, position, sample, by, **told):
    return unit_of_work(lambda: storage.put(container=box, position=position, sample=sample, by=by, **told))


def refused(act):
    with pytest.raises(RuleViolation) as refusal:
        unit_of_work(act)
    return refusal.value


def put_refused(box, position, sample, by, **told):
    return refused(lambda: storage.put(container=box, position=position, sample=sample, by=by, **told))


def acts_on(box):
    return [entry["act"] for entry in audit.history("container", box.code)]


def ends(box):
    db.session.rollback()
    query = select(PositionClaim).where(PositionClaim.container_id == box.id).order_by(PositionClaim.id)
    return [(claim.position, claim.how_ended) for claim in db.session.scalars(query)]


# --- reserving


def test_a_place_is_kept_for_a_quarter_of_an_hour_unless_told(bench, box, frozen_clock):
    one, two = reserve(bench, box, "a1", "2")

    assert [(claim.position, claim.for_key) for claim in (one, two)] == [
        ("A01", bench.by.key),
        ("A02", bench.by.key),
    ]
    assert one.until_at == NOON + 15 * MINUTE
    assert "positions_reserved" in acts_on(box)


def test_ones_own_reservation_is_used_up_by_the_placement(bench, box):
    reserve(bench, box, "A1")

    place(box, "A1", bench.tube(), bench.by)

    assert ends(box) == [("A01", "used")]
    assert claims.open_claims([box.id]) == {}


def test_a_place_that_waits_for_somebody_is_refused_with_who_and_until_when(bench, box, other, frozen_clock):
    reserve(bench, box, "A1", by=other, minutes=20)

    refusal = put_refused(box, "A1", bench.tube(), bench.by)

    assert refusal.code == "position_reserved"
    assert refusal.params["who"] == access.names_of([other.key])[other.key]
    assert refusal.params["until"] == (NOON + 20 * MINUTE).isoformat()
    assert refusal.params["clock"] == "12:20"


def test_what_is_kept_for_somebody_cannot_be_reserved_or_blocked_by_another(bench, box, other):
    reserve(bench, box, "A1", by=other)

    assert (
        refused(lambda: claims.reserve(container=box, positions=["A2", "A1"], by=bench.by)).code
        == "position_reserved"
    )
    assert (
        refused(lambda: claims.block(container=box, position="A1", why="ice", by=bench.by)).code
        == "position_reserved"
    )
    assert list(claims.open_claims([box.id])[box.id]) == ["A01"]  # all of them or none


def test_reserving_ones_own_place_again_keeps_it_longer(bench, box, frozen_clock):
    reserve(bench, box, "A1")
    with clock.freeze(NOON + 20 * MINUTE):
        (claim,) = reserve(bench, box, "A1")

        assert claim.until_at == NOON + 35 * MINUTE
    assert ends(box) == [("A01", None)]


def test_a_taken_place_is_not_reserved(bench, box):
    tube = bench.tube()
    bench.place(box, "A1", sample=tube)

    refusal = refused(lambda: claims.reserve(container=box, positions=["A1"], by=bench.by))

    assert (refusal.code, refusal.params["occupant"]) == ("position_taken", tube.code)


def test_what_is_given_back_is_free_and_what_is_anothers_is_not_given_back(bench, box, other):
    reserve(bench, box, "A1", "A2")
    reserve(bench, box, "A3", by=other)

    ended = unit_of_work(lambda: claims.release(container=box, positions=["A1", "A5"], by=bench.by))
    technician = people.actor("technician")
    refusal = refused(lambda: claims.release(container=box, positions=["A3"], by=technician))
    boss = people.actor("manager")
    unit_of_work(lambda: claims.release(container=box, positions=["A3"], by=boss))

    assert [claim.position for claim in ended] == ["A01"]
    assert refusal.code == "position_reserved"
    assert ends(box) == [("A01", "released"), ("A02", None), ("A03", "released")]


def test_places_that_are_none_and_times_that_are_none_are_refused(bench, box):
    shelf = bench.container("unpositioned_shelf")

    assert (
        refused(lambda: claims.reserve(container=box, positions=["K1"], by=bench.by)).code
        == "position_outside"
    )
    assert (
        refused(lambda: claims.reserve(container=shelf, positions=["1"], by=bench.by)).code
        == "container_has_no_positions"
    )
    for told in (
        {"positions": []},
        {"positions": ["A1"], "minutes": 0},
        {"positions": ["A1"], "minutes": 10**6},
    ):
        with pytest.raises(Malformed):
            unit_of_work(lambda told=told: claims.reserve(container=box, by=bench.by, **told))


def test_another_sites_box_is_unknown(bench, box):
    stranger = people.actor("technician", site_code="LYON")

    with pytest.raises(NotFound):
        unit_of_work(lambda: claims.reserve(container=box, positions=["A1"], by=stranger))


# --- filling


def test_filling_goes_round_what_is_kept_for_others(bench, box, other):
    reserve(bench, box, "A1", "A3", by=other)
    reserve(bench, box, "A4")
    unit_of_work(lambda: claims.block(container=box, position="A2", why="broken", by=bench.by))

    placed = [place(box, None, tube, bench.by, next_free=True).placement.position for tube in bench.tubes(2)]

    assert placed == ["A04", "A05"]
    assert storage.what_is_in(box, bench.by).next_free == "A06"
    assert unit_of_work(lambda: claims.next_free(box, 2, bench.by)) == ["A06", "A07"]


def test_filling_takes_over_what_waited_too_long_only_where_nothing_else_is_free(bench, other, frozen_clock):
    box = bench.container("tube_box_4x6")
    tubes = bench.tubes(24)
    reserve(bench, box, "A1", by=other)
    with clock.freeze(NOON + 16 * MINUTE):
        placed = [place(box, None, tube, bench.by, next_free=True).placement.position for tube in tubes]

    assert placed[0] == "A02"
    assert placed[-1] == "A01"
    assert ends(box) == [("A01", "lapsed")]
    assert "reservation_lapsed" in acts_on(box)


def test_a_box_in_which_all_that_is_free_is_kept_is_full(bench, other):
    box = bench.container("tube_box_4x6")
    unit_of_work(lambda: claims.reserve_next(container=box, count=24, by=other))

    assert put_refused(box, None, bench.tube(), bench.by, next_free=True).code == "container_full"
    assert refused(lambda: claims.reserve_next(container=box, count=1, by=bench.by)).code == "too_few_places"


# --- lapsing


def test_what_waited_too_long_may_be_taken_over_and_the_record_tells_so(bench, box, other, frozen_clock):
    reserve(bench, box, "A1", by=other)

    with clock.freeze(NOON + 15 * MINUTE):
        place(box, "A1", bench.tube(), bench.by)

    assert ends(box) == [("A01", "lapsed")]
    (told,) = [
        entry for entry in audit.history("container", box.code) if entry["act"] == "reservation_lapsed"
    ]
    assert told["before"]["for"] == other.key
    assert told["before"]["position"] == "A01"


def test_whose_reservation_lapsed_is_told_who_stands_there_now(bench, box, other, frozen_clock):
    tube = bench.tube()
    reserve(bench, box, "A1", by=other)
    with clock.freeze(NOON + 20 * MINUTE):
        place(box, "A1", tube, bench.by)

        late = put_refused(box, "A1", bench.tube(), other)
        scan = put_refused(box, "A1", bench.tube(), other, next_free=True)

    for refusal in (late, scan):
        assert refusal.code == "reservation_lapsed"
        assert refusal.params["occupant"] == tube.code
        assert refusal.params["clock"] == "12:15"
        assert refusal.params["who"] == access.names_of([bench.by.key]).get(bench.by.key, "–")


def test_the_day_after_a_lost_place_is_simply_taken(bench, box, other, frozen_clock):
    reserve(bench, box, "A1", by=other)
    with clock.freeze(NOON + 20 * MINUTE):
        place(box, "A1", bench.tube(), bench.by)
    with clock.freeze(NOON + timedelta(days=1)):
        refusal = put_refused(box, "A1", bench.tube(), other)

    assert refusal.code == "position_taken"


def test_whose_time_is_over_is_told_once_and_the_next_scan_confirms(bench, box, frozen_clock):
    tube = bench.tube()
    reserve(bench, box, "A1")
    with clock.freeze(NOON + 20 * MINUTE):
        refusal = put_refused(box, "A1", tube, bench.by)
        (kept,) = claims.open_claims([box.id])[box.id].values()
        assert kept.until_at == NOON + 35 * MINUTE
        db.session.rollback()

        place(box, "A1", tube, bench.by)

    assert refusal.code == "reservation_lapsed_free"
    assert refusal.params["clock"] == "12:15"
    assert ends(box) == [("A01", "used")]


def test_who_says_that_they_know_is_not_asked(bench, box, frozen_clock):
    reserve(bench, box, "A1")
    with clock.freeze(NOON + 20 * MINUTE):
        place(box, "A1", bench.tube(), bench.by, confirm_lapsed=True)

    assert ends(box) == [("A01", "used")]


# --- plans


def test_what_is_kept_for_a_plan_is_used_by_whoever_carries_it_out_and_by_nobody_else(
    bench, box, other, frozen_clock
):
    reserve(bench, box, "A1", "A2", plan_id=7)

    refusal = put_refused(box, "A1", bench.tube(), bench.by)
    place(box, "A1", bench.tube(), other, plan_id=7)
    with clock.freeze(NOON + timedelta(hours=5)):
        place(box, "A2", bench.tube(), other, plan_id=7)

    assert refusal.code == "position_reserved"
    assert ends(box) == [("A01", "used"), ("A02", "used")]


def test_many_places_are_asked_and_used_in_a_constant_number_of_statements(bench, box):
    def counted(positions):
        reserve(bench, box, *positions)
        with Statements() as sent:
            unit_of_work(lambda: claims.require_unclaimed(box, positions, bench.by))
        return len(sent)

    assert counted(["A01"]) == counted([f"{row}0{column}" for row in "BCDE" for column in range(1, 10)])


# --- blocking


def test_a_blocked_place_takes_nothing_and_says_why(bench, box):
    unit_of_work(lambda: claims.block(container=box, position="A1", why="lid broken", by=bench.by))

    refusal = put_refused(box, "A1", bench.tube(), bench.by)

    assert (refusal.code, refusal.params["why"]) == ("position_blocked", "lid broken")
    unit_of_work(lambda: claims.unblock(container=box, position="A1", by=bench.by))
    place(box, "A1", bench.tube(), bench.by)
    assert ends(box) == [("A01", "unblocked")]
    assert {"position_blocked", "position_unblocked"} <= set(acts_on(box))


def test_a_place_with_something_in_it_is_not_blocked(bench, box):
    bench.place(box, "A1", sample=bench.tube())

    assert (
        refused(lambda: claims.block(container=box, position="A1", why="x", by=bench.by)).code
        == "position_taken"
    )
    assert (
        refused(lambda: claims.unblock(container=box, position="A2", by=bench.by)).code
        == "position_not_blocked"
    )
    with pytest.raises(Malformed):
        unit_of_work(lambda: claims.block(container=box, position="A2", why="  ", by=bench.by))


# --- at the same moment


def reserving(box, by, *positions):
    key = box.id
    return lambda: claims.reserve(container=db.session.get(Container, key), positions=positions, by=by)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_of_two_who_reserve_one_place_exactly_one_gets_it(app, bench, other, _round):
    box = bench.container()

    outcomes = at_once(app, reserving(box, bench.by, "A1", "A2"), reserving(box, other, "A2", "A1"))

    assert codes(outcomes) == ["", "position_reserved"]
    winner = bench.by if outcomes[0] is None else other
    assert {claim.for_key for claim in claims.open_claims([box.id])[box.id].values()} == {winner.key}


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_place_is_reserved_or_filled_by_another_never_both(app, bench, other, _round):
    box, tube = bench.container(), bench.tube()

    outcomes = at_once(app, reserving(box, other, "A1"), placing(bench, box, "A1", sample=tube))

    assert codes(outcomes) in (["", "position_taken"], ["", "position_reserved"])
    assert checks.checks() == []


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_at_the_end_of_a_reservation_one_of_two_gets_the_place_and_the_other_is_told(
    app, bench, other, _round
):
    box, (mine, theirs) = bench.container(), bench.tubes(2)
    reserve(bench, box, "A1")
    key, tube_id = box.id, theirs.id

    def takes_over():
        found = db.session.get(Container, key)
        storage.put(container=found, position="A1", sample=db.session.get(Sample, tube_id), by=other)

    with clock.freeze(clock.now() + 16 * MINUTE):
        outcomes = at_once(app, placing(bench, box, "A1", sample=mine), takes_over)
        told = outcomes[0].code
        assert told in ("reservation_lapsed", "reservation_lapsed_free")
        if told == "reservation_lapsed":
            assert outcomes[1] is None
            assert outcomes[0].params["occupant"] == theirs.code
        elif outcomes[1] is not None:  # told first, and so kept on
            assert outcomes[1].code == "position_reserved"
        again = at_once(app, placing(bench, box, "A1", sample=mine))

    standing = storage.what_is_in(box).by_position["A01"].code
    assert standing == (theirs.code if outcomes[1] is None else mine.code)
    assert codes(again) == (["reservation_lapsed"] if outcomes[1] is None else [""])
    assert checks.checks() == []


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_place_is_blocked_or_filled_never_both(app, bench, _round):
    box, one, two = bench.container(), *bench.tubes(2)
    box_id, two_id = box.id, two.id

    def block(position):
        return lambda: claims.block(
            container=db.session.get(Container, box_id), position=position, why="cracked", by=bench.by
        )

    def rack():
        bulk.put_many(db.session.get(Container, box_id), {"A2": two_id}, bench.by)

    outcomes = at_once(app, block("A1"), placing(bench, box, "A1", sample=one), block("A2"), rack)

    assert codes(outcomes[:2]) in (["", "position_taken"], ["", "position_blocked"])
    assert codes(outcomes[2:]) in (["", "position_taken"], ["", "position_blocked"])
    assert checks.checks() == []


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_rack_and_a_hand_that_come_for_a_lapsed_place_never_both_get_it_unsaid(app, bench, other, _round):
    """Whose place it was saves a whole rack into it, in the moment in which somebody takes the place over."""
    box, (mine, also_mine, theirs) = bench.container(), bench.tubes(3)
    reserve(bench, box, "A1", "A2")
    box_id, ids, their_id = box.id, (mine.id, also_mine.id), theirs.id

    def rack():
        wanted = dict(zip(("A1", "A2"), ids, strict=True))
        bulk.put_many(db.session.get(Container, box_id), wanted, bench.by)

    def hand():
        box, tube = db.session.get(Container, box_id), db.session.get(Sample, their_id)
        storage.put(container=box, position="A2", sample=tube, by=other)

    with clock.freeze(clock.now() + 16 * MINUTE):
        rack_told, hand_told = at_once(app, rack, hand)
        (again,) = at_once(app, rack)

    taken_over = hand_told is None
    lost = ("reservation_lapsed", "reservation_lapsed_free") if taken_over else ("reservation_lapsed_free",)
    assert rack_told.code in lost
    assert (again is None) == (not taken_over)
    found = {place: each.code for place, each in storage.what_is_in(box).by_position.items()}
    assert found == ({"A02": theirs.code} if taken_over else {"A01": mine.code, "A02": also_mine.code})
    assert checks.checks() == []
