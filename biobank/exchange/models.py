"""Where imported things came from: each traced to its file and row, so that the same file again changes nothing."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, Json, UTCDateTime


class ImportRun(Base):
    """One import that was carried out."""

    __tablename__ = "import_run"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    profile: Mapped[str] = mapped_column(String(40))
    files: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """Name, SHA-256 and rows of each file."""
    summary: Mapped[dict[str, Any]] = mapped_column(Json)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_key: Mapped[str] = mapped_column(String(64))


class ImportedRecord(Base):
    """What another system calls a thing that stands here."""

    __tablename__ = "imported_record"
    __table_args__ = (
        UniqueConstraint("site_id", "profile", "external_id"),
        Index("ix_imported_record_sample_id", "sample_id"),
        CheckConstraint("(sample_id IS NULL) <> (patient_id IS NULL)", name="one_thing"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    profile: Mapped[str] = mapped_column(String(40))
    external_id: Mapped[str] = mapped_column(String(100))
    level: Mapped[str] = mapped_column(String(20))
    """What the other system calls its kind: case, sample, portion, analyte, aliquot."""
    sample_id: Mapped[int | None] = mapped_column(ForeignKey("sample.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    file: Mapped[str] = mapped_column(Text)
    row: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the row's meaning: the same again is no change."""
    raw: Mapped[dict[str, Any]] = mapped_column(Json)
    """Cells kept as they stood: descriptive ones without a column here, and those outside their vocabulary."""
