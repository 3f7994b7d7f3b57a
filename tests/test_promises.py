"""Random walks through the bank: after each of thousands of steps the three promises hold, and everything is as the
plain bank has it. What it forbids is refused, what it allows is done, and a refusal leaves no trace.

BIOBANK_TEST_STEPS=20000 walks further, and cuts a failure down to the steps that matter.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from tests.promises.orders import Orders
from tests.promises.walking import Walk, any_of

WANTED = int(os.environ.get("BIOBANK_TEST_STEPS", "0"))
#: How far the ordinary run walks.
ORDINARY = {"sqlite": 2000, "postgres": 360}
#: Steps in one bank, from its opening: enough for a tube to be drawn, divided, promised, taken back and thrown away.
IN_ONE_BANK = 120


class Promises(Orders):
    """One bank, and people who do everything, also what they should not."""

    @rule(step=any_of("bench"))
    def at_the_bench(self, step: Any) -> None:
        self.go(step)

    @rule(step=any_of("places"))
    def at_the_freezer(self, step: Any) -> None:
        self.go(step)

    @rule(step=any_of("orders"))
    def of_a_request(self, step: Any) -> None:
        self.go(step)

    @rule(step=any_of("bench"))
    def at_another_bench(self, step: Any) -> None:
        self.go(step)

    @rule(step=any_of("people", "time"))
    def in_the_hospital(self, step: Any) -> None:
        self.go(step)


def walk_far(kind: str, template) -> Walk:
    """Walk as far as is wanted; what was seen on the way."""
    steps = WANTED or ORDINARY[kind]
    phases = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if WANTED else [])]
    how = settings(
        max_examples=-(-steps // IN_ONE_BANK) * 6 // 5, stateful_step_count=IN_ONE_BANK, deadline=None, print_blob=True,
        phases=phases, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    walk = Walk()
    run_state_machine_as_test(lambda: Promises(kind, template, walk), settings=how)
    return walk


@pytest.mark.slow
@pytest.mark.timeout(max(1200, WANTED))
def test_the_three_promises_hold_after_each_of_thousands_of_steps(
    migrated_template, database_kind, record_property
):
    walk = walk_far(database_kind, migrated_template)

    told = f"{walk.steps} steps on {database_kind}: {walk.done.total()} done, {walk.refused.total()} refused"
    record_property("told", f"{told}\n{walk.told()}")
    assert walk.steps >= (WANTED or ORDINARY[database_kind]) * 0.9
