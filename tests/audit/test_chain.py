"""The record: every entry stands on the one before, and whoever changes one is found out."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from biobank.audit import service as audit
from biobank.core import checks
from biobank.core.db import db, unit_of_work
from biobank.core.times import When
from tests import people


def record(count: int = 1, act: str = "seen", key: str = "T1", **more) -> None:
    def work():
        for number in range(count):
            audit.record(
                by=people.TESTS, act=act, subject=("sample", key), after={"n": number, "é": "µL"}, **more
            )

    unit_of_work(work)


def test_an_unbroken_chain_says_how_long_it_is(app_context):
    record(3)
    record(2)

    found = audit.verify()
    assert (found.entries, found.broken_at) == (5, None)
    assert len(found.head) == 64


def test_an_empty_chain_is_unbroken(app_context):
    assert audit.verify() == audit.Verification(0, audit.GENESIS)


def test_the_hash_covers_the_stored_text(app_context):
    record()

    row = db.session.execute(text("SELECT prev_hash, hash, content FROM audit_entry")).one()
    assert row.hash == audit.link(row.prev_hash, row.content)
    content = json.loads(row.content)
    assert row.content == audit.canonical(content)
    assert content["actor"] == people.TESTS.key
    assert content["subject"] == ["sample", "T1"]


def test_many_writers_make_one_chain(app):
    def write(_number):
        with app.app_context():
            record(2)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    with app.app_context():
        found = audit.verify()
    assert (found.entries, found.broken_at) == (80, None)


def test_a_story_is_told_in_the_order_it_happened(app_context):
    from datetime import UTC, datetime

    record(act="received", happened=When(datetime(2012, 3, 2, 9, 0, tzinfo=UTC), "minute"))
    record(act="collected", happened=When(datetime(2012, 3, 1, 9, 0, tzinfo=UTC), "minute"))
    record(act="seen", key="T2")

    assert [entry["act"] for entry in audit.history("sample", "T1")] == ["collected", "received"]


def test_a_veiled_value_can_be_compared_but_not_read(app_context):
    veiled = audit.veil("Durand", "key of one person")

    assert veiled == audit.veil("Durand", "key of one person")
    assert veiled != audit.veil("Durand", "key of another")
    assert "Durand" not in veiled
    assert audit.veil("Durand", None) is None


# --- somebody with the database's own password changes the past


def without_guards(statement: str) -> None:
    """What an owner of the database can do: take the guards down, change, and put nothing back."""
    sqlite = db.engine.dialect.name == "sqlite"
    db.session.rollback()  # what follows is to be seen
    with db.engine.begin() as connection:
        if sqlite:
            found = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit%'")
            )
            for name in found.scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for table in ("audit_entry", "audit_head"):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "broken_at", "why"),
    [
        (
            "UPDATE audit_entry SET content = replace(content, 'seen', 'lost') WHERE seq = 3",
            3,
            "text was changed",
        ),
        ("UPDATE audit_entry SET subject_key = 'T9' WHERE seq = 2", 2, "column differs"),
        ("UPDATE audit_entry SET recorded_at = '2001-01-01 00:00:00' WHERE seq = 4", 4, "column differs"),
        ("DELETE FROM audit_entry WHERE seq = 2", 2, "missing"),
        ("DELETE FROM audit_entry WHERE seq = 5", 5, "missing at the end"),
        ("DELETE FROM audit_entry", 1, "missing at the end"),
        ("UPDATE audit_head SET seq = 4", 6, "missing at the end"),
        ("UPDATE audit_entry SET prev_hash = 'x' WHERE seq = 3", 3, "does not name the entry before"),
        ("UPDATE audit_entry SET seq = 7 WHERE seq = 5", 5, "missing"),
    ],
)
def test_the_first_broken_link_is_named(app_context, statement, broken_at, why):
    record(5)
    without_guards(statement)

    found = audit.verify()
    assert found.broken_at == broken_at
    assert why in found.why
    assert any(one.name == "audit chain" and one.findings for one in checks.run())


def test_an_entry_written_anew_with_its_hash_breaks_the_next(app_context):
    """Who can compute hashes still has to write every later one anew, and then the head noted outside differs."""
    record(5)
    noted = audit.verify().head
    row = db.session.execute(text("SELECT prev_hash, content FROM audit_entry WHERE seq = 2")).one()
    forged = row.content.replace("seen", "lost")
    digest = audit.link(row.prev_hash, forged)
    quoted = forged.replace("'", "''")
    without_guards(
        f"UPDATE audit_entry SET content = '{quoted}', hash = '{digest}' WHERE seq = 2".replace(":", "\\:")
    )

    assert audit.verify().broken_at == 3
    assert audit.stands(noted)
    assert not audit.stands("0" * 63 + "1")


def test_the_command_says_so_and_fails(app):
    with app.app_context():
        record(3)
        head = audit.verify().head
    run = app.test_cli_runner().invoke

    told = run(args=["audit", "verify", "--expect", head])
    assert told.exit_code == 0, told.output
    assert told.output == f"3 entries, head {head}, unbroken\n"
    assert run(args=["audit", "verify", "--expect", "f" * 64]).exit_code == 1
    assert run(args=["check"]).exit_code == 0
    with app.app_context():
        without_guards("DELETE FROM audit_entry WHERE seq = 2")
    told = run(args=["audit", "verify"])
    assert told.exit_code == 1
    assert "breaks at entry 2" in told.output
    assert run(args=["check"]).exit_code == 1
