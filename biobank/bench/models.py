"""Sessions of work at a scan station: what was scanned, in order, what came of it, and what was taken back."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, Json, UTCDateTime

_OPEN = text("closed_at IS NULL")


class WorkSession(Base):
    """One person's run of scans at one task: receiving a kit, filling a box, dividing a tube."""

    __tablename__ = "work_session"
    __table_args__ = (
        Index(
            "uq_work_session_open",
            "actor_key",
            "station",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_work_session_site_id", "site_id", "id"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="end_has_name"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(String(36), unique=True)
    """Random; what the browser calls it."""
    task: Mapped[str] = mapped_column(String(12))
    station: Mapped[str] = mapped_column(String(20), default="")
    """The code of the station; empty where it has none."""
    actor_key: Mapped[str] = mapped_column(String(64))
    state: Mapped[dict[str, Any]] = mapped_column(Json)
    """What is being built: the box that is open, the tube that is divided, the sentence so far. Codes only."""
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))


class WorkStep(Base):
    """One scan of a session and what came of it. Undone by a reversing act, never removed."""

    __tablename__ = "work_step"
    __table_args__ = (
        UniqueConstraint("session_id", "seq"),
        UniqueConstraint("session_id", "key"),
        CheckConstraint("outcome IN ('done', 'told', 'refused')", name="outcome_known"),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone_has_name"),
        CheckConstraint("how IN ('scanned', 'typed', 'pressed')", name="how_known"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("work_session.id"))
    seq: Mapped[int]
    key: Mapped[str] = mapped_column(String(36))
    """Given by the browser: the same scan sent twice is one step."""
    raw: Mapped[str] = mapped_column(String(256))
    read: Mapped[str | None] = mapped_column(String(256))
    how: Mapped[str | None] = mapped_column(String(7))
    """scanned, typed by hand, or the button that stands for a card; NULL where nobody can tell."""
    outcome: Mapped[str] = mapped_column(String(7))
    """done: something was changed. told: it was understood. refused: it was not."""
    act: Mapped[str | None] = mapped_column(String(20))
    told: Mapped[dict[str, Any]] = mapped_column(Json)
    """The sentence's code and parameters, and what is needed to take the act back."""
    scanned_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """By the station's clock when it was scanned without a line, else when it came."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    undone_by: Mapped[str | None] = mapped_column(String(64))
