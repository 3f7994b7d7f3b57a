"""A researcher's demand, the samples it names, and what is held for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from biobank.core.db import Base, BigKey, Json, UTCDateTime


class Request(Base):
    __tablename__ = "request"
    __table_args__ = (
        Index("ix_request_site_id", "site_id", "id"),
        CheckConstraint(
            "status IN ('draft', 'submitted', 'approved', 'refused', 'cancelled', 'completed')",
            name="status_known",
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    """Our accession number."""
    researcher_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    title: Mapped[str] = mapped_column(String(500))
    """The researcher's study, in words."""
    purposes: Mapped[list[str]] = mapped_column(Json)
    """As asked: HMB, DS:C50.1,C61 …"""
    organisation: Mapped[str] = mapped_column(String(20))
    """non-profit, for-profit or unknown."""
    terms: Mapped[dict[str, Any]] = mapped_column(Json)
    """What else the rules look at: commercial, country, genetic, study, institution, approvals, flags."""
    status: Mapped[str] = mapped_column(String(10))
    submitted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    settled_by: Mapped[str | None] = mapped_column(String(64))
    settled_reason: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)

    lines: Mapped[list["RequestLine"]] = relationship(order_by="RequestLine.id")


class RequestLine(Base):
    """One sample that is asked for."""

    __tablename__ = "request_line"
    __table_args__ = (
        UniqueConstraint("request_id", "sample_id"),
        CheckConstraint(
            "status IN ('asked', 'reserved', 'refused', 'picked', 'handed_out', 'released')",
            name="status_known",
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"))
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    status: Mapped[str] = mapped_column(String(10))
    verdict: Mapped[str | None] = mapped_column(String(6))
    """The verdict at approval."""
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    """Its reasons: code and parameters."""
    handed_to: Mapped[str | None] = mapped_column(String(500))
    """Who received the tube."""
    handed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Reservation(Base):
    """A tube held for a request line. At most one is open on a sample."""

    __tablename__ = "reservation"
    __table_args__ = (
        Index(
            "uq_reservation_open",
            "sample_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("request_line.id"), index=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    amount: Mapped[int | None] = mapped_column(BigKey)
    """What is held, in the sample's own unit; NULL when its quantity is unknown and the tube is held as a whole."""
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    made_by: Mapped[str] = mapped_column(String(64))
    released_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    why_released: Mapped[str | None] = mapped_column(String(40))
