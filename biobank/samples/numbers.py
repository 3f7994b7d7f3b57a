"""What is known of the numbers on labels: all that a tube ever had, what replaced one, and what a void one is told of.

A tube's record stands under each number that it had when something happened to it; whoever asks for it is told all.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import bindparam, select

from biobank.audit import service as audit
from biobank.core import clock, codes, times
from biobank.core.actor import Actor
from biobank.core.among import among
from biobank.core.codes import Found, ScannableCode
from biobank.core.db import db, fetch
from biobank.core.errors import RuleViolation
from biobank.samples.models import AllottedNumber, CodeReplacement, Sample

#: What the record calls it when a tube was entered by mistake under a number that was printed ahead.
GIVEN_BACK = "number_given_back"


class Numbered(Protocol):
    """A sample by its key and the number it bears."""

    @property
    def id(self) -> int: ...

    @property
    def code(self) -> str: ...


_NUMBERS = (
    select(ScannableCode.code)
    .where(ScannableCode.kind == "sample", ScannableCode.target_id == bindparam("id"))
    .order_by(ScannableCode.id)
)


def numbers_of(sample_id: int) -> list[str]:
    """Every number that a sample ever had, the oldest first."""
    return [code for (code,) in fetch(_NUMBERS, {"id": sample_id})]


_EVER = (
    select(ScannableCode.code, ScannableCode.site_id, ScannableCode.kind, ScannableCode.target_id)
    .where(among(ScannableCode.code, "codes"), ScannableCode.target_id != codes.NOTHING)
)  # fmt: skip


def ever_called(wanted: Iterable[str], by: Actor) -> dict[str, int]:
    """Code -> key of the sample that bears it, or that bore it before it was replaced; others are left out."""
    rows = fetch(_EVER, {"codes": [code for code in set(wanted) if code.isprintable()]})
    return {code: key for code, site, kind, key in rows if kind in ("sample", "tube") and by.sees(site)}


# --- the record


def story(sample: Numbered, known: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """What happened to a sample, oldest first, under whatever number it had then.

    known  every number that it ever had, for who has asked for them already
    """
    entries = audit.history("sample", *(known or numbers_of(sample.id) or [sample.code]))
    entries = _without_another_tube(entries)
    taken_back = (entry["before"].get("number") for entry in entries if entry["act"] == "undone")
    mistaken = next(filter(None, taken_back), None)
    if mistaken is not None:
        before = _before_it_was_given_back(mistaken, sample.code)
        entries = sorted([*before, *entries], key=lambda entry: (entry["happened_at"] or "", entry["seq"]))
    return entries


def _without_another_tube(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of a number that was given back: what happened to the tube that it was taken off stays with that one."""
    ends: dict[str, int] = {}
    for entry in entries:
        if entry["act"] == GIVEN_BACK:
            ends[entry["subject"][1]] = max(entry["seq"], ends.get(entry["subject"][1], 0))
    return [entry for entry in entries if entry["seq"] > ends.get(entry["subject"][1], 0)]


def _before_it_was_given_back(number: str, code: str) -> list[dict[str, Any]]:
    """What happened to the tube that was entered by mistake, while it had a number that was printed ahead."""
    entries = sorted(audit.history("sample", number), key=lambda entry: entry["seq"])
    ends = [entry["seq"] for entry in entries if entry["act"] == GIVEN_BACK]
    last = next((e["seq"] for e in entries if e["act"] == GIVEN_BACK and e["after"].get("sample") == code), 0)
    first = max((seq for seq in ends if seq < last), default=0)
    return [entry for entry in entries if first < entry["seq"] < last]


# --- void ones


def replacement_of(code: str) -> CodeReplacement | None:
    """How this number was replaced; None for one that was not."""
    return db.session.scalar(select(CodeReplacement).where(CodeReplacement.old_code == code))


def replacements_of(sample_id: int) -> list[CodeReplacement]:
    """Every replacement of its number, the newest first."""
    query = select(CodeReplacement).where(CodeReplacement.sample_id == sample_id)
    return list(db.session.scalars(query.order_by(CodeReplacement.id.desc())))


def _why_void(found: Found) -> RuleViolation | None:
    """The number that the tube has now, since when, and why."""
    told = replacement_of(found.code)
    if told is None:
        return None
    present = db.session.get_one(Sample, told.sample_id).code
    return RuleViolation(
        "code_replaced",
        sample=found.code,
        new_code=present,
        replaced_on=_day(told.recorded_at),
        why=told.reason,
    )


def _why_void_ahead(found: Found) -> RuleViolation | None:
    number = db.session.scalar(select(AllottedNumber).where(AllottedNumber.code == found.code))
    if number is None or number.ended_at is None:
        return None
    return RuleViolation(
        "number_void", number=number.code, voided_on=_day(number.ended_at), why=number.reason or "–"
    )


def _day(at: Any) -> str:
    return times.local_day(at, clock.zone()).isoformat()


codes.explain_void("sample", _why_void)
codes.explain_void(codes.ALLOTTED, _why_void_ahead)
