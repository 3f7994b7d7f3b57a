"""Trials, cohorts and collections under which samples are taken or used."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class Study(Base):
    __tablename__ = "study"
    __table_args__ = (UniqueConstraint("site_id", "code"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(500))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StudyTerms(Base):
    """What a study lays on its samples, from the moment it was recorded: the newest row holds. Append-only."""

    __tablename__ = "study_terms"
    __table_args__ = (Index("ix_study_terms_study_id", "study_id", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    reserved: Mapped[bool]
    """While the study is open its samples serve no other."""
    closed_on: Mapped[date | None]
    """The last day of the study; NULL while it is open."""
    keep_until: Mapped[date | None]
    """The last day on which its samples may be used; NULL: no limit."""
    reason: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
