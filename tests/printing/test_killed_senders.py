"""A sender is killed with -9 in the middle of whatever it does, and the printer misbehaves: each label comes out once.

With a printer that counts nobody need do a thing. With another, a person is asked, looks at what came out, and says so.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from itertools import groupby

import pytest
from sqlalchemy import func, select

from biobank.core import clock
from biobank.core.db import db, unit_of_work
from biobank.core.times import When
from biobank.printing import jobs, sending
from biobank.printing.models import LabelJob, LabelPrinter
from biobank.printing.printers import TO_SEND
from biobank.printing.rounds import Sent
from biobank.samples import collection, processing
from tests import people
from tests.conftest import ROOT
from tests.factories import BY, PatientFactory, StudyFactory
from tests.printing.conftest import BENCH, SECONDS
from tests.printing.fake_printer import Faults, fake_printer
from tests.printing.test_queue import made
from tests.test_start import environ, free_port

#: How many labels, and how often their sender is killed: BIOBANK_TEST_LABELS=1000 takes some minutes.
LABELS = int(os.environ.get("BIOBANK_TEST_LABELS", "16"))
KILLS = max(1, LABELS // 80)
#: Labels that are asked for in one go, of one patient.
TOGETHER = 8
PATIENCE = 120 + LABELS
#: How long a label takes, in seconds.
QUICK = 0.02


class Sender:
    """A real process that sends what waits; killed, and started anew."""

    def __init__(self, folder, uri, printer, *command, **told):
        self.config = folder / "printers.toml"
        said = {
            "host": '"127.0.0.1"',
            "port": printer.port,
            "seconds": SECONDS,
            "counts": str(printer.counts).lower(),
        }
        self.config.write_text(
            "[printers.labeller]\n" + "".join(f"{key} = {value}\n" for key, value in said.items())
        )
        self.environ = environ(database_uri=uri, secret_key="for tests only", config=self.config, **told)
        self.command, self.process, self.killed = command, None, 0

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, *self.command], cwd=ROOT, env=self.environ, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return self

    def __exit__(self, *_error):
        with suppress(ProcessLookupError):  # it ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def kill(self):
        """Nothing is tidied up; and another is started at once."""
        self.__exit__()
        self.killed += 1
        self.__enter__()


COMMAND = ("-m", "flask", "--app", "app", "labels", "send", "--every", "0.1")


def ask_for(count):
    """So many labels, of patients whose tubes were divided. returns their jobs, by the bytes of their labels"""
    study = StudyFactory()
    asked = {}
    while len(asked) < count:
        patient, wanted = PatientFactory(), min(TOGETHER, count - len(asked))

        def receive(patient=patient, wanted=wanted):
            tube = collection.collect(
                patient=patient, study=study, type="Plasma", collected=When.now(clock.now),
                quantity=("volume", 1_000_000), by=BY,
            )  # fmt: skip
            parts = processing.aliquot(sample=tube, count=wanted - 1, amount=10, by=BY) if wanted > 1 else []
            codes = [tube.code, *(part.code for part in parts)]
            return jobs.order(codes=codes, by=BY, site_id=people.site().id, station=BENCH)

        asked |= {made(job): (job.code, job.batch) for job in unit_of_work(receive)}
    return asked


def left():
    db.session.rollback()
    count = db.session.scalar(select(func.count()).select_from(LabelJob).where(TO_SEND))
    db.session.rollback()
    return count


def somebody_answers(printer):
    """Looks at what came out of the printer, and says it of each label that is asked about. returns how many"""
    asked = db.session.scalars(select(LabelJob.id).where(LabelJob.state == "failed")).all()
    db.session.rollback()
    if asked:
        printer.wait_until_idle()
    for key in asked:
        job = db.session.get_one(LabelJob, key)
        assert job.error == "printer_unclear"
        label = made(job)
        say = jobs.came_out if label in printer.labels else jobs.send_again
        unit_of_work(lambda key=key, say=say: say(job=db.session.get_one(LabelJob, key), by=BY))
    return len(asked)


def somebody_mends(printer):
    """Puts in a new roll, where one is empty."""
    if "paper_out" in printer.troubles:
        printer.mend()
        printer.roll = 30


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE + 120)
@pytest.mark.parametrize("counts", [True, False], ids=["it counts", "it does not count"])
def test_each_label_comes_out_once_whatever_is_killed(bank, tmp_path, counts, record_property):
    chance = random.Random(LABELS)
    faults = Faults(refuses=0.03, breaks=0.03, breaks_after=0.03, stalls=0.02, garbage=0.02, seed=LABELS)
    faults.swallows = 0.02 * counts  # without a counter nobody could know, but who sticks the labels
    with fake_printer(counts=counts, faults=faults, seconds=QUICK, roll=30) as printer:
        app = bank(printer)
        asked = ask_for(LABELS)
        uri = db.engine.url.render_as_string(hide_password=False)
        kill_at = sorted(chance.sample(range(1, LABELS), KILLS))
        die_at = sorted(chance.sample(range(1, LABELS), KILLS // 2))
        answers, deadline, started = 0, time.monotonic() + PATIENCE, time.monotonic()
        with Sender(tmp_path, uri, printer, *COMMAND) as sender:
            while left() or answers_wanted():
                assert time.monotonic() < deadline, f"{len(printer.labels)} of {LABELS} came out"
                if kill_at and len(printer.labels) >= kill_at[0]:
                    kill_at.pop(0)
                    printer.seconds = 0.5  # so that it is most likely in the middle of a label
                    time.sleep(chance.uniform(0.0, 0.5))
                    sender.kill()
                    printer.seconds = QUICK
                if die_at and len(printer.labels) >= die_at[0]:
                    die_at.pop(0)
                    printer.die(1.5)
                somebody_mends(printer)
                answers += 0 if counts else somebody_answers(printer)
                time.sleep(0.01)
            killed = sender.killed
        came_out = [asked[label] for label in printer.labels]
    assert app is not None
    assert sorted(came_out) == sorted(asked.values())
    assert set(Counter(db.session.scalars(select(LabelJob.state)))) == {"sent"}
    if counts:  # and those of one patient one after the other
        assert [code for code, _batch in came_out] == [
            code for code, _batch in sorted(asked.values(), key=in_order)
        ]
        assert len(list(groupby(came_out, key=lambda each: each[1]))) == len(
            {batch for _code, batch in came_out}
        )
    record_property(
        "told", f"{LABELS} labels, {killed} times killed, {answers} times asked, {printer.connections} connections,"
        f" {time.monotonic() - started:.0f} s",
    )  # fmt: skip


def in_order(each):
    code, batch = each
    return batch, code


def answers_wanted():
    count = db.session.scalar(select(func.count()).select_from(LabelJob).where(LabelJob.state == "failed"))
    db.session.rollback()
    return count


@pytest.mark.slow
def test_the_service_itself_sends_what_waits_when_it_is_started_again(bank, tmp_path):
    with fake_printer(seconds=0.01) as printer:
        bank(printer)
        asked = ask_for(6)
        uri = db.engine.url.render_as_string(hide_password=False)
        deadline = time.monotonic() + PATIENCE
        with Sender(tmp_path, uri, printer, "app.py", port=free_port()) as service:
            while len(printer.labels) < 2:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            service.kill()
            while left():
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert sorted(printer.labels) == sorted(asked)


@pytest.mark.slow
def test_a_sender_that_is_told_to_end_leaves_its_printer_to_the_next_at_once(bank, tmp_path):
    with fake_printer(seconds=0.1) as printer:
        bank(printer)
        asked = ask_for(8)
        uri = db.engine.url.render_as_string(hide_password=False)
        deadline = time.monotonic() + PATIENCE
        with Sender(tmp_path, uri, printer, *COMMAND) as sender:
            while len(printer.labels) < 2:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            sender.process.terminate()
            assert sender.process.wait(PATIENCE) == 0
        db.session.rollback()
        assert db.session.get(LabelPrinter, "labeller").sender is None
        assert 2 <= len(printer.labels) < 8
        left_over = 8 - len(printer.labels)
        assert sending.run() == Sent(sent=left_over)
        assert sorted(printer.labels) == sorted(asked)
