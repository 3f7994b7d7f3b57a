"""Looks after what waits for the printers: one thread a printer, so that none waits for another, and nobody for any.

A printer that fails is asked again after a while, less and less often. What was asked for outlives the process: whoever
is started next sends what it left.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, current_app

from biobank.core.db import db, unit_of_work
from biobank.printing import claims, rounds
from biobank.printing.printers import Printer, printers
from biobank.printing.rounds import Sent

#: Of the seconds that a printer is given for an answer: how long it is left alone after the first, second … failure.
BACK_OFF = (0.2, 0.4, 1.0, 2.0, 4.0)
#: One that has a label, and cannot print it just now, is never left alone for longer: see `rounds.LONG_AGO`.
HELD = 1.0
#: Seconds after which it is looked whether something waits that another process asked for.
EVERY = 5.0

log = logging.getLogger(__name__)


def run() -> Sent:
    """Send what waits to each printer, once; returns when all are through with it."""
    app, known, done = _this_app(), printers(), Sent()
    names = _with_work(known)
    if names:
        with ThreadPoolExecutor(len(names), thread_name_prefix="labels") as threads:
            for sent in threads.map(lambda name: _send(app, known[name]), names):
                done.add(sent)
    return done


def nudge() -> None:
    """Send what waits, in the background: whoever asked for a label does not wait for a printer."""
    _senders_of(_this_app()).wake()


def keep(app: Flask) -> None:
    """From now on send whatever waits, in the background, also what others ask for, or left when they were stopped."""
    with app.app_context():
        known = printers()
    # Without printers once all the same: labels may be left at one that the settings have lost.
    _senders_of(app, forever=bool(known)).wake()


def _this_app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined]


def _with_work(known: dict[str, Printer]) -> list[str]:
    """The printers that have labels to print; a look without a lock first, for it comes often."""
    names = claims.with_work(known)
    lost = claims.lost(known)
    db.session.rollback()
    if lost:
        unit_of_work(lambda: claims.give_up(lost))
    return names


def _send(app: Flask, printer: Printer, stop: Callable[[], bool] = bool) -> Sent:
    with app.app_context():
        try:
            return rounds.send_all(printer, stop)
        finally:
            db.session.remove()


class Senders:
    """The threads of one app: one that looks what waits, and one for each printer that has labels to print."""

    def __init__(self, app: Flask, *, forever: bool = False, every: float = EVERY) -> None:
        self.app, self.forever, self.every = app, forever, every
        self.done = Sent()
        self._asked, self._ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None
        self._busy: dict[str, threading.Thread] = {}
        self._not_before: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def wake(self) -> None:
        """Something may wait."""
        with self._lock:
            self._asked.set()
            if self._watcher is None or not self._watcher.is_alive():  # a fork takes no threads along
                watcher = threading.Thread(target=self.watch, name="labels", daemon=True)
                if _started(watcher):
                    self._watcher = watcher

    def take_done(self) -> Sent:
        """What was done since this was asked last."""
        with self._lock:
            done, self.done = self.done, Sent()
        return done

    def stop(self) -> None:
        """End once each printer has printed the label that it is at."""
        self._ended.set()
        self._asked.set()
        watcher = self._watcher  # it may be giving a printer its thread just now
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join()
        for thread in list(self._busy.values()):
            thread.join()

    def watch(self) -> None:
        """Give each printer that has work its thread, until nothing is left, or forever."""
        while not self._ended.is_set():
            self._asked.clear()
            pause = self._look()
            with self._lock:
                if pause is None and not self.forever and not self._asked.is_set():
                    self._watcher = None
                    return
            self._asked.wait(self.every if pause is None else pause)

    def _look(self) -> float | None:
        """returns in how many seconds to look again; None: nothing is left to do"""
        with self.app.app_context():
            try:
                known = printers()
                names = _with_work(known)
            except Exception:  # the database is away: the labels wait in it
                self.app.logger.exception("it was not seen which labels wait")
                return self.every
            finally:
                db.session.remove()
        now, pause = time.monotonic(), None
        for name in names:
            wait = self._not_before.get(name, 0.0) - now
            busy = self._busy.get(name)
            if (busy is None or not busy.is_alive()) and wait <= 0:
                thread = threading.Thread(
                    target=self._send, args=(known[name],), name=f"labels {name}", daemon=True
                )
                self._busy[name] = thread
                if not _started(thread):
                    del self._busy[name]
            pause = min(self.every, pause or self.every, wait if wait > 0 else self.every)
        return self.every if self._busy and pause is None else pause

    def _send(self, printer: Printer) -> None:
        sent = None
        try:
            sent = _send(self.app, printer, self._ended.is_set)
        except Exception:  # they still wait, and are tried again
            self.app.logger.exception("labels were not sent to %s", printer.name)
        finally:
            with self._lock:
                self.done.add(sent or Sent())
                self._set_pause(printer, sent)
                self._busy.pop(printer.name, None)
            self._asked.set()

    def _set_pause(self, printer: Printer, sent: Sent | None) -> None:
        """A dead printer is not hammered; nor one that another process sends to."""
        idle = sent is None or sent == Sent() or sent.waiting or sent.held or sent.failed
        failures = self._failures.get(printer.name, 0) if sent is None or not sent.sent else 0
        self._failures[printer.name] = failures + 1 if idle else 0
        pause = BACK_OFF[min(failures, len(BACK_OFF) - 1)] if idle else 0.0
        if sent is not None and sent.held:
            pause = min(pause, HELD)
        self._not_before[printer.name] = time.monotonic() + pause * printer.seconds


def _started(thread: threading.Thread) -> bool:
    """A machine that has no thread to spare has one a little later; whoever asked for a label is not told."""
    try:
        thread.start()
    except RuntimeError:
        log.exception("no thread could be started for labels")
        return False
    return True


_making = threading.Lock()


def _senders_of(app: Flask, *, forever: bool = False) -> Senders:
    with _making:
        senders: Senders = app.extensions.setdefault("label_senders", Senders(app))
    senders.forever = senders.forever or forever
    return senders
