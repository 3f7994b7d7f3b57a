"""Answers kept so that the same demand sent twice is carried out once."""

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class IdempotencyKey(Base):
    """A key a caller gave with a demand. It belongs to the caller and the route."""

    __tablename__ = "idempotency_key"
    __table_args__ = (
        UniqueConstraint("credential", "route", "key"),
        Index("ix_idempotency_key_made_at", "made_at"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    credential: Mapped[str] = mapped_column(String(80))
    """The token, or the person signed in to pages."""
    route: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(200))
    body_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the body; another body under the same key is refused."""
    status: Mapped[int]
    answer: Mapped[str] = mapped_column(Text)
    """The first answer: JSON for the API, where to go next for a page. Never a secret."""
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
