"""The queue under attack: killed between any two steps, clocks set back, counters that lie, printers that are gone."""

import os
import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.printing import claims, jobs, rounds, sending
from biobank.printing.models import LabelJob, LabelPrinter
from biobank.printing.printers import LONGEST_LEASE, printers, printers_state
from biobank.printing.rounds import Sent
from labels import printers as doors
from tests import people
from tests.conftest import close, make_app
from tests.factories import BY, SampleFactory, act, fresh
from tests.printing.conftest import DESK, at
from tests.printing.fake_printer import fake_printer
from tests.printing.test_jobs import order, states
from tests.printing.test_queue import made, some, wait_for
from tests.racing import refusals, together

#: As short as a printer may be waited for: most of these tests wait it out.
QUICK = 0.1
#: Many a step follows at once on another: each third is enough, and each test takes others.
STRIDE = 3

# --- killed between any two steps


class Killed:
    """In a process of its own, ends it with -9 at one step of many: before and after each unit of work, connection,
    question and piece of a label, and in the middle of a label."""

    def __init__(self, monkeypatch, at_step):
        self.left = at_step
        self._wrap(monkeypatch, rounds, "unit_of_work")
        self._wrap(monkeypatch, doors.RawPrinter, "_connect")
        self._wrap(monkeypatch, doors._Line, "ask")
        say = doors._Line._say

        def piecemeal(line, data):
            self.step()
            if b"^XA" in data:
                say(line, data[: len(data) // 2])
                self.step()
                data = data[len(data) // 2 :]
            say(line, data)
            self.step()

        monkeypatch.setattr(doors._Line, "_say", piecemeal)

    def step(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _wrap(self, monkeypatch, where, name):
        real = getattr(where, name)

        def stepped(*told, **more):
            self.step()
            done = real(*told, **more)
            self.step()
            return done

        monkeypatch.setattr(where, name, stepped)


def send_and_be_killed(app, monkeypatch, step):
    """returns whether it was: past the last step it ends by itself"""
    db.session.remove()
    child = os.fork()
    if child == 0:
        try:
            db.engine.dispose(close=False)  # the connections are the parent's
            Killed(monkeypatch, step)
            rounds.send_all(printers()["labeller"])
        finally:
            os._exit(0)
    _pid, ended = os.waitpid(child, 0)
    return os.WIFSIGNALED(ended)


def until_it_is(job, *wanted):
    """Somebody sends again, and again: what turned out to be lost, and what a busy machine put off."""
    for _ in range(10):
        sending.run()
        if fresh(job).state in wanted:
            return fresh(job).state
    raise AssertionError(fresh(job).state)


def its_time_is_over():
    long_ago = clock.now() - timedelta(seconds=LONGEST_LEASE)
    unit_of_work(lambda: db.session.execute(update(LabelPrinter).values(until=long_ago)))


@pytest.mark.timeout(120)
def test_killed_at_any_step_each_label_comes_out_once(bank, monkeypatch, record_property):
    with fake_printer() as printer:
        app = bank(printer, seconds=QUICK)
        step, killed = -2, True
        while killed:
            step += STRIDE
            (job,) = some(1)
            before = len(printer.labels)
            killed = send_and_be_killed(app, monkeypatch, step)
            its_time_is_over()
            until_it_is(job, "sent")
            assert printer.labels[before:] == [made(job)], step
        assert step > 20
        record_property("told", f"killed at {step // STRIDE} of {step} steps")


@pytest.mark.timeout(120)
def test_killed_at_any_step_a_printer_that_does_not_count_prints_no_label_twice(bank, monkeypatch):
    """Where nobody can know, a person is asked, says what came out, and then it is so."""
    with fake_printer(counts=False) as printer:
        app = bank(printer, seconds=QUICK)
        step, killed, answered = -1, True, 0
        while killed:
            step += STRIDE
            (job,) = some(1)
            before = len(printer.labels)
            killed = send_and_be_killed(app, monkeypatch, step)
            its_time_is_over()
            if until_it_is(job, "sent", "failed") == "failed":
                answered += 1
                printer.wait_until_idle()
                act(jobs.came_out if len(printer.labels) > before else jobs.send_again, job=job)
                until_it_is(job, "sent")
            assert printer.labels[before:] == [made(job)], step
        assert answered > 3


# --- clocks


def test_a_clock_that_is_set_back_keeps_no_printer_from_its_labels(bank):
    with fake_printer() as printer:
        bank(printer)
        some()
        unit_of_work(lambda: claims.take("labeller", "dead", 60))
        far = clock.now() + timedelta(days=1)
        unit_of_work(lambda: db.session.execute(update(LabelPrinter).values(until=far)))

        assert sending.run() == Sent(sent=1)


def test_what_was_said_before_a_clock_was_set_back_was_not_said_lately(bank):
    with fake_printer(roll=0, counts=False) as printer:
        bank(printer)
        (job,) = some()
        assert sending.run() == Sent(held=1)
        later = clock.now() + timedelta(hours=1)
        unit_of_work(lambda: db.session.execute(update(LabelPrinter).values(told_at=later)))

        printer.die()
        printer.mend()
        assert sending.run() == Sent(failed=1)
        assert fresh(job).error == "printer_unclear"


# --- counters


def test_a_counter_that_stands_still_prints_no_label_for_ever(bank):
    with fake_printer() as printer:
        bank(printer, seconds=2 * QUICK)
        (job,) = some()
        printer.on_label = lambda: setattr(printer, "counter", 31_084)

        for _ in range(claims.MOST_LOST + 2):
            sending.run()
        assert len(printer.labels) == claims.MOST_LOST
        assert (fresh(job).state, claims.reason_of(fresh(job)).code) == ("failed", "printer_lost_often")
        act(jobs.came_out, job=job)


def test_the_label_of_somebody_else_is_not_counted_for_ours(bank):
    """Theirs comes out, ours is still in the printer when its roll ends, and it is then switched off."""
    with fake_printer(roll=1) as printer:
        bank(printer)
        (job,) = some()
        theirs = b"^XA^FDtheirs^FS^XZ"
        begin = claims.begin

        def begun(*told):
            begin(*told)
            printer.buffer.append(theirs)

        claims.begin = begun
        try:
            assert sending.run() == Sent(held=1)
        finally:
            claims.begin = begin
        assert printer.labels == [theirs]
        assert fresh(job).state == "held"


# --- printers that never stop talking, that are gone, that have no address


def test_a_printer_that_never_stops_talking_keeps_nobody(bank, monkeypatch):
    with fake_printer(counts=False) as printer:
        bank(printer, answers=False)
        hear = printer._hear

        def talk_on(line, mood, heard):
            rest, until = hear(line, mood, heard), time.monotonic() + 4
            with suppress(OSError):  # whoever listened has gone
                while time.monotonic() < until:
                    line.sendall(b"hello")
                    time.sleep(0.01)
            return rest

        monkeypatch.setattr(printer, "_hear", talk_on)
        some()
        started = time.monotonic()
        assert sending.run() == Sent(sent=1)
        assert time.monotonic() - started < 3
        assert len(printer.labels) == 1


def test_labels_of_a_printer_that_the_settings_lost_are_shown(bank, database_uri):
    with fake_printer() as printer, fake_printer() as other:
        bank(printer, other)
        (job,) = order(SampleFactory().code, at=DESK)
        app = make_app(database_uri, printers={"labeller": at(printer)})
        with app.app_context():
            assert sending.run() == Sent()
            _labeller, gone = printers_state(BY)
            db.session.remove()
        close(app)
        assert (gone.printer.name, gone.trouble, gone.waiting) == ("other", "printer_gone", 1)
        act(jobs.move, job=job, printer="labeller")
        assert sending.run() == Sent(sent=1)


def test_what_was_being_sent_is_for_a_person_where_the_settings_lost_all_printers(bank, database_uri):
    with fake_printer() as printer:
        bank(printer)
        (job,) = some()
        unit_of_work(lambda: setattr(db.session.get(LabelJob, job.id), "state", "sending"))
        app = make_app(database_uri)
        sending.keep(app)
        wait_for(lambda: fresh(job).state == "failed")
        wait_for(lambda: app.extensions["label_senders"]._watcher is None)  # there is nothing more to do
        close(app)


def test_an_address_that_is_none_is_a_trouble_like_any_other(bank):
    with fake_printer() as printer:
        bank(printer, host="a" * 64 + ".example")
        some()

        assert sending.run() == Sent(waiting=1)
        assert db.session.get(LabelPrinter, "labeller").trouble == "printer_unreached"


# --- a job that cannot be made any more, and threads that are gone


def test_a_label_that_can_be_made_no_more_keeps_no_other_waiting(bank, monkeypatch):
    with fake_printer() as printer:
        bank(printer)
        bad = order(SampleFactory().code, copies=2)[0]
        unit_of_work(lambda: claims.take("labeller", "dead", 60))
        first = unit_of_work(lambda: claims.next_jobs("labeller"))[0]
        unit_of_work(lambda: claims.begin(first, "labeller", "dead", 60, printer.counter - 2))
        its_time_is_over()
        (good,) = some()
        picture = rounds.service.picture

        def broken(code, *told, **more):
            if code == bad.code:
                raise ZeroDivisionError
            return picture(code, *told, **more)

        monkeypatch.setattr(rounds.service, "picture", broken)
        assert sending.run() == Sent(sent=2)
        assert [fresh(bad).state, fresh(good).state] == ["sent", "sent"]


def test_a_process_that_was_forked_sends_with_threads_of_its_own(bank):
    """A fork takes no threads along, but what is known of them."""
    with fake_printer() as printer:
        app = bank(printer)
        some()
        senders = sending.Senders(app, every=0.1)
        gone = threading.Thread(target=lambda: None)
        gone.start()
        gone.join()
        senders._watcher, senders._busy["labeller"] = gone, gone

        senders.wake()
        try:
            wait_for(lambda: states() == ["sent"])
        finally:
            senders.stop()


def test_a_machine_without_a_thread_to_spare_sends_when_it_has_one(bank, monkeypatch):
    with fake_printer() as printer:
        app = bank(printer)
        some()
        senders, start = sending.Senders(app, every=0.1), threading.Thread.start
        full = [True]

        def started(thread):
            if full[0] and thread.name.startswith("labels"):
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", started)
        senders.wake()
        assert senders._watcher is None
        full[0] = False
        senders.wake()
        try:
            wait_for(lambda: states() == ["sent"])
        finally:
            senders.stop()


# --- two people at one label


def test_two_who_decide_what_became_of_a_label_at_once_only_one_is_heard(bank):
    with fake_printer() as printer:
        app = bank(printer, printer)
        for _ in range(3):
            (job,) = some()
            unit_of_work(lambda job=job: setattr(db.session.get(LabelJob, job.id), "state", "failed"))

            def acting(do, key=job.id):
                return lambda: do(job=db.session.get_one(LabelJob, key), by=BY).state

            outcomes = together(app, acting(jobs.send_again), acting(jobs.came_out), acting(jobs.cancel))
            assert fresh(job).state in ("waiting", "sent", "cancelled")
            # one that waits again may still be cancelled
            assert set(refusals(outcomes)) == {"label_job_over"}
            before = len(printer.labels)
            sending.run()
            assert len(printer.labels) - before == (1 if fresh(job).tries else 0)


# --- very many


def test_a_label_costs_the_same_however_many_wait(bank):
    """They are put in order once for many; whether any waits is seen at the first."""
    with fake_printer() as printer:
        bank(printer)
        site_id, now = people.site().id, clock.now()
        common = {
            "site_id": site_id, "printer": "labeller", "copies": 1, "reprint": 0, "state": "waiting", "tries": 0,
            "asked_at": now, "asked_by": BY.key,
        }  # fmt: skip
        rows = [common | {"code": f"T{n:08}", "batch": n} for n in range(5000)]
        unit_of_work(lambda: db.session.execute(insert(LabelJob), rows))
        unit_of_work(lambda: claims.take("labeller", "me", 60))

        first = unit_of_work(lambda: claims.next_jobs("labeller"))
        assert [job.code for job in first] == [f"T{n:08}" for n in range(claims.AT_ONCE)]
        for job in first:
            unit_of_work(lambda job=job: claims.begin(job, "labeller", "me", 60, 1))
            unit_of_work(lambda job=job: claims.settle(job, job.tries + 1, "sent"))
        assert unit_of_work(lambda: claims.next_jobs("labeller"))[0].code == f"T{claims.AT_ONCE:08}"
        assert claims.with_work(["labeller", "other"]) == ["labeller"]


# --- two who believe that the printer is theirs


@pytest.mark.parametrize("counts", [True, False], ids=["it counts", "it does not count"])
def test_who_is_too_slow_and_who_takes_over_print_each_label_once(bank, counts):
    """The clock jumps while a label comes out: another sender takes over, and both go on for a while."""
    with fake_printer(counts=counts, seconds=0.4) as printer:
        app = bank(printer)
        asked = some(3)
        slow = threading.Thread(target=lambda: sending._send(app, at_bench(app)))
        slow.start()
        wait_for(lambda: "sending" in states())
        its_time_is_over()
        sending.run()
        slow.join()
        for job in asked:
            if fresh(job).state == "failed":
                printer.wait_until_idle()
                act(jobs.came_out if made(job) in printer.labels else jobs.send_again, job=job)
        sending.run()

        assert sorted(printer.labels) == sorted(made(job) for job in asked)
        assert states() == ["sent"] * 3


def at_bench(app):
    with app.app_context():
        return printers()["labeller"]
