"""The life of a sample, its ledger and its times, walked row by row."""

import itertools
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core.errors import RuleViolation
from biobank.core.times import When
from biobank.samples import rules, texts
from biobank.samples.rules import LIFE, PRESERVING, STATUS_SENTENCES, USES, Act, Status, Vessel

AMOUNTS = st.integers(0, 10**12)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("status", "act"), sorted(LIFE))
def test_what_the_table_lists_happens(status, act):
    assert rules.next_status(status.value, act.value) == LIFE[status, act]


@pytest.mark.parametrize(("status", "act"), sorted(set(itertools.product(Status, Act)) - set(LIFE)))
def test_what_the_table_does_not_list_is_refused(status, act):
    with pytest.raises(RuleViolation) as refused:
        rules.next_status(status, act)

    assert refused.value.code == "act_not_possible"
    assert refused.value.params == {"status": status.value, "act": act.value}
    assert [reason.code for reason in refused.value.reasons] == [STATUS_SENTENCES[status]]


def test_a_collected_sample_is_received_before_anything_is_done_with_it():
    assert set(rules.possible_acts(Status.COLLECTED)) == {Act.RECEIVE, Act.CORRECT, Act.DISCARD}
    assert rules.next_status("collected", "receive") == "available"


@pytest.mark.parametrize("away", [("hand_out", "return"), ("ship", "return"), ("lose", "find")])
def test_what_went_away_can_come_back(away):
    status = Status.AVAILABLE
    for act in away:
        status = rules.next_status(status, act)
    assert status == "available"


def test_from_depleted_and_destroyed_no_way_leads_back_but_taking_back_what_emptied_it():
    reached, waiting = set(), {Status.DEPLETED, Status.DESTROYED}
    while waiting:
        reached |= waiting
        ways = [(before, after) for (before, act), after in LIFE.items() if act is not Act.UNDO]
        waiting = {after for before, after in ways if before in reached} - reached

    assert reached == {Status.DEPLETED, Status.DESTROYED}


def test_every_status_but_the_end_can_be_discarded_unless_it_is_not_at_hand():
    assert {status for status, act in LIFE if act is Act.DISCARD} == set(Status) - {
        Status.LOST,
        Status.DESTROYED,
    }


def test_every_act_is_possible_somewhere_and_a_mistake_can_always_be_corrected():
    assert {act for _, act in LIFE} == set(Act)
    assert {status for status, act in LIFE if act is Act.CORRECT} == set(Status)


def test_an_act_preserves_or_uses_and_never_both():
    assert not PRESERVING & USES
    assert set(Act) - PRESERVING - USES == {
        Act.COLLECT,
        Act.RETURN,
        Act.DEPLETE,
        Act.LOSE,
        Act.FIND,
        Act.CORRECT,
        Act.UNDO,
    }


def test_every_status_and_act_has_its_words():
    assert set(STATUS_SENTENCES) == set(Status)
    assert set(STATUS_SENTENCES.values()) <= set(texts.TEXTS)
    assert {word for word in texts.WORDS if word.startswith("status.")} == {f"status.{one}" for one in Status}
    assert {word for word in texts.WORDS if word.startswith("act.")} == {f"act.{one}" for one in Act}
    assert {word for word in texts.WORDS if word.startswith("vessel.")} == {f"vessel.{one}" for one in Vessel}


def test_a_draw_leaves_the_rest():
    assert rules.debit(500_000, 0, 200_000, kind="volume", sample="T1") == 300_000


def test_the_last_drop_can_be_drawn_and_not_one_more():
    assert rules.debit(500_000, 0, 500_000, kind="volume", sample="T1") == 0
    with pytest.raises(RuleViolation) as refused:
        rules.debit(500_000, 0, 500_001, kind="volume", sample="T1")

    assert refused.value.code == "overdraw"
    assert refused.value.params == {"sample": "T1", "left": "500", "asked": "500.001", "unit": "µL"}
    assert refused.value.reasons == ()


def test_what_is_reserved_for_others_is_not_free():
    with pytest.raises(RuleViolation) as refused:
        rules.debit(500_000, 400_000, 100_001, kind="volume", sample="T1")

    assert (refused.value.code, refused.value.params["left"]) == ("overdraw", "100")
    [why] = refused.value.reasons
    assert (why.code, why.params["reserved"]) == ("part_is_reserved", "400")


def test_nothing_is_drawn_by_amount_from_an_unknown_quantity():
    with pytest.raises(RuleViolation, match="quantity_unknown"):
        rules.debit(None, 0, 1, kind="mass", sample="T1")
    with pytest.raises(RuleViolation, match="quantity_unknown"):
        rules.plan_aliquots(None, 0, 2, 1, kind="mass", sample="T1")


def test_a_whole_tube_can_be_taken_also_when_nobody_knows_how_much_it_is():
    assert rules.whole(None, 0, kind="volume", sample="T1") is None
    assert rules.whole(12_500, 0, kind="volume", sample="T1") == 12_500


