"""Runs migrations inside the app, on SQLite and PostgreSQL alike."""

from alembic import context
from flask import current_app

from biobank import models
from biobank.core.db import UTCDateTime, db


def render_item(kind: str, item: object, autogen_context: object) -> str | bool:
    """Our own column types as plain ones, so that old migrations do not depend on today's code."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Migrate over one connection, with foreign keys off on SQLite: altering a table there copies and drops it."""
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
        context.configure(
            connection=connection,
            target_metadata=models.Base.metadata,
            render_item=render_item,
            transaction_per_migration=True,
            **current_app.extensions["migrate"].configure_args | {"render_as_batch": sqlite},
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        if sqlite:
            raw = connection.connection.dbapi_connection
            if wrong := raw.execute("PRAGMA foreign_key_check").fetchall():  # type: ignore[union-attr]
                raise RuntimeError(f"rows without what they point to: {wrong[:5]}")
            raw.execute("PRAGMA foreign_keys = ON")  # type: ignore[union-attr]


run()
