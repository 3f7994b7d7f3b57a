"""`python app.py` as somebody starts it who just unpacked the bank: in a copy of its own, with nothing configured."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from tests.conftest import ROOT

START_SECONDS = 240  # a busy machine; ten are the aim


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A copy of what is delivered, without a database."""
    folder = tmp_path_factory.mktemp("unpacked")
    for name in ("biobank", "labels", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", folder)
    yield folder
    for server in Server.started:  # what a failed test left running
        server.process.kill()
        server.process.wait()


def environ(**more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BIOBANK_")}
    return clean | {f"BIOBANK_{name.upper()}": str(value) for name, value in more.items()}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Server:
    """A running `python app.py`."""

    started: "list[Server]" = []

    def __init__(self, folder, **settings):
        self.port = free_port()
        self.log = folder / f"{self.port}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=folder,
                env=environ(port=self.port, **settings),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.started.append(self)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def wait(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.get("/healthz")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"not up: {self.log.read_text()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_first_start_serves_a_filled_bank_and_says_how_to_sign_in(unpacked):
    """Two at once: one of them fills the bank, the other waits for it."""
    first, second = Server(unpacked), Server(unpacked)
    first.wait(), second.wait()

    assert first.get("/readyz") == second.get("/readyz") == (200, '{"status":"ready"}\n')
    assert first.get("/sign-in")[0] == 200
    said = first.log.read_text()
    assert re.search(r"Sign in as .*password is \S+", said)
    assert f"http://127.0.0.1:{first.port}" in said
    assert "Traceback" not in said + second.log.read_text()
    with closing(sqlite3.connect(unpacked / "instance" / "biobank.sqlite")) as bank:
        users = bank.execute("SELECT count(*), count(DISTINCT name) FROM user_account").fetchone()
        filled = bank.execute("SELECT count(*) FROM audit_entry").fetchone()
    assert users[0] == users[1] > 0
    key = unpacked / "instance" / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert first.stop() == second.stop() == 0

    kept = key.read_text()
    again = Server(unpacked).wait()
    assert "Sign in as" in again.log.read_text()
    assert again.stop() == 0
    assert key.read_text() == kept
    with closing(sqlite3.connect(unpacked / "instance" / "biobank.sqlite")) as bank:
        assert bank.execute("SELECT count(*) FROM audit_entry").fetchone() == filled


def test_with_a_database_configured_it_refuses_to_start_without_a_key(unpacked):
    for command in ([sys.executable, "app.py"], [sys.executable, "-c", "import app"]):
        done = subprocess.run(
            command,
            cwd=unpacked,
            env=environ(database_uri=f"sqlite:///{unpacked}/other.sqlite"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "BIOBANK_SECRET_KEY" in done.stderr


def test_where_somebody_listens_already_it_says_so_and_stops(unpacked):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=unpacked,
            env=environ(
                database_uri=f"sqlite:///{unpacked}/third.sqlite", secret_key="k", port=taken.getsockname()[1]
            ),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "cannot listen on 127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configured_database_is_not_migrated_by_itself_but_it_is_said_how(unpacked):
    server = Server(unpacked, database_uri=f"sqlite:///{unpacked}/other.sqlite", secret_key="k").wait()
    status, told = server.get("/readyz")

    assert status == 503
    assert "flask --app app db upgrade" in told
    assert "flask --app app db upgrade" in server.log.read_text()
    assert server.stop() == 0
