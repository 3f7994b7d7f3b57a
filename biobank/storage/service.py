"""STORAGE: containers, what stands in them, and the end of a sample. Every act under one name."""

from biobank.storage.containers import (
    container_of,
    count_by_kind,
    find_container,
    list_containers,
    make_container,
    room_below,
    roots,
    used_in,
)
from biobank.storage.discarding import discard, lose
from biobank.storage.map import first_inside, occupant_at, what_is_in, what_was_in
from biobank.storage.places import is_stored, path_of, stored_at, stored_samples, valid_at, where_is
from biobank.storage.placing import place, put, put_back, take_out, thaw

__all__ = [
    "container_of",
    "count_by_kind",
    "discard",
    "find_container",
    "first_inside",
    "is_stored",
    "list_containers",
    "lose",
    "make_container",
    "occupant_at",
    "path_of",
    "place",
    "put",
    "put_back",
    "room_below",
    "roots",
    "stored_at",
    "stored_samples",
    "take_out",
    "thaw",
    "used_in",
    "valid_at",
    "what_is_in",
    "what_was_in",
    "where_is",
]
