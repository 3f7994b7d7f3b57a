"""What every test may ask for: a migrated database of its own, on SQLite and on PostgreSQL, an app, a stopped clock.

Nothing here runs unasked, so tests of pure rules need no database.
"""

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import URL
from werkzeug.serving import make_server

from tests import apps, cores, postgres
from tests.copies import Copies
from tests.folders import ROOM_FOR_A_FILE, memory_folder

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2012, 3, 14, 11, 0, tzinfo=UTC)  # noon in Paris, on a Wednesday

hypothesis.settings.register_profile(  # a busy machine is not a failure
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` means: not the processors of the machine, but those that we may use."""
    return cores.at_once()


def missing(what: str) -> None:
    """Skip for want of something outside the tests; where CI says that it must be there, fail."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files of laboratories and standards, which are not in this repository."""
    folder = Path(os.environ.get("BIOBANK_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the shared data is not here: name its folder in BIOBANK_SHARED_DATA")
    return folder


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that take long come first, of each kind of database, so that nobody waits for one of them at the end."""
    items.sort(key=lambda item: (_kind_of(item) == "postgres", item.get_closest_marker("slow") is None))


def _kind_of(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("database_kind") if callspec else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests told of themselves with `record_property("told", …)`, such as how far a random walk went."""
    for report in terminalreporter.getreports("passed"):
        for name, told in getattr(report, "user_properties", ()):
            if name == "told" and report.when == "call":
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {told}")


# --- databases


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Every test that touches a database runs once for each kind.

    One kind alone: `@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)`.
    """
    if request.param == "postgres":
        try:
            postgres.server()
        except postgres.NoServer as reason:
            missing(str(reason))
    return str(request.param)


@pytest.fixture(scope="session")
def migrated_template(database_kind: str) -> Iterator[URL]:
    """A database that the migrations made, once for all tests. It is copied, never used."""
    with new_database(database_kind) as uri:
        migrate(uri)
        yield uri
        if uri in _copies:
            _copies.pop(uri).drop()


@pytest.fixture
def database_uri(migrated_template: URL, database_kind: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    with new_database(database_kind, template=migrated_template) as uri:
        yield uri.render_as_string(hide_password=False)


@pytest.fixture
def empty_database_uri(database_kind: str) -> Iterator[str]:
    """A database without a table, for tests of the migrations themselves."""
    with new_database(database_kind) as uri:
        yield uri.render_as_string(hide_password=False)


#: Copies of databases on PostgreSQL, by template.
_copies: dict[URL, Copies] = {}


@contextmanager
def new_database(kind: str, template: URL | None = None) -> Iterator[URL]:
    """A database, empty or a copy of `template`, for as long as the block lasts."""
    if kind == "postgres":
        if template is not None:
            copies = _copies.setdefault(template, Copies(template))
            lend, take_back = copies.lend, copies.take_back
        else:
            lend, take_back = postgres.create_database, postgres.drop_database
        uri = lend()
        try:
            yield uri
        finally:
            take_back(uri)
        return
    with tempfile.TemporaryDirectory(prefix="biobank-sqlite-", dir=memory_folder(ROOM_FOR_A_FILE)) as folder:
        path = f"{folder}/biobank.sqlite"
        if template is not None:
            shutil.copyfile(str(template.database), path)
        yield URL.create("sqlite", database=path)


def migrate(uri: URL) -> None:
    """Bring a database to the newest migration, and leave nobody connected to it."""
    from flask_migrate import upgrade

    app = make_app(uri.render_as_string(hide_password=False))
    with app.app_context():
        upgrade()
    close(app)
    if (
        uri.get_backend_name() == "sqlite"
    ):  # what stands in the log comes into the file, which is what is copied
        with closing(sqlite3.connect(str(uri.database))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# --- the app


def make_app(database_uri: str, **settings: Any) -> Flask:
    """An app on a database; `settings` are those of config/default.toml."""
    from biobank.factory import create_app

    return create_app(
        {"database_uri": database_uri, "secret_key": "for tests only", "testing": True} | settings
    )


def close(app: Flask) -> None:
    from biobank.core.db import db

    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def shared_app(migrated_template: URL) -> Iterator[apps.SharedApp]:
    app = make_app(migrated_template.render_as_string(hide_password=False))
    yield apps.SharedApp(app)
    close(app)


@pytest.fixture
def app(database_uri: str, shared_app: apps.SharedApp) -> Iterator[Flask]:
    """An app on the test's own database. It is lent: settings may be changed, routes may not be added."""
    yield shared_app.lend(database_uri)
    shared_app.take_back()


@pytest.fixture
def fresh_app(database_uri: str) -> Iterator[Flask]:
    """An app that nobody had before, for tests that add routes to it or count what it did."""
    app = make_app(database_uri)
    yield app
    close(app)


@pytest.fixture
def app_context(app: Flask) -> Iterator[Flask]:
    """The app with its context open, for tests that call services directly."""
    with app.app_context():
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def frozen_clock() -> Iterator[datetime]:
    """The clock stands at noon; a test moves it with `with clock.freeze(...)`."""
    from biobank.core import clock

    with clock.freeze(NOON):
        yield NOON


# --- the browser


#: The same browser by its names. Where it comes without windows, it takes half the time.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The app served on this machine; gives its address, such as http://127.0.0.1:40001."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Start the Chromium that is installed, and let it talk to nobody but us."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        missing("no Chromium is installed")
    quiet = [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
    ]
    # Shared memory is a few megabytes in many containers, where a page would crash.
    small = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"]
    return {"executable_path": chromium, "args": [*quiet, *small]}
