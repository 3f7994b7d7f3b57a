"""The server, or a program beside it, is killed in the middle of whatever it does: nothing is half done, and the same
scans sent again do nothing twice."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from biobank.audit import service as audit
from biobank.bench.models import WorkStep
from biobank.core import checks
from biobank.core.db import db, unit_of_work
from biobank.moves import reading
from biobank.moves import service as moves
from biobank.moves.models import MovePlan
from biobank.samples.models import Sample
from biobank.storage.models import Placement, PositionClaim
from tests import people
from tests.conftest import ROOT, make_app
from tests.moves.world import World, full_rack, make_world
from tests.racing import PATIENCE
from tests.storage.conftest import make_bench
from tests.test_start import environ, free_port

#: How often each is killed: BIOBANK_TEST_ROUNDS=40 does it longer.
ROUNDS = int(os.environ.get("BIOBANK_TEST_ROUNDS", "2"))
TUBES = 8

Answer = tuple[int, dict[str, Any]]


class Server:
    """`python app.py` on the test's database, with everything that it starts."""

    def __init__(self, uri: str) -> None:
        self.port = free_port()
        told = environ(port=self.port, database_uri=uri, secret_key="for tests only", workers=1)
        self.process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=told, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if self.ask("GET", "/readyz", None, {})[0] == http.HTTPStatus.OK:
                    return
            except OSError:
                assert self.process.poll() is None, "it did not start"
                time.sleep(0.1)
        raise AssertionError("not up")

    def kill(self) -> None:
        """SIGKILL for all of its processes: nothing is tidied up."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"} | headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


class Hands:
    """Two people who scan: one empties a freezer, the other fills a box. Each scan has its key, whenever it is sent."""

    def __init__(self, token: str, plan: int, carried: list[str], box: str, tubes: list[str]) -> None:
        self.token = token
        self.scans = [
            [(f"/moves/{plan}/confirm", {"scanned": code}, f"carry-{code}") for code in carried],
            [("/station/scans", {"raw": raw, "key": f"fill-{raw}"}, "") for raw in (box, *tubes)],
        ]

    def work(self, server: Server) -> list[list[Answer]]:
        """All scans from the first one, until the last one, or until nobody answers any more."""
        answers: list[list[Answer]] = [[], []]

        def scan(mine: list[tuple[str, dict[str, Any], str]], kept: list[Answer]) -> None:
            for path, body, key in mine:
                told = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
                try:
                    kept.append(server.ask("POST", f"/api/v1{path}", body, told))
                except (OSError, http.client.HTTPException, ValueError):
                    return  # the line is dead

        people = [threading.Thread(target=scan, args=each) for each in zip(self.scans, answers, strict=True)]
        for each in people:
            each.start()
        for each in people:
            each.join(PATIENCE)
        return answers


@pytest.fixture
def world(app) -> Iterator[World]:
    with app.app_context():
        made = make_world(make_bench(), tubes=(TUBES,))
        full_rack(made)
        yield made


def is_whole() -> None:
    db.session.rollback()
    wrong = {each.name: each.findings for each in checks.run() if each.findings}
    wrong.pop("samples: nobody's", None)  # as these tests make them
    assert wrong == {}
    assert audit.verify().broken_at is None


class Round:
    """A plan that empties the box tube by tube, and another box with tubes that are to come into it."""

    def __init__(self, world: World) -> None:
        self.before = placements_of(world.tubes[0])
        self.plan, self.filling = world.evacuate(), world.bench.tubes(TUBES)
        carried, box = [shown.code for shown in world.steps(self.plan)], world.bench.container("tube_box_4x6")
        codes = [tube.code for tube in self.filling]
        self.hands = Hands(people.token("technician"), self.plan.id, carried, box.code, codes)

    def is_done_once(self, world: World) -> None:
        is_whole()
        assert db.session.get_one(MovePlan, self.plan.id).closed_at is not None
        assert placements_of(self.filling) == {tube.id: 1 for tube in self.filling}
        assert placements_of(world.tubes[0]) == {key: number + 1 for key, number in self.before.items()}
        placed = select(func.count()).where(WorkStep.outcome == "done", WorkStep.act == "placed")
        codes = [tube.code for tube in self.filling]
        assert db.session.scalar(placed.where(WorkStep.raw.in_(codes))) == TUBES


def placements_of(tubes: list[Sample]) -> dict[int, int]:
    """Key of the tube -> in how many places it ever stood."""
    query = select(Placement.sample_id, func.count()).where(
        Placement.sample_id.in_([tube.id for tube in tubes])
    )
    return dict(db.session.execute(query.group_by(Placement.sample_id)).all())


@pytest.mark.slow
@pytest.mark.timeout(120 + 60 * ROUNDS)
def test_a_server_that_is_killed_loses_and_doubles_no_scan(world, database_uri):
    server = Server(database_uri)
    try:
        for _round in range(ROUNDS):
            told = Round(world)
            server.wait()
            killer = threading.Timer(random.uniform(0.02, 0.6), server.kill)
            killer.start()
            told.hands.work(server)
            killer.join()
            is_whole()

            server = Server(database_uri)
            server.wait()
            answers = [told.hands.work(server), told.hands.work(server)]  # all of them again, and once more

            assert [[status for status, _told in some] for once in answers for some in once] == [
                [200] * TUBES, [200] * (TUBES + 1),
            ] * 2  # fmt: skip
            told.is_done_once(world)
            world.do_all(world.bench.do(moves.reverse, plan=told.plan, why="and once more"))
    finally:
        server.kill()


@pytest.mark.slow
@pytest.mark.timeout(60 + 30 * ROUNDS)
def test_a_program_that_is_killed_while_it_plans_leaves_whole_plans_only(world, database_uri):
    for _round in range(ROUNDS):
        with Planner(database_uri, world.freezer.code) as planner:
            planner.wait_for(1)
            time.sleep(random.uniform(0.0, 0.2))
        is_whole()

        for plan in db.session.scalars(select(MovePlan)):
            kept = db.session.scalar(
                select(func.count()).where(PositionClaim.plan_id == plan.id, PositionClaim.ended_at.is_(None))
            )
            assert kept == reading.progress_of(plan).waiting == (0 if plan.closed_at else TUBES)
        open_plans = moves.list_plans(world.bench.by, open_only=True).items
        plan = open_plans[0] if open_plans else world.evacuate()
        world.do_all(plan)
        world.do_all(world.bench.do(moves.reverse, plan=plan, why="and once more"))


class Planner:
    """A process that plans and gives up until it is killed, and tells of each plan."""

    def __init__(self, uri: str, freezer: str) -> None:
        command = [sys.executable, "-m", "tests.moves.test_killed", uri, freezer]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Planner":
        return self

    def wait_for(self, plans: int) -> None:
        for _plan in range(plans):
            self.process.stdout.readline()

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == -signal.SIGKILL


def plan_until_killed(uri: str, freezer: str) -> None:
    from biobank.moves.cli import EVACUATION
    from biobank.storage import service as storage

    with make_app(uri).app_context():
        while True:
            plan = unit_of_work(
                lambda: moves.evacuate(
                    container=storage.find_container(freezer, EVACUATION), why="alarm", by=EVACUATION
                )
            )
            sys.stdout.write(f"{plan.id}\n")
            sys.stdout.flush()
            unit_of_work(lambda: moves.give_up(plan=plan, why="no alarm", by=EVACUATION))  # noqa: B023


if __name__ == "__main__":
    plan_until_killed(*sys.argv[1:])
