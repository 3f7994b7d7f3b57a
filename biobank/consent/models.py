"""What people were asked, what they answered, and what they took back. Nothing here is ever overwritten."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from biobank.core.db import Base, BigKey, Json, UTCDateTime
from biobank.patients.models import Patient


class ConsentForm(Base):
    """One version of a document of a form family. A form in force is never edited, only succeeded."""

    __tablename__ = "consent_form"
    __table_args__ = (
        UniqueConstraint("site_id", "code", "version"),
        CheckConstraint("status IN ('draft', 'in_force', 'retired')", name="status_known"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(80))
    """The form family."""
    version: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(500))
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id"), index=True)
    """The study it covers; NULL covers all of the site."""
    status: Mapped[str] = mapped_column(String(10))
    in_force_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)

    clauses: Mapped[list["Clause"]] = relationship(order_by="Clause.place", lazy="selectin")


class Clause(Base):
    """A statement that is answered on its own."""

    __tablename__ = "clause"
    __table_args__ = (UniqueConstraint("form_id", "key"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("consent_form.id"))
    place: Mapped[int]
    """1, 2, 3 … as printed."""
    key: Mapped[str] = mapped_column(String(40))
    """The same in every version of the family."""
    text: Mapped[str] = mapped_column(Text)
    """English, or the only language given."""
    text_fr: Mapped[str | None] = mapped_column(Text)
    required: Mapped[bool]
    """Not granted: nothing is allowed under this form."""
    if_granted: Mapped[list[str]] = mapped_column(Json)
    """Terms such as HMB or DS:C50 that a yes adds."""
    if_refused: Mapped[list[str]] = mapped_column(Json)
    """Terms that a no, or a blank, adds."""


class ConsentEvent(Base):
    """The order in which anything that changes a patient's standing was recorded. Append-only.

    The database refuses a use whose decision is older than its donors' latest event.
    """

    __tablename__ = "consent_event"
    __table_args__ = (
        Index("ix_consent_event_patient_id", "patient_id", "id"),
        CheckConstraint("kind IN ('consent', 'withdrawal', 'attribution')", name="kind_known"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    """The `seq` of the rules: rises with time, also across patients, because it is drawn under the patient's lock."""
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    kind: Mapped[str] = mapped_column(String(12))
    """`attribution`: a sample turned out to be this patient's."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Consent(Base):
    """One patient's dated answers to one version of one form. Append-only."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("consent_event.id"), primary_key=True, autoincrement=False
    )
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("consent_form.id"))
    signed_on: Mapped[date]
    """When it was true in the world."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When it became known here."""
    recorded_by: Mapped[str] = mapped_column(String(64))
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("consent.id"), unique=True)
    """The mistaken record that this one replaces."""
    reason: Mapped[str | None] = mapped_column(Text)

    patient: Mapped[Patient] = relationship()
    form: Mapped[ConsentForm] = relationship()
    answers: Mapped[list["ConsentAnswer"]] = relationship(lazy="selectin")


class ConsentAnswer(Base):
    """One answer. A blank clause has no row, and a blank is not a yes. Append-only."""

    __tablename__ = "consent_answer"
    __table_args__ = (CheckConstraint("answer IN ('granted', 'refused')", name="answer_known"),)

    consent_id: Mapped[int] = mapped_column(ForeignKey("consent.id"), primary_key=True)
    clause_id: Mapped[int] = mapped_column(ForeignKey("clause.id"), primary_key=True)
    answer: Mapped[str] = mapped_column(String(8))


class Withdrawal(Base):
    """Takes back all, one clause of a form family, or one study. Append-only."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        CheckConstraint("scope IN ('all', 'clause', 'study')", name="scope_known"),
        CheckConstraint("fate IN ('keep', 'destroy', 'anonymise')", name="fate_known"),
        CheckConstraint("(scope = 'clause') = (form_code IS NOT NULL)", name="clause_names_form"),
        CheckConstraint("(scope = 'clause') = (clause_key IS NOT NULL)", name="clause_names_key"),
        CheckConstraint("(scope = 'study') = (study_id IS NOT NULL)", name="study_named"),
    )

    id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("consent_event.id"), primary_key=True, autoincrement=False
    )
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    scope: Mapped[str] = mapped_column(String(8))
    form_code: Mapped[str | None] = mapped_column(String(80))
    clause_key: Mapped[str | None] = mapped_column(String(40))
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id"))
    received_on: Mapped[date]
    fate: Mapped[str] = mapped_column(String(10))
    """What the person wants done with what is left: keep unused, destroy, or break the link."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))

    def as_scope(self) -> dict[str, Any]:
        """The scope as the audit trail and the API give it."""
        return {
            "scope": self.scope,
            "form": self.form_code,
            "clause": self.clause_key,
            "study_id": self.study_id,
        }
