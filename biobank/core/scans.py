"""Scans that were not simply understood: kept, so that a badly set scanner and a tube nobody knows are both found."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime

_OPEN = text("settled_at IS NULL")


class OddScan(Base):
    """One scan that had to be repaired, meant two things, meant nothing, or was typed by hand."""

    __tablename__ = "odd_scan"
    __table_args__ = (
        Index("ix_odd_scan_open", "site_id", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_odd_scan_station", "station", "recorded_at"),
        CheckConstraint(
            "kind IN ('repaired', 'ambiguous', 'unknown', 'misread', 'typed')", name="kind_known"
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    """NULL: by somebody who sees every site."""
    station: Mapped[str | None] = mapped_column(String(20))
    """The code of the station, where it is known."""
    kind: Mapped[str] = mapped_column(String(9))
    raw: Mapped[str] = mapped_column(String(256))
    """As received."""
    read: Mapped[str | None] = mapped_column(String(256))
    """As understood, when it was."""
    fault: Mapped[str | None] = mapped_column(String(40))
    """The wrong setting that explains it."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_key: Mapped[str] = mapped_column(String(64))
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When somebody said what it was; at once for a repaired or typed one."""
    settled_by: Mapped[str | None] = mapped_column(String(64))
