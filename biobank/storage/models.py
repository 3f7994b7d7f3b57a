"""Freezers, racks and boxes, and what stands where: from when, until when."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, Json, UTCDateTime


class Container(Base):
    """Something that things stand in. Where it stands itself is a placement too."""

    __tablename__ = "container"
    __table_args__ = (
        Index("ix_container_site_id", "site_id", "id"),
        # The few freezers among the many boxes.
        Index("ix_container_kind", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    """Our accession number, on its label."""
    kind: Mapped[str] = mapped_column(String(40))
    """A name in config/containers.toml."""
    name: Mapped[str] = mapped_column(String(200))
    """What people call it."""
    accepts: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What may stand in it at any depth: {studies: [code], types: [code], families: together | apart}; NULL: anything
    that fits."""
    kept_at: Mapped[list[Any] | None] = mapped_column(Json)
    """What it was set to, one after the other: [from when on, a storage temperature or null: that of its kind]. NULL:
    never set, so always that of its kind."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StockTally(Base):
    """How much stands, at any depth, in a container that itself stands nowhere: kept by the act that changes it."""

    __tablename__ = "stock_tally"

    root_id: Mapped[int] = mapped_column(ForeignKey("container.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    """Of the containers that are counted here, the root among them."""
    containers: Mapped[int] = mapped_column(BigKey, default=0)
    samples: Mapped[int] = mapped_column(BigKey, default=0)
    """That stand directly in them."""
    children: Mapped[int] = mapped_column(BigKey, default=0)
    """Containers that stand directly in them."""


class StockFlow(Base):
    """How many more samples a day brought to what stands in a root now: what came on it, less what left."""

    __tablename__ = "stock_flow"

    root_id: Mapped[int] = mapped_column(ForeignKey("container.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """In UTC."""
    net: Mapped[int] = mapped_column(BigKey)


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
        # What was put in and taken out lately, without a look at what was before.
        Index(
            "ix_placement_placed_at",
            "placed_at",
            "container_id",
            sqlite_where=text("sample_id IS NOT NULL"),
            postgresql_where=text("sample_id IS NOT NULL"),
        ),
        Index(
            "ix_placement_removed_at",
            "removed_at",
            "container_id",
            sqlite_where=text("removed_at IS NOT NULL"),
            postgresql_where=text("removed_at IS NOT NULL"),
        ),
        # What stood in a container once, however full the bank is.
        Index(
            "ix_placement_container_ended",
            "container_id",
            sqlite_where=text("removed_recorded_at IS NOT NULL"),
            postgresql_where=text("removed_recorded_at IS NOT NULL"),
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


_NOT_ENDED = text("ended_at IS NULL")


class PositionClaim(Base):
    """A free position that is not anybody's: reserved while a hand is on the way, or not to be used at all.

    It ends only by being used, given back, or taken over by somebody who is told so: never by the clock alone.
    """

    __tablename__ = "position_claim"
    __table_args__ = (
        Index(
            "uq_position_claim_open",
            "container_id",
            "position",
            unique=True,
            sqlite_where=_NOT_ENDED,
            postgresql_where=_NOT_ENDED,
        ),
        Index("ix_position_claim_plan_id", "plan_id"),
        Index("ix_position_claim_container_id", "container_id", "position", "id"),
        CheckConstraint("kind IN ('reserved', 'blocked')", name="kind_known"),
        CheckConstraint("(kind = 'reserved') = (for_key IS NOT NULL)", name="reserved_for_somebody"),
        CheckConstraint("(kind = 'reserved') = (until_at IS NOT NULL)", name="reserved_until"),
        CheckConstraint("(ended_at IS NULL) = (how_ended IS NULL)", name="end_has_reason"),
        CheckConstraint("how_ended IN ('used', 'released', 'lapsed', 'unblocked')", name="end_known"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    container_id: Mapped[int] = mapped_column(ForeignKey("container.id"))
    position: Mapped[str] = mapped_column(String(10))
    """Canonical text such as B07."""
    kind: Mapped[str] = mapped_column(String(8))
    for_key: Mapped[str | None] = mapped_column(String(64))
    """Whose hand is on the way: an actor's key."""
    plan_id: Mapped[int | None] = mapped_column(BigKey)
    """The plan of moves that it is kept for, where there is one."""
    why: Mapped[str | None] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    made_by: Mapped[str] = mapped_column(String(64))
    until_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When a reservation may be taken over."""
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    how_ended: Mapped[str | None] = mapped_column(String(9))


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


class DiscardReversal(Base):
    """A tube was thrown away by a slip of the hand, and who did it says so at once: it is what it was. Append-only."""

    __tablename__ = "discard_reversal"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    entry_seq: Mapped[int] = mapped_column(ForeignKey("audit_entry.seq"), unique=True)
    """The entry of the record that tells of the discard: the last one about that sample."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
