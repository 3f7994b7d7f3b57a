"""What people were asked, what they answered, and what they took back. Nothing here is ever overwritten."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from biobank.core.db import Base, BigKey, Json, UTCDateTime
from biobank.patients.models import Patient


class ConsentForm(Base):
    """One version of a document of a form family. A form in force is never edited, only succeeded."""

    __tablename__ = "consent_form"
    __table_args__ = (
        UniqueConstraint("site_id", "code", "version"),
        Index(
            "uq_consent_form_in_force",
            "site_id",
            "code",
            unique=True,
            sqlite_where=text("status = 'in_force'"),
            postgresql_where=text("status = 'in_force'"),
        ),
        CheckConstraint("status IN ('draft', 'in_force', 'retired')", name="status_known"),
        CheckConstraint("kind IN ('consent', 'notice')", name="kind_known"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(80))
    """The form family."""
    version: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(500))
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id"), index=True)
    """The study it covers; NULL covers all of the site."""
    kind: Mapped[str] = mapped_column(String(8), default="consent", server_default="consent")
    """`consent`: what it says is signed. `notice`: people are informed, and may object."""
    status: Mapped[str] = mapped_column(String(10))
    in_force_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it became known here to be in force."""
    in_force_on: Mapped[date | None]
    """The first day on which it could be signed; NULL: a form that was on paper before it was here."""
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
        CheckConstraint(
            "kind IN ('consent', 'withdrawal', 'attribution', 'status', 'reversal')", name="kind_known"
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    """The `seq` of the rules: rises with time, also across patients, because it is drawn under the patient's lock."""
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    kind: Mapped[str] = mapped_column(String(12))
    """`attribution`: a sample turned out to be this patient's. `status`: they came of age, or died. `reversal`: a
    withdrawal turned out to have been recorded by mistake."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Consent(Base):
    """One patient's dated answers to one version of one form, on the legal basis that the law asks for. Append-only."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("basis IN ('consent', 'non_opposition', 'waiver')", name="basis_known"),
        CheckConstraint(
            "given_by IN ('patient', 'guardian', 'representative', 'committee')", name="given_by_known"
        ),
        CheckConstraint("(basis = 'waiver') = (given_by = 'committee')", name="waiver_by_committee"),
        CheckConstraint("basis <> 'waiver' OR ethics_reference IS NOT NULL", name="waiver_has_reference"),
    )

    id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("consent_event.id"), primary_key=True, autoincrement=False
    )
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("consent_form.id"))
    basis: Mapped[str] = mapped_column(String(14), default="consent", server_default="consent")
    """A signed consent; no opposition after information (L1211-2); or a committee's waiver of the information."""
    given_by: Mapped[str] = mapped_column(String(14), default="patient", server_default="patient")
    """Who answered, or was informed: the patient, who has parental authority, who represents them, or the committee."""
    channel: Mapped[str | None] = mapped_column(String(10))
    """How the person was informed: in_person, post, email, phone, portal."""
    ethics_reference: Mapped[str | None] = mapped_column(String(200))
    """Of a waiver: the committee's opinion."""
    basis_reason: Mapped[str | None] = mapped_column(Text)
    """Of a waiver: why the person could not, or need not, be informed."""
    signed_on: Mapped[date]
    """When it was true in the world: the day of the signature, of the information, or of the committee's opinion."""
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
    """Takes back all, one clause of a form family, or one study; or objects to one thing. Append-only."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        CheckConstraint("scope IN ('all', 'clause', 'study', 'objection')", name="scope_known"),
        CheckConstraint("fate IN ('keep', 'destroy', 'anonymise')", name="fate_known"),
        CheckConstraint("(scope = 'clause') = (form_code IS NOT NULL)", name="clause_names_form"),
        CheckConstraint("(scope = 'clause') = (clause_key IS NOT NULL)", name="clause_names_key"),
        CheckConstraint("(scope = 'study') = (study_id IS NOT NULL)", name="study_named"),
        CheckConstraint("(scope = 'objection') = (objects_to IS NOT NULL)", name="objection_named"),
    )

    id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("consent_event.id"), primary_key=True, autoincrement=False
    )
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    scope: Mapped[str] = mapped_column(String(10))
    form_code: Mapped[str | None] = mapped_column(String(80))
    clause_key: Mapped[str | None] = mapped_column(String(40))
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id"))
    objects_to: Mapped[str | None] = mapped_column(String(40))
    """A term that stands over every form of the person, such as NO_GENETIC."""
    received_on: Mapped[date]
    channel: Mapped[str | None] = mapped_column(String(10))
    """How it reached us: in_person, post, email, phone, portal."""
    fate: Mapped[str] = mapped_column(String(10))
    """What the person wants done with what is left: keep unused, destroy, or break the link."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))


class WithdrawalReversal(Base):
    """A withdrawal that the person never meant: recorded by mistake, and taken out of force by somebody else.

    The withdrawal stays on record. Append-only.
    """

    __tablename__ = "withdrawal_reversal"

    id: Mapped[int] = mapped_column(
        BigKey, ForeignKey("consent_event.id"), primary_key=True, autoincrement=False
    )
    withdrawal_id: Mapped[int] = mapped_column(ForeignKey("withdrawal.id"), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))


class SignedDocument(Base):
    """The paper itself, as it was scanned: of a consent, or of a withdrawal. Replaced, never overwritten.

    What is in it can be erased, with the person's link; that it was there, and its hash, cannot.
    """

    __tablename__ = "signed_document"
    __table_args__ = (
        CheckConstraint("(consent_id IS NULL) <> (withdrawal_id IS NULL)", name="of_one_thing"),
        CheckConstraint("(content IS NULL) = (erased_at IS NOT NULL)", name="erased_has_no_content"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    consent_id: Mapped[int | None] = mapped_column(ForeignKey("consent.id"), index=True)
    withdrawal_id: Mapped[int | None] = mapped_column(ForeignKey("withdrawal.id"), index=True)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("signed_document.id"), unique=True)
    media_type: Mapped[str] = mapped_column(String(40))
    """application/pdf, image/png or image/jpeg, found out from the content. Its file name is not kept: people write
    names in file names."""
    size: Mapped[int]
    """In bytes."""
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
