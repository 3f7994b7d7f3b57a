"""Copies of the whole bank, made while people work, and brought back into an empty database only."""

import os
import stat
import threading

import pytest

from biobank.audit import service as audit
from biobank.core import copies
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation
from tests import people, postgres
from tests.conftest import close, make_app


@pytest.fixture(autouse=True)
def programs_of_postgres(database_kind, monkeypatch):
    """pg_dump must be the server's own or a newer one."""
    if database_kind == "postgres":
        named = os.environ.get("BIOBANK_TEST_POSTGRES", "")
        folder = named if named and "://" not in named else None
        if "://" not in named:
            monkeypatch.setenv("PATH", f"{folder or postgres._packaged_programs()}/bin", prepend=os.pathsep)


def test_a_copy_brought_back_is_the_same_bank(app, empty_database_uri, tmp_path):
    with app.app_context():
        people.site("IPC")
        people.user(name="ann")
        before = audit.verify()
    done = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "bank.copy")])
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE((tmp_path / "bank.copy").stat().st_mode) == 0o600

    other = make_app(empty_database_uri)
    restored = other.test_cli_runner().invoke(args=["restore", str(tmp_path / "bank.copy")])
    assert restored.exit_code == 0, restored.output
    assert restored.stdout == f"{before.entries} entries, head {before.head}, unbroken\n"
    answer = other.test_client().get("/readyz")
    with other.app_context():
        people.user(name="bob")  # and it goes on from there
        assert audit.verify().entries > before.entries
        with pytest.raises(Exception, match=r"append-only|never deleted"), db.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM audit_entry")
    close(other)
    assert answer.status_code == 200


def test_a_copy_made_while_people_write_is_whole(app, empty_database_uri, tmp_path):
    stop = threading.Event()

    def write():
        with app.app_context():
            while not stop.is_set():
                unit_of_work(lambda: audit.record(by=people.TESTS, act="seen", subject=("sample", "T1")))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with app.app_context():
            for number in range(3):
                copies.backup(tmp_path / f"{number}.copy")
    finally:
        stop.set()
        writer.join()

    other = make_app(empty_database_uri)
    with other.app_context():
        copies.restore(tmp_path / "2.copy")
        assert audit.verify().broken_at is None
    close(other)


def test_a_file_is_never_overwritten(app_context, tmp_path):
    (tmp_path / "bank.copy").write_text("precious")

    with pytest.raises(RuleViolation) as refused:
        copies.backup(tmp_path / "bank.copy")
    assert refused.value.code == "file_exists"
    assert [path.name for path in tmp_path.iterdir()] == ["bank.copy"]
    assert (tmp_path / "bank.copy").read_text() == "precious"


def test_a_bank_that_is_there_is_never_overwritten(app_context, tmp_path):
    copies.backup(tmp_path / "bank.copy")

    with pytest.raises(RuleViolation) as refused:
        copies.restore(tmp_path / "bank.copy")
    assert refused.value.code == "database_not_empty"


def test_what_is_no_copy_is_refused(empty_database_uri, tmp_path):
    (tmp_path / "bank.copy").write_text("hello")
    app = make_app(empty_database_uri)
    with app.app_context():
        with pytest.raises(RuleViolation) as refused:
            copies.restore(tmp_path / "bank.copy")
        assert refused.value.code == "copy_failed"
    close(app)
