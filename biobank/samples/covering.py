"""Which withdrawals cover a sample, each asked by itself: one that was outlived is not brought back by a later one."""

from collections.abc import Iterator
from dataclasses import replace

from biobank.consent.facts import SampleFacts, WithdrawalFact
from biobank.samples import gate


def covering(facts: SampleFacts) -> list[WithdrawalFact]:
    """The withdrawals in force that cover the sample, in the order in which they were recorded."""
    return sorted(_covering(facts), key=lambda withdrawal: withdrawal.seq)


def _covering(facts: SampleFacts) -> Iterator[WithdrawalFact]:
    for donor in facts.donors:
        for withdrawal in donor.withdrawals:
            alone = replace(facts, donors=(replace(donor, withdrawals=(withdrawal,)),))
            if withdrawal.reversed_at is None and gate.is_withdrawn(alone):
                yield withdrawal
