"""Words in braces and the text around them: "{type}  {amount}" becomes "Plasma EDTA  250 µL"."""

import re
import string
from collections.abc import Mapping
from functools import lru_cache

_WIDE_BLANK = re.compile(r" {3,}")


def words(template: str) -> list[str]:
    """The words it asks for.

    raises  ValueError for braces that mean nothing

    >>> words("{type}  {amount}")
    ['type', 'amount']
    """
    return [word for _, word in _pieces(template) if word]


def fill(template: str, values: Mapping[str, str]) -> str:
    """The text; empty where the template asks for words and none of them is given.

    >>> fill("{type}  {amount}", {"type": "Plasma"}), fill("Visit {visit}", {})
    ('Plasma', '')
    """
    made, asked, given = [], False, False
    for literal, word in _pieces(template):
        made.append(literal)
        if word:
            asked = True
            if value := values.get(word, ""):
                given = True
                made.append(value)
    if asked and not given:
        return ""
    return _WIDE_BLANK.sub("  ", "".join(made)).strip(" ")


def exactly(template: str, values: Mapping[str, str]) -> str:
    """The text for a symbol: nothing added, nothing tidied away."""
    return "".join([literal + values.get(word, "") for literal, word in _pieces(template)])


@lru_cache(maxsize=512)
def _pieces(template: str) -> tuple[tuple[str, str], ...]:
    pieces = []
    for literal, word, form, conversion in string.Formatter().parse(template):
        if form or conversion or (word is not None and not word.isidentifier()):
            raise ValueError(f"{{{word}}} holds more than a word")
        pieces.append((literal, word or ""))
    return tuple(pieces)
