"""One unit of work: all of it or nothing, tried again when two people meet, and locks in one order."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from biobank.access.models import Site
from biobank.audit import service as audit
from biobank.audit.models import AuditHead
from biobank.core import clock
from biobank.core.codes import AccessionCounter
from biobank.core.db import LOCK_ORDER, Base, UTCDateTime, db, lock, unit_of_work
from biobank.core.errors import Busy, RuleViolation
from biobank.core.outbox import OutboxItem
from biobank.patients.models import Patient
from tests import people


def sites() -> list[str]:
    return sorted(db.session.scalars(select(Site.code)))


def new_site(code: str) -> Site:
    site = Site(code=code, name=code, recorded_at=clock.now())
    db.session.add(site)
    return site


def test_what_a_unit_writes_is_there_afterwards(app_context):
    answer = unit_of_work(lambda: new_site("IPC").code)

    db.session.rollback()
    assert answer == "IPC"
    assert sites() == ["IPC"]


def test_a_refused_unit_writes_nothing_and_records_nothing(app_context):
    def work():
        new_site("IPC")
        db.session.flush()
        audit.record(by=people.TESTS, act="site_made", subject=("site", "IPC"))
        raise RuleViolation("no")

    with pytest.raises(RuleViolation):
        unit_of_work(work)
    assert sites() == []
    assert audit.verify().entries == 0


def test_a_defect_in_a_unit_writes_nothing_either(app_context):
    def work():
        new_site("IPC")
        db.session.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        unit_of_work(work)
    assert sites() == []


def test_an_act_outside_a_unit_is_an_error(app_context):
    with pytest.raises(RuntimeError, match="no unit of work"):
        audit.record(by=people.TESTS, act="x", subject=("site", "IPC"))


def test_a_unit_within_a_unit_is_an_error(app_context):
    with pytest.raises(RuntimeError, match="open already"):
        unit_of_work(lambda: unit_of_work(lambda: None))


def busy(app) -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception("database is locked"))


def test_a_busy_database_is_asked_three_times(app_context):
    tried = []

    def work():
        tried.append(1)
        new_site(f"S{len(tried)}")
        db.session.flush()
        if len(tried) < 3:
            raise busy(app_context)

    unit_of_work(work)
    assert len(tried) == 3
    assert sites() == ["S3"]


def test_after_the_third_time_it_says_busy(app_context):
    tried = []

    def work():
        tried.append(1)
        raise busy(app_context)

    with pytest.raises(Busy):
        unit_of_work(work)
    assert len(tried) == 3


def test_another_error_of_the_database_is_not_tried_again(app_context):
    tried = []

    def work():
        tried.append(1)
        db.session.execute(text("SELECT * FROM there_is_no_such_table"))

    with pytest.raises(Exception, match="there_is_no_such_table"):
        unit_of_work(work)
    assert len(tried) == 1


def test_who_comes_second_to_a_unique_place_is_asked_again(app_context):
    tried = []

    def work():
        tried.append(1)
        if len(tried) == 1:
            raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
        return "found it taken"

    assert unit_of_work(work) == "found it taken"


def test_what_the_database_refuses_for_good_is_a_refusal(app_context):
    unit_of_work(lambda: new_site("IPC"))

    with pytest.raises(RuleViolation) as refused:
        unit_of_work(lambda: [new_site("IPC"), db.session.flush()])
    assert refused.value.code == "refused_by_database"


def test_what_comes_after_the_commit_is_not_done_for_a_refused_unit(app_context):
    from biobank.core.db import current_unit

    done = []

    def work(refuse):
        current_unit().after_commit.append(lambda: done.append(refuse))
        if refuse:
            raise RuleViolation("no")

    with pytest.raises(RuleViolation):
        unit_of_work(lambda: work(True))
    unit_of_work(lambda: work(False))
    assert done == [False]


def test_what_must_be_kept_of_a_refused_unit_is_written_after_it(app_context):
    from biobank.core.db import current_unit

    def work():
        new_site("LOST")
        db.session.flush()
        current_unit().after_refusal.append(lambda: new_site("KEPT"))
        raise RuleViolation("no")

    with pytest.raises(RuleViolation):
        unit_of_work(work)
    assert sites() == ["KEPT"]


# --- locks


def test_locks_are_taken_in_one_order_only(app_context):
    def work():
        lock(AuditHead, [1])
        lock(Patient, [1])

    with pytest.raises(RuntimeError, match="LOCK_ORDER"):
        unit_of_work(work)


def test_every_table_that_is_locked_exists():
    assert set(LOCK_ORDER) <= set(Base.metadata.tables)


def test_a_lock_gives_what_stands_in_the_database_now(app_context):
    def work():
        db.session.add(AccessionCounter(letter="T", next_serial=1))
        db.session.flush()
        stale = db.session.get_one(AccessionCounter, "T").next_serial
        later = update(AccessionCounter).values(next_serial=AccessionCounter.next_serial + 5)
        db.session.execute(later.execution_options(synchronize_session=False))
        return stale, lock(AccessionCounter, ["T"])[0].next_serial

    stale, fresh = unit_of_work(work)
    assert fresh == stale + 5


def test_of_two_who_lock_the_same_row_one_waits_for_the_other(app):
    """The second reads what the first wrote: no addition is lost."""
    with app.app_context():
        unit_of_work(lambda: db.session.add(AccessionCounter(letter="T", next_serial=0)))

    def add_one():
        with app.app_context():

            def work():
                (row,) = lock(AccessionCounter, ["T"])
                before = row.next_serial
                time.sleep(0.002)
                row.next_serial = before + 1

            unit_of_work(work)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: add_one(), range(40)))
    with app.app_context():
        assert db.session.scalars(select(AccessionCounter.next_serial)).one() == 40


def test_eight_writers_are_served_in_turn_and_none_starves(app):
    """Each writes for a fixed time; the least served still gets its share, and the longest wait is short."""
    counts, waits, stop = [0] * 8, [0.0] * 8, threading.Event()

    def write(number):
        with app.app_context():
            while not stop.is_set():
                began = time.perf_counter()
                unit_of_work(
                    lambda: db.session.add(
                        OutboxItem(kind="x", payload={}, made_at=clock.now(), due_at=clock.now())
                    )
                )
                waits[number] = max(waits[number], time.perf_counter() - began)
                counts[number] += 1

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(write, number) for number in range(8)]
        time.sleep(2)
        stop.set()
        for one in running:
            one.result()

    assert min(counts) > 0
    assert max(waits) < 1.5, (counts, waits)


# --- times


def test_a_naive_time_is_refused_before_it_is_written(app_context):
    from datetime import datetime

    with pytest.raises(Exception, match="naive time"):
        unit_of_work(
            lambda: [
                db.session.add(Site(code="X", name="X", recorded_at=datetime(2012, 1, 1))),  # noqa: DTZ001
                db.session.flush(),
            ]
        )


def test_times_come_back_aware_and_the_same(app_context):
    from datetime import UTC, datetime, timedelta, timezone

    summer = datetime(2012, 7, 1, 14, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
    unit_of_work(lambda: db.session.add(Site(code="X", name="X", recorded_at=summer)))

    found = db.session.scalars(select(Site.recorded_at)).one()
    assert found == summer
    assert found.tzinfo is UTC
    assert isinstance(Site.__table__.c.recorded_at.type, UTCDateTime)
