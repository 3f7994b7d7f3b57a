"""The label printers of the settings: labels are sent to these and to nothing else."""

from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from biobank.access.models import Station
from biobank.core.db import db


@dataclass(frozen=True)
class Printer:
    """Where a printer listens, how fine it prints, and whether it tells how it is."""

    name: str
    host: str
    port: int = 9100
    dpi: int = 203
    answers: bool = True


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
