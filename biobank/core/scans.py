"""What a scan stands for, for every place that takes one; and the scans that were not simply understood, kept.

Keeping them is how a badly set scanner and a tube that nobody knows are both found.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core import accession, clock, codes, gs1, times
from biobank.core.actor import Actor
from biobank.core.codes import Found
from biobank.core.db import MAX_INTEGER, Base, BigKey, UTCDateTime, db, unit_of_work
from biobank.core.errors import BiobankError, Busy, Malformed, NotFound, Reason, RuleViolation
from biobank.core.readings import LONGEST_SCAN, Candidate, Reading, choose, readings

_OPEN = text("settled_at IS NULL")


class OddScan(Base):
    """One scan that had to be repaired, meant two things, meant nothing, or was typed by hand."""

    __tablename__ = "odd_scan"
    __table_args__ = (
        Index("ix_odd_scan_open", "site_id", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_odd_scan_station", "station", "recorded_at"),
        CheckConstraint(
            "kind IN ('repaired', 'ambiguous', 'unknown', 'misread', 'typed')", name="kind_known"
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    """NULL: by somebody who sees every site."""
    station: Mapped[str | None] = mapped_column(String(20))
    """The code of the station, where it is known."""
    kind: Mapped[str] = mapped_column(String(9))
    raw: Mapped[str] = mapped_column(String(256))
    """As received."""
    read: Mapped[str | None] = mapped_column(String(256))
    """As understood, when it was."""
    fault: Mapped[str | None] = mapped_column(String(40))
    """The wrong setting that explains it."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_key: Mapped[str] = mapped_column(String(64))
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When somebody said what it was; at once for a repaired or typed one."""
    settled_by: Mapped[str | None] = mapped_column(String(64))


@dataclass(frozen=True)
class Meant:
    """What a scan was understood as.

    found          the one thing it stands for
    text           the code that was recognised: ours, the maker's, or the serial number in GS1 data
    fault          which wrong setting of the scanner had to be undone; `repaired_from` is then what was received
    aim            the AIM identifier before it
    gs1            its GS1 fields by name, where it has them
    """

    found: Found
    text: str
    fault: str | None = None
    repaired_from: str | None = None
    aim: str | None = None
    gs1: dict[str, Any] | None = None


#: Told of every reading that had to be repaired, so that whoever scanned is shown what was made of it.
told_of_repairs: list[Callable[[Meant], None]] = []

#: Kinds of codes without rows of their own -> tells the code of the thing that such a text is about; an empty text for
#: a code that is known by itself; None for any other text. Features register theirs.
_derived: dict[str, Callable[[str], str | None]] = {}


def derive(kind: str, base_of: Callable[[str], str | None]) -> None:
    """Make codes known that are made of another code, such as a place in a box, or that stand for themselves."""
    _derived[kind] = base_of


def read(raw: str, by: Actor) -> Reading:
    """Every code that this text may stand for, at this actor's station. raises Malformed for what no scanner sends"""
    return readings(raw, by.affixes)


