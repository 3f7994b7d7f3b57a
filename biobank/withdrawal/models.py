"""Breaking the link to a person: asked for by one, agreed to by another."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime

_OPEN = text("agreed_at IS NULL AND cancelled_at IS NULL")


class Anonymisation(Base):
    """The link of one patient, to be broken for good. Ended, never deleted."""

    __tablename__ = "anonymisation"
    __table_args__ = (
        Index("uq_anonymisation_open", "patient_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        CheckConstraint("agreed_by <> asked_by", name="two_people"),
        CheckConstraint("(agreed_at IS NULL) = (agreed_by IS NULL)", name="second_has_name"),
        CheckConstraint("agreed_at IS NULL OR cancelled_at IS NULL", name="one_end"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    withdrawal_id: Mapped[int | None] = mapped_column(ForeignKey("withdrawal.id"))
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    asked_by: Mapped[str] = mapped_column(String(64))
    agreed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    agreed_by: Mapped[str | None] = mapped_column(String(64))
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cancelled_by: Mapped[str | None] = mapped_column(String(64))
    why_cancelled: Mapped[str | None] = mapped_column(Text)
