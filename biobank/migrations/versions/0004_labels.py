"""labels: a queue with one sender a printer, designs of a site, replaced codes, numbers allotted before the draw"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
STATES = "state IN ('waiting', 'sending', 'held', 'sent', 'failed', 'shown', 'cancelled')"
STATES_BEFORE = "state IN ('waiting', 'sending', 'sent', 'failed', 'shown', 'cancelled')"


def upgrade() -> None:
    with op.batch_alter_table("label_job") as batch:
        batch.alter_column("code", existing_type=sa.String(length=20), type_=sa.String(length=100))
        batch.add_column(sa.Column("patient_id", KEY))
        batch.add_column(sa.Column("batch", KEY))
        batch.add_column(sa.Column("design", sa.String(length=64)))
        batch.add_column(sa.Column("counted_before", KEY))
        batch.add_column(sa.Column("claimed_at", INSTANT))
        batch.drop_constraint(op.f("ck_label_job_state_known"), type_="check")
        batch.create_check_constraint(op.f("ck_label_job_state_known"), STATES)
        batch.create_foreign_key(op.f("fk_label_job_patient_id"), "patient", ["patient_id"], ["id"])
    op.execute("UPDATE label_job SET batch = id")
    op.create_index(
        "ix_label_job_to_send",
        "label_job",
        ["printer", "batch", "id"],
        sqlite_where=sa.text("state IN ('waiting', 'sending', 'held')"),
        postgresql_where=sa.text("state IN ('waiting', 'sending', 'held')"),
    )
    op.create_index(
        "ix_label_job_failed",
        "label_job",
        ["printer"],
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )

    with op.batch_alter_table("label_check") as batch:
        batch.add_column(sa.Column("reprint", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("known_by", sa.String(length=256)))
    op.drop_index("uq_label_check_matched", table_name="label_check")
    op.create_index(
        "uq_label_check_matched",
        "label_check",
        ["sample_id", "expected", "reprint"],
        unique=True,
        sqlite_where=sa.text("matched"),
        postgresql_where=sa.text("matched"),
    )

    op.create_table(
        "label_printer",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sender", sa.String(length=36)),
        sa.Column("until", INSTANT),
        sa.Column("trouble", sa.String(length=40)),
        sa.Column("told_at", INSTANT),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_label_printer")),
    )
    op.create_table(
        "label_design",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_label_design_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_design")),
        sa.UniqueConstraint("site_id", "name", "version", name=op.f("uq_label_design_site_id_name_version")),
    )
    op.create_table(
        "code_replacement",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sample_id", KEY, nullable=False),
        sa.Column("old_code", sa.String(length=20), nullable=False),
        sa.Column("new_code", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_code_replacement_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_replacement")),
        sa.UniqueConstraint("old_code", name=op.f("uq_code_replacement_old_code")),
        sa.UniqueConstraint("new_code", name=op.f("uq_code_replacement_new_code")),
    )
    op.create_index("ix_code_replacement_sample_id", "code_replacement", ["sample_id"])

    op.create_table(
        "allotment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("kit_id", KEY),
        sa.Column("note", sa.Text()),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_allotment_site_id")),
        sa.ForeignKeyConstraint(["kit_id"], ["collection_kit.id"], name=op.f("fk_allotment_kit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allotment")),
    )
    op.create_index("ix_allotment_site_id", "allotment", ["site_id", "id"])
    op.create_table(
        "allotted_number",
        sa.Column("id", KEY, nullable=False),
        sa.Column("allotment_id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("set_number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=60)),
        sa.Column("label", sa.String(length=80)),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("sample_id", KEY),
        sa.Column("reason", sa.Text()),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_by", sa.String(length=64)),
        sa.CheckConstraint(
            "state IN ('out', 'returned', 'used', 'voided')", name=op.f("ck_allotted_number_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'used') = (sample_id IS NOT NULL)", name=op.f("ck_allotted_number_used_by_a_sample")
        ),
        sa.ForeignKeyConstraint(
            ["allotment_id"], ["allotment.id"], name=op.f("fk_allotted_number_allotment_id")
        ),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_allotted_number_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allotted_number")),
        sa.UniqueConstraint("code", name=op.f("uq_allotted_number_code")),
        sa.UniqueConstraint("sample_id", name=op.f("uq_allotted_number_sample_id")),
    )
    op.create_index("ix_allotted_number_allotment_id", "allotted_number", ["allotment_id", "id"])


def downgrade() -> None:
    for table in ("allotted_number", "allotment", "code_replacement", "label_design", "label_printer"):
        op.drop_table(table)
    op.drop_index("uq_label_check_matched", table_name="label_check")
    # Of several matching scans of one tube, the first stays the one that counts.
    op.execute(
        "UPDATE label_check SET matched = false WHERE matched AND EXISTS (SELECT 1 FROM label_check b"
        " WHERE b.sample_id = label_check.sample_id AND b.matched AND b.id < label_check.id)"
    )
    op.create_index(
        "uq_label_check_matched",
        "label_check",
        ["sample_id"],
        unique=True,
        sqlite_where=sa.text("matched"),
        postgresql_where=sa.text("matched"),
    )
    with op.batch_alter_table("label_check") as batch:
        batch.drop_column("known_by")
        batch.drop_column("reprint")
    op.drop_index("ix_label_job_failed", table_name="label_job")
    op.drop_index("ix_label_job_to_send", table_name="label_job")
    op.execute("UPDATE label_job SET state = 'failed' WHERE state = 'held'")
    op.execute(
        "DELETE FROM label_job WHERE length(code) > 20"
    )  # of a patient's sheet, which had no label before
    with op.batch_alter_table("label_job") as batch:
        batch.drop_constraint(op.f("fk_label_job_patient_id"), type_="foreignkey")
        batch.drop_constraint(op.f("ck_label_job_state_known"), type_="check")
        batch.create_check_constraint(op.f("ck_label_job_state_known"), STATES_BEFORE)
        batch.alter_column("code", existing_type=sa.String(length=100), type_=sa.String(length=20))
        for column in ("claimed_at", "counted_before", "design", "batch", "patient_id"):
            batch.drop_column(column)
