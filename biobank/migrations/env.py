"""Runs migrations inside the app, on SQLite and PostgreSQL alike."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection, inspect, text

from biobank import models
from biobank.core.db import UTCDateTime, db
from biobank.migrations import guards


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Our own column types as plain ones, so that old migrations do not depend on today's code."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def lower_guards(connection: Connection) -> None:
    """Take down whatever guards stand, of this version or an older one: no table can be altered under them."""
    if connection.dialect.name == "sqlite":
        names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard\\_%' ESCAPE '\\'"
        for name in connection.exec_driver_sql(names).scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    names = "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname ~ '^guard_'"
    for name in connection.exec_driver_sql(names).scalars().all():
        connection.exec_driver_sql(f"DROP FUNCTION {name}() CASCADE")


def raise_guards(connection: Connection) -> None:
    """Raise the guards as they are written now. raises RuntimeError where tables that they guard are missing: one
    goes forth to the newest tables, or back to none, and never stops where nothing would be guarded."""
    tables = set(inspect(connection).get_table_names())
    if "audit_entry" not in tables:
        return
    if missing := {guard.table for guard in guards.GUARDS} - tables:
        raise RuntimeError(f"the tables are not the newest: {', '.join(sorted(missing))} missing")
    for statement in guards.create(connection.dialect.name):
        connection.execute(text(statement.replace(":", r"\:")))


def run() -> None:
    """Migrate over one connection, with foreign keys off on SQLite: altering a table there copies and drops it.

    The guards are no step of any migration: they are lowered before and raised after, in one transaction with all
    that lies between, so that no connection ever meets tables without them.
    """
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
        context.configure(
            connection=connection,
            target_metadata=models.Base.metadata,
            render_item=render_item,
            **current_app.extensions["migrate"].configure_args | {"render_as_batch": sqlite},
        )
        with context.begin_transaction():
            lower_guards(connection)
            context.run_migrations()
            raise_guards(connection)
        connection.commit()
        if sqlite:
            raw = connection.connection.dbapi_connection
            if wrong := raw.execute("PRAGMA foreign_key_check").fetchall():  # type: ignore[union-attr]
                raise RuntimeError(f"rows without what they point to: {wrong[:5]}")
            raw.execute("PRAGMA foreign_keys = ON")  # type: ignore[union-attr]


run()
