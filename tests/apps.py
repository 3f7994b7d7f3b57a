"""The app that tests are lent: made once in a process for each kind of database, and given to one test after another.

Making an app takes longer than most tests do, and a new one has yet to learn every statement and every template. What
one test does to it, the next does not see: the database is another one or as new, so is the engine, on which the app's
memories of a database hang, and settings and extensions are put back.
"""

from copy import deepcopy
from typing import Any

from flask import Flask
from sqlalchemy import Dialect, event, make_url
from sqlalchemy.util import LRUCache

#: Statements that are kept ready. Pages and services ask for some thousands of different ones.
STATEMENTS = 3000


class SharedApp:
    """An app whose database can be changed for another of the same kind."""

    def __init__(self, app: Flask) -> None:
        from biobank.core.db import db

        self.app = app
        app.test_client().get("/healthz")  # whoever adds a route to an app that has answered is told not to
        with app.app_context():
            self._engine, self._engines = db.engine, db.engines
        event.listen(self._engine, "do_connect", self._to_the_database_at_hand)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _flush_nothing)
        self._statements: LRUCache[Any, Any] = LRUCache(STATEMENTS)
        self._config, self._extensions = dict(app.config), dict(app.extensions)
        self._settings = deepcopy(app.config["BIOBANK"])

    def lend(self, database_uri: str) -> Flask:
        """The app on a database, as if it had been made there."""
        uri = make_url(database_uri)
        if uri != self._engine.url:
            self._engine.dispose()
            self._engine.url = uri
        self._engines[None] = self._engine.execution_options(compiled_cache=self._statements)  # type: ignore[index]
        self._put_back(database_uri)
        return self.app

    def take_back(self) -> None:
        """Connections stay, for a test that comes to the same database, unless one is still in use."""
        from biobank.core.db import db

        with self.app.app_context():
            db.session.remove()
        if self._engine.dialect.name == "sqlite" or self._engine.pool.checkedout():  # type: ignore[attr-defined]
            self._engine.dispose()

    def _put_back(self, database_uri: str) -> None:
        """The same dictionaries hold again what they held at first: parts of the app have kept hold of them."""
        settings = self._config["BIOBANK"]
        for first, now in (
            (self._config | {"SQLALCHEMY_DATABASE_URI": database_uri}, self.app.config),
            (self._extensions, self.app.extensions),
            (deepcopy(self._settings) | {"database_uri": database_uri}, settings),
        ):
            now.clear()
            now.update(first)

    def _to_the_database_at_hand(
        self, dialect: Dialect, _record: Any, arguments: list[Any], named: dict[str, Any]
    ) -> None:
        arguments[:], more = dialect.create_connect_args(self._engine.url)
        named.update(more)


def _flush_nothing(connection: Any, _record: Any) -> None:
    """Nothing here outlives the tests. Where they have to write to a disk, they would mostly wait for it."""
    connection.execute("PRAGMA synchronous = OFF")
