"""Labels that are to be printed, how they look, and whether the right one was stuck on the right tube."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class LabelJob(Base):
    """One label to be printed, asked for in the unit of work that made the thing. Never printed twice unasked."""

    __tablename__ = "label_job"
    __table_args__ = (
        Index("ix_label_job_site_id", "site_id", "id"),
        Index("ix_label_job_code", "code", "id"),
        Index(
            "ix_label_job_to_send",
            "printer",
            "batch",
            "id",
            sqlite_where=text("state IN ('waiting', 'sending', 'held')"),
            postgresql_where=text("state IN ('waiting', 'sending', 'held')"),
        ),
        Index(
            "ix_label_job_failed",
            "printer",
            sqlite_where=text("state = 'failed'"),
            postgresql_where=text("state = 'failed'"),
        ),
        CheckConstraint(
            "state IN ('waiting', 'sending', 'held', 'sent', 'failed', 'shown', 'cancelled')",
            name="state_known",
        ),
        CheckConstraint("copies >= 1", name="at_least_one"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(100))
    """What the label is of."""
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    """Whose tube it is, where it is one person's: labels of two people never mix at a printer."""
    batch: Mapped[int | None] = mapped_column(BigKey)
    """The first job of those that come out together, one after the other."""
    design: Mapped[str | None] = mapped_column(String(64))
    """Asked for by hand; NULL: the one for this kind of thing."""
    printer: Mapped[str | None] = mapped_column(String(40))
    """A name in the settings; NULL: the browser of the station prints it."""
    station: Mapped[str | None] = mapped_column(String(20))
    copies: Mapped[int] = mapped_column(default=1)
    reprint: Mapped[int] = mapped_column(default=0)
    """0 for the first label of a thing, then 1, 2 …"""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it is printed again."""
    state: Mapped[str] = mapped_column(String(9))
    """`held`: the printer has it, and prints it once it has labels, ribbon, or is closed again."""
    counted_before: Mapped[int | None] = mapped_column(BigKey)
    """How many labels the printer said it had ever printed, before this one was sent."""
    claimed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
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
            "expected",
            "reprint",
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
    reprint: Mapped[int] = mapped_column(default=0, server_default="0")
    """Which print of the label was the newest then: one that was printed again is verified again."""
    known_by: Mapped[str | None] = mapped_column(String(256))
    """What else was read on the tube, to know which it is: its maker's code, or its old label."""
    station: Mapped[str | None] = mapped_column(String(20))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))


class LabelPrinter(Base):
    """One printer of the settings: who sends to it just now, and what it last said of itself."""

    __tablename__ = "label_printer"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    sender: Mapped[str | None] = mapped_column(String(36))
    """Whoever sends to it, alone; NULL or past `until`: nobody does."""
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    trouble: Mapped[str | None] = mapped_column(String(40))
    """The code of the sentence that says why it does not print; NULL: nothing keeps it from printing."""
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LabelDesign(Base):
    """How a site's labels look, where it changed a shipped design or made its own. Append-only: versions."""

    __tablename__ = "label_design"
    __table_args__ = (UniqueConstraint("site_id", "name", "version"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    text: Mapped[str | None] = mapped_column(Text)
    """The design as TOML; NULL: the shipped one again, or none."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
