"""Measures a served bank over HTTP, in rounds that alternate between what is compared: noise then hits both."""

import http.client
import os
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


def compare(
    port: int,
    requests: Sequence[tuple[str, Callable[[int], str]]],
    *,
    token: str,
    clients: int,
    rounds: int,
    seconds: float,
) -> list[Figures]:
    """Measure several kinds of request in turn, round after round, and give the median of the rounds for each.

    requests  (name, number of the request -> its path)
    """
    found: dict[str, list[Figures]] = {name: [] for name, _path in requests}
    for name, path in requests:  # nothing is measured cold
        _load(port, path, token, clients, 0.5, name)
    for _round in range(rounds):
        for name, path in requests:
            found[name].append(_load(port, path, token, clients, seconds, name))
    return [
        Figures(
            name,
            median(each.per_second for each in each_round),
            median(each.p50 for each in each_round),
            median(each.p99 for each in each_round),
        )
        for name, each_round in found.items()
    ]


def _load(
    port: int, path: Callable[[int], str], token: str, clients: int, seconds: float, name: str
) -> Figures:
    taken: list[list[float]] = [[] for _ in range(clients)]
    failures: list[str] = []
    until = time.perf_counter() + seconds

    def work(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Authorization": f"Bearer {token}"}
        number = place
        while time.perf_counter() < until and not failures:
            start = time.perf_counter()
            connection.request("GET", path(number), headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            taken[place].append(time.perf_counter() - start)
            if answer.status != http.HTTPStatus.OK:
                failures.append(f"{path(number)}: {answer.status} {body[:200]!r}")
            number += clients

    threads = [threading.Thread(target=work, args=(place,)) for place in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])
    times = sorted(each for one in taken for each in one)
    elapsed = time.perf_counter() - began
    return Figures(
        name, len(times) / elapsed, 1000 * times[len(times) // 2], 1000 * times[int(len(times) * 0.99)]
    )
