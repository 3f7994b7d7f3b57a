"""The queue of a printer: one sender, exactly once, in the order of its batches, whatever the printer does."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from biobank.audit.models import AuditEntry
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.printing import claims, jobs, rounds, sending, service
from biobank.printing.models import LabelJob, LabelPrinter
from biobank.printing.printers import printers
from biobank.printing.rounds import LABELS, Sent
from tests.conftest import close, make_app
from tests.factories import BY, PatientFactory, SampleFactory, act, fresh
from tests.printing.conftest import DESK, SECONDS, at
from tests.printing.fake_printer import Faults, fake_printer
from tests.printing.test_jobs import order, states
from tests.racing import together

NUDGE = sending.nudge


def printed(printer, *asked):
    """The codes of what came out, in its order; each label is known by its bytes."""
    known = {made(job): job.code for job in asked}
    return [known[label] for label in printer.labels]


def made(job):
    printer = printers()["labeller"]
    label = service.picture(
        job.code, "zpl", LABELS, design=job.design, dpi=printer.dpi, reprint=job.reprint, copies=job.copies,
        **printer.setting(),
    )  # fmt: skip
    db.session.rollback()
    return label.strip()


def wait_for(so, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def some(count=1, **told):
    return order(*[SampleFactory(**told).code for _ in range(count)])


# --- sent


@pytest.mark.parametrize("told", [{}, {"counts": False}, {"counts": False, "answers": False}])
def test_what_waits_comes_out_and_is_sent(bank, told):
    with fake_printer("quiet" if "answers" in told else "ready", counts=told.get("counts", True)) as printer:
        bank(printer, **told)
        asked = [*some(2), *order(SampleFactory().code, copies=2)]

        assert sending.run() == Sent(sent=3)
        printer.wait_until_idle()
        assert printed(printer, *asked) == [asked[0].code, asked[1].code, asked[2].code, asked[2].code]
        assert states() == ["sent"] * 3
        assert sending.run() == Sent()


def test_a_label_that_cannot_be_made_says_why_and_stops_no_other(bank):
    with fake_printer() as printer:
        bank(printer)
        bad = order(SampleFactory().code, design="none-such")[0]
        good = some()[0]

        assert sending.run() == Sent(sent=1, failed=1)
        assert fresh(bad).state == "failed"
        reason = claims.reason_of(fresh(bad))
        assert "none-such" in str(reason.params)
        assert printed(printer, good) == [good.code]


@pytest.mark.parametrize(
    ("mood", "error"),
    [("closes", "printer_hung_up"), ("hangs", "printer_silent"), ("garbage", "printer_not_understood")],
)
def test_a_printer_that_fails_before_the_label_gets_it_later(bank, mood, error):
    with fake_printer(mood) as printer:
        bank(printer)
        (job,) = some()

        assert sending.run() == Sent(waiting=1)
        job = fresh(job)
        assert (job.state, job.error, job.tries) == ("waiting", error, 1)
        assert db.session.get(LabelPrinter, "labeller").trouble == error

        printer.mood = "ready"
        assert sending.run() == Sent(sent=1)
        assert len(printer.labels) == 1
        assert (fresh(job).error, db.session.get(LabelPrinter, "labeller").trouble) == (None, None)


def test_a_label_in_a_printer_without_paper_is_held_until_it_is_printed(bank):
    with fake_printer(roll=1, seconds=0.02) as printer:
        bank(printer)
        asked = some(3)

        assert sending.run() == Sent(sent=1, held=1)
        assert states() == ["sent", "held", "waiting"]
        assert sending.run() == Sent(held=1)
        assert fresh(asked[1]).error == "printer_paper_out"
        printer.mend()
        assert sending.run() == Sent(sent=2)
        assert printed(printer, *asked) == [job.code for job in asked]


def test_a_held_label_that_the_printer_forgot_is_sent_again_where_it_counts(bank):
    with fake_printer(roll=0) as printer:
        bank(printer)
        asked = some(2)
        assert sending.run() == Sent(held=1)

        printer.die()
        printer.mend()
        assert sending.run() == Sent(waiting=1, sent=2)
        assert printed(printer, *asked) == [job.code for job in asked]


def test_a_held_label_of_a_printer_that_was_switched_off_is_looked_for_where_it_does_not_count(bank):
    with fake_printer(roll=0, counts=False) as printer:
        bank(printer)
        asked = some(2)
        assert sending.run() == Sent(held=1)

        printer.die(60)
        assert sending.run() == Sent(failed=1, waiting=1)
        assert [fresh(job).state for job in asked] == ["failed", "waiting"]
        assert fresh(asked[0]).error == "printer_unclear"


def test_a_held_label_of_a_printer_that_nobody_asked_for_long_is_looked_for_where_it_does_not_count(bank):
    with fake_printer(roll=0, counts=False) as printer:
        bank(printer)
        (job,) = some()
        assert sending.run() == Sent(held=1)

        time.sleep(rounds.LONG_AGO * SECONDS + 0.1)
        printer.mend()
        assert sending.run() == Sent(failed=1)
        assert fresh(job).error == "printer_unclear"
        assert states() == ["failed"]


# --- nobody can tell


@pytest.mark.parametrize("mood", ["breaks", "breaks_after"])
def test_without_a_counter_what_may_have_come_out_is_not_sent_again_unasked(bank, mood):
    with fake_printer(mood, counts=False) as printer:
        bank(printer)
        asked = some(2)

        assert sending.run() == Sent(failed=1)
        assert (fresh(asked[0]).state, fresh(asked[0]).error) == ("failed", "printer_unclear")
        printer.mood = "ready"
        assert sending.run() == Sent(sent=1)
        if mood == "breaks":
            act(jobs.send_again, job=asked[0])
        else:
            act(jobs.came_out, job=asked[0])
        sending.run()
        assert sorted(printed(printer, *asked)) == sorted(job.code for job in asked)
        assert states() == ["sent", "sent"]


@pytest.mark.parametrize("mood", ["breaks", "swallows"])
def test_with_a_counter_a_label_that_was_lost_is_sent_again_by_itself(bank, mood):
    with fake_printer(mood) as printer:
        bank(printer)
        asked = some(2)

        assert sending.run() == Sent(waiting=1)
        assert fresh(asked[0]).error == "printer_lost_label"
        printer.mood = "ready"
        assert sending.run() == Sent(sent=2)
        assert printed(printer, *asked) == [job.code for job in asked]


# --- whoever sends dies


def die_while_sending(job, counted):
    """As if killed right after it wrote down that it begins; its time is over."""
    unit_of_work(lambda: claims.take("labeller", "dead", 60))
    unit_of_work(lambda: claims.begin(claims.next_jobs("labeller")[0], "labeller", "dead", 60, counted))
    assert sending.run() == Sent()  # for as long as it may still live
    long_ago = clock.now() - timedelta(seconds=1)
    unit_of_work(lambda: db.session.execute(update(LabelPrinter).values(until=long_ago)))
    assert fresh(job).state == "sending"


@pytest.mark.parametrize(
    ("counted", "came_to"),
    [(0, Sent(waiting=1, sent=1)), (1, Sent(sent=1)), (2, Sent(failed=1)), (-1, Sent(failed=1))],
)
def test_the_next_sender_asks_a_counting_printer_what_became_of_the_label(bank, counted, came_to):
    """Unchanged: it is sent. Risen by its copies: it was. Anything else: somebody looks."""
    with fake_printer() as printer:
        bank(printer)
        (job,) = some()
        die_while_sending(job, printer.counter - counted)

        assert sending.run() == came_to
        assert len(printer.labels) == (1 if counted == 0 else 0)
        assert fresh(job).state == ("sent" if came_to.sent else "failed")


def test_copies_count_as_many(bank):
    with fake_printer() as printer:
        bank(printer)
        (job,) = order(SampleFactory().code, copies=3)
        die_while_sending(job, printer.counter - 3)

        assert sending.run() == Sent(sent=1)
        assert printer.labels == []


def test_without_a_counter_what_the_dead_was_at_is_for_a_person_and_the_rest_is_sent(bank):
    with fake_printer(counts=False) as printer:
        bank(printer)
        asked = some(2)
        die_while_sending(asked[0], None)

        assert sending.run() == Sent(failed=1, sent=1)
        assert states() == ["failed", "sent"]
        act(jobs.send_again, job=asked[0])
        assert sending.run() == Sent(sent=1)


def test_who_comes_back_late_settles_nothing_of_another(bank):
    with fake_printer() as printer:
        bank(printer)
        (job,) = some()
        unit_of_work(lambda: claims.take("labeller", "late", 60))
        claimed = unit_of_work(lambda: claims.next_jobs("labeller"))[0]
        unit_of_work(lambda: claims.begin(claimed, "labeller", "late", 60, printer.counter))
        unit_of_work(lambda: db.session.execute(update(LabelPrinter).values(until=clock.now())))

        sending.run()
        unit_of_work(lambda: claims.settle(claimed, claimed.tries + 1, "failed", "printer_unclear"))
        assert fresh(job).state == "sent"
        with pytest.raises(claims.LeaseLost):
            unit_of_work(lambda: claims.begin(claimed, "labeller", "late", 60, printer.counter))


def test_a_label_at_a_printer_that_the_settings_name_no_more_is_for_a_person(bank, database_uri):
    with fake_printer() as printer, fake_printer() as other:
        bank(printer, other)
        asked = order(SampleFactory().code, at=DESK)
        unit_of_work(lambda: setattr(db.session.get(LabelJob, asked[0].id), "state", "sending"))

        app = make_app(database_uri, printers={"labeller": at(printer)})
        with app.app_context():
            sending.run()
        close(app)
        assert fresh(asked[0]).state == "failed"


# --- one after the other


def test_labels_of_two_patients_never_mix_even_when_one_is_sent_again(bank):
    with fake_printer() as printer:
        bank(printer)
        one, two = PatientFactory(), PatientFactory()
        first, second = some(3, patient=one), some(3, patient=two)
        unit_of_work(lambda: setattr(db.session.get(LabelJob, first[1].id), "state", "failed"))

        shots = []

        def after_each():
            shots.append(1)
            if len(shots) == 3:  # the first of the second patient is out
                printer.troubles.add("paused")

        printer.on_label = after_each
        sending.run()
        act(jobs.send_again, job=first[1])
        printer.mend()
        sending.run()

        wanted = [first[0], first[2], *second, first[1]]
        assert printed(printer, *first, *second) == [job.code for job in wanted]


def test_two_senders_at_once_send_each_label_once(bank):
    with fake_printer(seconds=0.01) as printer:
        app = bank(printer)
        asked = some(8)

        def send():
            with app.app_context():
                sending.run()
                db.session.remove()

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert printed(printer, *asked) == [job.code for job in asked]
        assert states() == ["sent"] * 8


def test_two_who_want_a_printer_at_once_only_one_gets_it(bank):
    with fake_printer() as printer:
        app = bank(printer)
        for _ in range(3):
            got = together(app, *[lambda name=name: claims.take("labeller", name, 60) for name in "abc"])
            assert sorted(got) == [False, False, True]
            unit_of_work(lambda: db.session.execute(update(LabelPrinter).values(until=clock.now())))


@pytest.mark.parametrize("_round", range(3))
def test_cancelled_or_sent_never_both(bank, _round):
    with fake_printer() as printer:
        app = bank(printer)
        asked = some(4)
        keys = [job.id for job in asked]
        sender = threading.Thread(target=lambda: sending._send(app, printers_of(app)["labeller"]))
        sender.start()
        for key in reversed(keys):
            together(app, lambda key=key: jobs.cancel(job=db.session.get_one(LabelJob, key), by=BY).state)
        sender.join()

        db.session.rollback()
        sent = {job.code for job in map(fresh, asked) if job.state == "sent"}
        assert sent == set(printed(printer, *asked))
        assert len(printer.labels) == len(sent)
        assert {fresh(job).state for job in asked} <= {"sent", "cancelled"}


def printers_of(app):
    with app.app_context():
        return printers()


def test_a_printer_that_fails_stops_no_other(bank):
    with fake_printer("hangs") as bad, fake_printer() as good:
        app = bank(bad, good)
        some(2)
        order(*[SampleFactory().code for _ in range(3)], at=DESK)
        senders = sending.Senders(app, every=0.1)
        senders.wake()
        try:
            wait_for(lambda: len(good.labels) == 3)
            assert not bad.labels
        finally:
            senders.stop()


# --- in the background


def test_whoever_asks_for_a_label_does_not_wait_for_the_printer(bank, monkeypatch):
    """It is sent by itself, once the unit is written."""
    monkeypatch.setattr(sending, "nudge", NUDGE)
    with fake_printer(seconds=0.2) as printer:
        app = bank(printer)
        started = time.monotonic()
        some(2)
        asked_for = time.monotonic() - started
        wait_for(lambda: states() == ["sent", "sent"])

        assert len(printer.labels) == 2
        assert asked_for < time.monotonic() - started
        wait_for(lambda: app.extensions["label_senders"]._watcher is None)  # it ends when nothing is left


def test_a_dead_printer_is_not_hammered_and_gets_its_labels_once_it_lives(bank):
    with fake_printer("closes") as printer:
        app = bank(printer)
        some(2)
        senders = sending.Senders(app, every=0.1)
        senders.wake()
        try:
            time.sleep(1.5)
            assert 2 <= printer.connections <= 8
            for _ in range(50):
                senders.wake()  # as many orders would
            assert printer.connections <= 9
            printer.mood = "ready"
            wait_for(lambda: states() == ["sent", "sent"])
        finally:
            senders.stop()
        assert len(printer.labels) == 2


def test_what_waits_when_the_service_starts_needs_no_new_order(bank):
    with fake_printer() as printer:
        app = bank(printer)
        some(2)
        sending.keep(app)
        try:
            wait_for(lambda: states() == ["sent", "sent"])
            assert len(printer.labels) == 2
        finally:
            app.extensions["label_senders"].stop()


def test_the_command_sends_what_waits(bank):
    with fake_printer() as printer:
        app = bank(printer)
        some()

        told = app.test_cli_runner().invoke(args=["labels", "send", "--once"])

        assert told.output == "1 sent, 0 waiting for their printer, 0 to be looked at\n"
    assert len(printer.labels) == 1


def test_a_printer_with_every_fault_prints_each_label_once(bank):
    faults = Faults(
        refuses=0.1, breaks=0.1, breaks_after=0.1, stalls=0.05, garbage=0.05, swallows=0.1, seed=7
    )
    with fake_printer(faults=faults, seconds=0.005) as printer:
        app = bank(printer)
        asked = some(12)
        senders = sending.Senders(app, every=0.1)
        senders.wake()
        try:
            wait_for(lambda: states() == ["sent"] * 12, 60)
        finally:
            senders.stop()
        assert printed(printer, *asked) == [job.code for job in asked]


def test_a_queue_of_a_print_server_is_a_printer_like_any_other(bank, monkeypatch, tmp_path):
    """It is given each label once; of one whose giving broke off, somebody is asked."""
    program = tmp_path / "lp"
    program.write_text(f'#!/bin/sh\ncat >> "{tmp_path}/given"\necho "request id is bench-1 (0 file(s))"\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with fake_printer() as printer:
        app = bank(printer)
        app.config["BIOBANK"]["printers"]["other"] = {"kind": "cups", "queue": "bench", "seconds": 5}
        (job,) = order(SampleFactory().code, at=DESK)

        assert sending.run() == Sent(sent=1)
        assert (tmp_path / "given").read_bytes().strip() == made(job)

        program.write_text("#!/bin/sh\nexit 1\n")
        order(SampleFactory().code, at=DESK)
        assert sending.run() == Sent(failed=1)
        assert sending.run() == Sent()
        assert not printer.labels


def test_the_record_of_a_patients_sheet_never_holds_the_pseudonym(app_context):
    patient = PatientFactory(code="WHO-THEN")
    (job,) = act(jobs.order, codes=["WHO-THEN"], site_id=patient.site_id)
    act(jobs.reprint, code="WHO-THEN", reason="torn")
    act(jobs.cancel, job=fresh(job))

    written = db.session.execute(select(AuditEntry.subject_key, AuditEntry.content)).all()
    assert [entry for entry in written if "WHO-THEN" in f"{entry.subject_key} {entry.content}"] == []
    assert any(entry.subject_key == fresh(patient).subject_key for entry in written)
