"""consent that holds: legal bases, papers, reviews, reversals, and what follows a withdrawal"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

SCOPES = {
    "scope_known": "scope IN ('all', 'clause', 'study'{more})",
    "fate_known": "fate IN ('keep', 'destroy', 'anonymise')",
    "clause_names_form": "(scope = 'clause') = (form_code IS NOT NULL)",
    "clause_names_key": "(scope = 'clause') = (clause_key IS NOT NULL)",
    "study_named": "(scope = 'study') = (study_id IS NOT NULL)",
}
OBJECTION = {"objection_named": "(scope = 'objection') = (objects_to IS NOT NULL)"}
BASES = {
    "basis_known": "basis IN ('consent', 'non_opposition', 'waiver')",
    "given_by_known": "given_by IN ('patient', 'guardian', 'representative', 'committee')",
    "waiver_by_committee": "(basis = 'waiver') = (given_by = 'committee')",
    "waiver_has_reference": "basis <> 'waiver' OR ethics_reference IS NOT NULL",
}
FORM_STATUS = {"status_known": "status IN ('draft', 'in_force', 'retired')"}
FORM_KIND = {"kind_known": "kind IN ('consent', 'notice')"}
EVENTS = {"kind_known": "kind IN ('consent', 'withdrawal', 'attribution'{more})"}


def upgrade() -> None:
    _new_columns()
    _new_tables()


def downgrade() -> None:
    for table in (
        "anonymisation",
        "recall_sample",
        "recall",
        "destruction_task",
        "consent_review",
        "study_terms",
        "signed_document",
        "withdrawal_reversal",
    ):
        op.drop_table(table)
    with op.batch_alter_table("request_line") as batch:
        batch.drop_column("handed_to")
        batch.drop_column("handed_at")
    with op.batch_alter_table("decision") as batch:
        batch.drop_column("reviews")
    with op.batch_alter_table("patient") as batch:
        for column in ("of_age_on", "died_on", "anonymised_at"):
            batch.drop_column(column)
    with _altered("withdrawal", SCOPES | OBJECTION, _said(SCOPES, "")) as batch:
        batch.drop_column("objects_to")
        batch.drop_column("channel")
        batch.alter_column("scope", type_=sa.String(8), existing_type=sa.String(10), existing_nullable=False)
    with _altered("consent", BASES, {}) as batch:
        for column in ("basis", "given_by", "channel", "ethics_reference", "basis_reason"):
            batch.drop_column(column)
    with _altered("consent_event", EVENTS, _said(EVENTS, ""), sqlite_autoincrement=True):
        pass
    op.drop_index("uq_consent_form_in_force", table_name="consent_form")
    with _altered("consent_form", FORM_STATUS | FORM_KIND, FORM_STATUS) as batch:
        batch.drop_column("kind")
        batch.drop_column("in_force_on")


def _new_columns() -> None:
    with _altered("consent_form", FORM_STATUS, FORM_STATUS | FORM_KIND) as batch:
        batch.add_column(sa.Column("kind", sa.String(8), nullable=False, server_default="consent"))
        batch.add_column(sa.Column("in_force_on", sa.Date()))
    op.create_index(
        "uq_consent_form_in_force",
        "consent_form",
        ["site_id", "code"],
        unique=True,
        sqlite_where=sa.text("status = 'in_force'"),
        postgresql_where=sa.text("status = 'in_force'"),
    )
    more = ", 'status', 'reversal'"
    with _altered("consent_event", EVENTS, _said(EVENTS, more), sqlite_autoincrement=True):
        pass
    with _altered("consent", {}, BASES) as batch:
        batch.add_column(sa.Column("basis", sa.String(14), nullable=False, server_default="consent"))
        batch.add_column(sa.Column("given_by", sa.String(14), nullable=False, server_default="patient"))
        batch.add_column(sa.Column("channel", sa.String(10)))
        batch.add_column(sa.Column("ethics_reference", sa.String(200)))
        batch.add_column(sa.Column("basis_reason", sa.Text()))
    with _altered("withdrawal", SCOPES, _said(SCOPES, ", 'objection'") | OBJECTION) as batch:
        batch.alter_column("scope", type_=sa.String(10), existing_type=sa.String(8), existing_nullable=False)
        batch.add_column(sa.Column("objects_to", sa.String(40)))
        batch.add_column(sa.Column("channel", sa.String(10)))
    with op.batch_alter_table("patient") as batch:
        batch.add_column(sa.Column("of_age_on", sa.Date()))
        batch.add_column(sa.Column("died_on", sa.Date()))
        batch.add_column(sa.Column("anonymised_at", INSTANT))
    with op.batch_alter_table("decision") as batch:
        batch.add_column(sa.Column("reviews", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("request_line") as batch:
        batch.add_column(sa.Column("handed_to", sa.String(500)))
        batch.add_column(sa.Column("handed_at", INSTANT))


def _new_tables() -> None:
    op.create_table(
        "withdrawal_reversal",
        sa.Column("id", KEY, sa.ForeignKey("consent_event.id"), primary_key=True, autoincrement=False),
        sa.Column("withdrawal_id", KEY, sa.ForeignKey("withdrawal.id"), nullable=False, unique=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(64), nullable=False),
    )
    op.create_table(
        "signed_document",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("consent_id", KEY, sa.ForeignKey("consent.id"), index=True),
        sa.Column("withdrawal_id", KEY, sa.ForeignKey("withdrawal.id"), index=True),
        sa.Column("replaces_id", KEY, sa.ForeignKey("signed_document.id"), unique=True),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(64), nullable=False),
        sa.Column("erased_at", INSTANT),
        sa.CheckConstraint(
            "(consent_id IS NULL) <> (withdrawal_id IS NULL)", name=op.f("ck_signed_document_of_one_thing")
        ),
        sa.CheckConstraint(
            "(content IS NULL) = (erased_at IS NOT NULL)",
            name=op.f("ck_signed_document_erased_has_no_content"),
        ),
    )
    op.create_table(
        "study_terms",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("study_id", KEY, sa.ForeignKey("study.id"), nullable=False),
        sa.Column("reserved", sa.Boolean(), nullable=False),
        sa.Column("closed_on", sa.Date()),
        sa.Column("keep_until", sa.Date()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(64), nullable=False),
    )
    op.create_index("ix_study_terms_study_id", "study_terms", ["study_id", "id"])
    op.create_table(
        "consent_review",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("sample_id", KEY, sa.ForeignKey("sample.id"), nullable=False),
        sa.Column("reason_codes", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(6), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("reviewer_key", sa.String(64), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("outcome IN ('lift', 'uphold')", name=op.f("ck_consent_review_outcome_known")),
    )
    op.create_index("ix_consent_review_request_id", "consent_review", ["request_id", "sample_id", "id"])
    _destruction_task()
    _recall()
    _anonymisation()


def _destruction_task() -> None:
    op.create_table(
        "destruction_task",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("site_id", KEY, sa.ForeignKey("site.id"), nullable=False),
        sa.Column("sample_id", KEY, sa.ForeignKey("sample.id"), nullable=False),
        sa.Column("withdrawal_id", KEY),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.String(64), nullable=False),
        sa.Column("first_at", INSTANT),
        sa.Column("first_by", sa.String(64)),
        sa.Column("done_at", INSTANT),
        sa.Column("done_by", sa.String(64)),
        sa.Column("cancelled_at", INSTANT),
        sa.Column("cancelled_by", sa.String(64)),
        sa.Column("why_cancelled", sa.Text()),
        sa.CheckConstraint("done_by <> first_by", name=op.f("ck_destruction_task_two_people")),
        sa.CheckConstraint(
            "(first_at IS NULL) = (first_by IS NULL)", name=op.f("ck_destruction_task_first_has_name")
        ),
        sa.CheckConstraint(
            "(done_at IS NULL) = (done_by IS NULL)", name=op.f("ck_destruction_task_second_has_name")
        ),
        sa.CheckConstraint(
            "done_at IS NULL OR first_at IS NOT NULL", name=op.f("ck_destruction_task_first_then_second")
        ),
        sa.CheckConstraint(
            "done_at IS NULL OR cancelled_at IS NULL", name=op.f("ck_destruction_task_one_end")
        ),
    )
    open_task = sa.text("done_at IS NULL AND cancelled_at IS NULL")
    op.create_index(
        "uq_destruction_task_open",
        "destruction_task",
        ["sample_id"],
        unique=True,
        sqlite_where=open_task,
        postgresql_where=open_task,
    )
    op.create_index("ix_destruction_task_withdrawal_id", "destruction_task", ["withdrawal_id", "id"])


def _recall() -> None:
    op.create_table(
        "recall",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("site_id", KEY, sa.ForeignKey("site.id"), nullable=False),
        sa.Column("withdrawal_id", KEY, nullable=False),
        sa.Column("request_id", KEY, sa.ForeignKey("request.id"), nullable=False, index=True),
        sa.Column("recipient", sa.String(500), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("sent_by", sa.String(64)),
        sa.Column("answered_at", INSTANT),
        sa.Column("answered_by", sa.String(64)),
        sa.Column("answer", sa.String(10)),
        sa.Column("note", sa.Text()),
        sa.CheckConstraint(
            "answer IN ('returned', 'destroyed', 'used_up', 'stopped')", name=op.f("ck_recall_answer_known")
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer IS NULL)", name=op.f("ck_recall_answer_has_time")
        ),
    )
    op.create_index("ix_recall_withdrawal_id", "recall", ["withdrawal_id", "id"])
    op.create_table(
        "recall_sample",
        sa.Column("recall_id", KEY, sa.ForeignKey("recall.id"), primary_key=True),
        sa.Column("sample_id", KEY, sa.ForeignKey("sample.id"), primary_key=True),
    )


def _anonymisation() -> None:
    op.create_table(
        "anonymisation",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("patient_id", KEY, sa.ForeignKey("patient.id"), nullable=False),
        sa.Column("withdrawal_id", KEY, sa.ForeignKey("withdrawal.id")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("agreed_at", INSTANT),
        sa.Column("agreed_by", sa.String(64)),
        sa.Column("cancelled_at", INSTANT),
        sa.Column("cancelled_by", sa.String(64)),
        sa.Column("why_cancelled", sa.Text()),
        sa.CheckConstraint("agreed_by <> asked_by", name=op.f("ck_anonymisation_two_people")),
        sa.CheckConstraint(
            "(agreed_at IS NULL) = (agreed_by IS NULL)", name=op.f("ck_anonymisation_second_has_name")
        ),
        sa.CheckConstraint(
            "agreed_at IS NULL OR cancelled_at IS NULL", name=op.f("ck_anonymisation_one_end")
        ),
    )
    open_one = sa.text("agreed_at IS NULL AND cancelled_at IS NULL")
    op.create_index(
        "uq_anonymisation_open",
        "anonymisation",
        ["patient_id"],
        unique=True,
        sqlite_where=open_one,
        postgresql_where=open_one,
    )


def _said(checks: dict[str, str], more: str) -> dict[str, str]:
    return {name: text.format(more=more) for name, text in checks.items()}


@contextmanager
def _altered(
    table: str, before: dict[str, str], after: dict[str, str], **options: bool
) -> Iterator[BatchOperations]:
    """A table of which columns and CHECKs change: the old CHECKs go first, the new ones come last."""
    with op.batch_alter_table(table, table_kwargs=options) as batch:
        for name in sorted(before.keys()):
            if after.get(name) != before[name]:
                batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        yield batch
        for name, text in after.items():
            if before.get(name) != text:
                batch.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.text(text))
