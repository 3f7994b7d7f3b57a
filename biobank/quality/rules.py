"""Which places an inventory looks at, and how right the record is. Pure: no database, no clock."""

from collections.abc import Sequence
from random import Random

from biobank.core.errors import Malformed, Reason

#: Nobody looks at more places one by one.
MOST_LINES = 10_000
OUTCOMES = ("right", "missing", "other", "unreadable")


def draw(keys: Sequence[int], count: int, seed: int) -> list[int]:
    """`count` of the keys by chance, the same ones for the same seed and keys; all of them where there are fewer.

    raises  Malformed for a count that is none

    >>> draw([1, 2, 3, 4], 2, seed=7) == draw([4, 3, 2, 1], 2, seed=7)
    True
    """
    if not 1 <= count <= MOST_LINES:
        raise Malformed({"count": Reason("inventory_count", {"most": MOST_LINES})})
    ordered = sorted(keys)
    return sorted(Random(seed).sample(ordered, min(count, len(ordered))))  # noqa: S311  chance, not secrecy


def accuracy(right: int, checked: int) -> float | None:
    """The share of looked-at places at which the record was right; None before anybody looked.

    >>> accuracy(97, 100)
    0.97
    """
    return right / checked if checked else None
