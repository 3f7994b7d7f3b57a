"""People, known here by a pseudonym."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime

SEXES = ("female", "male", "undifferentiated", "unknown")


class Patient(Base):
    __tablename__ = "patient"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        CheckConstraint("sex IN ('female', 'male', 'undifferentiated', 'unknown')", name="sex_known"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(100))
    """The pseudonym."""
    subject_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Random; stands for the person in audit and decisions. Erasing it breaks the link for good."""
    veil_key: Mapped[str | None] = mapped_column(String(64))
    """Key of the HMAC under which personal values stand in the audit trail; erased with the subject_key."""
    sex: Mapped[str] = mapped_column(String(20), default="unknown")
    birth_year: Mapped[int | None]
    of_age_on: Mapped[date | None]
    """The day a child comes of age: what a guardian said must then be asked again."""
    died_on: Mapped[date | None]
    anonymised_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the link to the person was broken, for good."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
