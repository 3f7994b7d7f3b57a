"""Which places are drawn, how right the record is, and the list of what can be wrong."""

from collections import Counter

import pytest

from biobank.core import vocabularies
from biobank.core.errors import Malformed
from biobank.quality import rules, service
from biobank.quality.texts import WORDS


def test_the_same_seed_draws_the_same_places_whatever_their_order():
    assert rules.draw([5, 1, 9, 3], 2, seed=11) == rules.draw([1, 3, 5, 9], 2, seed=11)


def test_other_seeds_draw_other_places():
    drawn = {tuple(rules.draw(range(100), 5, seed=seed)) for seed in range(20)}

    assert len(drawn) > 15


def test_never_more_than_there_are_and_none_twice():
    assert rules.draw([1, 2, 3], 50, seed=1) == [1, 2, 3]


@pytest.mark.parametrize("count", [0, -1, rules.MOST_LINES + 1])
def test_a_number_that_is_none_is_refused(count):
    with pytest.raises(Malformed):
        rules.draw([1, 2], count, seed=1)


def test_nobody_has_looked_is_not_everything_is_right():
    assert rules.accuracy(0, 0) is None
    assert rules.accuracy(3, 4) == 0.75


def test_five_reasons_keep_a_tube_from_being_shipped():
    """NCI Connect: broken, insufficient volume, mislabelled and discarded, to be discarded, not found."""
    barring = {code for code, reason in vocabularies.non_conformities().items() if reason.bars_shipping}

    assert barring == {"broken", "insufficient_volume", "mislabelled_discard", "discard", "not_found"}


def test_every_reason_has_its_words_its_stage_and_its_own_key():
    reasons = vocabularies.non_conformities()

    assert {f"non_conformity.{code}": reason.label for code, reason in reasons.items()} == {
        name: text for name, text in WORDS.items() if name.startswith("non_conformity.")
    }
    assert all(reason.label_fr and reason.stages <= set(service.STAGES) for reason in reasons.values())
    assert [
        key for key, count in Counter(reason.key for reason in reasons.values()).items() if count > 1
    ] == []
    assert all(reason.stages for reason in reasons.values())


def test_every_reason_has_a_command_card():
    cards = {row.reason for row in vocabularies.command_reasons() if row.verb == "non_conformity"}

    assert cards == set(vocabularies.non_conformities())
