"""What a procedure asks of a step, and which of its limits were broken: only what is certain is called a breach."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobank.core.errors import Malformed
from biobank.core.times import When
from biobank.procedures import checking, rules
from biobank.procedures.rules import Due, Kind, Since, Step
from biobank.samples.rules import Vessel

DRAWN = datetime(2012, 3, 14, 9, 0, tzinfo=UTC)
SPIN = Step("spin", Kind.SPIN, "Spin", Since.COLLECTION, 30, 15, 20, 5)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def codes(reasons) -> list[str]:
    return [reason.code for reason in reasons]


def judged(since: When | None, delay: float, lasted: float | None = 15, step: Step = SPIN) -> list[str]:
    started = DRAWN + minutes(delay)
    stopped = started + minutes(lasted) if lasted is not None else None
    return codes(rules.deviations(step, started, stopped, since))


@pytest.mark.parametrize(
    ("delay", "broken"),
    [
        (0, []),
        (30, []),
        (30.9, []),  # drawn in the last second of its minute, it is 30 minutes still
        (31, ["step_late"]),
        (600, ["step_late"]),
    ],
)
def test_a_delay_is_late_when_it_is_certainly_longer_than_the_limit(delay, broken):
    assert judged(When.exactly(DRAWN), delay) == broken


def test_the_figures_stand_beside_the_breach():
    (late,) = rules.deviations(SPIN, DRAWN + minutes(45), None, When.exactly(DRAWN))

    assert late.params == {"step": "Spin", "since": "collection", "most": 30, "minutes": 45}


def test_nobody_knows_is_not_on_time_and_not_late():
    assert judged(When.unknown(), 500) == judged(None, 500) == ["step_delay_unknown"]
    assert not rules.broken([{"code": "step_delay_unknown"}])
    assert rules.broken([{"code": "step_delay_unknown"}, {"code": "step_late"}])


@pytest.mark.parametrize(
    ("delay", "found"),
    [
        (20, []),  # whenever in that hour it was drawn, less than 30 minutes ago
        (45, ["step_delay_unknown"]),  # drawn at 10:01 or at 10:59
        (91, ["step_late_at_least"]),  # even at 10:59
    ],
)
def test_an_hour_alone_leaves_room_for_doubt(delay, found):
    hour = When(DRAWN, "hour")  # some time between 9:00 and 10:00

    assert judged(hour, delay) == found


def test_a_day_alone_is_late_only_on_another_day():
    day = When.on(DRAWN.date())

    assert judged(day, 0) == ["step_delay_unknown"]
    assert judged(day, 24 * 60) == ["step_late_at_least"]


@pytest.mark.parametrize(
    ("lasted", "broken"),
    [(14.9, ["step_too_short"]), (15, []), (20, []), (20.1, ["step_too_long"]), (None, [])],
)
def test_a_step_lasts_neither_too_short_nor_too_long(lasted, broken):
    assert judged(When.exactly(DRAWN), 10, lasted) == broken


def test_a_step_that_was_both_late_and_long_says_both():
    assert judged(When.exactly(DRAWN), 90, 90) == ["step_late", "step_too_long"]


def test_the_spring_hour_that_does_not_exist_is_no_delay():
    before = datetime(
        2012, 3, 25, 0, 50, tzinfo=UTC
    )  # 1:50 by the clock on the wall; 25 minutes later it is 3:15

    assert rules.deviations(SPIN, before + minutes(25), None, When.exactly(before)) == []


def test_without_limits_nothing_is_broken():
    free = Step("look", Kind.OTHER, "Look at it")

    assert rules.deviations(free, DRAWN, DRAWN + minutes(10_000), None) == []
    assert rules.due(free, DRAWN) == Due(None, None, None)


@pytest.mark.parametrize(
    ("after", "state"), [(0, "running"), (14.9, "running"), (15, "look"), (19.9, "look"), (20, "late")]
)
def test_the_board_warns_before_the_limit_not_after(after, state):
    assert rules.due(SPIN, DRAWN).state(DRAWN + minutes(after)) == state


def test_a_step_without_a_longest_time_is_ready_and_never_late():
    clot = Step("clot", Kind.REST, "Clot", min_minutes=40)

    assert rules.due(clot, DRAWN).state(DRAWN + minutes(39)) == "running"
    assert rules.due(clot, DRAWN).state(DRAWN + minutes(9999)) == "ready"


@given(
    delay=st.floats(0, 3000),
    limit=st.integers(0, 2000),
    precision=st.sampled_from(["minute", "hour", "day"]),
    offset=st.floats(0, 59),
)
def test_what_is_called_late_is_late_whenever_in_its_span_it_was_drawn(delay, limit, precision, offset):
    """No certain breach that may be none: even the last instant it may have been drawn lies too far back."""
    drawn = DRAWN + minutes(offset)
    since = When.on(drawn.date()) if precision == "day" else When(drawn, precision)
    step = Step("s", Kind.OTHER, "S", Since.COLLECTION, limit)
    started = drawn + minutes(delay)

    found = codes(rules.deviations(step, started, None, since))

    if delay <= limit:
        assert "step_late" not in found
        assert "step_late_at_least" not in found
    if precision == "minute" and delay > limit + 2:
        assert found == ["step_late"]


# --- steps as somebody gives them

RIGHT = {"key": "spin", "kind": "spin", "title": "Spin"}


def wrong(*steps) -> dict[str, str]:
    with pytest.raises(Malformed) as refused:
        checking.checked_steps(steps)
    return {field: reason.code for field, reason in refused.value.fields.items()}


def test_steps_are_kept_with_every_key_there_is():
    (step,) = checking.checked_steps([RIGHT])

    assert rules.read_steps([step]) == [Step("spin", Kind.SPIN, "Spin")]
    assert checking.checked_steps([step]) == [step]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"key": "Spin 1"}, "key", "step_key_wrong"),
        ({"key": ""}, "key", "step_key_wrong"),
        ({"kind": "boil"}, "kind", "step_kind_unknown"),
        ({"title": " "}, "title", "step_title_wrong"),
        ({"title": "a\x00b"}, "title", "step_title_wrong"),
        ({"since": "yesterday", "start_within_min": 3}, "since", "step_since_unknown"),
        ({"since": "collection"}, "start_within_min", "step_since_needs_limit"),
        ({"start_within_min": 30}, "since", "step_since_needs_limit"),
        ({"since": "previous", "start_within_min": 30}, "since", "step_first_has_no_previous"),
        ({"min_minutes": 20, "max_minutes": 10}, "max_minutes", "step_limits_crossed"),
        ({"max_minutes": 0}, "max_minutes", "step_number_wrong"),
        ({"min_minutes": True}, "min_minutes", "step_number_wrong"),
        ({"min_minutes": 1.5}, "min_minutes", "step_number_wrong"),
        ({"warn_before_min": 5}, "warn_before_min", "step_warning_wrong"),
        ({"warn_before_min": 20, "max_minutes": 20}, "warn_before_min", "step_warning_wrong"),
        ({"kind": "rest", "force_g": 2000}, "force_g", "step_force_of_spin_only"),
        ({"temperature_c": 999}, "temperature_c", "step_number_wrong"),
        ({"parts": [{"count": 2}]}, "parts", "step_parts_of_aliquot_only"),
        ({"kind": "aliquot", "parts": [{"count": 0}]}, "parts", "step_part_wrong"),
        ({"kind": "aliquot", "parts": [{"count": 1, "type": "Soup"}]}, "parts", "step_part_wrong"),
        ({"speed": 3}, "speed", "step_field_unknown"),
    ],
)
def test_every_wrong_field_of_a_step_is_named(change, field, code):
    assert wrong(RIGHT | change) == {f"steps.0.{field}": code}


def test_two_steps_may_not_share_a_key_and_all_that_is_wrong_is_told_at_once():
    assert wrong(RIGHT, RIGHT | {"kind": "boil"}) == {
        "steps.1.key": "step_key_twice",
        "steps.1.kind": "step_kind_unknown",
    }
    assert wrong() == {"steps": "steps_out_of_range"}
    assert wrong(*[RIGHT] * 31) == {"steps": "steps_out_of_range"}


# --- tubes of a kit


def test_a_kit_says_which_tubes_and_how_many():
    (tube,) = checking.checked_tubes([{"type": "WholeBlood"}])

    assert tube == {"type": "WholeBlood", "label": "", "count": 1, "volume_nl": None, "vessel": "tube"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "Soup"}, "tubes.0.type"),
        ({"count": 0}, "tubes.0.count"),
        ({"volume_nl": -1}, "tubes.0.volume_ul"),
        ({"vessel": "bucket"}, "tubes.0.vessel"),
        ({"label": "x" * 61}, "tubes.0.label"),
        ({"colour": "red"}, "tubes.0.colour"),
    ],
)
def test_every_wrong_field_of_a_tube_is_named(change, field):
    with pytest.raises(Malformed) as refused:
        checking.checked_tubes([{"type": "WholeBlood"} | change])

    assert list(refused.value.fields) == [field]


def test_a_kit_without_a_tube_or_with_too_many_is_none():
    for tubes in ([], [{"type": "WholeBlood", "count": 96}, {"type": "Serum"}]):
        with pytest.raises(Malformed) as refused:
            checking.checked_tubes(tubes)
        assert list(refused.value.fields) == ["tubes"]


def test_the_vessels_of_kits_are_those_of_samples():
    assert set(checking.VESSELS) == set(Vessel)
