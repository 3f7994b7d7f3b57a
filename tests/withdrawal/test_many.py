"""A withdrawal of a patient with thousands of samples: no step asks the database sample by sample."""

import pytest

from biobank.consent import rules as consent_rules
from biobank.samples import uses
from biobank.withdrawal import service
from tests.requests.world import Statements
from tests.withdrawal.acts import made_of, seen, terms, undo, withdraw

pytestmark = pytest.mark.usefixtures("frozen_clock")


def statements_of(world, donor, count, undo_it, other, fate, scope):
    codes = made_of(world, world.tube(donor), count)
    world.approved(*codes[count // 10 :], **terms(genetic=True))
    with Statements() as sent:
        key = withdraw(world, donor, scope, fate)["withdrawal"]
    with Statements() as undone:
        if undo_it:
            undo(service.reverse, world, donor, key, other)
    return len(sent), len(undone)


@pytest.mark.parametrize(
    ("scope", "fate"), [("all", "keep"), ("all", "destroy"), ({"objection": "NO_GENETIC"}, "keep")]
)
def test_no_step_asks_the_database_sample_by_sample(world, other, scope, fate):
    few = statements_of(world, world.donor(), 200, scope == "all", other, fate, scope)
    many = statements_of(world, world.donor(), 1000, scope == "all", other, fate, scope)

    # Chunks of 500 keys: a few statements more for five times as many samples, not eight hundred.
    assert many[0] - few[0] < 40, (few, many)
    assert many[1] - few[1] < 40, (few, many)
    assert max(few) < 150, (few, many)


def test_looking_at_a_withdrawal_asks_the_database_a_handful_of_times(world):
    counts = []
    for count in (20, 200):
        donor = world.donor()
        made_of(world, world.tube(donor), count)
        key = withdraw(world, donor, fate="destroy")["withdrawal"]
        with Statements() as sent:
            seen(world, donor, key)
        counts.append(len(sent))
    assert counts[1] <= counts[0] + 2


def test_a_use_is_refused_for_every_descendant(world, donor):
    codes = made_of(world, world.tube(donor), 30)
    withdraw(world, donor)
    asked = consent_rules.Use(act="analyse", purposes=consent_rules.parse_purposes(["HMB"]), genetic=False)
    answers = uses.check([world.sample(code) for code in codes], asked)
    assert {answer.verdict.value for answer in answers} == {"deny"}
