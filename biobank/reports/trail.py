"""Reads the audit trail: all of it for who sees every site, else what is about one thing of one's own site."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from biobank.access import service as access
from biobank.audit.models import AuditEntry, AuditHead
from biobank.core import codes
from biobank.core.actor import Actor
from biobank.core.db import db
from biobank.core.errors import NotFound
from biobank.core.paging import DEFAULT_LIMIT, Page, page_of
from biobank.patients.models import Patient
from biobank.samples import numbers

#: Kind of a scannable code -> kind of the subject in the record.
SUBJECTS = {"tube": "sample"}


@dataclass(frozen=True)
class Line:
    """One entry as people read it: who did what to what, when, and its link in the chain."""

    seq: int
    hash: str
    by: str
    content: dict[str, Any]

    @property
    def recorded_at(self) -> datetime:
        """When it was written."""
        return datetime.fromisoformat(self.content["recorded_at"])


def head() -> tuple[int, str]:
    """How many entries there are, and the hash of the last: noted elsewhere, it proves that none was cut off."""
    found = db.session.get_one(AuditHead, 1)
    return found.seq, found.hash


def entries(
    by: Actor, *, code: str | None, after: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[Line]:
    """Entries, newest first.

    code    what they are about: a sample, container, patient or request; needed by who sees one site only
    raises  NotFound for a code that the actor does not see
    """
    query = select(AuditEntry)
    if code:
        kind, keys = _subject(code, by)
        query = query.where(AuditEntry.subject_kind == kind, AuditEntry.subject_key.in_(keys))
    elif by.site_id is not None:
        return Page([], None)
    page = page_of(query, AuditEntry.seq, after=after, limit=limit)
    return Page(_lines(page.items), page.next)


def _subject(code: str, by: Actor) -> tuple[str, list[str]]:
    """What the record calls the thing of that code, and ever called it."""
    found = next(iter(codes.find([code], by)), None)
    if found is None:
        raise NotFound("unknown_code", raw=code[:100])
    if found.kind == "patient":
        return "patient", [db.session.get_one(Patient, found.target_id).subject_key or ""]
    if found.kind in ("sample", "tube"):
        return "sample", numbers.numbers_of(found.target_id)
    if found.kind == codes.ALLOTTED:
        return "sample", [found.code]
    return found.kind, [found.code]


def _lines(rows: Sequence[AuditEntry]) -> list[Line]:
    contents = [json.loads(row.content) for row in rows]
    names = access.names_of({content["actor"] for content in contents})
    return [
        Line(row.seq, row.hash, names.get(content["actor"], content["actor"].removeprefix("job:")), content)
        for row, content in zip(rows, contents, strict=True)
    ]
