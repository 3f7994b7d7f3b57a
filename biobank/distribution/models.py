"""What is asked back of those who received samples of a person who has withdrawn since."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class Recall(Base):
    """One letter to one recipient about what they received for one request, and its clock. Ended, never deleted."""

    __tablename__ = "recall"
    __table_args__ = (
        Index("ix_recall_withdrawal_id", "withdrawal_id", "id"),
        CheckConstraint(
            "answer IN ('returned', 'destroyed', 'used_up', 'stopped')",
            name="answer_known",
        ),
        CheckConstraint("(answered_at IS NULL) = (answer IS NULL)", name="answer_has_time"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    withdrawal_id: Mapped[int] = mapped_column(BigKey)
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"), index=True)
    recipient: Mapped[str] = mapped_column(String(500))
    """As it was written when the tubes were handed out."""
    due_on: Mapped[date]
    """The last day for the recipient's answer."""
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_by: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answer: Mapped[str | None] = mapped_column(String(10))
    note: Mapped[str | None] = mapped_column(Text)


class RecallSample(Base):
    """A tube that a letter is about. Append-only."""

    __tablename__ = "recall_sample"

    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id"), primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), primary_key=True)
