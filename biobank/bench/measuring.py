"""Measures a served bank over HTTP, in rounds that alternate between what is compared: noise then hits both."""

import http.client
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from biobank.core.settings import ROOT

#: Seconds that a server may take to answer its first request.
PATIENCE = 60


@dataclass(frozen=True)
class Figures:
    """What one kind of request cost, over all rounds. Milliseconds."""

    name: str
    per_second: float
    p50: float
    p99: float


@contextmanager
def served(database_uri: str, folder: Path) -> Iterator[int]:
    """`python app.py` on a free port of this machine, for as long as the block lasts. gives the port"""
    port = _free_port()
    environment = _environment(database_uri) | {"BIOBANK_PORT": str(port), "BIOBANK_HOST": "127.0.0.1"}
    log = (folder / "server.log").open("wb")
    command = [sys.executable, str(ROOT / "app.py")]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()


def command(database_uri: str, *words: str) -> str:
    """Run `flask --app app …` on a database. returns what it printed"""
    call = [sys.executable, "-m", "flask", "--app", "app", *words]
    done = subprocess.run(
        call, cwd=ROOT, env=_environment(database_uri), check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _environment(database_uri: str) -> dict[str, str]:
    return os.environ | {"BIOBANK_DATABASE_URI": database_uri, "BIOBANK_SECRET_KEY": "for a scratch database"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not come up; see server.log")


#: What is compared takes turns this often, so that whatever else the machine does hits all of it alike.
SLICE = 0.2


def compare(
    port: int,
    requests: Sequence[tuple[str, Callable[[int], str]]],
    *,
    token: str,
    clients: int,
    rounds: int,
    seconds: float,
) -> list[Figures]:
    """Measure several kinds of request, taking turns every fifth of a second, and give the median of the rounds.

    requests  (name, number of the request -> its path)
    seconds   for each kind, a round
    """
    for _name, path in requests:  # nothing is measured cold
        _load(port, path, token, clients, 0.5)
    found: dict[str, list[Figures]] = {name: [] for name, _path in requests}
    for _round in range(rounds):
        taken: dict[str, list[float]] = {name: [] for name, _path in requests}
        for _slice in range(max(1, round(seconds / SLICE))):
            for name, path in requests:
                taken[name] += _load(port, path, token, clients, SLICE)
        for name, times in taken.items():
            found[name].append(_figures(name, sorted(times), clients))
    return [
        Figures(
            name,
            median(each.per_second for each in each_round),
            median(each.p50 for each in each_round),
            median(each.p99 for each in each_round),
        )
        for name, each_round in found.items()
    ]


def _figures(name: str, times: Sequence[float], clients: int) -> Figures:
    per_second = clients * len(times) / sum(times)
    return Figures(name, per_second, 1000 * times[len(times) // 2], 1000 * times[int(len(times) * 0.99)])


def _load(port: int, path: Callable[[int], str], token: str, clients: int, seconds: float) -> list[float]:
    """Ask for a while, each client the next as soon as it has its answer. returns seconds of each request

    raises  RuntimeError with the first answer that is not 200
    """
    taken: list[list[float]] = [[] for _ in range(clients)]
    failures: list[str] = []
    until = time.perf_counter() + seconds
    begin = random.randrange(10**6)  # noqa: S311  each turn asks for others than the last

    def work(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Authorization": f"Bearer {token}"}
        number = begin + place
        while time.perf_counter() < until and not failures:
            start = time.perf_counter()
            connection.request("GET", path(number), headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            taken[place].append(time.perf_counter() - start)
            if answer.status != http.HTTPStatus.OK:
                failures.append(f"{path(number)}: {answer.status} {body[:200]!r}")
            number += clients
        connection.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])
    return [each for one in taken for each in one]
