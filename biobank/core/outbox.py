"""Things to do after the commit: written in the same unit of work as their cause, done at least once afterwards.

A letter about a withdrawal that was rolled back must not go out, and one about a withdrawal that stands must not be
lost with the process. So an act only writes a row here; `run_due` carries the rows out, each in a unit of its own.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, Text, select, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core import clock
from biobank.core.db import Base, BigKey, Json, UTCDateTime, current_unit, db, unit_of_work

#: Minutes to wait after the first, second, … failed try; then it waits for a person.
BACK_OFF = (1, 5, 30, 120, 720)


class OutboxItem(Base):
    __tablename__ = "outbox_item"
    __table_args__ = (
        Index(
            "ix_outbox_item_due",
            "due_at",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    """Plain JSON; codes, never a patient's identity."""
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """NULL once it waits for a person."""
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)


_handlers: dict[str, Callable[[Mapping[str, Any]], None]] = {}


def handler(kind: str, carry_out: Callable[[Mapping[str, Any]], None]) -> None:
    """Say who carries out a kind. `carry_out` may be called again with the same payload after a crash."""
    _handlers[kind] = carry_out


def put(kind: str, payload: Mapping[str, Any]) -> None:
    """Ask, inside a unit of work, for something to be done after its commit."""
    current_unit()
    now = clock.now()
    db.session.add(OutboxItem(kind=kind, payload=dict(payload), made_at=now, due_at=now))


def run_due(limit: int = 100) -> tuple[int, int]:
    """Carry out what is due. returns (done, failed)"""
    counts = [0, 0]
    for _ in range(limit):
        outcome = unit_of_work(_run_one)
        if outcome is None:
            break
        counts[0 if outcome else 1] += 1
    return counts[0], counts[1]


def _run_one() -> bool | None:
    """Take the oldest due item and carry it out. Another runner skips a row that is held."""
    query = (
        select(OutboxItem)
        .where(OutboxItem.done_at.is_(None), OutboxItem.due_at <= clock.now(), OutboxItem.kind.in_(_handlers))
        .order_by(OutboxItem.due_at, OutboxItem.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    item = db.session.scalar(query)
    if item is None:
        return None
    item.tries += 1
    try:
        _handlers[item.kind](item.payload)
    except (OSError, ValueError) as error:
        item.error = f"{type(error).__name__}: {error}"
        wait = BACK_OFF[item.tries - 1] if item.tries <= len(BACK_OFF) else None
        item.due_at = clock.now() + timedelta(minutes=wait) if wait else None
        return False
    item.done_at, item.error = clock.now(), None
    return True
