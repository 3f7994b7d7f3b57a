"""Sends finished labels to printers: to a ZPL printer over raw TCP, or to a queue of CUPS. Bytes in; knows no labels.

Only what goes wrong before the first byte of a label is sure to have printed nothing. Afterwards the printer is asked:
one that tells its counter says for certain whether the label came out; of any other, a broken connection is `Unclear`.

`odometer.total_label_count`: Zebra, ZPL II Programming Guide, chapter SGD Printer Commands: labels printed over the
life of the printer, form feeds and calibration not among them, answered in quotation marks ("31084"). The same chapter
wants SGD and ZPL sent apart: an answer is waited for in between.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from labels.status import LINES, Status, read_status

#: More than any printer says of itself.
MOST_ANSWERED = 1000
#: Of the seconds that a printer is given for an answer: how long a label may take to come out, how long nothing must be
#: in the printer before its label counts as lost, how often it is asked.
PRINTING, SETTLED, POLL = 12.0, 2.0, 0.05
CONNECT_SECONDS = 3.0

_ASK_STATUS = b"~HS\r\n"
_COUNT = re.compile(rb'"(\d{1,12})"|\?')
_ASK_COUNT = b'! U1 getvar "odometer.total_label_count"\r\n'
#: Forgets a label of which the end never came; leaves alone what is whole.
_FORGET_PARTIAL = b"~JX\r\n"

QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,126}", re.ASCII)
_REQUEST = re.compile(r"request id is \S+-(\d+)")
#: What `lp` says when it has not taken the label, and our word for it.
_LP_SAYS = (
    ("does not exist", "printer_queue_unknown"),
    ("not accepting", "printer_queue_refuses"),
    ("unable to connect", "printer_queue_unreached"),
    ("scheduler not responding", "printer_queue_unreached"),
    ("bad file descriptor", "printer_queue_unreached"),  # what it says where no scheduler runs
    ("connection refused", "printer_queue_unreached"),
)


class PrinterTrouble(Exception):
    """`code` is that of its sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotSent(PrinterTrouble):
    """Nothing was printed, and nothing will be."""


class Held(PrinterTrouble):
    """The printer has the label, and prints it once its trouble is mended; or it has not told yet what became of it."""


class Unclear(PrinterTrouble):
    """Nobody can tell whether it was printed, unless they look."""


class _NoAnswer(PrinterTrouble):
    """The printer does not say how it is."""


@dataclass(frozen=True)
class _Line:
    """An open connection. Each answer is bounded in bytes and in time, however slowly it drips."""

    socket: socket.socket
    seconds: float

    def ask(self, question: bytes, answer: re.Pattern[bytes]) -> bytes:
        """raises _NoAnswer"""
        heard, deadline = b"", time.monotonic() + self.seconds
        try:
            self._say(question)
            while not (found := answer.search(heard)):
                left = deadline - time.monotonic()
                if len(heard) > MOST_ANSWERED or left <= 0:
                    raise _NoAnswer("printer_not_understood" if heard else "printer_silent")
                self.socket.settimeout(left)
                piece = self.socket.recv(256)
                if not piece:
                    raise _NoAnswer("printer_hung_up")
                heard += piece
        except TimeoutError as error:
            raise _NoAnswer("printer_not_understood" if heard else "printer_silent") from error
        except OSError as error:
            raise _NoAnswer("printer_hung_up") from error
        return found.group(0)

    def give(self, data: bytes) -> None:
        """raises _NoAnswer: who knows how much of it arrived"""
        try:
            self._say(data)
        except OSError as error:
            raise _NoAnswer("printer_hung_up") from error

    def _say(self, data: bytes) -> None:
        self.socket.settimeout(self.seconds)
        self.socket.sendall(data)

    def end(self) -> None:
        """Nothing more comes from us; a printer that breaks off now did not take it all. raises _NoAnswer"""
        deadline = time.monotonic() + min(self.seconds, 1.0)
        try:
            self.socket.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:  # some never stop talking
                self.socket.settimeout(left)
                if not self.socket.recv(256):
                    return
        except TimeoutError:
            pass  # many keep the connection open for a while
        except OSError as error:
            raise _NoAnswer("printer_hung_up") from error


