"""The kinds of container of this bank, read once from config/containers.toml."""

from collections.abc import Mapping
from functools import cache

from biobank.core.errors import Malformed, Reason, RuleViolation
from biobank.core.settings import CONFIG
from biobank.storage.models import Container
from biobank.storage.rules import ContainerKind, load_kinds


@cache
def kinds() -> Mapping[str, ContainerKind]:
    """Every kind by its key. raises ValueError naming what is wrong in the file"""
    return load_kinds(CONFIG / "containers.toml")


def find_kind(key: str) -> ContainerKind:
    """raises  Malformed, field `kind`, naming the kinds there are"""
    if key not in kinds():
        known = ", ".join(sorted(kinds()))
        raise Malformed({"kind": Reason("container_kind_unknown", {"given": key[:40], "known": known})})
    return kinds()[key]


def kind_of(container: Container) -> ContainerKind:
    """raises  RuleViolation when the kind is no longer in the file"""
    if container.kind not in kinds():
        raise RuleViolation("container_kind_gone", container=container.code, given=container.kind)
    return kinds()[container.kind]


@cache
def storage_kinds() -> tuple[str, ...]:
    """The kinds that things count as stored in."""
    return tuple(sorted(key for key, kind in kinds().items() if kind.storage))


@cache
def tube_kinds() -> tuple[str, ...]:
    """The kinds whose places are for samples alone: what is free in them is room for samples."""
    return tuple(sorted(key for key, kind in kinds().items() if not kind.holds & set(kinds())))
