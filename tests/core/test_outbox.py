"""Things to do after a commit: none for what was rolled back, none lost, and failures tried again."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from biobank.core import clock, outbox
from biobank.core.db import db, unit_of_work
from biobank.core.errors import RuleViolation


@pytest.fixture
def printed(monkeypatch):
    """What a printer of these tests printed; it fails for a payload that says so."""
    pages = []

    def carry_out(payload):
        if payload.get("fails"):
            raise OSError("the printer is off")
        pages.append(payload["code"])

    monkeypatch.setattr(outbox, "_handlers", {"test_print": carry_out})
    return pages


def put(**payload):
    unit_of_work(lambda: outbox.put("test_print", payload))


def item():
    db.session.expire_all()
    return db.session.scalars(select(outbox.OutboxItem)).one()


def test_what_was_committed_is_done_once(app_context, printed):
    put(code="T1")

    assert outbox.run_due() == (1, 0)
    assert outbox.run_due() == (0, 0)
    assert printed == ["T1"]


def test_what_was_rolled_back_is_not_done(app_context, printed):
    def work():
        outbox.put("test_print", {"code": "T1"})
        raise RuleViolation("no")

    with pytest.raises(RuleViolation):
        unit_of_work(work)
    assert outbox.run_due() == (0, 0)


def test_outside_a_unit_nothing_can_be_asked_for(app_context):
    with pytest.raises(RuntimeError):
        outbox.put("test_print", {})


def test_a_failure_is_tried_again_less_and_less_often_and_then_waits_for_a_person(app_context, printed):
    put(fails=True)
    now = clock.now()
    for minutes in (*outbox.BACK_OFF, None):
        with clock.freeze(now):
            assert outbox.run_due() == (0, 1)
            assert outbox.run_due() == (0, 0)
        waits = item().due_at
        if minutes is None:
            assert waits is None
        else:
            assert waits == now + timedelta(minutes=minutes)
            now = waits

    assert item().error == "OSError: the printer is off"
    assert item().tries == len(outbox.BACK_OFF) + 1


def test_one_failure_does_not_hold_up_the_others(app_context, printed):
    put(fails=True)
    put(code="T2")

    assert outbox.run_due() == (1, 1)
    assert printed == ["T2"]


def test_what_nobody_here_can_do_stays(app_context, monkeypatch):
    monkeypatch.setattr(outbox, "_handlers", {})
    put(code="T1")

    assert outbox.run_due() == (0, 0)
    assert item().done_at is None
