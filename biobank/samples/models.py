"""Samples: what they are, whose, what they were made from, how much is left, and what they were used for."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from biobank.core.db import Base, BigKey, Json, UTCDateTime

_PRECISIONS = "IN ('minute', 'hour', 'day', 'unknown')"


class CollectionEvent(Base):
    """One draw from one patient."""

    __tablename__ = "collection_event"
    __table_args__ = (
        Index("ix_collection_event_patient_id", "patient_id", "study_id", "happened_at"),
        CheckConstraint(f"precision {_PRECISIONS}", name="precision_known"),
        CheckConstraint("(happened_at IS NULL) = (precision = 'unknown')", name="unknown_has_no_time"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    visit: Mapped[str | None] = mapped_column(String(80))
    happened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it was drawn; the start of what is known: of the day, when precision is `day`."""
    precision: Mapped[str] = mapped_column(String(8))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Processing(Base):
    """One execution of a step that made samples: an aliquoting, a derivation, a pooling, a reception, an import."""

    __tablename__ = "processing"
    __table_args__ = (CheckConstraint(f"precision {_PRECISIONS}", name="precision_known"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    act: Mapped[str] = mapped_column(String(20))
    happened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    precision: Mapped[str] = mapped_column(String(8))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_key: Mapped[str] = mapped_column(String(64))


class Sample(Base):
    """One physical tube, block, slide or vial. Never deleted."""

    __tablename__ = "sample"
    __table_args__ = (
        Index("ix_sample_site_id", "site_id", "id"),
        Index("ix_sample_study_id", "study_id", "id"),
        Index("ix_sample_treated", "treated_at", "site_id", "study_id", "type"),
        Index(
            "uq_sample_container_code",
            "site_id",
            "container_code",
            unique=True,
            sqlite_where=text("container_code IS NOT NULL"),
            postgresql_where=text("container_code IS NOT NULL"),
        ),
        CheckConstraint(
            "status IN ('expected', 'collected', 'available', 'depleted', 'handed_out', 'shipped', 'destroyed', "
            "'lost')",
            name="status_known",
        ),
        CheckConstraint("quantity_kind IN ('volume', 'mass', 'cells')", name="quantity_kind_known"),
        CheckConstraint("remaining >= 0", name="remaining_not_negative"),
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("reserved <= coalesce(remaining, 0)", name="reserved_at_most_remaining"),
        CheckConstraint("quantity_kind IS NOT NULL OR remaining IS NULL", name="quantity_has_kind"),
        CheckConstraint(f"treated_precision {_PRECISIONS}", name="precision_known"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    """Our accession number."""
    container_code: Mapped[str | None] = mapped_column(String(100))
    """The maker's pre-printed code, unique within the site. Text: it may begin with zeros."""
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    collection_event_id: Mapped[int | None] = mapped_column(ForeignKey("collection_event.id"), index=True)
    """The draw it comes from, also for what was made of it; NULL for a pool of several draws."""
    type: Mapped[str] = mapped_column(String(60))
    """A MIABIS type code, a local one mapped to it, or Unknown."""
    vessel: Mapped[str] = mapped_column(String(10), default="tube")
    status: Mapped[str] = mapped_column(String(12))
    origin: Mapped[str] = mapped_column(String(12))
    """How it came to be: collected, aliquoted, derived, pooled or imported."""
    processing_id: Mapped[int | None] = mapped_column(ForeignKey("processing.id"), index=True)
    """The step that made it; NULL while only collected."""
    treated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it was received or made: the instant it counts as treated."""
    treated_precision: Mapped[str | None] = mapped_column(String(8))
    """NULL while not treated; `unknown` when it was, but nobody knows when."""
    quantity_kind: Mapped[str | None] = mapped_column(String(6))
    """volume (nanolitres), mass (nanograms) or cells; NULL: no quantity is known."""
    initial: Mapped[int | None] = mapped_column(BigKey)
    remaining: Mapped[int | None] = mapped_column(BigKey)
    """What the ledger adds up to; NULL unknown, and nothing can be drawn from it by amount."""
    reserved: Mapped[int] = mapped_column(BigKey, default=0)
    """Of what remains, promised to requests."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SampleParent(Base):
    """A child was made from a parent. Append-only."""

    __tablename__ = "sample_parent"
    __table_args__ = (
        Index("ix_sample_parent_parent_id", "parent_id", "child_id"),
        CheckConstraint("child_id <> parent_id", name="not_itself"),
    )

    child_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), primary_key=True)
    parent_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), primary_key=True)


