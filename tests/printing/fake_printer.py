"""A label printer that is none: it listens on this machine, has a buffer, a counter, a roll, and misbehaves as told."""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

STATUS = b"~HS"
COUNT = b'! U1 getvar "odometer.total_label_count"'
FORGET_PARTIAL = b"~JX"
_QUANTITY = re.compile(rb"\^PQ(\d+)")
_WORDS = re.compile(b"|".join(map(re.escape, (STATUS, COUNT, FORGET_PARTIAL, b"^XA", b"^XZ"))))


@dataclass
class Faults:
    """How often, from 0 to 1, a connection fails in each way; drawn anew for each one, from a seed."""

    refuses: float = 0.0
    """It is ended as soon as it was opened."""
    breaks: float = 0.0
    """It is ended in the middle of a label, which is then lost."""
    breaks_after: float = 0.0
    """It is ended right after a whole label, which is then printed."""
    stalls: float = 0.0
    """It takes what it is sent, and never says a word."""
    garbage: float = 0.0
    """It answers with something else."""
    swallows: float = 0.0
    """A whole label is taken, and never printed: the printer forgot what was in its buffer."""
    seed: int = 1


@dataclass
class FakePrinter:
    """What it printed stands in `labels`. `mood` says how it behaves:

    ready      answers each question, prints what it is sent
    closes     ends the connection at once
    hangs      accepts, and never says a word
    garbage    answers with something else
    drips      answers one byte at a time
    endless    answers, and never stops
    breaks     ends the connection as soon as a label begins
    quiet      prints, and answers nothing

    counts     it tells its counter; else it answers that question as those do that have none
    troubles   fields of its status that are set just now: `paper_out`, `paused`, `head_open`, `ribbon_out`, `hot`,
               `cold`, `corrupt`, `buffer_full`, `to_take`; it prints with none but the last two
    seconds    how long a label takes
    roll       labels left on it; then it is out of paper
    silent_in_trouble  it answers nothing while it cannot print, as some do
    """

    mood: str = "ready"
    counts: bool = True
    troubles: set[str] = field(default_factory=set)
    seconds: float = 0.0
    roll: int | None = None
    silent_in_trouble: bool = False
    faults: Faults | None = None

    def __post_init__(self) -> None:
        self.labels: list[bytes] = []
        self.connections = 0
        self.counter = 31_084
        self.buffer: list[bytes] = []
        self.printing = 0
        self.partial = b""
        self.on_label: Callable[[], None] = lambda: None
        self._random = Random(self.faults.seed if self.faults else 0)
        self._lives, self._dead_until = 0, 0.0
        self._over = threading.Event()
        self._changed = threading.Condition()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._print)]
        self._lines: list[threading.Thread] = []
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        with self._changed:
            self._changed.notify_all()
        for thread in (*self._threads, *self._lines):
            thread.join()
        self._door.close()

    # --- what somebody does who stands before it

    def mend(self) -> None:
        with self._changed:
            self.troubles.clear()
            self.roll = None
            self._changed.notify_all()

    def die(self, seconds: float = 0.0) -> None:
        """Switched off, and on again after a while: what was in it is forgotten; what was ever printed is not."""
        with self._changed:
            self._dead_until = time.monotonic() + seconds
            self._lives += 1
            self.buffer.clear()
            self.partial, self.printing = b"", 0

    def wait_until_idle(self, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while (self.buffer or self.printing) and time.monotonic() < deadline:
            time.sleep(0.005)

    # --- printing

    @property
    def stopped(self) -> bool:
        return bool(
            self.troubles & {"paper_out", "paused", "head_open", "ribbon_out", "hot", "cold", "corrupt"}
        )

    def _print(self) -> None:
        while not self._over.is_set():
            with self._changed:
                while not self._over.is_set() and (self.stopped or not self.buffer):
                    self._changed.wait(0.1)
                if self._over.is_set():
                    return
                label = self.buffer.pop(0)
                found = _QUANTITY.search(label)
                self.printing = int(found[1]) if found else 1
            while self.printing and not self._over.is_set():
                self._come_out(label)

    def _come_out(self, label: bytes) -> None:
        with self._changed:
            if self.roll == 0:
                self.troubles.add("paper_out")
            while not self._over.is_set() and self.stopped:
                self._changed.wait(0.1)
        if self._over.wait(self.seconds):
            return
        with self._changed:
            if not self.printing:  # it died meanwhile
                return
            self.labels.append(label)
            self.counter += 1
            self.printing -= 1
            if self.roll is not None:
                self.roll -= 1
        self.on_label()

    # --- talking

    def status(self) -> bytes:
        def flag(name: str) -> int:
            return int(name in self.troubles)

        with self._changed:
            formats, left, partial = len(self.buffer), max(self.printing, 0), int(bool(self.partial))
        first = (
            f"030,{flag('paper_out')},{flag('paused')},1245,{formats:03},{flag('buffer_full')},0,{partial},000,"
            f"{flag('corrupt')},{flag('cold')},{flag('hot')}"
        )
        second = f"000,0,{flag('head_open')},{flag('ribbon_out')},0,2,4,{flag('to_take')},{left:08},1,000"
        return "".join(f"\x02{line}\x03\r\n" for line in (first, second, "1234,0")).encode()

    def _listen(self) -> None:
        self._door.settimeout(0.02)
        while not self._over.is_set():
            try:
                line, _who = self._door.accept()
            except TimeoutError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(line, self._mood()), daemon=True)
            self._lines = [each for each in self._lines if each.is_alive()] + [thread]
            thread.start()

    def _mood(self) -> str:
        """How this connection goes."""
        if time.monotonic() < self._dead_until:
            return "refuses"
        if self.faults is None:
            return self.mood
        chance = self._random.random()
        for mood in ("refuses", "breaks", "breaks_after", "stalls", "garbage", "swallows"):
            chance -= getattr(self.faults, mood)
            if chance < 0:
                return mood
        return self.mood

    def _serve(self, line: socket.socket, mood: str) -> None:
        heard, life = b"", self._lives
        with line:
            line.settimeout(0.02)
            try:
                while not self._over.is_set() and mood not in ("closes", "refuses") and life == self._lives:
                    try:
                        piece = line.recv(65536)
                    except TimeoutError:
                        continue
                    if not piece:
                        break
                    heard = self._hear(line, mood, heard + piece)
            except OSError:
                mood = "refuses"
            if mood == "refuses" or life != self._lives:  # it breaks off, rather than saying that it ends
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self._changed:
            if self.partial and life == self._lives:
                self.partial += heard

    def _hear(self, line: socket.socket, mood: str, heard: bytes) -> bytes:
        """Do what was said, in its order. returns what is not complete yet; raises OSError to break off"""
        while found := _WORDS.search(heard):
            word = found.group(0)
            with self._changed:
                if self.partial or word == b"^XA":  # one that never ended goes on in the next, as it would
                    self.partial += heard[: found.start()] * bool(self.partial)
                    self.partial += word * (word in (b"^XA", b"^XZ"))
            heard = heard[found.end() :]
            if word == b"^XA" and mood == "breaks":
                raise OSError
            if word == b"^XZ" and self.partial:
                self._take(mood)
            elif word == FORGET_PARTIAL:
                self.partial = b""
            elif word in (STATUS, COUNT):
                self._answer(line, mood, word)
        return heard

    def _take(self, mood: str) -> None:
        with self._changed:
            label, self.partial = self.partial, b""
            if mood != "swallows":
                self.buffer.append(label)
                self._changed.notify_all()
        if mood == "breaks_after":
            raise OSError

    def _answer(self, line: socket.socket, mood: str, asked: bytes) -> None:
        if mood in ("quiet", "hangs", "stalls") or (self.silent_in_trouble and self.stopped):
            return
        if mood == "garbage":
            line.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 60)
        elif mood == "endless":
            while not self._over.is_set():
                line.sendall(b"\x02" * 50)
        else:
            told = b'"%d"\r\n' % self.counter if self.counts else b"?\r\n"
            answer = self.status() if asked == STATUS else told
            for size in range(1, len(answer) + 1) if mood == "drips" else ():
                line.sendall(answer[size - 1 : size])
                time.sleep(0.0005)
            if mood != "drips":
                line.sendall(answer)


@contextmanager
def fake_printer(mood: str = "ready", **told: Any) -> Iterator[FakePrinter]:
    printer = FakePrinter(mood, **told)
    try:
        yield printer
    finally:
        printer.stop()
