"""The record that cannot be quietly rewritten: a chain of entries, and its head."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, UTCDateTime


class AuditEntry(Base):
    """One thing that happened. Append-only on any connection: the database refuses the rest."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject_kind", "subject_key", "seq"),)

    seq: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    """1, 2, 3 … without gaps."""
    prev_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """Hash of the entry before; of nothing for the first. Unique, so the chain cannot fork."""
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 over prev_hash and content, in hexadecimal."""
    subject_kind: Mapped[str] = mapped_column(String(20))
    subject_key: Mapped[str] = mapped_column(String(100))
    """What it is about: a sample's code, a patient's subject_key … A copy of what content says, for looking up."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    content: Mapped[str] = mapped_column(Text)
    """Canonical JSON (sorted keys, no spaces): actor, act, subject, before, after, reason, happened_at, precision, seq,
    recorded_at. The hash covers exactly this text."""


class AuditHead(Base):
    """The last link. One row; its lock is what makes writers queue."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigKey)
    hash: Mapped[str] = mapped_column(String(64))