def _nothing(*_told: object) -> None:
    """Where nobody wants to know."""


@dataclass(frozen=True)
class RawPrinter:
    """A ZPL printer that listens on a TCP port.

    answers  it says how it is (`~HS`)
    counts   it tells how many labels it ever printed: then it is always certain whether a label came out
    seconds  how long it is waited for an answer
    """

    host: str
    port: int = 9100
    answers: bool = True
    counts: bool = False
    seconds: float = 5.0

    def send(
        self, label: bytes, copies: int = 1, *,
        begin: Callable[[int | None], None] = _nothing, tick: Callable[[], None] = _nothing,
    ) -> None:  # fmt: skip
        """Print one label; returns once it is out, or for a printer that tells nothing once it was taken.

        begin   told the counter right before the first byte; whatever it raises is passed on, and nothing is sent
        tick    called now and then while it is waited
        raises  NotSent, Held, Unclear
        """
        sent = None
        try:
            with self._connect() as connection:
                line = _Line(connection, self.seconds)
                before = self._ready(line, tick) if self.answers else None
                begin(before)
                sent = before, copies
                line.give(label if self.answers else _FORGET_PARTIAL + label)
                if not self.answers:
                    return line.end()
                return self._follow(line, before, copies, tick)
        except _NoAnswer as error:
            if sent is None:
                raise NotSent(error.code) from error
            if sent[0] is None:
                raise Unclear("printer_unclear") from error
        return self.settle(*sent, tick=tick)

    def settle(self, before: int | None, copies: int = 1, *, tick: Callable[[], None] = _nothing) -> None:
        """What became of a label that was sent: returns where it is out.

        before  the counter before it was sent
        raises  NotSent where it is certain that it is not, and will not be; Held while it is not known; Unclear
        """
        if not self.answers:
            raise Unclear("printer_unclear")
        try:
            with self._connect() as connection:
                self._follow(_Line(connection, self.seconds), before, copies, tick)
        except _NoAnswer as error:
            # Silent: it may be open, or out of labels. Without a counter, one that was switched off has forgotten it.
            if before is not None or error.code == "printer_silent":
                raise Held(error.code) from error
            raise Unclear("printer_unclear") from error

    def look(self) -> Status | None:
        """How it is just now; None of one that does not tell. raises NotSent"""
        try:
            with self._connect() as connection:
                return self._look(_Line(connection, self.seconds))[0] if self.answers else None
        except _NoAnswer as error:
            raise NotSent(error.code) from error

    def _connect(self) -> socket.socket:
        try:
            return socket.create_connection((self.host, self.port), min(self.seconds, CONNECT_SECONDS))
        except (OSError, UnicodeError) as error:  # a name of more than 63 letters between two dots
            raise _NoAnswer("printer_unreached") from error

    def _look(self, line: _Line) -> tuple[Status, int | None]:
        status = read_status(line.ask(_ASK_STATUS, LINES))
        if status is None:
            raise _NoAnswer("printer_not_understood")
        if not self.counts:
            return status, None
        count = line.ask(_ASK_COUNT, _COUNT)
        if count == b"?":
            raise _NoAnswer("printer_does_not_count")
        return status, int(count.strip(b'"'))

    def _ready(self, line: _Line, tick: Callable[[], None]) -> int | None:
        """Wait until it can print and has nothing else to do; gives the counter. raises NotSent, _NoAnswer"""
        deadline = time.monotonic() + self.seconds
        while True:
            status, count = self._look(line)
            if status.trouble:
                raise NotSent(status.trouble)
            if status.partial:
                line.give(_FORGET_PARTIAL)
            elif not status.busy and not status.to_take:
                return count
            if time.monotonic() > deadline:
                raise NotSent("printer_label_to_take" if status.to_take else "printer_busy")
            self._wait(tick)

    def _follow(self, line: _Line, before: int | None, copies: int, tick: Callable[[], None]) -> None:
        """Ask until the label is out. raises NotSent, Held, Unclear, _NoAnswer"""
        deadline, empty_since = time.monotonic() + PRINTING * self.seconds, None
        while True:
            status, count = self._look(line)
            out = _came_out(status, before, count, copies)
            if out is True and count is not None and status.busy:
                # Another's label may have been counted for ours. What was said before the counter is old: once more.
                status, count = self._look(line)
                out = _came_out(status, before, count, copies) if not status.busy else None
            if out is True:
                return
            if status.trouble:
                raise Held(status.trouble)
            if status.busy:
                empty_since = None
            elif empty_since is None:
                empty_since = time.monotonic()
            elif time.monotonic() - empty_since > SETTLED * self.seconds:
                if status.partial:
                    line.give(_FORGET_PARTIAL)
                raise NotSent("printer_lost_label") if out is False else Unclear("printer_unclear")
            if time.monotonic() > deadline:
                raise Held("printer_slow")
            self._wait(tick)

    def _wait(self, tick: Callable[[], None]) -> None:
        tick()
        time.sleep(POLL * self.seconds)


