"""Labels are asked for with the thing they are for, sent afterwards, kept when a printer fails, never printed twice."""

import dataclasses
import re
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import func, select

from biobank.access.models import Station
from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.errors import Malformed, NotFound, RuleViolation
from biobank.core.times import When
from biobank.printing import jobs, sending, service
from biobank.printing.models import LabelJob
from biobank.samples import collection
from labels import readback
from tests import people
from tests.conftest import close, make_app
from tests.factories import BY, PatientFactory, SampleFactory, StudyFactory, act, fresh
from tests.printing.fake_printer import HEAD_OPEN, PAPER_OUT, PAUSED, READY, RIBBON_OUT, fake_printer
from tests.procedures.manual import procedure
from tests.racing import together

BENCH = "J90000012"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(sending, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.4)


@pytest.fixture
def bank(database_uri, monkeypatch):
    """`bank(printer)`: an app whose bench has that printer; nothing is sent until a test says so."""
    monkeypatch.setattr(sending, "nudge", lambda: None)
    opened = []

    def open_(printer, **told):
        settings = {"labeller": {"host": "127.0.0.1", "port": printer.port, "dpi": 203} | told}
        app = make_app(database_uri, printers=settings)
        context = app.app_context()
        context.push()
        opened.append((app, context))
        station()
        return app

    yield open_
    for app, context in reversed(opened):
        db.session.remove()
        context.pop()
        close(app)


def station(printer="labeller"):
    site_id = people.site().id
    row = Station(site_id=site_id, code=BENCH, name="Bench", printer=printer, recorded_at=clock.now())
    unit_of_work(lambda: db.session.add(row))


def order(*codes, **told):
    site_id = people.site().id
    made = act(jobs.order, codes=list(codes), site_id=site_id, station=BENCH, **told)
    return [fresh(job) for job in made]


def states():
    db.session.rollback()
    return list(db.session.scalars(select(LabelJob.state).order_by(LabelJob.id)))


# --- asked for


def test_a_label_is_asked_for_in_the_unit_that_makes_the_tube(app_context):
    patient, study = PatientFactory(), StudyFactory()

    def receive_and_fail():
        tube = collection.collect(
            patient=patient, study=study, type="Plasma", collected=When.now(clock.now), by=BY
        )
        jobs.order(codes=[tube.code], site_id=tube.site_id, by=BY)
        raise RuleViolation("nothing_picked", request="—")

    with pytest.raises(RuleViolation):
        unit_of_work(receive_and_fail)
    assert states() == []


def test_the_same_label_is_not_asked_for_twice(app_context):
    tube, other = SampleFactory(), SampleFactory()

    (first,) = act(jobs.order, codes=[tube.code], site_id=tube.site_id)
    again = act(jobs.order, codes=[other.code, tube.code, tube.code], site_id=tube.site_id)

    assert [job.id for job in again[1:]] == [first.id, first.id]
    assert states() == ["waiting", "waiting"]


def test_two_who_ask_for_it_at_once_get_one_label(app, app_context):
    tube = SampleFactory()
    code, site_id = tube.code, tube.site_id

    together(app, *[lambda: jobs.order(codes=[code], site_id=site_id, by=BY)[0].id] * 3)

    assert states() == ["waiting"]


def test_what_nobody_knows_gets_no_label(app_context):
    tube = SampleFactory()
    for codes, error in ((["T99999949"], NotFound), ([], Malformed), ([tube.code] * 501, Malformed)):
        with pytest.raises(error):
            act(jobs.order, codes=codes, site_id=tube.site_id)
    far = people.actor("technician", site_code="IUCT")
    with pytest.raises(NotFound):
        unit_of_work(lambda: jobs.order(codes=[tube.code], site_id=far.site_id, by=far))


def test_a_station_without_a_printer_in_the_settings_prints_in_its_browser(app_context):
    station(printer="somewhere-else")
    (job,) = order(SampleFactory().code)

    assert (job.printer, job.station) == (None, BENCH)


# --- the browser


