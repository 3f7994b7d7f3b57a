"""A label printer that is none: it listens on this machine, and behaves, or misbehaves, as a test tells it to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

READY = b"\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
PAPER_OUT = READY.replace(b"030,0,0", b"030,1,0", 1)
PAUSED = READY.replace(b"030,0,0", b"030,0,1", 1)
HEAD_OPEN = READY.replace(b"000,0,0,0,0,2", b"000,0,1,0,0,2", 1)
RIBBON_OUT = READY.replace(b"000,0,0,0,0,2", b"000,0,0,1,0,2", 1)


class FakePrinter:
    """What it printed stands in `labels`. `mood` says how it behaves:

    ready      answers each ~HS, prints what it is sent
    closes     ends the connection at once
    hangs      accepts, and never says a word
    garbage    answers with something else
    breaks     answers the first ~HS, then ends the connection as soon as a label begins
    quiet      prints, and answers nothing
    """

    def __init__(self, mood: str = "ready", status: bytes = READY) -> None:
        self.mood, self.status = mood, status
        self.labels: list[bytes] = []
        self.connections = 0
        self._over = threading.Event()
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(0.05)
        self.port = int(self._door.getsockname()[1])
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        self._door.close()

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                line, _who = self._door.accept()
            except TimeoutError:
                continue
            self.connections += 1
            with line:
                line.settimeout(0.05)
                self._serve(line)

    def _serve(self, line: socket.socket) -> None:
        heard, asked = b"", 0
        while not self._over.is_set() and self.mood != "closes":
            try:
                piece = line.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            if not piece:
                break
            heard += piece
            if self.mood == "breaks" and b"^XA" in heard:
                return
            while heard.count(b"~HS") > asked:
                asked += 1
                if self.mood == "garbage":
                    line.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 60)
                elif self.mood in ("ready", "breaks"):
                    line.sendall(self.status)
        if b"^XZ" in heard:
            self.labels += [part + b"^XZ" for part in heard.replace(b"~HS\r\n", b"").split(b"^XZ")[:-1]]


@contextmanager
def fake_printer(mood: str = "ready", status: bytes = READY) -> Iterator[FakePrinter]:
    printer = FakePrinter(mood, status)
    try:
        yield printer
    finally:
        printer.stop()
