"""Measures a served bank over HTTP, in rounds that alternate between what is compared: noise then hits both."""

import html
import http.client
import math
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from biobank.core.settings import ROOT

#: Seconds that a server may take to answer its first request.
PATIENCE = 60


@dataclass(frozen=True)
class Figures:
    """What one kind of request cost, over all rounds. Milliseconds.

    cpu  of the server's processors, for each request: whoever else uses the machine does not lengthen it. NaN where the
         system does not tell
    """

    name: str
    per_second: float
    p50: float
    p99: float
    cpu: float


@dataclass(frozen=True)
class Server:
    """A bank that is served: its port on this machine, the process that was started."""

    port: int
    process: int


@dataclass(frozen=True)
class Ask:
    """One kind of request: its name, the path of its n-th, and what it says of who asks."""

    name: str
    path: Callable[[int], str]
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def served(database_uri: str, folder: Path) -> Iterator[Server]:
    """`python app.py` on a free port of this machine, for as long as the block lasts."""
    port = _free_port()
    environment = _environment(database_uri) | {"BIOBANK_PORT": str(port), "BIOBANK_HOST": "127.0.0.1"}
    log = (folder / "server.log").open("wb")
    command = [sys.executable, str(ROOT / "app.py")]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(port, process)
        yield Server(port, process.pid)
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
    server: Server,
    requests: Sequence[Ask],
    *,
    clients: int,
    rounds: int,
    seconds: float,
) -> list[Figures]:
    """Measure several kinds of request, taking turns every fifth of a second, and give the median of the rounds.

    seconds  for each kind, a round
    """
    for ask in requests:  # nothing is measured cold
        _load(server.port, ask, clients, 0.5)
    found: dict[str, list[Figures]] = {ask.name: [] for ask in requests}
    for _round in range(rounds):
        taken: dict[str, list[float]] = {ask.name: [] for ask in requests}
        used = dict.fromkeys(taken, 0.0)
        for _slice in range(max(1, round(seconds / SLICE))):
            for ask in requests:
                before = _processor_seconds(server.process)
                taken[ask.name] += _load(server.port, ask, clients, SLICE)
                used[ask.name] += _processor_seconds(server.process) - before
        for name, times in taken.items():
            found[name].append(_figures(name, sorted(times), clients, used[name]))
    return [
        Figures(
            name,
            median(each.per_second for each in each_round),
            median(each.p50 for each in each_round),
            median(each.p99 for each in each_round),
            median(each.cpu for each in each_round),
        )
        for name, each_round in found.items()
    ]


def _figures(name: str, times: Sequence[float], clients: int, used: float) -> Figures:
    per_second = clients * len(times) / sum(times)
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    return Figures(name, per_second, 1000 * p50, 1000 * p99, 1000 * used / len(times))


def _processor_seconds(process: int) -> float:
    """What a process and those it began have used of the processors so far (proc(5)); NaN where nobody tells."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        number = int(stat.parent.name)
        parents[number], ticks[number] = int(told[1]), int(told[11]) + int(told[12])
    if process not in ticks:
        return math.nan

    def is_ours(number: int) -> bool:
        while number not in (0, process):
            number = parents.get(number, 0)
        return number == process

    return sum(used for number, used in ticks.items() if is_ours(number)) / os.sysconf("SC_CLK_TCK")


def sign_in(port: int, name: str, password: str) -> str:
    """Sign in to the pages, as a browser does. returns the cookie of the session

    raises  RuntimeError when nobody is signed in afterwards
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    page, cookie = answer.read().decode(), _cookie(answer)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    fields = {key: html.unescape(value) for key, value in hidden.items()} | {
        "username": name,
        "password": password,
    }
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/sign-in", body=urlencode(fields), headers=headers)
    answer = connection.getresponse()
    answer.read()
    signed = _cookie(answer) or cookie
    connection.close()
    if answer.status not in (302, 303):
        raise RuntimeError(f"signing in was answered with {answer.status}")
    return signed


def _cookie(answer: http.client.HTTPResponse) -> str:
    return "; ".join(
        value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"
    )


def _load(port: int, ask: Ask, clients: int, seconds: float) -> list[float]:
    """Ask for a while, each client the next as soon as it has its answer. returns seconds of each request

    raises  RuntimeError with the first answer that is not 200
    """
    taken: list[list[float]] = [[] for _ in range(clients)]
    failures: list[str] = []
    until = time.perf_counter() + seconds
    begin = random.randrange(10**6)  # noqa: S311  each turn asks for others than the last

    def work(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        number = begin + place
        while time.perf_counter() < until and not failures:
            start = time.perf_counter()
            connection.request("GET", ask.path(number), headers=dict(ask.headers))
            answer = connection.getresponse()
            body = answer.read()
            taken[place].append(time.perf_counter() - start)
            if answer.status != http.HTTPStatus.OK:
                failures.append(f"{ask.path(number)}: {answer.status} {body[:200]!r}")
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
