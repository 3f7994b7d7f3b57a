"""How many statements a block says to the database, whatever comes of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from biobank.core.db import db


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collects the SQL of the block."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
