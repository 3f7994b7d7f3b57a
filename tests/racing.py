"""People who act in the same moment: threads with connections of their own, and whole processes that may be killed.

Run as a program (`python -m tests.racing URI PATIENT`) it draws and divides tubes until somebody kills it.
"""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask

from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError
from biobank.core.times import When
from biobank.patients import service as patients
from biobank.samples import collection, processing
from biobank.storage import service as storage
from biobank.studies import service as studies
from tests.conftest import make_app
from tests.people import TESTS

ROOT = Path(__file__).resolve().parents[1]
#: Nobody waits longer for the others.
PATIENCE = 240
#: Seconds by which some come later than others, so that each gets to be the first now and then.
LATE = (0.0, 0.0, 0.002, 0.006)


def together(app: Flask, *works: Callable[[], Any]) -> list[Any]:
    """Do these at the same moment, each in a thread, a session and a unit of work of its own.

    returns  what each gave, or the refusal it met, in order; anything else that is raised is raised here
    """
    start = threading.Barrier(len(works), timeout=PATIENCE)

    def run(work: Callable[[], Any]) -> Any:
        with app.app_context():
            try:
                db.session.connection()  # so that nobody has to connect after the start
                db.session.rollback()
                start.wait()
                time.sleep(random.choice(LATE))
                return unit_of_work(work)
            except BiobankError as refusal:
                return refusal
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(works)) as people:
        outcomes = [done.result(PATIENCE) for done in [people.submit(run, work) for work in works]]
    db.session.rollback()
    return outcomes


def refusals(outcomes: Sequence[Any]) -> list[str]:
    """The codes of what was refused."""
    return sorted(outcome.code for outcome in outcomes if isinstance(outcome, BiobankError))


class WorkToBeKilled:
    """Another process that works on the same database, and is killed at the end of the block in the middle of whatever
    it does. `done` has what it told was done: the number of a tube each."""

    def __init__(self, uri: str, patient: str) -> None:
        command = [sys.executable, "-m", "tests.racing", uri, patient]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.done: list[str] = []

    def __enter__(self) -> "WorkToBeKilled":
        return self

    def wait_for(self, units: int) -> None:
        """Until it has told that so many units of work are done."""
        while len(self.done) < units:
            line = self.process.stdout.readline()
            if not line:
                break  # it ended by itself, and says why at the end of the block
            self.done.append(line.strip())

    def __exit__(self, *_error: object) -> None:
        self.process.kill()  # SIGKILL: nothing is tidied up
        rest, wrong = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == -signal.SIGKILL, wrong
        self.done += [line.strip() for line in rest.splitlines(keepends=True) if line.endswith("\n")]


def draw_and_divide(pseudonym: str) -> str:
    """In one unit of work: a tube is drawn and placed in a new box, and divided in two that stand beside it."""
    patient = patients.find_patient(pseudonym, TESTS)
    study = studies.find_study("STUDY", TESTS)
    box = storage.make_container(site_id=patient.site_id, kind="tube_box_4x6", name="Box", by=TESTS)
    tube = collection.collect(
        patient=patient, study=study, type="Plasma", collected=When.on(date(2012, 3, 1)), quantity=("volume", 1000),
        by=TESTS,
    )  # fmt: skip
    storage.place(container=box, position="A1", sample=tube, by=TESTS)
    for child in processing.aliquot(sample=tube, count=2, amount=300, by=TESTS):
        storage.put(container=box, sample=child, next_free=True, by=TESTS)
    return tube.code


def work_until_killed(uri: str, pseudonym: str) -> None:
    """Do that again and again, and tell of each tube once it is done."""
    with make_app(uri).app_context():
        while True:
            sys.stdout.write(unit_of_work(lambda: draw_and_divide(pseudonym)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    work_until_killed(*sys.argv[1:])
