"""Reads JSON that may hold a key twice: Python keeps the last in silence, and an answer would be lost."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from biobank.core.errors import Malformed, Reason


class _Object(dict[str, Any]):
    """An object of a body, and the keys that it gives twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twice: list[str] = []
        if len(self) < len(pairs):
            self.twice = [key for key, count in Counter(key for key, _value in pairs).items() if count > 1]


def read_json(text: str) -> Any:
    """The value of a JSON text.

    raises  ValueError where it is none; Malformed naming, by its path, every key that stands twice in one object
    """
    met_twice = []

    def made(pairs: list[tuple[str, Any]]) -> _Object:
        found = _Object(pairs)
        if found.twice:
            met_twice.append(found)
        return found

    value = json.loads(text, object_pairs_hook=made)
    if met_twice:
        raise Malformed(
            {path: Reason("key_twice", {"key": key[:80]}) for path, key in _twice(value, "")}
            or {key: Reason("key_twice", {"key": key[:80]}) for found in met_twice for key in found.twice}
        )
    return value


def _twice(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, key) of every key that is given twice, such as ("answers.research", "research")."""
    if isinstance(value, _Object):
        yield from ((f"{path}{key}"[:200], key) for key in value.twice)
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from _twice(each, f"{path}{name}.")