def meant(
    raw: str, by: Actor, *, clean: bool = False, kinds: Collection[str] | None = None, exact: bool = False
) -> Meant:
    """The one thing that a scan stands for. Whatever was not simply understood is kept.

    clean   a reading that had to be repaired will not do: what follows cannot be taken back
    kinds   what is wanted; any other thing counts as unknown
    exact   of two readings this one was chosen by eye: it alone counts, and is kept as typed
    raises  Malformed for what no scanner sends; NotFound `unknown_code`, with the check digits as a reason where they
            are wrong; RuleViolation `ambiguous_scan` where two readings exist, `ambiguous_code` where one code stands
            for two things, `clean_reading_needed`, or what `codes.refusal_of_void` says
    """
    reading = read(raw, by)
    if exact:
        reading = replace(reading, candidates=reading.candidates[:1])
        keep_odd("typed", raw=reading.raw, read=reading.candidates[0].text, by=by)
    known = _known(reading, by)
    try:
        chosen = choose(reading, known)
    except NotFound as unknown:
        raise _unknown(reading, unknown, by) from None
    except RuleViolation:
        keep_odd("ambiguous", raw=reading.raw, by=by)
        raise
    entries = [entry for entry in known[chosen.text] if kinds is None or entry.kind in kinds]
    if not entries:  # one of our things, but none that is of use here
        raise _of_no_use(chosen.text, known[chosen.text])
    if len({(entry.kind, entry.target_id) for entry in entries}) > 1:
        raise RuleViolation("ambiguous_code", sample=chosen.text)
    if entries[0].voided:
        raise codes.refusal_of_void(entries[0])
    if chosen.fault is not None:
        keep_odd("repaired", raw=reading.raw, read=entries[0].code, fault=chosen.fault, by=by)
        if clean:
            why = [Reason(chosen.fault)]
            raise RuleViolation("clean_reading_needed", reasons=why, raw=reading.raw, read=chosen.text)
    fields = gs1.told(chosen.gs1, today()) if chosen.gs1 else None
    understood = Meant(entries[0], entries[0].code, chosen.fault, chosen.repaired_from, chosen.aim, fields)
    if chosen.fault is not None:
        for tell in told_of_repairs:
            tell(understood)
    return understood


def _of_no_use(text: str, entries: Sequence[Found]) -> BiobankError:
    """The refusal of a code of ours that is none of what is wanted. A number that was printed ahead says so."""
    ahead = next((entry for entry in entries if entry.kind == codes.ALLOTTED), None)
    if ahead is None:
        return NotFound("unknown_code", raw=text)
    if ahead.voided:
        return codes.refusal_of_void(ahead)
    return NotFound("unknown_code", reasons=[Reason("number_on_no_tube", {"number": ahead.code})], raw=text)


def require_new_code(field: str, text: str) -> None:
    """A code that nobody has yet is proved by nothing: whatever smells of a badly set scanner is not entered.

    raises  Malformed, that field
    """
    if text and (not text.isascii() or readings(text).doubtful):
        raise Malformed({field: Reason("new_code_doubtful", {"raw": text[:40]})})


def today() -> Any:
    """The day it is on the bank's wall."""
    return times.local_day(clock.now(), clock.zone())


def reagent(reading: Reading) -> Candidate | None:
    """The product that a GS1 symbol names, in the first reading that names one."""
    return next((each for each in reading.candidates if each.gs1 and each.gs1.gtin), None)


def _known(reading: Reading, by: Actor) -> dict[str, list[Found]]:
    """Candidate text -> what it stands for, in one query for all of them."""
    bases: dict[str, list[tuple[str, str]]] = {}
    wanted: dict[str, list[str]] = {}
    known: dict[str, list[Found]] = {}
    for candidate in reading.candidates:
        wanted.setdefault(candidate.text, []).append(candidate.text)
        if candidate.gs1 and candidate.gs1.serial:
            wanted.setdefault(candidate.gs1.serial, []).append(candidate.text)
        for kind, base_of in _derived.items():
            base = base_of(candidate.text)
            if base:
                bases.setdefault(base, []).append((kind, candidate.text))
            elif base is not None:
                known.setdefault(candidate.text, []).append(Found(candidate.text, kind, 0, 0, False))
    for entry in codes.find([*wanted, *bases], by):
        if entry.kind != "patient" or by.may("patient:read"):
            for candidate_text in wanted.get(entry.code, ()):
                known.setdefault(candidate_text, []).append(entry)
        for kind, whole in bases.get(entry.code, ()):
            if _BASE_KINDS.get(kind) == entry.kind:
                known.setdefault(whole, []).append(entry._replace(code=whole, kind=kind))
    return known


#: What a derived code is about.
_BASE_KINDS = {"position": "container", "pick_list": "request"}


