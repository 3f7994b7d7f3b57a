"""What went wrong, and what was found when somebody looked."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class NonConformity(Base):
    """Something that went wrong with a sample or a container, and what was done about it. Ended, never deleted."""

    __tablename__ = "non_conformity"
    __table_args__ = (
        Index("ix_non_conformity_sample_id", "sample_id", "id"),
        Index(
            "ix_non_conformity_open",
            "site_id",
            "id",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        CheckConstraint("(sample_id IS NULL) <> (container_id IS NULL)", name="of_one_thing"),
        CheckConstraint("stage IN ('arrival', 'processing', 'storage', 'transfer')", name="stage_known"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="end_has_name"),
        CheckConstraint("closed_at IS NULL OR action IS NOT NULL", name="end_has_action"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    sample_id: Mapped[int | None] = mapped_column(ForeignKey("sample.id"))
    container_id: Mapped[int | None] = mapped_column(ForeignKey("container.id"))
    code: Mapped[str] = mapped_column(String(40))
    """From config/vocabularies/non_conformities.csv."""
    stage: Mapped[str] = mapped_column(String(10))
    note: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str | None] = mapped_column(Text)
    """What was done about it."""


class Inventory(Base):
    """Somebody looks whether things stand where the record says: a random sample of places, or a whole container."""

    __tablename__ = "inventory"
    __table_args__ = (
        Index("ix_inventory_site_id", "site_id", "id"),
        CheckConstraint("kind IN ('random', 'whole')", name="kind_known"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="end_has_name"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    container_id: Mapped[int] = mapped_column(ForeignKey("container.id"))
    kind: Mapped[str] = mapped_column(String(6))
    seed: Mapped[int] = mapped_column(BigKey)
    """Whence the random choice can be made again."""
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opened_by: Mapped[str] = mapped_column(String(64))
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(64))


class InventoryLine(Base):
    """One sample to be looked for, where the record says that it stands; and what was found there."""

    __tablename__ = "inventory_line"
    __table_args__ = (
        UniqueConstraint("inventory_id", "container_id", "position"),
        Index("ix_inventory_line_sample_id", "sample_id"),
        CheckConstraint("outcome IN ('right', 'missing', 'other', 'unreadable')", name="outcome_known"),
        CheckConstraint("(outcome IS NULL) = (checked_at IS NULL)", name="outcome_has_time"),
        CheckConstraint("(checked_at IS NULL) = (checked_by IS NULL)", name="check_has_name"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    inventory_id: Mapped[int] = mapped_column(ForeignKey("inventory.id"))
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    container_id: Mapped[int] = mapped_column(ForeignKey("container.id"))
    position: Mapped[str | None] = mapped_column(String(10))
    outcome: Mapped[str | None] = mapped_column(String(10))
    found: Mapped[str | None] = mapped_column(String(256))
    """The code that was read there, when it was another."""
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    checked_by: Mapped[str | None] = mapped_column(String(64))


class Discrepancy(Base):
    """The record and the freezer say two things: a worklist until somebody settles it."""

    __tablename__ = "discrepancy"
    __table_args__ = (
        Index(
            "uq_discrepancy_open",
            "sample_id",
            "kind",
            unique=True,
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
        Index("ix_discrepancy_site_id", "site_id", "id"),
        CheckConstraint("kind IN ('missing', 'foreign', 'moved', 'unreadable')", name="kind_known"),
        CheckConstraint("source IN ('inventory', 'rack_scan', 'pick', 'bench')", name="source_known"),
        CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="end_has_name"),
        CheckConstraint("(settled_at IS NULL) = (how IS NULL)", name="end_has_way"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    sample_id: Mapped[int | None] = mapped_column(ForeignKey("sample.id"))
    """NULL: what was found is unknown to us; `found` says what was read."""
    container_id: Mapped[int] = mapped_column(ForeignKey("container.id"))
    position: Mapped[str | None] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(10))
    source_id: Mapped[int | None] = mapped_column(BigKey)
    """The inventory or rack scan that found it."""
    found: Mapped[str | None] = mapped_column(String(256))
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opened_by: Mapped[str] = mapped_column(String(64))
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    settled_by: Mapped[str | None] = mapped_column(String(64))
    how: Mapped[str | None] = mapped_column(Text)
    """What became of it: found, put right, lost …"""
