"""What rack readers sent, kept as it came, and how files of unknown layout are to be read."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, Json, UTCDateTime

_OPEN = text("applied_at IS NULL AND dismissed_at IS NULL")


class RackScan(Base):
    """One file or picture of a rack, and what was read in it. Carried out once, or put aside."""

    __tablename__ = "rack_scan"
    __table_args__ = (
        Index(
            "uq_rack_scan_open",
            "site_id",
            "sha256",
            "container_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_rack_scan_container_id", "container_id", "id"),
        Index("ix_rack_scan_site_id", "site_id", "id"),
        CheckConstraint("source IN ('upload', 'api', 'folder', 'picture', 'hand')", name="source_known"),
        CheckConstraint("(applied_at IS NULL) = (applied_by IS NULL)", name="application_has_name"),
        CheckConstraint("applied_at IS NULL OR container_id IS NOT NULL", name="applied_to_a_box"),
        CheckConstraint("applied_at IS NULL OR dismissed_at IS NULL", name="one_end"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    container_id: Mapped[int | None] = mapped_column(ForeignKey("container.id"))
    """The box it is of; NULL until somebody says so."""
    source: Mapped[str] = mapped_column(String(7))
    file_name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """Every byte as it came."""
    layout: Mapped[str | None] = mapped_column(String(60))
    """The layout it was recognised as; NULL: not yet."""
    rack_code: Mapped[str | None] = mapped_column(String(100))
    """The rack's own code, where the file tells one."""
    scanned_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the reader read it, where the file tells it."""
    reading: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What was read of each well; NULL until the layout is known."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
    applied_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    applied_by: Mapped[str | None] = mapped_column(String(64))
    applied: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What was carried out: by position, and whether turned."""
    dismissed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    dismissed_by: Mapped[str | None] = mapped_column(String(64))


class RackLayout(Base):
    """How the files of one reader are to be read, as somebody of the site said."""

    __tablename__ = "rack_layout"
    __table_args__ = (UniqueConstraint("site_id", "signature"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str] = mapped_column(String(60))
    signature: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what files of that reader have in common: delimiter and header."""
    mapping: Mapped[dict[str, Any]] = mapped_column(Json)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
