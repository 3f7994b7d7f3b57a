"""Standard operating procedures with their versions and limits, and the kits of tubes that a visit yields."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, Json, UTCDateTime

_IN_FORCE = text("in_force_at IS NOT NULL AND retired_at IS NULL")


class Procedure(Base):
    """One version of a procedure. In force it is not edited, only succeeded."""

    __tablename__ = "procedure"
    __table_args__ = (
        UniqueConstraint("site_id", "code", "version"),
        Index(
            "uq_procedure_in_force",
            "site_id",
            "code",
            unique=True,
            sqlite_where=_IN_FORCE,
            postgresql_where=_IN_FORCE,
        ),
        CheckConstraint("version >= 1", name="version_from_one"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    number: Mapped[str] = mapped_column(String(20), unique=True)
    """Its accession number, on the card that is scanned."""
    code: Mapped[str] = mapped_column(String(40))
    """What the quality manual calls it, such as SOP-PLASMA."""
    version: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    steps: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """In order; see procedures.rules."""
    in_force_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))


class CollectionKit(Base):
    """What one visit of a study yields: which tubes, and the procedure they go through. Retired, never edited."""

    __tablename__ = "collection_kit"
    __table_args__ = (UniqueConstraint("site_id", "code"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    number: Mapped[str] = mapped_column(String(20), unique=True)
    """Its accession number, on the card that is scanned."""
    code: Mapped[str] = mapped_column(String(40))
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), index=True)
    visit: Mapped[str | None] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(200))
    tubes: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """In order: {type, label, count, volume_nl?, vessel}."""
    procedure_code: Mapped[str | None] = mapped_column(String(40))
    """The procedure its tubes go through, in the version then in force."""
    note: Mapped[str | None] = mapped_column(Text)
    retired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