def _came_out(status: Status, before: int | None, count: int | None, copies: int) -> bool | None:
    """True: all of it; False: nothing so far; None: a part so far. raises Unclear"""
    if before is None or count is None:
        if status.busy or status.partial:
            return None
        if status.trouble:  # was it the last one before, or is it lost?
            raise Unclear("printer_unclear")
        return True
    if not 0 <= count - before <= copies:
        raise Unclear("printer_unclear")
    return True if count - before == copies else False if count == before else None


@dataclass(frozen=True)
class CupsQueue:
    """A queue of the print server CUPS on this machine, which prints in its own time and tries by itself again.

    raw  the printer gets the bytes as they are (ZPL); else CUPS converts them (PDF)
    """

    queue: str
    raw: bool = True
    seconds: float = 5.0
    program: str = "lp"

    def __post_init__(self) -> None:
        if not QUEUE_NAME.fullmatch(self.queue):
            raise ValueError(f"{self.queue!r} is no name of a queue")

    def send(
        self, label: bytes, copies: int = 1, *,
        begin: Callable[[int | None], None] = _nothing, tick: Callable[[], None] = _nothing,
    ) -> int:  # fmt: skip
        """Give the queue one label; its copies are written in it. returns the number of the job there

        begin   called right before it is given; whatever it raises is passed on
        raises  NotSent, Unclear
        """
        program = shutil.which(self.program)
        if program is None:
            raise NotSent("printer_program_missing")
        begin(None)
        tick()
        # No shell, and a name that was checked: nothing that is told can become another command.
        command = [program, "-d", self.queue, *(["-o", "raw"] if self.raw else []), "-"]
        try:
            done = subprocess.run(
                command, input=label, capture_output=True, check=False, timeout=2 * self.seconds,
                env=os.environ | {"LC_ALL": "C"},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Unclear("printer_unclear") from error
        except OSError as error:
            raise NotSent("printer_program_missing") from error
        found = _REQUEST.search(done.stdout.decode("utf-8", "replace"))
        if done.returncode == 0 and found:
            return int(found[1])
        said = done.stderr.decode("utf-8", "replace").lower()
        raise next((NotSent(code) for words, code in _LP_SAYS if words in said), Unclear("printer_unclear"))

    def settle(self, before: int | None, copies: int = 1, *, tick: Callable[[], None] = _nothing) -> None:
        """What became of a label nobody can say but who looks. raises Unclear"""
        raise Unclear("printer_unclear")

    def look(self) -> Status | None:
        """It does not tell."""
        return None
