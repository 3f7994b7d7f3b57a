"""Freezers, racks and boxes, and what stands where: from when, until when."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class Container(Base):
    """Something that things stand in. Where it stands itself is a placement too."""

    __tablename__ = "container"
    __table_args__ = (Index("ix_container_site_id", "site_id", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    """Our accession number, on its label."""
    kind: Mapped[str] = mapped_column(String(40))
    """A name in config/containers.toml."""
    name: Mapped[str] = mapped_column(String(200))
    """What people call it."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


_CURRENT = text("removed_recorded_at IS NULL")


def _current(name: str, *columns: str) -> Index:
    """At most one current row for these columns. NULLs are all different, in both databases."""
    return Index(name, *columns, unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT)


class Placement(Base):
    """A sample or a container at a position. The current ones are those that were not removed."""

    __tablename__ = "placement"
    __table_args__ = (
        _current("uq_placement_position_current", "container_id", "position"),
        _current("uq_placement_sample_current", "sample_id"),
        _current("uq_placement_child_current", "child_id"),
        Index("ix_placement_sample_id", "sample_id"),
        Index("ix_placement_child_id", "child_id"),
        Index(
            "ix_placement_container_current", "container_id", sqlite_where=_CURRENT, postgresql_where=_CURRENT
        ),
        CheckConstraint("(sample_id IS NULL) <> (child_id IS NULL)", name="one_thing"),
        CheckConstraint("child_id <> container_id", name="not_in_itself"),
        CheckConstraint(
            "(removed_at IS NULL) = (removed_recorded_at IS NULL)", name="removal_has_both_times"
        ),
        CheckConstraint("removed_at >= placed_at", name="removed_after_placed"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    container_id: Mapped[int] = mapped_column(ForeignKey("container.id"))
    """Where it stands."""
    position: Mapped[str | None] = mapped_column(String(10))
    """Canonical text such as B07; NULL in a container without positions."""
    sample_id: Mapped[int | None] = mapped_column(ForeignKey("sample.id"))
    child_id: Mapped[int | None] = mapped_column(ForeignKey("container.id"))
    """The container that stands there, when it is not a sample."""
    placed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    placed_recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    placed_by: Mapped[str] = mapped_column(String(64))
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    removed_recorded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    removed_by: Mapped[str | None] = mapped_column(String(64))
    why: Mapped[str | None] = mapped_column(Text)
    """Why it was removed: moved, taken out, picked, discarded, lost."""


_OPEN_TASK = text("done_at IS NULL AND cancelled_at IS NULL")


class DestructionTask(Base):
    """A sample that is to be destroyed: one person takes it out and says so, another one witnesses it.

    Ended, never deleted.
    """

    __tablename__ = "destruction_task"
    __table_args__ = (
        Index(
            "uq_destruction_task_open",
            "sample_id",
            unique=True,
            sqlite_where=_OPEN_TASK,
            postgresql_where=_OPEN_TASK,
        ),
        Index("ix_destruction_task_withdrawal_id", "withdrawal_id", "id"),
        CheckConstraint("done_by <> first_by", name="two_people"),
        CheckConstraint("(first_at IS NULL) = (first_by IS NULL)", name="first_has_name"),
        CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", name="second_has_name"),
        CheckConstraint("done_at IS NULL OR first_at IS NOT NULL", name="first_then_second"),
        CheckConstraint("done_at IS NULL OR cancelled_at IS NULL", name="one_end"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    withdrawal_id: Mapped[int | None] = mapped_column(BigKey)
    """The withdrawal that asks for it, where one does."""
    reason: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opened_by: Mapped[str] = mapped_column(String(64))
    first_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    first_by: Mapped[str | None] = mapped_column(String(64))
    """Who had the tube in hand."""
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_by: Mapped[str | None] = mapped_column(String(64))
    """Who witnessed its destruction: somebody else."""
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cancelled_by: Mapped[str | None] = mapped_column(String(64))
    why_cancelled: Mapped[str | None] = mapped_column(Text)
