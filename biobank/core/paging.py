"""Keyset paging: page n of ten million rows costs what page one costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from biobank.core.db import MAX_INTEGER, db
from biobank.core.errors import Malformed, Reason

T = TypeVar("T")
DEFAULT_LIMIT = 50
MAX_LIMIT = 500


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page. `next` is what to give as `after=` for the following one, or None at the end."""

    items: Sequence[T]
    next: str | None


def cursor(after: str | None) -> int | None:
    """The key that an `after=` text stands for. raises Malformed"""
    if after is None or after == "":
        return None
    if not (after.isascii() and after.isdigit()) or int(after[:20]) > MAX_INTEGER:
        raise Malformed({"after": Reason("cursor_unreadable", {"after": after[:40]})})
    return int(after)


def page_of(
    query: Select[Any],
    key: InstrumentedAttribute[int],
    *,
    after: str | None,
    limit: int = DEFAULT_LIMIT,
    newest_first: bool = True,
    read: Callable[[Select[Any]], Sequence[Any]] | None = None,
) -> Page[Any]:
    """One page of a query whose rows have the attribute `key`, which must be unique and indexed.

    read  runs the query; by default the first column of each row (the entity)
    """
    start = cursor(after)
    if start is not None:
        query = query.where(key < start if newest_first else key > start)
    query = query.order_by(key.desc() if newest_first else key.asc()).limit(limit + 1)
    rows = list(read(query) if read else db.session.scalars(query))
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, str(getattr(rows[-1], key.key)) if more else None)
