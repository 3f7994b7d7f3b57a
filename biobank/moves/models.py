"""Plans that move many things, one confirmed step after the other: evacuating, tidying up, carrying a rack."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class MovePlan(Base):
    """A plan, from one container. While it is open, the places it needs are reserved for it."""

    __tablename__ = "move_plan"
    __table_args__ = (
        Index("ix_move_plan_site_id", "site_id", "id"),
        CheckConstraint("kind IN ('evacuate', 'defragment', 'return')", name="kind_known"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="end_has_name"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(String(10))
    container_id: Mapped[int] = mapped_column(ForeignKey("container.id"))
    """What is evacuated or tidied up."""
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("move_plan.id"), unique=True)
    """The plan whose moves it takes back."""
    why: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    made_by: Mapped[str] = mapped_column(String(64))
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))


class MoveStep(Base):
    """One thing from one place to another: confirmed by a scan, or given up."""

    __tablename__ = "move_step"
    __table_args__ = (
        UniqueConstraint("plan_id", "seq"),
        Index(
            "uq_move_step_open_sample",
            "sample_id",
            unique=True,
            sqlite_where=text("done_at IS NULL AND skipped_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND skipped_at IS NULL"),
        ),
        Index(
            "uq_move_step_open_child",
            "child_id",
            unique=True,
            sqlite_where=text("done_at IS NULL AND skipped_at IS NULL"),
            postgresql_where=text("done_at IS NULL AND skipped_at IS NULL"),
        ),
        CheckConstraint("(sample_id IS NULL) <> (child_id IS NULL)", name="one_thing"),
        CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", name="done_has_name"),
        CheckConstraint("(skipped_at IS NULL) = (skipped_by IS NULL)", name="skipped_has_name"),
        CheckConstraint("done_at IS NULL OR skipped_at IS NULL", name="one_end"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("move_plan.id"))
    seq: Mapped[int]
    """In walking order, from 1."""
    sample_id: Mapped[int | None] = mapped_column(ForeignKey("sample.id"))
    child_id: Mapped[int | None] = mapped_column(ForeignKey("container.id"))
    from_container_id: Mapped[int] = mapped_column(ForeignKey("container.id"))
    from_position: Mapped[str | None] = mapped_column(String(10))
    to_container_id: Mapped[int] = mapped_column(ForeignKey("container.id"))
    to_position: Mapped[str | None] = mapped_column(String(10))
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_by: Mapped[str | None] = mapped_column(String(64))
    skipped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    skipped_by: Mapped[str | None] = mapped_column(String(64))
    why_skipped: Mapped[str | None] = mapped_column(Text)