def test_a_label_is_given_to_the_browser_once(app_context):
    tube = SampleFactory()
    here = dataclasses.replace(people.actor("technician"), station=BENCH)
    unit_of_work(lambda: jobs.order(codes=[tube.code], site_id=tube.site_id, by=here))

    assert [job.code for job in jobs.waiting_here(here)] == [tube.code]
    assert jobs.waiting_here(people.actor("technician")) == []
    assert len(unit_of_work(lambda: jobs.show(jobs=jobs.waiting_here(here), by=here))) == 1
    assert unit_of_work(lambda: jobs.show(jobs=jobs.waiting_here(here), by=here)) == []
    assert states() == ["shown"]


# --- again


def test_a_reprint_asks_why_and_is_counted(app_context):
    tube = SampleFactory()
    act(jobs.order, codes=[tube.code], site_id=tube.site_id)

    counted = [act(jobs.reprint, code=tube.code, reason="Label fell off").reprint for _ in range(2)]

    assert counted == [1, 2]
    with pytest.raises(Malformed):
        act(jobs.reprint, code=tube.code, reason="  ")
    drawing = service.picture(tube.code, "svg", BY, reprint=2).decode()
    assert "R2" in drawing


def test_two_who_reprint_at_once_get_r1_and_r2(app, app_context):
    code = SampleFactory().code

    outcomes = together(app, *[lambda: jobs.reprint(code=code, reason="torn", by=BY).reprint] * 2)

    assert sorted(outcomes) == [1, 2]


# --- sent


def test_a_label_really_comes_out_of_the_printer(bank):
    with fake_printer() as printer:
        bank(printer)
        tube = SampleFactory()
        order(tube.code, copies=2)

        assert sending.run() == sending.Sent(sent=1)

    (label,) = printer.labels
    assert states() == ["sent"]
    assert b"^PQ2" in label
    assert readback.read(drawn(label)) == [tube.code]
    assert sending.run() == sending.Sent()


def drawn(label: bytes) -> Image.Image:
    """What a printer would burn: the graphic field as a picture."""
    found = re.search(rb"\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)\^FS", label)
    total, used, row, data = int(found[1]), int(found[2]), int(found[3]), bytes.fromhex(found[4].decode())
    assert total == used == len(data)
    width, height = int(re.search(rb"\^PW(\d+)", label)[1]), int(re.search(rb"\^LL(\d+)", label)[1])
    assert row == (width + 7) // 8
    black = Image.frombytes("1", (width, height), data)
    return black.convert("L").point(lambda dot: 255 - dot)


def test_a_card_and_a_tube_are_as_large_as_their_stock_at_the_printers_resolution(app_context):
    for code in (procedure().number, SampleFactory().code):
        coarse, fine = (Image.open(BytesIO(service.picture(code, "png", BY, dpi=dpi))) for dpi in (203, 300))
        assert readback.read(coarse) == readback.read(fine) == [code]
        assert abs(coarse.width / 8 - fine.width / 300 * 25.4) < 0.3


@pytest.mark.parametrize(
    ("mood", "error"),
    [("closes", "printer_hung_up"), ("hangs", "printer_silent"), ("garbage", "printer_not_understood")],
)
def test_a_printer_that_fails_before_the_label_gets_it_later(bank, mood, error):
    with fake_printer(mood) as printer:
        bank(printer)
        order(SampleFactory().code)

        assert sending.run() == sending.Sent(waiting=1)
        (job,) = jobs.list_jobs(BY).items
        assert (job.state, job.error, job.tries) == ("waiting", error, 1)
        assert not printer.labels

        printer.mood = "ready"
        assert sending.run() == sending.Sent(sent=1)
    assert len(printer.labels) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (PAPER_OUT, "printer_paper_out"),
        (PAUSED, "printer_paused"),
        (HEAD_OPEN, "printer_head_open"),
        (RIBBON_OUT, "printer_ribbon_out"),
    ],
)
def test_a_printer_says_what_it_lacks_and_the_label_waits(bank, status, error):
    with fake_printer(status=status) as printer:
        bank(printer)
        order(SampleFactory().code)
        sending.run()

        assert jobs.list_jobs(BY).items[0].error == error
        printer.status = READY
        assert sending.run().sent == 1
    assert len(printer.labels) == 1


