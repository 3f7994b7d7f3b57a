"""What samples of each type may go through, read once from config/cold.toml."""

from collections.abc import Mapping
from functools import cache

from biobank.core.settings import CONFIG
from biobank.storage import cold_rules
from biobank.storage.cold_rules import DEFAULT, Limits


@cache
def _limits() -> Mapping[str, Limits]:
    return cold_rules.load_limits(CONFIG / "cold.toml")


def limits_of(type: str) -> Limits:
    """What samples of a type may go through. raises ValueError naming what is wrong in config/cold.toml"""
    return _limits().get(type) or _limits()[DEFAULT]


def not_kept_at(temperature: str | None) -> list[str]:
    """The types that do not bear a storage temperature."""
    told = ((type, limits.temperatures) for type, limits in _limits().items())
    return [type for type, borne in told if temperature is not None and borne and temperature not in borne]
