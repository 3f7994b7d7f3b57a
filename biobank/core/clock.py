"""The one clock. Everything else is told the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import current_app

_frozen: datetime | None = None


def now() -> datetime:
    """This instant, aware, in UTC."""
    return _frozen or datetime.now(UTC)


@contextmanager
def freeze(at: datetime) -> Iterator[None]:
    """Stop the clock of this process at an instant: for tests and for building the demonstration bank."""
    global _frozen  # noqa: PLW0603  one clock for the process is the point
    before, _frozen = _frozen, at.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before


def zone() -> ZoneInfo:
    """The bank's own time zone, from the settings of the app at hand."""
    return ZoneInfo(current_app.config["BIOBANK"]["time_zone"])