def test_a_tube_of_which_a_part_is_promised_is_not_taken_whole():
    with pytest.raises(RuleViolation) as refused:
        rules.whole(12_500, 2_500, kind="volume", sample="T1")

    assert refused.value.params == {"sample": "T1", "reserved": "2.5", "unit": "µL"}


@pytest.mark.parametrize(("count", "each"), [(0, 1), (-1, 1), (1, 0), (-1, -1)])
def test_no_aliquots_or_empty_aliquots_are_refused(count, each):
    with pytest.raises(RuleViolation, match="nothing_asked"):
        rules.plan_aliquots(1000, 0, count, each, kind="volume", sample="T1")


@pytest.mark.parametrize("amount", [0, -5])
def test_drawing_nothing_is_refused(amount):
    with pytest.raises(RuleViolation, match="nothing_asked"):
        rules.debit(1000, 0, amount, kind="volume", sample="T1")


def test_aliquots_are_planned_together():
    plan = rules.plan_aliquots(2_000_000, 0, 3, 500_000, kind="volume", sample="T1")

    assert plan == rules.AliquotPlan(count=3, each=500_000, total=1_500_000, left=500_000)


@given(AMOUNTS, AMOUNTS, st.integers(1, 500), st.integers(0, 10**10))
def test_aliquots_and_rest_are_always_exactly_the_parent(remaining, reserved, count, each):
    reserved = min(reserved, remaining)
    if each == 0 or count * each > remaining - reserved:
        with pytest.raises(RuleViolation):
            rules.plan_aliquots(remaining, reserved, count, each, kind="volume", sample="T1")
        return
    plan = rules.plan_aliquots(remaining, reserved, count, each, kind="volume", sample="T1")

    assert plan.total + plan.left == remaining
    assert plan.left >= reserved


@pytest.mark.parametrize(
    ("parents", "pool"),
    [
        ([("volume", 1000), ("volume", 500)], ("volume", 1500)),
        ([("volume", 1000), ("volume", None)], ("volume", None)),
        ([("volume", 1000), (None, None)], ("volume", None)),
        ([(None, None), (None, None)], (None, None)),
    ],
)
def test_a_pool_holds_the_sum_or_an_unknown_quantity(parents, pool):
    assert rules.pooled_quantity(parents) == pool


@pytest.mark.parametrize(
    ("parents", "code"),
    [
        ([("volume", 1000), ("mass", 500)], "pool_of_unlike_units"),
        ([("volume", 1000), ("cells", None)], "pool_of_unlike_units"),
        ([("volume", 1000)], "pool_needs_two"),
        ([], "pool_needs_two"),
    ],
)
def test_what_cannot_be_added_up_is_not_pooled(parents, code):
    with pytest.raises(RuleViolation, match=code):
        rules.pooled_quantity(parents)


@pytest.mark.parametrize(
    ("when", "refused"),
    [
        (When.on(date(2026, 3, 1)), False),
        (When.exactly(NOON), False),
        (When.unknown(), False),
        (When.on(date(2026, 3, 2)), True),
        (When.exactly(NOON.replace(minute=1)), True),
    ],
)
def test_nothing_is_collected_or_done_in_the_future(when, refused):
    collection = rules.collection_not_in_future(when, NOON)
    act = rules.act_not_in_future(when, NOON)

    assert [reason and reason.code for reason in (collection, act)] == (
        ["collected_in_future", "happened_in_future"] if refused else [None, None]
    )


def test_nothing_is_done_to_a_sample_before_it_is_drawn():
    drawn = When.exactly(NOON)

    assert rules.act_not_before_collection(When.exactly(NOON.replace(hour=11)), drawn) is not None
    assert rules.act_not_before_collection(When.on(date(2026, 3, 1)), drawn) is None


def test_a_child_is_refused_as_older_only_when_that_is_certain():
    parent = When.exactly(NOON)

    assert rules.child_not_older(When.on(date(2026, 3, 1)), parent, sample="T1") is None
    assert rules.child_not_older(When.unknown(), parent, sample="T1") is None
    reason = rules.child_not_older(When.on(date(2026, 2, 28)), parent, sample="T1")
    assert reason.params == {"child": "2026-02-28", "parent": "2026-03-01T13:00+01:00", "sample": "T1"}


def test_every_broken_rule_is_told_and_none_is_no_refusal():
    tomorrow = When.on(date(2026, 3, 2))
    broken = [rules.collection_not_in_future(tomorrow, NOON), None, rules.act_not_in_future(tomorrow, NOON)]

    rules.refuse([None, None])
    with pytest.raises(RuleViolation) as refused:
        rules.refuse(broken)

    assert refused.value.code == "collected_in_future"
    assert [reason.code for reason in refused.value.reasons] == ["collected_in_future", "happened_in_future"]