def _unknown(reading: Reading, unknown: NotFound, by: Actor) -> NotFound:
    """The refusal with the check digits as a reason. Reagents are none of our things, and are nothing odd."""
    reasons = misread(reading.candidates[0].text)
    product = reagent(reading)
    if product is None:
        keep_odd("misread" if reasons else "unknown", raw=reading.raw, by=by)
    elif product.gs1 is not None and not product.gs1.check_digit_right:
        reasons = [Reason("gs1_check_digit_wrong", {"gtin": product.gs1.gtin})]
        keep_odd("misread", raw=reading.raw, by=by)
    return NotFound("unknown_code", reasons=reasons, raw=unknown.params["raw"])


def misread(text: str) -> list[Reason]:
    """Of a text that looks like one of our numbers: whether it was misread."""
    if not (text[:1] in accession.LETTERS and text[1:].isdigit()):
        return []
    try:
        accession.parse_number(text)
    except Malformed as wrong:
        return list(wrong.fields.values())
    return []


# --- kept


def keep_odd(kind: str, *, raw: str, by: Actor, read: str | None = None, fault: str | None = None) -> None:
    """Keep a scan that was not simply understood.

    Within a unit of work it stands with what the unit does, and also when that is refused; else it is written at once,
    in a short unit of its own. A scan that was understood costs nothing here.
    """
    raw, station, now = raw[:LONGEST_SCAN], by.station, clock.now()

    def write() -> None:
        settled = {"settled_at": now, "settled_by": by.key} if kind in ("repaired", "typed") else {}
        if settled or not _is_open(raw, by):
            db.session.add(
                OddScan(
                    site_id=by.site_id, station=station, kind=kind, raw=raw, read=read, fault=fault,
                    recorded_at=now, actor_key=by.key, **settled,
                )
            )  # fmt: skip

    unit = db.session.info.get("unit")
    if unit is not None:
        unit.after_refusal.append(write)
        if kind == "repaired":
            write()
        return
    try:
        unit_of_work(write)
    except Busy:
        return  # a busy database is no reason to keep somebody waiting for the answer


def _is_open(raw: str, by: Actor) -> bool:
    """Is the same text waiting to be settled already?"""
    query = select(OddScan.id).where(OddScan.settled_at.is_(None), OddScan.raw == raw)
    site = OddScan.site_id.is_(None) if by.site_id is None else OddScan.site_id == by.site_id
    return db.session.scalar(query.where(site).limit(1)) is not None


def open_odd(by: Actor, *, limit: int = 100) -> list[OddScan]:
    """Scans that nobody has settled, the newest first."""
    query = select(OddScan).where(OddScan.settled_at.is_(None)).order_by(OddScan.id.desc()).limit(limit)
    if by.site_id is not None:
        query = query.where(OddScan.site_id == by.site_id)
    return list(db.session.scalars(query))


def count_open(by: Actor) -> int:
    """How many scans nobody has settled."""
    query = select(func.count()).select_from(OddScan).where(OddScan.settled_at.is_(None))
    if by.site_id is not None:
        query = query.where(OddScan.site_id == by.site_id)
    return db.session.scalar(query) or 0


def find_odd(key: int, by: Actor) -> OddScan:
    """raises NotFound, also for another site's"""
    found = db.session.get(OddScan, key) if 0 < key <= MAX_INTEGER else None
    if found is None or (by.site_id is not None and found.site_id != by.site_id):
        raise NotFound("odd_scan_unknown", scan=key)
    return found


def settle(*, odd: OddScan, by: Actor, was: str | None = None) -> OddScan:
    """Say what a scan was, or that it is of no account.

    was     the code of the thing; None: dismissed
    raises  RuleViolation when it is settled already; as `meant` for a code that nobody knows either
    """
    if odd.settled_at is not None:
        raise RuleViolation("odd_scan_settled", raw=odd.raw)
    if was is not None:
        odd.read = meant(was, by, clean=True).text
    odd.settled_at, odd.settled_by = clock.now(), by.key
    db.session.flush()
    return odd