def test_a_printer_that_refuses_is_left_alone_for_the_round(bank):
    with fake_printer() as printer:
        bank(printer)
        order(*[SampleFactory().code for _ in range(3)])
    assert sending.run() == sending.Sent(waiting=1)  # nobody listens any more

    assert states() == ["waiting"] * 3
    assert [job.error for job in jobs.list_jobs(BY).items] == [None, None, "printer_unreached"]


def test_what_may_have_come_out_is_not_sent_again_unasked(bank):
    with fake_printer("breaks") as printer:
        bank(printer)
        (job,) = order(SampleFactory().code)

        assert sending.run() == sending.Sent(failed=1)
        assert (fresh(job).state, fresh(job).error) == ("failed", "printer_unclear")
        assert sending.run() == sending.Sent()

        printer.mood = "ready"
        act(jobs.send_again, job=fresh(job))
        assert sending.run() == sending.Sent(sent=1)
    assert len(printer.labels) == 1


def test_a_printer_that_tells_nothing_may_be_said_to_tell_nothing(bank):
    with fake_printer("quiet") as printer:
        bank(printer, answers=False)
        order(SampleFactory().code)
        assert sending.run() == sending.Sent(sent=1)
    assert len(printer.labels) == 1


def test_two_senders_at_once_send_a_label_once(bank):
    with fake_printer() as printer:
        app = bank(printer)
        order(*[SampleFactory().code for _ in range(4)])

        taken = together(app, *[lambda: (job := jobs.claim([])) and job.id] * 3)
        ids = [key for key in taken if key]

        assert len(set(ids)) == len(ids) == 3
    assert states().count("sending") == 3


def test_a_process_that_died_while_sending_leaves_the_label_to_a_person(bank):
    with fake_printer() as printer:
        bank(printer)
        (job,) = order(SampleFactory().code)
        unit_of_work(lambda: jobs.claim([]))  # and here it dies

        assert sending.run() == sending.Sent()
        act(jobs.send_again, job=fresh(job))
        assert sending.run() == sending.Sent(sent=1)


def test_what_is_not_wanted_any_more_is_not_sent(bank):
    with fake_printer() as printer:
        bank(printer)
        (job,) = order(SampleFactory().code)
        act(jobs.cancel, job=job)

        assert sending.run() == sending.Sent()
        for again in (jobs.cancel, jobs.send_again):
            with pytest.raises(RuleViolation, match="label_job_over"):
                act(again, job=fresh(job))
    assert printer.labels == []


def test_the_command_sends_what_waits(bank):
    with fake_printer() as printer:
        app = bank(printer)
        order(SampleFactory().code)

        told = app.test_cli_runner().invoke(args=["labels", "send", "--once"])

        assert told.output == "1 sent, 0 waiting for their printer, 0 to be looked at\n"
    assert len(printer.labels) == 1


def test_who_asks_for_a_label_does_not_wait_for_the_printer(database_uri):
    """It is sent by itself, once the unit is written."""
    with fake_printer() as printer:
        app = make_app(database_uri, printers={"labeller": {"host": "127.0.0.1", "port": printer.port}})
        with app.app_context():
            station()
            order(SampleFactory().code)
            deadline = 100
            while not printer.labels and deadline:
                deadline -= 1
                printer._over.wait(0.05)
            with sending._at_work:  # until it has written what came of it
                assert states() == ["sent"]
        close(app)


def test_a_job_of_another_site_is_not_found(app_context):
    tube = SampleFactory()
    (job,) = act(jobs.order, codes=[tube.code], site_id=tube.site_id)
    stranger = people.actor("technician", site_code="IUCT")

    assert jobs.list_jobs(stranger).items == []
    assert jobs.find_jobs([job.id], stranger) == []
    with pytest.raises(NotFound, match="label_job_unknown"):
        jobs.find_job(job.id, stranger)
    assert db.session.scalar(select(func.count()).select_from(LabelJob)) == 1
