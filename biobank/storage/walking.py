"""In which order people walk through freezers, and sort names. Pure: no database, no clock."""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Protocol, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Step(Protocol):
    """One container on the way to a tube, and the place in it at which the next thing stands."""

    @property
    def name(self) -> str: ...

    @property
    def code(self) -> str: ...

    @property
    def position(self) -> str | None: ...


def walking_order(paths: Mapping[Key, Sequence[Step]], keys: Sequence[Key]) -> list[Key]:
    """Freezer by freezer, rack by rack, box by box, place by place: nothing is opened twice. Box 2 comes before box 10.

    paths  the way to each tube, from the freezer down; a tube without one stands nowhere and comes last
    """
    return sorted(keys, key=lambda key: (not paths.get(key), rank(paths.get(key, ()))))


def rank(path: Sequence[Step]) -> list[tuple[list[tuple[bool, int, str]], str, list[tuple[bool, int, str]]]]:
    """What one way is sorted by."""
    return [(natural(step.name), step.code, natural(step.position or "")) for step in path]


def natural(text: str) -> list[tuple[bool, int, str]]:
    """As people sort: numbers by their size, the rest letter by letter.

    >>> sorted(["Box 10", "Box 2"], key=natural)
    ['Box 2', 'Box 10']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [
        (False, int(part), part) if part.isascii() and part.isdigit() else (True, 0, part) for part in parts
    ]
