"""The one table of scannable codes, and the counter that issues accession numbers.

Everything a scanner can read (a sample's number, a maker's tube code, a container, a patient, a request) has its row
here, so that one indexed look-up tells what a scan is. Accession numbers are unique for ever and everywhere, whatever
process issued them; other people's codes are unique within a site.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import (
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core import clock
from biobank.core.accession import format_number
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.db import Base, BigKey, UTCDateTime, chunks, current_unit, db, fetch
from biobank.core.errors import RuleViolation

#: What a code can stand for. `tube` is a maker's pre-printed code: its target is the sample in that tube; `rack` is a
#: maker's code on a box: its target is the container.
KINDS = (
    "sample", "tube", "container", "patient", "request", "procedure", "kit", "user", "station", "rack",
)  # fmt: skip


#: Letters that two kinds share: stations begin here, command cards end below.
FIRST_SERIALS = {"station": 900_000}


#: What a code stands for that was given back, or that was printed ahead of what it will stand for.
NOTHING = 0
#: What `find` calls a sample's number that was printed ahead and is on no tube yet.
ALLOTTED = "allotted"


class ScannableCode(Base):
    __tablename__ = "scannable_code"
    __table_args__ = (
        UniqueConstraint("code", "site_id"),
        Index("ix_scannable_code_kind_target_id", "kind", "target_id"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    code: Mapped[str] = mapped_column(String(100))
    """As printed; never folded to upper case: makers' codes differ by case."""
    kind: Mapped[str] = mapped_column(String(20))
    target_id: Mapped[int] = mapped_column(BigKey)
    """Key in the table of that kind."""
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    voided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the code was replaced or the tube turned out to be another; the row stays, so that nobody gets it again."""


class AccessionCounter(Base):
    __tablename__ = "accession_counter"

    letter: Mapped[str] = mapped_column(String(1), primary_key=True)
    next_serial: Mapped[int] = mapped_column(BigKey)
    """The serial the next number gets; only ever rises."""


class Found(NamedTuple):
    """One thing that a code stands for."""

    code: str
    kind: str
    target_id: int
    site_id: int
    voided: bool


def issue(kind: str, site_code: str, count: int = 1) -> list[str]:
    """Allot accession numbers. Gaps are allowed, doubles are not: the counter's row is held until the commit.

    kind    a kind of thing that has letters in the settings
    raises  RuleViolation `codes_exhausted` when every letter of the kind is used up
    """
    settings = current_app.config["BIOBANK"]["codes"]
    letters = settings["sites"].get(site_code, {}).get(kind) or settings["letters"][kind]
    digits = settings["serial_digits"]
    numbers: list[str] = []
    for letter in letters:
        first = FIRST_SERIALS.get(kind, 1)
        while len(numbers) < count and (taken := _take(letter, digits, count - len(numbers), first)):
            numbers += _unused(taken)
    if len(numbers) < count:
        raise RuleViolation("codes_exhausted", kind=kind, letters=", ".join(letters))
    return numbers


def _take(letter: str, digits: int, count: int, first: int) -> list[str]:
    """Up to `count` numbers of one letter. One statement both takes them and locks the counter."""
    current_unit()
    end = 10**digits
    bump = (
        update(AccessionCounter)
        .where(AccessionCounter.letter == letter, AccessionCounter.next_serial < end)
        .values(next_serial=AccessionCounter.next_serial + count)
        .returning(AccessionCounter.next_serial)
    )
    after = db.session.execute(bump).scalar()
    if after is None and db.session.get(AccessionCounter, letter) is None:
        db.session.execute(_create_counter(letter, first))
        after = db.session.execute(bump).scalar()
    if after is None:
        return []  # the letter is used up
    # The last taker may run past the end: a counter never goes back, and no number exists there.
    return [format_number(letter, serial, digits) for serial in range(after - count, min(after, end))]


def _unused(numbers: Sequence[str]) -> list[str]:
    """Without those that somebody typed in as a code of another kind: such a number is passed over."""
    found: set[str] = set()
    for chunk in chunks(numbers, 500):
        found |= {code for (code,) in fetch(_TYPED_IN, {"codes": chunk})}
    return [number for number in numbers if number not in found]


_TYPED_IN = select(ScannableCode.code).where(among(ScannableCode.code, "codes"))


def _create_counter(letter: str, first: int) -> Any:
    return text(
        "INSERT INTO accession_counter (letter, next_serial) VALUES (:letter, :first) ON CONFLICT (letter) DO NOTHING"
    ).bindparams(letter=letter, first=first)


def register(code: str, kind: str, target_id: int, site_id: int) -> None:
    """Enter one code. raises RuleViolation `code_taken` where the site has it already, also if voided."""
    register_many([(code, kind, target_id)], site_id)


def register_many(entries: Sequence[tuple[str, str, int]], site_id: int) -> None:
    """Enter codes: (code, kind, target key). raises RuleViolation `code_taken` naming the first that is taken."""
    wanted = {code: kind for code, kind, _target in entries}
    entered = _entered(wanted, site_id)
    again = {
        code for code, (kind, target_id) in entered.items() if (kind, target_id) == (wanted[code], NOTHING)
    }
    _refuse(
        [code for code, _kind, _target in entries],
        {code: entered[code] for code in entered if code not in again},
    )
    rows = []
    for code, kind, target_id in entries:
        if code in entered:
            _enter_again(code, kind, target_id, site_id)
        else:
            rows.append({"code": code, "kind": kind, "target_id": target_id, "site_id": site_id})
    for chunk in chunks(rows, 2000):
        db.session.execute(insert(ScannableCode), list(chunk))


def _enter_again(code: str, kind: str, target_id: int, site_id: int) -> None:
    """A code that was given back, or printed ahead. Of two who enter it in the same moment one does; it stays a code of
    its kind, and one that was voided meanwhile is never entered again."""
    query = update(ScannableCode).where(
        ScannableCode.code == code,
        ScannableCode.kind == kind,
        ScannableCode.site_id == site_id,
        ScannableCode.target_id == NOTHING,
        ScannableCode.voided_at.is_(None),
    )
    if db.session.execute(query.values(target_id=target_id).returning(ScannableCode.id)).scalar() is None:
        raise RuleViolation("code_taken", code=code, kind=kind)


def require_free(codes: Sequence[str], site_id: int) -> None:
    """raises RuleViolation `code_taken` naming the first that the site has already, or that is given twice"""
    _refuse(codes, _entered(codes, site_id))


def _refuse(codes: Sequence[str], entered: Mapping[str, tuple[str, int]]) -> None:
    if taken := _taken(entered):
        code, kind = next(iter(taken.items()))
        raise RuleViolation("code_taken", code=code, kind=kind)
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise RuleViolation("code_taken", code=code, kind="given twice")
        seen.add(code)


def taken_codes(codes: Iterable[str], site_id: int) -> dict[str, str]:
    """Which of these the site has already: code -> kind. A maker's code that was given back is free; a number that was
    printed ahead is not."""
    return _taken(_entered(codes, site_id))


def _taken(entered: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    return {
        code: kind for code, (kind, target_id) in entered.items() if target_id != NOTHING or kind == "sample"
    }


def _entered(codes: Iterable[str], site_id: int) -> dict[str, tuple[str, int]]:
    """Code -> its kind and what it stands for, for those that the site ever had."""
    found: dict[str, tuple[str, int]] = {}
    for chunk in chunks(sorted(set(codes)), 500):
        query = select(ScannableCode.code, ScannableCode.kind, ScannableCode.target_id).where(
            ScannableCode.code.in_(chunk), ScannableCode.site_id == site_id
        )
        for code, kind, target_id in db.session.execute(query):
            found[code] = (kind, target_id)
    return found


def void(code: str, site_id: int) -> None:
    """Take a code out of use for ever; a scan of it then says so."""
    query = update(ScannableCode).where(ScannableCode.code == code, ScannableCode.site_id == site_id)
    db.session.execute(query.values(voided_at=clock.now()))


def give_back(code: str, kind: str, site_id: int) -> None:
    """What was entered by mistake stands for nothing, and may be entered again for a thing of the same kind."""
    query = update(ScannableCode).where(
        ScannableCode.code == code, ScannableCode.kind == kind, ScannableCode.site_id == site_id
    )
    db.session.execute(query.values(target_id=NOTHING))


def rows_of(kind: str, target_id: int) -> Select[ScannableCode]:
    """Every code that one thing ever had."""
    query = select(ScannableCode).where(ScannableCode.kind == kind, ScannableCode.target_id == target_id)
    return query.order_by(ScannableCode.id)


def erase(kind: str, target_id: int, new: str) -> None:
    """Overwrite what stands for a thing with something that says nothing, and void it.

    new  the text that takes its place. The database allows it only for a patient whose link was broken
    """
    for number, row in enumerate(db.session.scalars(rows_of(kind, target_id)).all()):
        row.code, row.voided_at = new if number == 0 else f"{new}-{number}", clock.now()
    db.session.flush()


_FIND = select(
    ScannableCode.code,
    ScannableCode.kind,
    ScannableCode.target_id,
    ScannableCode.site_id,
    ScannableCode.voided_at.is_not(None),
).where(among(ScannableCode.code, "codes"))


def find(codes: Iterable[str], by: Actor) -> list[Found]:
    """Everything these texts stand for, in the sites the actor sees. Accession numbers and other codes alike; a number
    that was printed ahead is found as `allotted`."""
    # A text with a control character is no code, and PostgreSQL would not even look for it.
    rows = fetch(_FIND, {"codes": [code for code in codes if code.isprintable()]})
    found = [Found(*row) for row in rows]
    known = [each for each in found if each.target_id != NOTHING or each.kind == "sample"]
    return [
        each if each.target_id != NOTHING else each._replace(kind=ALLOTTED)
        for each in known
        if by.sees(each.site_id)
    ]


#: Kind of a code, as `find` calls it -> tells why that one is void; None where nothing is recorded of it.
_why_void: dict[str, Callable[[Found], RuleViolation | None]] = {}


def explain_void(kind: str, tell: Callable[[Found], RuleViolation | None]) -> None:
    """Have something better said of void codes of a kind than that they are. Features register theirs."""
    _why_void[kind] = tell


def refusal_of_void(found: Found) -> RuleViolation:
    """What is said of a code that is no longer valid: what replaced it, when and why, where that is known."""
    tell = _why_void.get(found.kind)
    return (tell(found) if tell else None) or RuleViolation("code_voided", sample=found.code[:100])
