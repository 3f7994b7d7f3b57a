"""Bench stations: computers with a scanner. A browser is told which one it is; that proves nothing about who acts."""

from collections.abc import Sequence

from sqlalchemy import select

from biobank.access.models import Site, Station
from biobank.audit import service as audit
from biobank.core import clock, codes
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import Malformed, NotFound, Reason

#: The longest text before or after a code, and the longest name of a printer.
LONGEST_AFFIX, LONGEST_PRINTER = 20, 40


def list_stations(by: Actor) -> Sequence[Station]:
    """The stations that the actor sees, by name."""
    query = select(Station).order_by(Station.name, Station.id)
    if by.site_id is not None:
        query = query.where(Station.site_id == by.site_id)
    return db.session.scalars(query).all()


def find_station(code: str, by: Actor) -> Station:
    """raises NotFound `station_unknown`, also for another site's"""
    found = db.session.scalar(select(Station).where(Station.code == code.strip()))
    if found is None or not by.sees(found.site_id):
        raise NotFound("station_unknown", station=code.strip()[:40])
    return found


def make_station(
    *, site: Site, name: str, by: Actor, prefix: str = "", suffix: str = "", printer: str | None = None
) -> Station:
    """Set up a station under a number of its own.

    prefix, suffix  what its scanner types around every code; Enter and Tab at the end need not be told
    printer         the name of a printer in the settings; None: labels are shown
    raises          Malformed naming every bad field
    """
    _check(name, prefix, suffix, printer)
    (code,) = codes.issue("station", site.code)
    station = Station(
        site_id=site.id, code=code, name=name.strip(), prefix=prefix, suffix=suffix, printer=printer or None,
        recorded_at=clock.now(),
    )  # fmt: skip
    db.session.add(station)
    db.session.flush()
    codes.register(code, "station", station.id, site.id)
    audit.record(by=by, act="station_made", subject=("station", code), after=_told(station))
    return station


def change_station(
    *, station: Station, name: str, by: Actor, prefix: str = "", suffix: str = "", printer: str | None = None
) -> Station:
    """Give a station another name, scanner or printer. raises as `make_station`"""
    _check(name, prefix, suffix, printer)
    before = _told(station)
    station.name, station.prefix, station.suffix, station.printer = (
        name.strip(),
        prefix,
        suffix,
        printer or None,
    )
    db.session.flush()
    after = _told(station)
    if after != before:
        audit.record(
            by=by, act="station_changed", subject=("station", station.code), before=before, after=after
        )
    return station


def _told(station: Station) -> dict[str, str | None]:
    return {name: getattr(station, name) for name in ("name", "prefix", "suffix", "printer")}


def _check(name: str, prefix: str, suffix: str, printer: str | None) -> None:
    problems: dict[str, Reason] = {}
    if not name.strip() or len(name) > 200 or not name.strip().isprintable():
        problems["name"] = Reason("station_name_needed")
    for field, text in (("prefix", prefix), ("suffix", suffix)):
        if len(text) > LONGEST_AFFIX or not text.isprintable() or text != text.strip():
            problems[field] = Reason("affix_wrong", {"most": LONGEST_AFFIX})
        elif text and text.isalnum():  # it could not be told from the code itself
            problems[field] = Reason("affix_like_a_code", {"given": text})
    if printer and (len(printer) > LONGEST_PRINTER or not printer.isprintable()):
        problems["printer"] = Reason("printer_name_wrong", {"most": LONGEST_PRINTER})
    if problems:
        raise Malformed(problems)
