"""One printer's labels, sent one after the other by one sender: what was left over comes first, then what waits."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from biobank.core.actor import job as job_actor
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError, Malformed
from biobank.printing import claims, service
from biobank.printing.claims import Claimed, LeaseLost, NotWanted
from biobank.printing.printers import Printer
from labels import LabelError
from labels.printers import Held, NotSent, PrinterTrouble, Unclear
from labels.status import labels_in

LABELS = job_actor("labels")
#: Of the seconds that a printer is given for an answer: one without a counter that was not asked for so long may have
#: been switched off and on meanwhile.
LONG_AGO = 2.0

log = logging.getLogger(__name__)


@dataclass
class Sent:
    """What a round came to. `waiting`: its printer does not print just now. `held`: nor does it, but it has the label.
    `failed`: somebody must look."""

    sent: int = 0
    waiting: int = 0
    held: int = 0
    failed: int = 0

    def add(self, other: "Sent") -> None:
        self.sent, self.waiting = self.sent + other.sent, self.waiting + other.waiting
        self.held, self.failed = self.held + other.held, self.failed + other.failed


def send_all(printer: Printer, stop: Callable[[], bool] = bool) -> Sent:
    """Send all that waits for this printer, unless somebody else does.

    stop  asked between two labels: is it time to end?
    """
    sender = str(uuid4())
    if not unit_of_work(lambda: claims.take(printer.name, sender, printer.lease_seconds)):
        return Sent()
    try:
        return _Round(printer, sender, stop).go()
    except LeaseLost:  # it took too long; whoever has the printer now settles what this one left
        return Sent()
    finally:
        unit_of_work(lambda: claims.give_back(printer.name, sender))


class _Round:
    def __init__(self, printer: Printer, sender: str, stop: Callable[[], bool]) -> None:
        self.printer, self.sender, self.stop = printer, sender, stop
        self.door, self.done = printer.door(), Sent()
        self.renewed = time.monotonic()

    def go(self) -> Sent:
        name = self.printer.name
        for job in unit_of_work(lambda: claims.left_over(name)):
            if not self._settle(job):
                return self.done
        while waiting := unit_of_work(lambda: claims.next_jobs(name)):
            for job in waiting:
                if self.stop() or not self._send(job):
                    return self.done
        return self.done

    def _settle(self, job: Claimed) -> bool:
        """What became of it? returns whether the next one may be sent"""
        try:
            self._require_known(job)
            self.door.settle(job.counted_before, self._labels_of(job), tick=self._tick)
        except PrinterTrouble as trouble:
            self._note(job, job.tries, trouble)
            return not isinstance(trouble, Held)  # else nothing is sent behind it
        return self._note(job, job.tries, None)

    def _require_known(self, job: Claimed) -> None:
        """raises Unclear where what the printer says tells nothing about this label"""
        if self.printer.counts and job.counted_before is not None:
            return
        lately = unit_of_work(lambda: claims.told_lately(self.printer.name, LONG_AGO * self.printer.seconds))
        if job.state != "held" or not lately:
            raise Unclear("printer_unclear")

    def _labels_of(self, job: Claimed) -> int:
        """By how much the counter rises; several side by side are one for a printer."""
        if job.copies == 1:
            return 1
        try:
            return labels_in(self._made(job))
        except SQLAlchemyError:
            raise
        except Exception:  # one label that can be made no more keeps no other waiting
            return job.copies

    def _send(self, job: Claimed) -> bool:
        """Print one label. returns whether the next one may be sent"""
        try:
            label = self._made(job)
        except SQLAlchemyError:
            raise
        except Exception as error:  # the others are printed all the same
            self._cannot(job, error)
            return True
        tries = job.tries + 1
        try:
            self.door.send(
                label, labels_in(label), begin=lambda count: self._begin(job, count), tick=self._tick
            )
        except NotWanted:
            return True
        except PrinterTrouble as trouble:
            return self._note(job, tries, trouble)
        return self._note(job, tries, None)

    def _made(self, job: Claimed) -> bytes:
        try:
            return service.picture(
                job.code, "zpl", LABELS, design=job.design, dpi=self.printer.dpi, reprint=job.reprint,
                copies=job.copies, **self.printer.setting(),
            )  # fmt: skip
        finally:
            db.session.rollback()  # nothing is held open while a printer is waited for

    def _cannot(self, job: Claimed, error: Exception) -> None:
        if isinstance(error, Malformed):
            reason = next(iter(error.fields.values()))
            told = claims.put_error(reason.code, reason.params)
        elif isinstance(error, BiobankError | LabelError):
            told = claims.put_error(error.code, error.params)
        else:
            log.error("the label of %s was not made", job.code, exc_info=error)
            told = claims.put_error("label_not_made", {"label": job.code})
        unit_of_work(lambda: claims.put_off(job, "failed", told))
        self.done.failed += 1

    def _begin(self, job: Claimed, count: int | None) -> None:
        """Write down that it may come out from now on. Whoever was held up here sends nothing: it is another's turn."""
        started, seconds = time.monotonic(), self.printer.lease_seconds
        unit_of_work(lambda: claims.begin(job, self.printer.name, self.sender, seconds, count))
        self.renewed = time.monotonic()
        if self.renewed - started > seconds / 2:
            raise NotSent("printer_busy")

    def _tick(self) -> None:
        if time.monotonic() - self.renewed > self.printer.lease_seconds / 3:
            unit_of_work(lambda: claims.renew(self.printer.name, self.sender, self.printer.lease_seconds))
            self.renewed = time.monotonic()

    def _note(self, job: Claimed, tries: int, trouble: PrinterTrouble | None) -> bool:
        """Write down what came of it, and what the printer said. returns whether it prints on"""
        state, code = _outcome(trouble), trouble.code if trouble else None

        def note() -> str:
            claims.tell(self.printer.name, self.sender, code)
            if state == "waiting" and tries != job.tries:  # where it had not begun
                claims.put_off(job, state, str(code))
            return claims.settle(job, tries, state, code)

        state = unit_of_work(note)
        self.done.add(Sent(**{state: 1}))
        return state == "sent"


def _outcome(trouble: PrinterTrouble | None) -> str:
    if trouble is None:
        return "sent"
    return "waiting" if isinstance(trouble, NotSent) else "held" if isinstance(trouble, Held) else "failed"
