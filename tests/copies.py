"""Copies of a PostgreSQL database that are used again: to take out what a test wrote costs a third of a new copy, and
connections to it stay warm.

Rows are taken out, numbers begin anew, and files are as short as they were. Where a test left anything else behind (a
table more, a trigger less, somebody who is still at work), its copy is dropped.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import URL

from tests import postgres

#: A copy serves so many tests. Its indexes keep a page here and there of what was in them.
USES = 100
#: Whose entries, and the transactions that wrote them, tell whether anything but rows has changed.
CATALOGUES = (
    "pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_trigger", "pg_proc", "pg_type", "pg_rewrite",
    "pg_policy", "pg_namespace", "pg_index", "pg_sequence", "pg_event_trigger", "pg_extension", "pg_statistic",
)  # fmt: skip
_SHAPE = "SELECT concat_ws(' ', " + ", ".join(
    f"(SELECT concat(count(*), '/', sum(xmin::text::bigint)) FROM {name})" for name in CATALOGUES
) + ")"  # fmt: skip
_SOMEBODY = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND state <> 'idle')"
)
#: A table without rows has an empty file, also after rows were taken out.
_WRITTEN = (
    "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    " AND pg_relation_size(oid) > 0"
)
_NUMBERS = "SELECT seqrelid::regclass::text, pg_sequence_last_value(seqrelid) FROM pg_sequence ORDER BY 1"


class Copies:
    """Copies of one database: lent, taken back, lent again."""

    def __init__(self, template: URL) -> None:
        self._template = template
        self._free: list[Copy] = []
        self._lent: dict[str, Copy] = {}

    def lend(self) -> URL:
        copy = self._free.pop() if self._free else Copy.of(self._template)
        self._lent[str(copy.uri)] = copy
        return copy.uri

    def take_back(self, uri: URL) -> None:
        copy = self._lent.pop(str(uri))
        with suppress(psycopg.Error):  # somebody holds a lock, or ended our connection
            if copy.clear():
                self._free.append(copy)
                return
        copy.drop()

    def drop(self) -> None:
        while self._free:
            self._free.pop().drop()


@dataclass
class Copy:
    """One database, and what it was like before anybody wrote to it."""

    uri: URL
    connection: psycopg.Connection[Any]
    shape: str
    #: The rows of the tables that have some from the start.
    rows: dict[str, str]
    numbers: list[tuple[str, int | None]]
    uses: int = 0

    @classmethod
    def of(cls, template: URL) -> "Copy":
        uri = postgres.create_database(template=template)
        connection = postgres.connect(uri)
        copy = cls(uri, connection, "", {}, [])
        copy.rows = {name: copy._rows_of(name) for name in copy._column(_WRITTEN)}
        copy.shape, copy.numbers = copy._column(_SHAPE)[0], connection.execute(_NUMBERS).fetchall()
        return copy

    def clear(self) -> bool:
        """Take out what was written. returns whether this can be used again"""
        self.uses += 1
        if self.uses >= USES or self._column(_SOMEBODY)[0] or self._column(_SHAPE)[0] != self.shape:
            return False
        changed = [name for name, rows in self.rows.items() if self._rows_of(name) != rows]
        written = changed + [name for name in self._column(_WRITTEN) if name not in self.rows]
        statements = [f"DELETE FROM {name}" for name in written]
        statements += [_insertion(name, self.rows[name]) for name in changed]
        for (name, first), (_, now) in zip(self.numbers, self.connection.execute(_NUMBERS), strict=True):
            if first != now:
                statements.append(f"SELECT setval('{name}', {first or 1}, {first is not None})")
        # Without triggers, which the guards are; and what points to a row goes in the same step.
        freely = ["BEGIN", "SET LOCAL session_replication_role = replica", "SET LOCAL lock_timeout = '1s'"]
        self.connection.execute("; ".join([*freely, *statements, "COMMIT"]))
        if written:
            self.connection.execute(f"VACUUM (INDEX_CLEANUP ON) {', '.join(written)}")
        return True

    def drop(self) -> None:
        self.connection.close()
        postgres.drop_database(self.uri)

    def _column(self, question: str) -> list[Any]:
        return [row[0] for row in self.connection.execute(question)]

    def _rows_of(self, table: str) -> str:
        return str(
            self._column(f"SELECT coalesce(json_agg(t ORDER BY t::text), '[]')::text FROM {table} t")[0]
        )


def _insertion(table: str, rows: str) -> str:
    quoted = rows.replace("'", "''")
    rows = f"SELECT * FROM json_populate_recordset(NULL::{table}, '{quoted}')"
    return f"INSERT INTO {table} OVERRIDING SYSTEM VALUE {rows}"
