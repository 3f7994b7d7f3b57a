"""Sends labels to network printers as ZPL over raw TCP.

A printer is asked how it is (`~HS`) before a label and after it. What goes wrong before the first byte of the label
prints nothing, and is tried again. What goes wrong later may have printed it: it is left to a person, for a label that
comes out twice may end on two tubes.
"""

import re
import socket
import threading
import time
from dataclasses import dataclass
from io import BytesIO

from flask import Flask, current_app
from PIL import Image, ImageOps

from biobank.core.actor import job as job_actor
from biobank.core.db import db, unit_of_work
from biobank.core.errors import BiobankError
from biobank.printing import jobs, service
from biobank.printing.printers import Printer, printers

CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 5.0
#: More than any printer says of itself.
MOST_ANSWERED = 1000
LABELS = job_actor("labels")

#: What `~HS` is answered with: three lines, each between STX and ETX.
_STATUS = re.compile(rb"\x02([^\x02\x03]*)\x03\s*\x02([^\x02\x03]*)\x03\s*\x02([^\x02\x03]*)\x03")
#: Where in its first two lines a 1 stands for what keeps it from printing.
_TROUBLES = (
    (0, 1, "printer_paper_out"),
    (0, 2, "printer_paused"),
    (1, 2, "printer_head_open"),
    (1, 3, "printer_ribbon_out"),
)


class NotSent(Exception):
    """Nothing was printed. `args[0]` is the code of its sentence."""


class Unclear(Exception):
    """Nobody can tell whether it was printed. `args[0]` is the code of its sentence."""


@dataclass
class Sent:
    """What a round came to."""

    sent: int = 0
    waiting: int = 0
    failed: int = 0


def zpl(png: bytes, copies: int = 1) -> bytes:
    """The picture of a label as a graphic field of ZPL II, one picture dot a printer dot."""
    # In a picture 1 is white, in ZPL 1 is black. Rows begin on a whole byte in both.
    picture = ImageOps.invert(Image.open(BytesIO(png)).convert("L")).convert("1", dither=Image.Dither.NONE)
    row, data = (picture.width + 7) // 8, picture.tobytes()
    return (
        f"^XA^PW{picture.width}^LL{picture.height}^LH0,0^FO0,0"
        f"^GFA,{len(data)},{len(data)},{row},{data.hex().upper()}^FS^PQ{copies}^XZ\n"
    ).encode("ascii")


def send(printer: Printer, label: bytes) -> None:
    """One label, and the printer's word for it where it gives one. raises NotSent, Unclear"""
    try:
        line = socket.create_connection((printer.host, printer.port), timeout=CONNECT_SECONDS)
    except OSError as error:
        raise NotSent("printer_unreached") from error
    with line:
        line.settimeout(ANSWER_SECONDS)
        if printer.answers:
            _ask(line)
        try:
            line.sendall(label)
            if printer.answers:
                _ask(line)
            else:
                line.shutdown(socket.SHUT_WR)
        except (OSError, NotSent) as error:
            raise Unclear("printer_unclear") from error


def _ask(line: socket.socket) -> None:
    """How it is. raises NotSent when it does not say, says something else, or cannot print"""
    answer, deadline = b"", time.monotonic() + ANSWER_SECONDS
    try:
        line.sendall(b"~HS\r\n")
        while not (found := _STATUS.search(answer)):
            if len(answer) > MOST_ANSWERED or time.monotonic() > deadline:
                raise NotSent("printer_not_understood")
            piece = line.recv(256)
            if not piece:
                raise NotSent("printer_not_understood" if answer else "printer_hung_up")
            answer += piece
    except TimeoutError as error:
        raise NotSent("printer_not_understood" if answer else "printer_silent") from error
    except OSError as error:
        raise NotSent("printer_hung_up") from error
    lines = [text.split(b",") for text in found.groups()]
    for number, place, trouble in _TROUBLES:
        if lines[number][place : place + 1] == [b"1"]:
            raise NotSent(trouble)


def run() -> Sent:
    """Send what waits, the oldest first. A printer that is not reached is left alone for the rest of the round."""
    done, known = Sent(), printers()
    passed_over: list[str] = []
    while job := unit_of_work(lambda: jobs.claim(passed_over)):
        job_id, code, reprint, copies, printer = (
            job.id,
            job.code,
            job.reprint,
            job.copies,
            known[str(job.printer)],
        )
        state, error = _send(code, reprint, copies, printer)
        unit_of_work(lambda key=job_id, to=(state, error): jobs.settle(key, *to))  # type: ignore[misc]
        if state == "waiting":
            passed_over.append(printer.name)
            done.waiting += 1
        elif state == "sent":
            done.sent += 1
        else:
            done.failed += 1
    return done


def _send(code: str, reprint: int, copies: int, printer: Printer) -> tuple[str, str | None]:
    """returns the state of the job, and the code of what went wrong"""
    try:
        label = zpl(service.picture(code, "png", LABELS, dpi=printer.dpi, reprint=reprint), copies)
    except BiobankError as error:
        return "failed", error.code
    finally:
        db.session.rollback()  # nothing is held open while a printer is waited for
    try:
        send(printer, label)
    except NotSent as trouble:
        return "waiting", str(trouble.args[0])
    except Unclear as trouble:
        return "failed", str(trouble.args[0])
    return "sent", None


# --- soon after a label was asked for

_at_work = threading.Lock()


def nudge() -> None:
    """Send what waits, in the background: whoever asked for a label does not wait for a printer."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=_run_beside, args=(app,), name="labels", daemon=True).start()


def _run_beside(app: Flask) -> None:
    """One at a time in a process: who comes second finds the first at it, and waits for it to be sure."""
    with _at_work, app.app_context():
        try:
            run()
        except (
            Exception
        ):  # the labels still wait: `labels send`, or the next one that is asked for, tries again
            app.logger.exception("labels were not sent")
        finally:
            db.session.remove()
