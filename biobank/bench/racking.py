"""What a rack of 96 tubes costs over HTTP: its difference and its application, beside the bare writes it contains."""

import http.client
import json
import random
import time
import uuid
from dataclasses import dataclass
from statistics import median

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, func, insert, select, update

from biobank.bench import stock

TUBES = 96
#: What one rack of 96 costs others, as a multiple of the same bare writes measured in one run with them: SampleDB 0.33
#: (6.3 s) and FreezeMan 5.7 (5.8 s and 4.9 s of checking) over 13.4 ms.
PEERS = {"SampleDB": 6300 / 13.4, "FreezeMan": 10_700 / 13.4}

_META = MetaData()
_EVENT = Table(
    "bench_event",
    _META,
    Column("id", Integer, primary_key=True),
    Column("tube", Integer),
    Column("position", String(10)),
    Column("at", String(40)),
)
_LINK = Table(
    "bench_link",
    _META,
    Column("seq", Integer, primary_key=True),
    Column("content", String(400)),
    Column("hash", String(64), unique=True),
)
_COUNTER = Table("bench_counter", _META, Column("id", Integer, primary_key=True), Column("value", Integer))


@dataclass(frozen=True)
class Racked:
    """Median milliseconds, and the bytes of the file."""

    floor: float
    difference: float
    application: float


def measure(port: int, uri: str, token: str, rounds: int) -> Racked:
    """A rack whose tubes are read in another order each time, so that every one of them has to move.

    raises  RuntimeError with the first answer that is no success
    """
    api = _Api(port, token)
    rack = api.send("POST", "/containers", {"kind": "tube_box_8x12", "name": "Bench rack", "site": "BENCH"})[
        "code"
    ]
    order = list(range(1, TUBES + 1))
    floors, differences, applications = [], [], []
    with _Floor(uri) as floor:
        for _round in range(rounds + 1):  # the first one is not counted: nothing is measured cold
            random.shuffle(order)
            content = "\n".join(
                f"{'ABCDEFGH'[place // 12]}{place % 12 + 1},{stock.code_of(number)}"
                for place, number in enumerate(order)
            )
            floors.append(floor.write())
            differences.append(api.rack(rack, content, apply=False))
            applications.append(api.rack(rack, content, apply=True))
    return Racked(*(median(times[1:]) for times in (floors, differences, applications)))


class _Api:
    """One connection that asks as one program."""

    def __init__(self, port: int, token: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Authorization": f"Bearer {token}"}

    def send(self, method: str, path: str, body: object) -> dict[str, str]:
        headers = self.headers | {"Content-Type": "application/json"}
        return json.loads(self._ask(method, path, json.dumps(body).encode(), headers))

    def rack(self, code: str, content: str, *, apply: bool) -> float:
        """Milliseconds that the answer took."""
        edge = uuid.uuid4().hex
        body = (
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="rack.csv"\r\n\r\n{content}\r\n'
            f"--{edge}--\r\n"
        ).encode()
        headers = self.headers | {"Content-Type": f"multipart/form-data; boundary={edge}"}
        path = f"/containers/{code}/rack-scans?turned=false" + ("&apply=true" if apply else "")
        begun = time.perf_counter()
        self._ask("POST", path, body, headers)
        return 1000 * (time.perf_counter() - begun)

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        self.connection.request(method, f"/api/v1{path}", body=body, headers=headers)
        answer = self.connection.getresponse()
        found = answer.read()
        if answer.status not in (http.HTTPStatus.OK, http.HTTPStatus.CREATED):
            raise RuntimeError(f"{method} {path}: {answer.status} {found[:300]!r}")
        return found


class _Floor:
    """The bare writes: for each tube an event, a link of a chain and a counter, in one durable transaction."""

    def __init__(self, uri: str) -> None:
        self.engine = create_engine(uri)

    def __enter__(self) -> "_Floor":
        _META.create_all(self.engine)
        with self.engine.begin() as connection:
            connection.execute(insert(_COUNTER).values(id=1, value=0))
        return self

    def __exit__(self, *_error: object) -> None:
        _META.drop_all(self.engine)
        self.engine.dispose()

    def write(self) -> float:
        """Milliseconds for one rack."""
        begun = time.perf_counter()
        with self.engine.begin() as connection:
            last = connection.scalar(select(func.max(_LINK.c.seq))) or 0
            for number in range(1, TUBES + 1):
                connection.execute(
                    insert(_EVENT).values(tube=number, position="A01", at="2026-01-01T00:00:00")
                )
                link = {"seq": last + number, "content": "x" * 300, "hash": uuid.uuid4().hex}
                connection.execute(insert(_LINK).values(**link))
                connection.execute(update(_COUNTER).values(value=_COUNTER.c.value + 1))
        return 1000 * (time.perf_counter() - begun)