class SampleDonor(Base):
    """Whose material is in the tube: the patient, or for a pool the union over its parents."""

    __tablename__ = "sample_donor"
    __table_args__ = (Index("ix_sample_donor_patient_id", "patient_id", "sample_id"),)

    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)


class QuantityEntry(Base):
    """One line of the ledger. Append-only; a sample's lines add up to what remains."""

    __tablename__ = "quantity_entry"
    __table_args__ = (Index("ix_quantity_entry_sample_id", "sample_id", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    amount: Mapped[int] = mapped_column(BigKey)
    """Whole nanolitres, nanograms or cells: added when positive, drawn when negative."""
    act: Mapped[str] = mapped_column(String(20))
    processing_id: Mapped[int | None] = mapped_column(ForeignKey("processing.id"))
    happened_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_key: Mapped[str] = mapped_column(String(64))


class Hold(Base):
    """A reason why a sample may not be used now. Ended, never deleted."""

    __tablename__ = "hold"
    __table_args__ = (
        Index(
            "ix_hold_open",
            "sample_id",
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    code: Mapped[str] = mapped_column(String(40))
    """withdrawal, non_conformity, inventory, quarantine or other."""
    note: Mapped[str | None] = mapped_column(Text)
    inherited_from_id: Mapped[int | None] = mapped_column(ForeignKey("hold.id"))
    """The parent's hold that this sample was born with."""
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opened_by: Mapped[str] = mapped_column(String(64))
    released_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    released_by: Mapped[str | None] = mapped_column(String(64))
    release_reason: Mapped[str | None] = mapped_column(Text)


class SampleCorrection(Base):
    """A mistake put right: it names the old value, and consent is decided anew. Append-only."""

    __tablename__ = "sample_correction"
    __table_args__ = (CheckConstraint("what IN ('patient', 'type')", name="what_known"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    what: Mapped[str] = mapped_column(String(10))
    old: Mapped[str] = mapped_column(String(100))
    """The type as it was, or the subject_key of the patient it was wrongly put to."""
    new: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_key: Mapped[str] = mapped_column(String(64))


class Decision(Base):
    """May this sample be used for that? The answer, with everything it rests on. Append-only.

    A use row repeats (id, sample_id, act, verdict, recorded_at) as a foreign key, with verdict = permit.
    """

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("id", "sample_id", "act", "verdict", "recorded_at", name="uq_decision_use"),
        Index("ix_decision_sample_id", "sample_id", "id"),
        CheckConstraint("verdict IN ('permit', 'review', 'deny')", name="verdict_known"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    act: Mapped[str] = mapped_column(String(20))
    verdict: Mapped[str] = mapped_column(String(6))
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """Every reason: code and parameters, no sentence."""
    use: Mapped[dict[str, Any]] = mapped_column(Json)
    """What was asked: purposes, organisation …"""
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    """What was known: donors by subject_key, their consents and withdrawals, holds."""
    consent_ids: Mapped[list[int]] = mapped_column(Json)
    """The consents that matched."""
    consent_event_id: Mapped[int] = mapped_column(BigKey)
    """The latest event of its donors that it knew; 0 for none. A use is refused when there is a later one."""
    rule_version: Mapped[str] = mapped_column(String(40))
    vocabulary_version: Mapped[str] = mapped_column(String(300))
    as_of: Mapped[datetime] = mapped_column(UTCDateTime)
    """The moment it was decided for."""
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """The moment it was decided, and what was known then."""
    request_id: Mapped[int | None] = mapped_column(BigKey)
    """The request it was decided for, where there was one."""
    reviews: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list, server_default="[]")
    """What people had settled for that request and sample: {id, codes} each."""
    actor_key: Mapped[str] = mapped_column(String(64))


class ConsentReview(Base):
    """What a named person settled of what the rules leave to people: for one request, one sample, these reasons.

    Lifts exactly these reasons, and never a denial. The newest row about a reason holds. Append-only.
    """

    __tablename__ = "consent_review"
    __table_args__ = (
        Index("ix_consent_review_request_id", "request_id", "sample_id", "id"),
        CheckConstraint("outcome IN ('lift', 'uphold')", name="outcome_known"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    request_id: Mapped[int] = mapped_column(BigKey)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    reason_codes: Mapped[list[str]] = mapped_column(Json)
    """As `consent.rules.review_code` names them."""
    outcome: Mapped[str] = mapped_column(String(6))
    """`lift`: may be used in spite of it. `uphold`: may not."""
    why: Mapped[str] = mapped_column(Text)
    reviewer_key: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SampleUse(Base):
    """A sample was used. Only with a permit made for that sample, act and moment; one permit, one use. Append-only."""

    __tablename__ = "sample_use"
    __table_args__ = (
        ForeignKeyConstraint(
            ["decision_id", "sample_id", "act", "verdict", "recorded_at"],
            ["decision.id", "decision.sample_id", "decision.act", "decision.verdict", "decision.recorded_at"],
            name="fk_sample_use_decision",
        ),
        CheckConstraint("verdict = 'permit'", name="permitted"),
        Index("ix_sample_use_sample_id", "sample_id", "id"),
        Index("ix_sample_use_happened_at", "happened_at"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    decision_id: Mapped[int] = mapped_column(BigKey, unique=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    act: Mapped[str] = mapped_column(String(20))
    verdict: Mapped[str] = mapped_column(String(6))
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    happened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    actor_key: Mapped[str] = mapped_column(String(64))


class StepRun(Base):
    """One tube going through one step of a procedure: started and stopped by the server's clock.

    A step that was out of its limits is told so, and never forbidden.
    """

    __tablename__ = "step_run"
    __table_args__ = (
        Index(
            "uq_step_run_running",
            "sample_id",
            unique=True,
            sqlite_where=text("stopped_at IS NULL"),
            postgresql_where=text("stopped_at IS NULL"),
        ),
        Index("ix_step_run_sample_id", "sample_id", "id"),
        Index("ix_step_run_batch", "batch"),
        Index(
            "ix_step_run_open",
            "site_id",
            sqlite_where=text("stopped_at IS NULL"),
            postgresql_where=text("stopped_at IS NULL"),
        ),
        CheckConstraint("(stopped_at IS NULL) = (stopped_by IS NULL)", name="stop_has_name"),
        CheckConstraint("stopped_at >= started_at", name="stopped_after_start"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    procedure_id: Mapped[int] = mapped_column(ForeignKey("procedure.id"))
    step: Mapped[str] = mapped_column(String(40))
    """Its key in the procedure."""
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"))
    batch: Mapped[str] = mapped_column(String(36))
    """Tubes that go through it together, in one centrifuge, share it."""
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_by: Mapped[str] = mapped_column(String(64))
    stopped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    stopped_by: Mapped[str | None] = mapped_column(String(64))
    outside: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    """Which limits it broke, as codes with their figures; written at its end, empty when none."""
    cancelled: Mapped[bool] = mapped_column(default=False)
    """Stopped because it never really began."""


class CodeReplacement(Base):
    """A tube got another number; the old one is void for ever. Append-only."""

    __tablename__ = "code_replacement"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    sample_id: Mapped[int] = mapped_column(ForeignKey("sample.id"), index=True)
    old_code: Mapped[str] = mapped_column(String(20), unique=True)
    new_code: Mapped[str] = mapped_column(String(20), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))


class Allotment(Base):
    """Numbers given out before there are tubes: labels printed ahead, for kits that go to the ward."""

    __tablename__ = "allotment"
    __table_args__ = (Index("ix_allotment_site_id", "site_id", "id"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    kit_id: Mapped[int | None] = mapped_column(ForeignKey("collection_kit.id"))
    """NULL: loose numbers, for whatever tube comes."""
    note: Mapped[str | None] = mapped_column(Text)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_by: Mapped[str] = mapped_column(String(64))


class AllottedNumber(Base):
    """One number printed ahead: out with the ward, back in the drawer, on a tube, or void for ever."""

    __tablename__ = "allotted_number"
    __table_args__ = (
        Index("ix_allotted_number_allotment_id", "allotment_id", "id"),
        CheckConstraint("state IN ('out', 'returned', 'used', 'voided')", name="state_known"),
        CheckConstraint("(state = 'used') = (sample_id IS NOT NULL)", name="used_by_a_sample"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    allotment_id: Mapped[int] = mapped_column(ForeignKey("allotment.id"))
    code: Mapped[str] = mapped_column(String(20), unique=True)
    set_number: Mapped[int]
    """Which of the kits that were printed together, from 1."""
    place: Mapped[int]
    """Which tube of its kit, from 1."""
    type: Mapped[str | None] = mapped_column(String(60))
    """What the kit foresees for this tube; NULL: not foreseen."""
    label: Mapped[str | None] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(8))
    sample_id: Mapped[int | None] = mapped_column(ForeignKey("sample.id"), unique=True)
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it was voided."""
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))
