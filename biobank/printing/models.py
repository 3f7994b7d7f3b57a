"""Labels that are to be printed, and whether the right one was stuck on the right tube."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class LabelJob(Base):
    """One label to be printed, asked for in the unit of work that made the thing. Never printed twice unasked."""

    __tablename__ = "label_job"
    __table_args__ = (
        Index("ix_label_job_site_id", "site_id", "id"),
        Index("ix_label_job_code", "code", "id"),
        CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'shown', 'cancelled')", name="state_known"
        ),
        CheckConstraint("copies >= 1", name="at_least_one"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(20))
    """What the label is of."""
    printer: Mapped[str | None] = mapped_column(String(40))
    """A name in the settings; NULL: the browser of the station prints it."""
    station: Mapped[str | None] = mapped_column(String(20))
    copies: Mapped[int] = mapped_column(default=1)
    reprint: Mapped[int] = mapped_column(default=0)
    """0 for the first label of a thing, then 1, 2 …"""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it is printed again."""
    state: Mapped[str] = mapped_column(String(9))
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    asked_by: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LabelCheck(Base):
    """A label was scanned after it was stuck: was it the one that belongs on that tube? Append-only."""

    __tablename__ = "label_check"
    __table_args__ = (
        Index("ix_label_check_sample_id", "sample_id", "id"),
        Index(
            "uq_label_check_matched",
            "sample_id",
            unique=True,
            sqlite_where=text("matched"),
            postgresql_where=text("matched"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    expected: Mapped[str] = mapped_column(String(100))
    read: Mapped[str] = mapped_column(String(256))
    matched: Mapped[bool]
    station: Mapped[str | None] = mapped_column(String(20))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
