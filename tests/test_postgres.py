"""The throw-away PostgreSQL server: real, each test's own database, and gone with the tests however they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

pytestmark = pytest.mark.postgres

LEAVES_NO_GOODBYE = """
from tests import postgres
print(postgres.server().query["host"], flush=True)
import time
time.sleep(60)
"""


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
def test_a_database_is_a_copy_of_its_template_and_no_more(database_kind, empty_database_uri):
    from tests import postgres

    template = make_url(empty_database_uri)
    with connect(template) as connection:
        connection.execute("CREATE TABLE tube (code text)")
    copy = postgres.create_database(template=template)

    with connect(copy) as connection:
        connection.execute("INSERT INTO tube VALUES ('T00421736')")
    with connect(template) as connection:
        assert connection.execute("SELECT count(*) FROM tube").fetchone() == (0,)

    postgres.drop_database(copy)


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
def test_the_server_goes_when_the_tests_are_killed(database_kind):
    if "://" in os.environ.get("BIOBANK_TEST_POSTGRES", ""):
        pytest.skip("the server named in BIOBANK_TEST_POSTGRES is not ours to stop")
    root = Path(__file__).resolve().parents[1]
    tests = subprocess.Popen(
        [sys.executable, "-c", LEAVES_NO_GOODBYE], cwd=root, stdout=subprocess.PIPE, text=True
    )
    folder = Path(tests.stdout.readline().strip())
    assert (folder / "data" / "PG_VERSION").is_file()

    tests.send_signal(signal.SIGKILL)
    tests.communicate()

    deadline = time.monotonic() + 120
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()


def connect(url):
    return psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
