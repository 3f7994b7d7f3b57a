"""The label printers of the settings: labels are sent to these and to nothing else. What each last said of itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import func, select, text

from biobank.access.models import Station
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.printing.models import LabelJob, LabelPrinter
from labels.printers import CupsQueue, RawPrinter

#: As their indexes say it, word by word: a database uses the index only where it finds these words again.
TO_SEND = text("label_job.state IN ('waiting', 'sending', 'held')")
FAILED = text("label_job.state = 'failed'")
#: Seconds that nobody sends to a printer alone for longer: six times the longest that one is waited for.
LONGEST_LEASE = 360.0


#: The trouble of a printer that the settings name no more.
GONE = "printer_gone"


@dataclass(frozen=True)
class Printer:
    """Where a printer is, how fine it prints, what it tells of itself, and what is peculiar to it."""

    name: str
    kind: str = "raw"
    host: str = ""
    port: int = 9100
    queue: str = ""
    dpi: int = 203
    answers: bool = True
    counts: bool = False
    seconds: float = 5.0
    left_mm: float = 0.0
    top_mm: float = 0.0
    darkness: int | None = None
    speed: int | None = None
    letters: str = "own"

    @property
    def lease_seconds(self) -> float:
        """How long somebody sends to it alone: longer than anything that a sender waits for at one go."""
        return 6 * self.seconds

    def door(self) -> RawPrinter | CupsQueue:
        """Where labels go in."""
        if self.kind == "cups":
            return CupsQueue(self.queue, seconds=self.seconds)
        return RawPrinter(self.host, self.port, self.answers, self.counts, self.seconds)

    def setting(self) -> dict[str, Any]:
        """What a label in ZPL is told of it, beside its resolution."""
        dots = self.dpi / 25.4
        return {
            "left_dots": round(self.left_mm * dots), "top_dots": round(self.top_mm * dots),
            "darkness": self.darkness, "speed": self.speed, "letters": self.letters,
        }  # fmt: skip


@dataclass(frozen=True)
class PrinterState:
    """How a printer is doing.

    trouble  the code of the sentence that says why it does not print; None: nothing keeps it from printing
    told_at  when that was known; None: nothing was ever sent to it
    waiting  labels that are still to be sent to it, or that it still holds
    failed   labels of which somebody must say whether they came out, or which could not be made
    """

    printer: Printer
    trouble: str | None
    told_at: datetime | None
    waiting: int
    failed: int


def printers() -> dict[str, Printer]:
    """Every printer of the settings, by name."""
    told = current_app.config["BIOBANK"]["printers"]
    return {name: Printer(name, **printer) for name, printer in told.items()}


def printer_of(station: str | None) -> str | None:
    """The printer that a station's labels come out of; None: its browser prints them."""
    if station is None:
        return None
    name = db.session.scalar(select(Station.printer).where(Station.code == station))
    return name if name in printers() else None


def printers_state(by: Actor | None = None) -> list[PrinterState]:
    """Each printer of the settings in their order: what it last said, and how much waits for it.

    Then those that the settings have lost, and labels still wait for: nobody sends these, so somebody must move them.

    by  counts only the labels that the actor may see
    """
    known = printers()
    told = {row.name: row for row in db.session.scalars(select(LabelPrinter))}
    waiting, failed = _count(TO_SEND, by), _count(FAILED, by)
    states = [
        PrinterState(
            printer, told[name].trouble if name in told else None, told[name].told_at if name in told else None,
            waiting.get(name, 0), failed.get(name, 0),
        )
        for name, printer in known.items()
    ]  # fmt: skip
    for name in sorted({*waiting, *failed} - known.keys()):
        states.append(PrinterState(Printer(name), GONE, None, waiting.get(name, 0), failed.get(name, 0)))
    return states


def _count(which: object, by: Actor | None) -> dict[str, int]:
    query = select(LabelJob.printer, func.count()).where(which).group_by(LabelJob.printer)  # type: ignore[arg-type]
    if by is not None and by.site_id is not None:
        query = query.where(LabelJob.site_id == by.site_id)
    return {name: count for name, count in db.session.execute(query) if name is not None}
