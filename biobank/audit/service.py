"""Writes and reads the record. Entries are collected during the work and chained as its last step."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from biobank.audit.models import AuditEntry, AuditHead
from biobank.core import bulk, checks, clock
from biobank.core.actor import Actor
from biobank.core.db import Unit, chunks, current_unit, db, last_steps, lock
from biobank.core.times import When

#: What the first entry stands upon.
GENESIS = "0" * 64


def record(
    *,
    by: Actor,
    act: str,
    subject: tuple[str, str],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
    happened: When | None = None,
) -> None:
    """Say what was done. Must stand inside the unit of work of the change itself.

    subject   (kind, key): ("sample", its code), ("patient", the subject_key, never the pseudonym)
    before    the values that changed, as they were; after, as they are now. Plain JSON, no identity
    happened  when it was true; now unless given
    """
    now = clock.now()
    told = {
        "actor": by.key,
        "act": act,
        "before": dict(before or {}),
        "after": dict(after or {}),
        "reason": reason,
        "happened_at": _text(happened.at if happened else now),
        "precision": happened.precision if happened else "minute",
        "recorded_at": _text(now),
    }
    current_unit().audit.append(_Collected(canonical(told), subject, now))


def veil(value: Any, key: str | None) -> str | None:
    """A personal value as it may stand in the record: an HMAC under the person's own key, which can be erased."""
    if value is None or not key:
        return None
    return "hmac:" + hmac.new(key.encode(), str(value).encode(), hashlib.sha256).hexdigest()


def _text(at: datetime | None) -> str | None:
    return at.isoformat(timespec="microseconds") if at else None


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(entry: Mapping[str, Any]) -> str:
    """The one text of an entry."""
    return _ENCODER.encode(entry)


class _Collected(NamedTuple):
    """An entry that waits for its number: its text without number and subject, which sort behind everything else."""

    text: str
    subject: tuple[str, str]
    recorded_at: datetime

    def numbered(self, seq: int) -> str:
        return f'{self.text[:-1]},"seq":{seq},"subject":{_ENCODER.encode(self.subject)}}}'


def link(prev_hash: str, content: str) -> str:
    """The hash of an entry that stands after `prev_hash`."""
    return hashlib.sha256(f"{prev_hash}{content}".encode()).hexdigest()


def _chain(unit: Unit) -> None:
    """Last step of the unit: give each entry its number and its link, under the head's lock."""
    if not unit.audit:
        return
    (head,) = lock(AuditHead, [1])
    seq, prev = head.seq, head.hash
    for chunk in chunks(unit.audit, 2000):
        rows = []
        for entry in chunk:
            seq += 1
            content = entry.numbered(seq)
            kind, key = entry.subject
            rows.append(
                {
                    "seq": seq,
                    "prev_hash": prev,
                    "hash": (prev := link(prev, content)),
                    "subject_kind": kind,
                    "subject_key": key,
                    "recorded_at": entry.recorded_at,
                    "content": content,
                }
            )
        bulk.insert_rows(AuditEntry, rows)
    head.seq, head.hash = seq, prev
    db.session.flush()
    unit.audit.clear()


last_steps.append(_chain)


@dataclass(frozen=True)
class Verification:
    """What `verify` found: how far the chain holds, and the first link that does not."""

    entries: int
    head: str
    broken_at: int | None = None
    why: str | None = None


def verify() -> Verification:
    """Compute the whole chain again, in constant memory."""
    seq, prev = 0, GENESIS
    for entry in _entries():
        if why := _fault(entry, seq + 1, prev):
            return Verification(seq, prev, seq + 1, why)
        seq, prev = entry.seq, entry.hash
    head = db.session.execute(select(AuditHead.seq, AuditHead.hash)).one_or_none()
    if head is None or (head.seq, head.hash) != (seq, prev):
        return Verification(seq, prev, seq + 1, "entries are missing at the end")
    return Verification(seq, prev)


def stands(expected: str) -> bool:
    """True when some entry has this hash: the record goes on from there, and was not written anew."""
    followed = select(AuditEntry.seq).where(AuditEntry.prev_hash == expected)
    last = select(AuditHead.seq).where(AuditHead.hash == expected)
    return db.session.scalar(followed) is not None or db.session.scalar(last) is not None


def _entries() -> Iterator[Any]:
    after = 0
    table = AuditEntry.__table__
    while True:
        query = select(table).where(table.c.seq > after).order_by(table.c.seq).limit(5000)
        rows = db.session.execute(query).all()
        yield from rows
        if not rows:
            return
        after = rows[-1].seq


def _fault(entry: Any, seq: int, prev: str) -> str | None:
    if entry.seq != seq:
        return "an entry is missing"
    if entry.prev_hash != prev:
        return "it does not name the entry before it"
    if entry.hash != link(prev, entry.content):
        return "its text was changed"
    content = json.loads(entry.content)
    copies = (entry.seq, [entry.subject_kind, entry.subject_key], _text(entry.recorded_at))
    if copies != (content["seq"], content["subject"], content["recorded_at"]):
        return "a column differs from its text"
    return None


def _findings() -> list[str]:
    found = verify()
    return [] if found.broken_at is None else [f"entry {found.broken_at}: {found.why}"]


checks.register("audit chain", _findings)


def history(kind: str, *keys: str) -> list[dict[str, Any]]:
    """Every entry about one thing, oldest first by when it happened, then as recorded. Dictionaries as recorded.

    keys  all that the record ever called it
    """
    query = (
        select(AuditEntry.content)
        .where(AuditEntry.subject_kind == kind, AuditEntry.subject_key.in_(keys))
        .order_by(AuditEntry.seq)
    )
    entries: list[dict[str, Any]] = [json.loads(content) for content in db.session.scalars(query)]
    return sorted(entries, key=lambda entry: (entry["happened_at"] or "", entry["seq"]))
