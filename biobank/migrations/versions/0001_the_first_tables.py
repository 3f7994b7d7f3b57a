"""the first tables"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accession_counter",
        sa.Column("letter", sa.String(length=1), nullable=False),
        sa.Column("next_serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("letter", name=op.f("pk_accession_counter")),
    )
    op.create_table(
        "audit_entry",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("subject_kind", sa.String(length=20), nullable=False),
        sa.Column("subject_key", sa.String(length=100), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("prev_hash", name=op.f("uq_audit_entry_prev_hash")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_subject", ["subject_kind", "subject_key", "seq"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("credential", sa.String(length=80), nullable=False),
        sa.Column("route", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint(
            "credential", "route", "key", name=op.f("uq_idempotency_key_credential_route_key")
        ),
    )
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.create_index("ix_idempotency_key_made_at", ["made_at"], unique=False)

    op.create_table(
        "outbox_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_item")),
    )
    with op.batch_alter_table("outbox_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_item_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("done_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL"),
        )

    op.create_table(
        "role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("name", name=op.f("uq_role_name")),
    )
    op.create_table(
        "sign_in_try",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_try")),
    )
    with op.batch_alter_table("sign_in_try", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_try_name_at", ["name", "at"], unique=False)

    op.create_table(
        "site",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("code", name=op.f("uq_site_code")),
    )
    op.create_table(
        "container",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_container_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_container")),
        sa.UniqueConstraint("code", name=op.f("uq_container_code")),
    )
    with op.batch_alter_table("container", schema=None) as batch_op:
        batch_op.create_index("ix_container_site_id", ["site_id", "id"], unique=False)

    op.create_table(
        "import_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_import_run_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_table(
        "patient",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("subject_key", sa.String(length=64), nullable=True),
        sa.Column("veil_key", sa.String(length=64), nullable=True),
        sa.Column("sex", sa.String(length=20), nullable=False),
        sa.Column("birth_year", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "sex IN ('female', 'male', 'undifferentiated', 'unknown')", name=op.f("ck_patient_sex_known")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_patient_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_patient_site_id_code")),
        sa.UniqueConstraint("subject_key", name=op.f("uq_patient_subject_key")),
    )
    op.create_table(
        "processing",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("precision", sa.String(length=8), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "precision IN ('minute', 'hour', 'day', 'unknown')", name=op.f("ck_processing_precision_known")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_processing_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processing")),
    )
    op.create_table(
        "scannable_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("target_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_scannable_code_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scannable_code")),
        sa.UniqueConstraint("code", "site_id", name=op.f("uq_scannable_code_code_site_id")),
    )
    with op.batch_alter_table("scannable_code", schema=None) as batch_op:
        batch_op.create_index("ix_scannable_code_kind_target_id", ["kind", "target_id"], unique=False)

    op.create_table(
        "study",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_study_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_study_site_id_code")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_user_account_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("actor_key", name=op.f("uq_user_account_actor_key")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_user_account_fs_uniquifier")),
        sa.UniqueConstraint("name", name=op.f("uq_user_account_name")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_on", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_api_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_token_hash")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_user_id"), ["user_id"], unique=False)

    op.create_table(
        "collection_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visit", sa.String(length=80), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("precision", sa.String(length=8), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(happened_at IS NULL) = (precision = 'unknown')",
            name=op.f("ck_collection_event_unknown_has_no_time"),
        ),
        sa.CheckConstraint(
            "precision IN ('minute', 'hour', 'day', 'unknown')",
            name=op.f("ck_collection_event_precision_known"),
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_collection_event_patient_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_collection_event_site_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_collection_event_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_event")),
    )
    with op.batch_alter_table("collection_event", schema=None) as batch_op:
        batch_op.create_index(
            "ix_collection_event_patient_id", ["patient_id", "study_id", "happened_at"], unique=False
        )

    op.create_table(
        "consent_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('consent', 'withdrawal', 'attribution')", name=op.f("ck_consent_event_kind_known")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_event_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_event")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("consent_event", schema=None) as batch_op:
        batch_op.create_index("ix_consent_event_patient_id", ["patient_id", "id"], unique=False)

    op.create_table(
        "consent_form",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("in_force_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'in_force', 'retired')", name=op.f("ck_consent_form_status_known")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_consent_form_site_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_consent_form_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_form")),
        sa.UniqueConstraint("site_id", "code", "version", name=op.f("uq_consent_form_site_id_code_version")),
    )
    with op.batch_alter_table("consent_form", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_form_study_id"), ["study_id"], unique=False)

    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("researcher_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("settled_reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'approved', 'refused', 'cancelled', 'completed')",
            name=op.f("ck_request_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["researcher_id"], ["user_account.id"], name=op.f("fk_request_researcher_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_request_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("code", name=op.f("uq_request_code")),
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_researcher_id"), ["researcher_id"], unique=False)
        batch_op.create_index("ix_request_site_id", ["site_id", "id"], unique=False)

    op.create_table(
        "user_role",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_user_role_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_user_role_user_id")),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_user_role")),
    )
    op.create_table(
        "clause",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("form_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_fr", sa.Text(), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("if_granted", sa.JSON(), nullable=False),
        sa.Column("if_refused", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["consent_form.id"], name=op.f("fk_clause_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clause")),
        sa.UniqueConstraint("form_id", "key", name=op.f("uq_clause_form_id_key")),
    )
    op.create_table(
        "consent",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("form_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("corrects_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["corrects_id"], ["consent.id"], name=op.f("fk_consent_corrects_id")),
        sa.ForeignKeyConstraint(["form_id"], ["consent_form.id"], name=op.f("fk_consent_form_id")),
        sa.ForeignKeyConstraint(["id"], ["consent_event.id"], name=op.f("fk_consent_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint("corrects_id", name=op.f("uq_consent_corrects_id")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_patient_id"), ["patient_id"], unique=False)

    op.create_table(
        "sample",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("container_code", sa.String(length=100), nullable=True),
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("collection_event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("vessel", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("origin", sa.String(length=12), nullable=False),
        sa.Column("processing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("treated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("treated_precision", sa.String(length=8), nullable=True),
        sa.Column("quantity_kind", sa.String(length=6), nullable=True),
        sa.Column("initial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("remaining", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reserved", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "quantity_kind IN ('volume', 'mass', 'cells')", name=op.f("ck_sample_quantity_kind_known")
        ),
        sa.CheckConstraint(
            "status IN ('expected', 'collected', 'available', 'depleted', 'handed_out', 'shipped', 'destroyed', 'lost')",
            name=op.f("ck_sample_status_known"),
        ),
        sa.CheckConstraint(
            "treated_precision IN ('minute', 'hour', 'day', 'unknown')",
            name=op.f("ck_sample_precision_known"),
        ),
        sa.CheckConstraint(
            "quantity_kind IS NOT NULL OR remaining IS NULL", name=op.f("ck_sample_quantity_has_kind")
        ),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_sample_remaining_not_negative")),
        sa.CheckConstraint(
            "reserved <= coalesce(remaining, 0)", name=op.f("ck_sample_reserved_at_most_remaining")
        ),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_sample_reserved_not_negative")),
        sa.ForeignKeyConstraint(
            ["collection_event_id"], ["collection_event.id"], name=op.f("fk_sample_collection_event_id")
        ),
        sa.ForeignKeyConstraint(["processing_id"], ["processing.id"], name=op.f("fk_sample_processing_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_sample_site_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_sample_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample")),
        sa.UniqueConstraint("code", name=op.f("uq_sample_code")),
    )
    with op.batch_alter_table("sample", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sample_collection_event_id"), ["collection_event_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_sample_processing_id"), ["processing_id"], unique=False)
        batch_op.create_index("ix_sample_site_id", ["site_id", "id"], unique=False)
        batch_op.create_index("ix_sample_study_id", ["study_id", "id"], unique=False)
        batch_op.create_index(
            "ix_sample_treated", ["treated_at", "site_id", "study_id", "type"], unique=False
        )
        batch_op.create_index(
            "uq_sample_container_code",
            ["site_id", "container_code"],
            unique=True,
            sqlite_where=sa.text("container_code IS NOT NULL"),
            postgresql_where=sa.text("container_code IS NOT NULL"),
        )

    op.create_table(
        "withdrawal",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("form_code", sa.String(length=80), nullable=True),
        sa.Column("clause_key", sa.String(length=40), nullable=True),
        sa.Column("study_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("fate", sa.String(length=10), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "(scope = 'clause') = (clause_key IS NOT NULL)", name=op.f("ck_withdrawal_clause_names_key")
        ),
        sa.CheckConstraint(
            "(scope = 'clause') = (form_code IS NOT NULL)", name=op.f("ck_withdrawal_clause_names_form")
        ),
        sa.CheckConstraint(
            "(scope = 'study') = (study_id IS NOT NULL)", name=op.f("ck_withdrawal_study_named")
        ),
        sa.CheckConstraint("fate IN ('keep', 'destroy', 'anonymise')", name=op.f("ck_withdrawal_fate_known")),
        sa.CheckConstraint("scope IN ('all', 'clause', 'study')", name=op.f("ck_withdrawal_scope_known")),
        sa.ForeignKeyConstraint(["id"], ["consent_event.id"], name=op.f("fk_withdrawal_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_withdrawal_patient_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_withdrawal_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
    )
    with op.batch_alter_table("withdrawal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_withdrawal_patient_id"), ["patient_id"], unique=False)

    op.create_table(
        "consent_answer",
        sa.Column("consent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("clause_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=False),
        sa.CheckConstraint("answer IN ('granted', 'refused')", name=op.f("ck_consent_answer_answer_known")),
        sa.ForeignKeyConstraint(["clause_id"], ["clause.id"], name=op.f("fk_consent_answer_clause_id")),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name=op.f("fk_consent_answer_consent_id")),
        sa.PrimaryKeyConstraint("consent_id", "clause_id", name=op.f("pk_consent_answer")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("verdict", sa.String(length=6), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("use", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("consent_ids", sa.JSON(), nullable=False),
        sa.Column("consent_event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_version", sa.String(length=40), nullable=False),
        sa.Column("vocabulary_version", sa.String(length=300), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.CheckConstraint("verdict IN ('permit', 'review', 'deny')", name=op.f("ck_decision_verdict_known")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_decision_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("id", "sample_id", "act", "verdict", "recorded_at", name="uq_decision_use"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index("ix_decision_sample_id", ["sample_id", "id"], unique=False)

    op.create_table(
        "hold",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("inherited_from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["inherited_from_id"], ["hold.id"], name=op.f("fk_hold_inherited_from_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_hold_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.create_index(
            "ix_hold_open",
            ["sample_id"],
            unique=False,
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )

    op.create_table(
        "imported_record",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "(sample_id IS NULL) <> (patient_id IS NULL)", name=op.f("ck_imported_record_one_thing")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_imported_record_patient_id")),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.id"], name=op.f("fk_imported_record_run_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_imported_record_sample_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_imported_record_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_record")),
        sa.UniqueConstraint(
            "site_id", "profile", "external_id", name=op.f("uq_imported_record_site_id_profile_external_id")
        ),
    )
    with op.batch_alter_table("imported_record", schema=None) as batch_op:
        batch_op.create_index("ix_imported_record_sample_id", ["sample_id"], unique=False)

    op.create_table(
        "placement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("container_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.String(length=10), nullable=True),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("child_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.String(length=64), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_by", sa.String(length=64), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(removed_at IS NULL) = (removed_recorded_at IS NULL)",
            name=op.f("ck_placement_removal_has_both_times"),
        ),
        sa.CheckConstraint("(sample_id IS NULL) <> (child_id IS NULL)", name=op.f("ck_placement_one_thing")),
        sa.CheckConstraint("child_id <> container_id", name=op.f("ck_placement_not_in_itself")),
        sa.CheckConstraint("removed_at >= placed_at", name=op.f("ck_placement_removed_after_placed")),
        sa.ForeignKeyConstraint(["child_id"], ["container.id"], name=op.f("fk_placement_child_id")),
        sa.ForeignKeyConstraint(["container_id"], ["container.id"], name=op.f("fk_placement_container_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_placement_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
    )
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.create_index("ix_placement_child_id", ["child_id"], unique=False)
        batch_op.create_index(
            "ix_placement_container_current",
            ["container_id"],
            unique=False,
            sqlite_where=sa.text("removed_recorded_at IS NULL"),
            postgresql_where=sa.text("removed_recorded_at IS NULL"),
        )
        batch_op.create_index("ix_placement_sample_id", ["sample_id"], unique=False)
        batch_op.create_index(
            "uq_placement_child_current",
            ["child_id"],
            unique=True,
            sqlite_where=sa.text("removed_recorded_at IS NULL"),
            postgresql_where=sa.text("removed_recorded_at IS NULL"),
        )
        batch_op.create_index(
            "uq_placement_position_current",
            ["container_id", "position"],
            unique=True,
            sqlite_where=sa.text("removed_recorded_at IS NULL"),
            postgresql_where=sa.text("removed_recorded_at IS NULL"),
        )
        batch_op.create_index(
            "uq_placement_sample_current",
            ["sample_id"],
            unique=True,
            sqlite_where=sa.text("removed_recorded_at IS NULL"),
            postgresql_where=sa.text("removed_recorded_at IS NULL"),
        )

    op.create_table(
        "quantity_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("processing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["processing_id"], ["processing.id"], name=op.f("fk_quantity_entry_processing_id")
        ),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_quantity_entry_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quantity_entry")),
    )
    with op.batch_alter_table("quantity_entry", schema=None) as batch_op:
        batch_op.create_index("ix_quantity_entry_sample_id", ["sample_id", "id"], unique=False)

    op.create_table(
        "request_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("verdict", sa.String(length=6), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "status IN ('asked', 'reserved', 'refused', 'picked', 'handed_out', 'released')",
            name=op.f("ck_request_line_status_known"),
        ),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_line_request_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_request_line_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_line")),
        sa.UniqueConstraint("request_id", "sample_id", name=op.f("uq_request_line_request_id_sample_id")),
    )
    with op.batch_alter_table("request_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_line_sample_id"), ["sample_id"], unique=False)

    op.create_table(
        "sample_correction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("old", sa.String(length=100), nullable=False),
        sa.Column("new", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.CheckConstraint("what IN ('patient', 'type')", name=op.f("ck_sample_correction_what_known")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_sample_correction_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_correction")),
    )
    with op.batch_alter_table("sample_correction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sample_correction_sample_id"), ["sample_id"], unique=False)

    op.create_table(
        "sample_donor",
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patient_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_sample_donor_patient_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_sample_donor_sample_id")),
        sa.PrimaryKeyConstraint("sample_id", "patient_id", name=op.f("pk_sample_donor")),
    )
    with op.batch_alter_table("sample_donor", schema=None) as batch_op:
        batch_op.create_index("ix_sample_donor_patient_id", ["patient_id", "sample_id"], unique=False)

    op.create_table(
        "sample_parent",
        sa.Column("child_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("child_id <> parent_id", name=op.f("ck_sample_parent_not_itself")),
        sa.ForeignKeyConstraint(["child_id"], ["sample.id"], name=op.f("fk_sample_parent_child_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["sample.id"], name=op.f("fk_sample_parent_parent_id")),
        sa.PrimaryKeyConstraint("child_id", "parent_id", name=op.f("pk_sample_parent")),
    )
    with op.batch_alter_table("sample_parent", schema=None) as batch_op:
        batch_op.create_index("ix_sample_parent_parent_id", ["parent_id", "child_id"], unique=False)

    op.create_table(
        "reservation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why_released", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["line_id"], ["request_line.id"], name=op.f("fk_reservation_line_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_reservation_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
    )
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reservation_line_id"), ["line_id"], unique=False)
        batch_op.create_index(
            "uq_reservation_open",
            ["sample_id"],
            unique=True,
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )

    op.create_table(
        "sample_use",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decision_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sample_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("verdict", sa.String(length=6), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.CheckConstraint("verdict = 'permit'", name=op.f("ck_sample_use_permitted")),
        sa.ForeignKeyConstraint(
            ["decision_id", "sample_id", "act", "verdict", "recorded_at"],
            ["decision.id", "decision.sample_id", "decision.act", "decision.verdict", "decision.recorded_at"],
            name="fk_sample_use_decision",
        ),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_sample_use_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_use")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_sample_use_decision_id")),
    )
    with op.batch_alter_table("sample_use", schema=None) as batch_op:
        batch_op.create_index("ix_sample_use_happened_at", ["happened_at"], unique=False)
        batch_op.create_index("ix_sample_use_sample_id", ["sample_id", "id"], unique=False)

    op.execute(f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{'0' * 64}')")


def downgrade() -> None:
    with op.batch_alter_table("sample_use", schema=None) as batch_op:
        batch_op.drop_index("ix_sample_use_sample_id")
        batch_op.drop_index("ix_sample_use_happened_at")

    op.drop_table("sample_use")
    with op.batch_alter_table("reservation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_reservation_open",
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_reservation_line_id"))

    op.drop_table("reservation")
    with op.batch_alter_table("sample_parent", schema=None) as batch_op:
        batch_op.drop_index("ix_sample_parent_parent_id")

    op.drop_table("sample_parent")
    with op.batch_alter_table("sample_donor", schema=None) as batch_op:
        batch_op.drop_index("ix_sample_donor_patient_id")

    op.drop_table("sample_donor")
    with op.batch_alter_table("sample_correction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sample_correction_sample_id"))

    op.drop_table("sample_correction")
    with op.batch_alter_table("request_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_request_line_sample_id"))

    op.drop_table("request_line")
    with op.batch_alter_table("quantity_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_quantity_entry_sample_id")

    op.drop_table("quantity_entry")
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_placement_sample_current",
            sqlite_where=sa.text("removed_recorded_at IS NULL"),
            postgresql_where=sa.text("removed_recorded_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_placement_position_current",
            sqlite_where=sa.text("removed_recorded_at IS NULL"),
            postgresql_where=sa.text("removed_recorded_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_placement_child_current",
            sqlite_where=sa.text("removed_recorded_at IS NULL"),
            postgresql_where=sa.text("removed_recorded_at IS NULL"),
        )
        batch_op.drop_index("ix_placement_sample_id")
        batch_op.drop_index(
            "ix_placement_container_current",
            sqlite_where=sa.text("removed_recorded_at IS NULL"),
            postgresql_where=sa.text("removed_recorded_at IS NULL"),
        )
        batch_op.drop_index("ix_placement_child_id")

    op.drop_table("placement")
    with op.batch_alter_table("imported_record", schema=None) as batch_op:
        batch_op.drop_index("ix_imported_record_sample_id")

    op.drop_table("imported_record")
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_hold_open",
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )

    op.drop_table("hold")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index("ix_decision_sample_id")

    op.drop_table("decision")
    op.drop_table("consent_answer")
    with op.batch_alter_table("withdrawal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_withdrawal_patient_id"))

    op.drop_table("withdrawal")
    with op.batch_alter_table("sample", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_sample_container_code",
            sqlite_where=sa.text("container_code IS NOT NULL"),
            postgresql_where=sa.text("container_code IS NOT NULL"),
        )
        batch_op.drop_index("ix_sample_treated")
        batch_op.drop_index("ix_sample_study_id")
        batch_op.drop_index("ix_sample_site_id")
        batch_op.drop_index(batch_op.f("ix_sample_processing_id"))
        batch_op.drop_index(batch_op.f("ix_sample_collection_event_id"))

    op.drop_table("sample")
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_patient_id"))

    op.drop_table("consent")
    op.drop_table("clause")
    op.drop_table("user_role")
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_index("ix_request_site_id")
        batch_op.drop_index(batch_op.f("ix_request_researcher_id"))

    op.drop_table("request")
    with op.batch_alter_table("consent_form", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_form_study_id"))

    op.drop_table("consent_form")
    with op.batch_alter_table("consent_event", schema=None) as batch_op:
        batch_op.drop_index("ix_consent_event_patient_id")

    op.drop_table("consent_event")
    with op.batch_alter_table("collection_event", schema=None) as batch_op:
        batch_op.drop_index("ix_collection_event_patient_id")

    op.drop_table("collection_event")
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_token_user_id"))

    op.drop_table("api_token")
    op.drop_table("user_account")
    op.drop_table("study")
    with op.batch_alter_table("scannable_code", schema=None) as batch_op:
        batch_op.drop_index("ix_scannable_code_kind_target_id")

    op.drop_table("scannable_code")
    op.drop_table("processing")
    op.drop_table("patient")
    op.drop_table("import_run")
    with op.batch_alter_table("container", schema=None) as batch_op:
        batch_op.drop_index("ix_container_site_id")

    op.drop_table("container")
    op.drop_table("site")
    with op.batch_alter_table("sign_in_try", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_in_try_name_at")

    op.drop_table("sign_in_try")
    op.drop_table("role")
    with op.batch_alter_table("outbox_item", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_item_due",
            sqlite_where=sa.text("done_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL"),
        )

    op.drop_table("outbox_item")
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.drop_index("ix_idempotency_key_made_at")

    op.drop_table("idempotency_key")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_subject")

    op.drop_table("audit_entry")
    op.drop_table("accession_counter")
