"""The code of one place: the container's number and the number of the place, such as K00000127P07. Pure.

It is printed on sheets that hang at a freezer without labels on its shelves, and stands in no table: what it means
follows from the container.
"""

import re

from biobank.core import scans
from biobank.core.accession import parse_number
from biobank.core.errors import Malformed
from biobank.storage.rules import ContainerKind, Position, parse_position, positions

_CODE = re.compile(r"([A-Z][0-9]{8,12})P([0-9]{2,5})")


def position_code(container_code: str, kind: ContainerKind, position_text: str) -> str:
    """The code of a place, as it is printed. raises RuleViolation where the kind has no such place"""
    return f"{container_code}P{parse_position(position_text, kind).slot:02d}"


def parse_position_code(text: str) -> tuple[str, int] | None:
    """The container's number and the place's, counted in the kind's order; None for any other text.

    >>> parse_position_code("K00000127P07")
    ('K00000127', 7)
    """
    match = _CODE.fullmatch(text)
    if match is None:
        return None
    try:
        parse_number(match[1])
    except Malformed:
        return None
    return match[1], int(match[2])


def position_at(slot: int, kind: ContainerKind) -> Position | None:
    """The place of this number; None where there is none."""
    places = positions(kind)
    return places[slot - 1] if 1 <= slot <= len(places) else None


def _container_of(text: str) -> str | None:
    found = parse_position_code(text)
    return found[0] if found else None


scans.derive("position", _container_of)
