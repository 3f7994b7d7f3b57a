"""the bench: stations, sessions of work, procedures, rack scans, plans of moves, inventories, label checks"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "label_job",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("printer", sa.String(length=40)),
        sa.Column("station", sa.String(length=20)),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("reprint", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'shown', 'cancelled')",
            name=op.f("ck_label_job_state_known"),
        ),
        sa.CheckConstraint("copies >= 1", name=op.f("ck_label_job_at_least_one")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_label_job_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_job")),
    )
    op.create_index("ix_label_job_code", "label_job", ["code", "id"])
    op.create_index("ix_label_job_site_id", "label_job", ["site_id", "id"])

    op.create_table(
        "odd_scan",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY),
        sa.Column("station", sa.String(length=20)),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("raw", sa.String(length=256), nullable=False),
        sa.Column("read", sa.String(length=256)),
        sa.Column("fault", sa.String(length=40)),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.Column("settled_by", sa.String(length=64)),
        sa.CheckConstraint(
            "kind IN ('repaired', 'ambiguous', 'unknown', 'misread', 'typed')",
            name=op.f("ck_odd_scan_kind_known"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_odd_scan_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_odd_scan")),
    )
    op.create_index(
        "ix_odd_scan_open",
        "odd_scan",
        ["site_id", "id"],
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index("ix_odd_scan_station", "odd_scan", ["station", "recorded_at"])

    op.create_table(
        "procedure",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("in_force_at", INSTANT),
        sa.Column("retired_at", INSTANT),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_procedure_version_from_one")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_procedure_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_procedure")),
        sa.UniqueConstraint("number", name=op.f("uq_procedure_number")),
        sa.UniqueConstraint("site_id", "code", "version", name=op.f("uq_procedure_site_id_code_version")),
    )
    op.create_index(
        "uq_procedure_in_force",
        "procedure",
        ["site_id", "code"],
        unique=True,
        sqlite_where=sa.text("in_force_at IS NOT NULL AND retired_at IS NULL"),
        postgresql_where=sa.text("in_force_at IS NOT NULL AND retired_at IS NULL"),
    )

    op.create_table(
        "rack_layout",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_rack_layout_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rack_layout")),
        sa.UniqueConstraint("site_id", "signature", name=op.f("uq_rack_layout_site_id_signature")),
    )
    op.create_table(
        "station",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("suffix", sa.String(length=20), nullable=False),
        sa.Column("printer", sa.String(length=40)),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_station_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station")),
        sa.UniqueConstraint("code", name=op.f("uq_station_code")),
    )
    op.create_index("ix_station_site_id", "station", ["site_id"])

    op.create_table(
        "work_session",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("task", sa.String(length=12), nullable=False),
        sa.Column("station", sa.String(length=20), nullable=False),
        sa.Column("actor_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_by", sa.String(length=64)),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_work_session_end_has_name")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_session_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_session")),
        sa.UniqueConstraint("key", name=op.f("uq_work_session_key")),
    )
    op.create_index("ix_work_session_site_id", "work_session", ["site_id", "id"])
    op.create_index(
        "uq_work_session_open",
        "work_session",
        ["actor_key", "station"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )

    op.create_table(
        "collection_kit",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("study_id", KEY, nullable=False),
        sa.Column("visit", sa.String(length=80)),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("tubes", sa.JSON(), nullable=False),
        sa.Column("procedure_code", sa.String(length=40)),
        sa.Column("note", sa.Text()),
        sa.Column("retired_at", INSTANT),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_collection_kit_site_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_collection_kit_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_kit")),
        sa.UniqueConstraint("number", name=op.f("uq_collection_kit_number")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_collection_kit_site_id_code")),
    )
    op.create_index("ix_collection_kit_study_id", "collection_kit", ["study_id"])

    op.create_table(
        "inventory",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("container_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=6), nullable=False),
        sa.Column("seed", KEY, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_by", sa.String(length=64)),
        sa.CheckConstraint("kind IN ('random', 'whole')", name=op.f("ck_inventory_kind_known")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_inventory_end_has_name")
        ),
        sa.ForeignKeyConstraint(["container_id"], ["container.id"], name=op.f("fk_inventory_container_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_inventory_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory")),
    )
    op.create_index("ix_inventory_site_id", "inventory", ["site_id", "id"])

    op.create_table(
        "move_plan",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("container_id", KEY, nullable=False),
        sa.Column("reverses_id", KEY),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_by", sa.String(length=64)),
        sa.CheckConstraint(
            "kind IN ('evacuate', 'defragment', 'return')", name=op.f("ck_move_plan_kind_known")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_move_plan_end_has_name")
        ),
        sa.ForeignKeyConstraint(["container_id"], ["container.id"], name=op.f("fk_move_plan_container_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["move_plan.id"], name=op.f("fk_move_plan_reverses_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_move_plan_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_move_plan")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_move_plan_reverses_id")),
    )
    op.create_index("ix_move_plan_site_id", "move_plan", ["site_id", "id"])

    op.create_table(
        "position_claim",
        sa.Column("id", KEY, nullable=False),
        sa.Column("container_id", KEY, nullable=False),
        sa.Column("position", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("for_key", sa.String(length=64)),
        sa.Column("plan_id", KEY),
        sa.Column("why", sa.Text()),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("until_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_by", sa.String(length=64)),
        sa.Column("how_ended", sa.String(length=9)),
        sa.CheckConstraint(
            "(kind = 'reserved') = (for_key IS NOT NULL)",
            name=op.f("ck_position_claim_reserved_for_somebody"),
        ),
        sa.CheckConstraint(
            "(kind = 'reserved') = (until_at IS NOT NULL)", name=op.f("ck_position_claim_reserved_until")
        ),
        sa.CheckConstraint(
            "how_ended IN ('used', 'released', 'lapsed', 'unblocked')",
            name=op.f("ck_position_claim_end_known"),
        ),
        sa.CheckConstraint("kind IN ('reserved', 'blocked')", name=op.f("ck_position_claim_kind_known")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (how_ended IS NULL)", name=op.f("ck_position_claim_end_has_reason")
        ),
        sa.ForeignKeyConstraint(
            ["container_id"], ["container.id"], name=op.f("fk_position_claim_container_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position_claim")),
    )
    op.create_index("ix_position_claim_plan_id", "position_claim", ["plan_id"])
    op.create_index("ix_position_claim_container_id", "position_claim", ["container_id", "position", "id"])
    op.create_index(
        "uq_position_claim_open",
        "position_claim",
        ["container_id", "position"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )

    op.create_table(
        "rack_scan",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("container_id", KEY),
        sa.Column("source", sa.String(length=7), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("layout", sa.String(length=60)),
        sa.Column("rack_code", sa.String(length=100)),
        sa.Column("scanned_at", INSTANT),
        sa.Column("reading", sa.JSON()),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("applied_at", INSTANT),
        sa.Column("applied_by", sa.String(length=64)),
        sa.Column("applied", sa.JSON()),
        sa.Column("dismissed_at", INSTANT),
        sa.Column("dismissed_by", sa.String(length=64)),
        sa.CheckConstraint(
            "source IN ('upload', 'api', 'folder', 'picture', 'hand')", name=op.f("ck_rack_scan_source_known")
        ),
        sa.CheckConstraint(
            "(applied_at IS NULL) = (applied_by IS NULL)", name=op.f("ck_rack_scan_application_has_name")
        ),
        sa.CheckConstraint(
            "applied_at IS NULL OR container_id IS NOT NULL", name=op.f("ck_rack_scan_applied_to_a_box")
        ),
        sa.CheckConstraint("applied_at IS NULL OR dismissed_at IS NULL", name=op.f("ck_rack_scan_one_end")),
        sa.ForeignKeyConstraint(["container_id"], ["container.id"], name=op.f("fk_rack_scan_container_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_rack_scan_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rack_scan")),
    )
    op.create_index("ix_rack_scan_container_id", "rack_scan", ["container_id", "id"])
    op.create_index(
        "uq_rack_scan_open",
        "rack_scan",
        ["site_id", "sha256", "container_id"],
        unique=True,
        sqlite_where=sa.text("applied_at IS NULL AND dismissed_at IS NULL"),
        postgresql_where=sa.text("applied_at IS NULL AND dismissed_at IS NULL"),
    )
    op.create_index("ix_rack_scan_site_id", "rack_scan", ["site_id", "id"])

    op.create_table(
        "work_step",
        sa.Column("id", KEY, nullable=False),
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("raw", sa.String(length=256), nullable=False),
        sa.Column("read", sa.String(length=256)),
        sa.Column("how", sa.String(length=7)),
        sa.Column("outcome", sa.String(length=7), nullable=False),
        sa.Column("act", sa.String(length=20)),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("scanned_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("undone_at", INSTANT),
        sa.Column("undone_by", sa.String(length=64)),
        sa.CheckConstraint("outcome IN ('done', 'told', 'refused')", name=op.f("ck_work_step_outcome_known")),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL)", name=op.f("ck_work_step_undone_has_name")
        ),
        sa.CheckConstraint("how IN ('scanned', 'typed', 'pressed')", name=op.f("ck_work_step_how_known")),
        sa.ForeignKeyConstraint(["session_id"], ["work_session.id"], name=op.f("fk_work_step_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_step")),
        sa.UniqueConstraint("session_id", "key", name=op.f("uq_work_step_session_id_key")),
        sa.UniqueConstraint("session_id", "seq", name=op.f("uq_work_step_session_id_seq")),
    )
    op.create_table(
        "discard_reversal",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sample_id", KEY, nullable=False),
        sa.Column("entry_seq", KEY, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_discard_reversal_sample_id")),
        sa.ForeignKeyConstraint(
            ["entry_seq"], ["audit_entry.seq"], name=op.f("fk_discard_reversal_entry_seq")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discard_reversal")),
        sa.UniqueConstraint("entry_seq", name=op.f("uq_discard_reversal_entry_seq")),
    )
    op.create_index("ix_discard_reversal_sample_id", "discard_reversal", ["sample_id"])
    op.create_table(
        "discrepancy",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("sample_id", KEY),
        sa.Column("container_id", KEY, nullable=False),
        sa.Column("position", sa.String(length=10)),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("source_id", KEY),
        sa.Column("found", sa.String(length=256)),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.Column("settled_by", sa.String(length=64)),
        sa.Column("how", sa.Text()),
        sa.CheckConstraint(
            "kind IN ('missing', 'foreign', 'moved', 'unreadable')", name=op.f("ck_discrepancy_kind_known")
        ),
        sa.CheckConstraint(
            "source IN ('inventory', 'rack_scan', 'pick', 'bench')", name=op.f("ck_discrepancy_source_known")
        ),
        sa.CheckConstraint("(settled_at IS NULL) = (how IS NULL)", name=op.f("ck_discrepancy_end_has_way")),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (settled_by IS NULL)", name=op.f("ck_discrepancy_end_has_name")
        ),
        sa.ForeignKeyConstraint(["container_id"], ["container.id"], name=op.f("fk_discrepancy_container_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_discrepancy_sample_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_discrepancy_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
    )
    op.create_index("ix_discrepancy_site_id", "discrepancy", ["site_id", "id"])
    op.create_index(
        "uq_discrepancy_open",
        "discrepancy",
        ["sample_id", "kind"],
        unique=True,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )

    op.create_table(
        "inventory_line",
        sa.Column("id", KEY, nullable=False),
        sa.Column("inventory_id", KEY, nullable=False),
        sa.Column("sample_id", KEY, nullable=False),
        sa.Column("container_id", KEY, nullable=False),
        sa.Column("position", sa.String(length=10)),
        sa.Column("outcome", sa.String(length=10)),
        sa.Column("found", sa.String(length=256)),
        sa.Column("checked_at", INSTANT),
        sa.Column("checked_by", sa.String(length=64)),
        sa.CheckConstraint(
            "outcome IN ('right', 'missing', 'other', 'unreadable')",
            name=op.f("ck_inventory_line_outcome_known"),
        ),
        sa.CheckConstraint(
            "(checked_at IS NULL) = (checked_by IS NULL)", name=op.f("ck_inventory_line_check_has_name")
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (checked_at IS NULL)", name=op.f("ck_inventory_line_outcome_has_time")
        ),
        sa.ForeignKeyConstraint(
            ["container_id"], ["container.id"], name=op.f("fk_inventory_line_container_id")
        ),
        sa.ForeignKeyConstraint(
            ["inventory_id"], ["inventory.id"], name=op.f("fk_inventory_line_inventory_id")
        ),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_inventory_line_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_line")),
        sa.UniqueConstraint(
            "inventory_id",
            "container_id",
            "position",
            name=op.f("uq_inventory_line_inventory_id_container_id_position"),
        ),
    )
    op.create_index("ix_inventory_line_sample_id", "inventory_line", ["sample_id"])

    op.create_table(
        "label_check",
        sa.Column("id", KEY, nullable=False),
        sa.Column("sample_id", KEY, nullable=False),
        sa.Column("expected", sa.String(length=100), nullable=False),
        sa.Column("read", sa.String(length=256), nullable=False),
        sa.Column("matched", sa.Boolean(), nullable=False),
        sa.Column("station", sa.String(length=20)),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_label_check_sample_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_check")),
    )
    op.create_index("ix_label_check_sample_id", "label_check", ["sample_id", "id"])
    op.create_index(
        "uq_label_check_matched",
        "label_check",
        ["sample_id"],
        unique=True,
        sqlite_where=sa.text("matched"),
        postgresql_where=sa.text("matched"),
    )

    op.create_table(
        "move_step",
        sa.Column("id", KEY, nullable=False),
        sa.Column("plan_id", KEY, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("sample_id", KEY),
        sa.Column("child_id", KEY),
        sa.Column("from_container_id", KEY, nullable=False),
        sa.Column("from_position", sa.String(length=10)),
        sa.Column("to_container_id", KEY, nullable=False),
        sa.Column("to_position", sa.String(length=10)),
        sa.Column("done_at", INSTANT),
        sa.Column("done_by", sa.String(length=64)),
        sa.Column("skipped_at", INSTANT),
        sa.Column("skipped_by", sa.String(length=64)),
        sa.Column("why_skipped", sa.Text()),
        sa.CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", name=op.f("ck_move_step_done_has_name")),
        sa.CheckConstraint("(sample_id IS NULL) <> (child_id IS NULL)", name=op.f("ck_move_step_one_thing")),
        sa.CheckConstraint(
            "(skipped_at IS NULL) = (skipped_by IS NULL)", name=op.f("ck_move_step_skipped_has_name")
        ),
        sa.CheckConstraint("done_at IS NULL OR skipped_at IS NULL", name=op.f("ck_move_step_one_end")),
        sa.ForeignKeyConstraint(["child_id"], ["container.id"], name=op.f("fk_move_step_child_id")),
        sa.ForeignKeyConstraint(
            ["from_container_id"], ["container.id"], name=op.f("fk_move_step_from_container_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["move_plan.id"], name=op.f("fk_move_step_plan_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_move_step_sample_id")),
        sa.ForeignKeyConstraint(
            ["to_container_id"], ["container.id"], name=op.f("fk_move_step_to_container_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_move_step")),
        sa.UniqueConstraint("plan_id", "seq", name=op.f("uq_move_step_plan_id_seq")),
    )
    op.create_index(
        "uq_move_step_open_child",
        "move_step",
        ["child_id"],
        unique=True,
        sqlite_where=sa.text("done_at IS NULL AND skipped_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL AND skipped_at IS NULL"),
    )
    op.create_index(
        "uq_move_step_open_sample",
        "move_step",
        ["sample_id"],
        unique=True,
        sqlite_where=sa.text("done_at IS NULL AND skipped_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL AND skipped_at IS NULL"),
    )

    op.create_table(
        "non_conformity",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("sample_id", KEY),
        sa.Column("container_id", KEY),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("happened_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_by", sa.String(length=64)),
        sa.Column("action", sa.Text()),
        sa.CheckConstraint(
            "stage IN ('arrival', 'processing', 'storage', 'transfer')",
            name=op.f("ck_non_conformity_stage_known"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_non_conformity_end_has_name")
        ),
        sa.CheckConstraint(
            "(sample_id IS NULL) <> (container_id IS NULL)", name=op.f("ck_non_conformity_of_one_thing")
        ),
        sa.CheckConstraint(
            "closed_at IS NULL OR action IS NOT NULL", name=op.f("ck_non_conformity_end_has_action")
        ),
        sa.ForeignKeyConstraint(
            ["container_id"], ["container.id"], name=op.f("fk_non_conformity_container_id")
        ),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_non_conformity_sample_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_non_conformity_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_non_conformity")),
    )
    op.create_index(
        "ix_non_conformity_open",
        "non_conformity",
        ["site_id", "id"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_non_conformity_sample_id", "non_conformity", ["sample_id", "id"])

    op.create_table(
        "step_run",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site_id", KEY, nullable=False),
        sa.Column("procedure_id", KEY, nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("sample_id", KEY, nullable=False),
        sa.Column("batch", sa.String(length=36), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("stopped_at", INSTANT),
        sa.Column("stopped_by", sa.String(length=64)),
        sa.Column("outside", sa.JSON()),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(stopped_at IS NULL) = (stopped_by IS NULL)", name=op.f("ck_step_run_stop_has_name")
        ),
        sa.CheckConstraint("stopped_at >= started_at", name=op.f("ck_step_run_stopped_after_start")),
        sa.ForeignKeyConstraint(["procedure_id"], ["procedure.id"], name=op.f("fk_step_run_procedure_id")),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name=op.f("fk_step_run_sample_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_step_run_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_run")),
    )
    op.create_index("ix_step_run_batch", "step_run", ["batch"])
    op.create_index(
        "ix_step_run_open",
        "step_run",
        ["site_id"],
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_index("ix_step_run_sample_id", "step_run", ["sample_id", "id"])
    op.create_index(
        "uq_step_run_running",
        "step_run",
        ["sample_id"],
        unique=True,
        sqlite_where=sa.text("stopped_at IS NULL"),
        postgresql_where=sa.text("stopped_at IS NULL"),
    )

    op.add_column("container", sa.Column("accepts", sa.JSON()))
    op.add_column("container", sa.Column("kept_at", sa.JSON()))
    op.create_index("ix_container_kind", "container", ["kind", "id"])
    op.create_index(
        "ix_placement_placed_at",
        "placement",
        ["placed_at", "container_id"],
        sqlite_where=sa.text("sample_id IS NOT NULL"),
        postgresql_where=sa.text("sample_id IS NOT NULL"),
    )
    op.create_index(
        "ix_placement_removed_at",
        "placement",
        ["removed_at", "container_id"],
        sqlite_where=sa.text("removed_at IS NOT NULL"),
        postgresql_where=sa.text("removed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_placement_container_ended",
        "placement",
        ["container_id"],
        sqlite_where=sa.text("removed_recorded_at IS NOT NULL"),
        postgresql_where=sa.text("removed_recorded_at IS NOT NULL"),
    )
    _tallies()


def _tallies() -> None:
    """How much stands in each freezer, and how much came and left lately: counted once here, kept by each act."""
    op.create_table(
        "stock_tally",
        sa.Column("root_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("containers", KEY, nullable=False),
        sa.Column("samples", KEY, nullable=False),
        sa.Column("children", KEY, nullable=False),
        sa.ForeignKeyConstraint(["root_id"], ["container.id"], name=op.f("fk_stock_tally_root_id")),
        sa.PrimaryKeyConstraint("root_id", "kind", name=op.f("pk_stock_tally")),
    )
    op.create_table(
        "stock_flow",
        sa.Column("root_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("net", KEY, nullable=False),
        sa.ForeignKeyConstraint(["root_id"], ["container.id"], name=op.f("fk_stock_flow_root_id")),
        sa.PrimaryKeyConstraint("root_id", "kind", "day", name=op.f("pk_stock_flow")),
    )
    tree = (
        "WITH RECURSIVE tree (root, id) AS ("
        " SELECT c.id, c.id FROM container c WHERE NOT EXISTS (SELECT 1 FROM placement p"
        "  WHERE p.child_id = c.id AND p.removed_recorded_at IS NULL)"
        " UNION SELECT tree.root, p.child_id FROM tree JOIN placement p ON p.container_id = tree.id"
        "  AND p.child_id IS NOT NULL AND p.removed_recorded_at IS NULL),"
        " here (id, samples, children) AS (SELECT container_id, count(sample_id), count(child_id) FROM placement"
        "  WHERE removed_recorded_at IS NULL GROUP BY container_id)"
    )
    op.execute(
        f"INSERT INTO stock_tally (root_id, kind, containers, samples, children) {tree}"
        " SELECT tree.root, c.kind, count(*), coalesce(sum(here.samples), 0), coalesce(sum(here.children), 0)"
        " FROM tree JOIN container c ON c.id = tree.id LEFT JOIN here ON here.id = tree.id GROUP BY tree.root, c.kind"
    )
    day = "date({})" if op.get_bind().dialect.name == "sqlite" else "CAST({} AT TIME ZONE 'UTC' AS date)"
    moved = " UNION ALL ".join(
        f"SELECT container_id, {day.format(column)} AS day, {sign} AS net FROM placement"
        f" WHERE sample_id IS NOT NULL AND {column} IS NOT NULL"
        for column, sign in (("placed_at", "1"), ("removed_at", "-1"))
    )
    op.execute(
        f"INSERT INTO stock_flow (root_id, kind, day, net) {tree}, moved AS ({moved})"
        " SELECT tree.root, c.kind, moved.day, sum(moved.net) FROM moved JOIN tree ON tree.id = moved.container_id"
        " JOIN container c ON c.id = tree.id GROUP BY tree.root, c.kind, moved.day"
    )


def downgrade() -> None:
    op.drop_table("stock_flow")
    op.drop_table("stock_tally")
    op.drop_index("ix_container_kind", "container")
    op.drop_index("ix_placement_container_ended", "placement")
    op.drop_index("ix_placement_removed_at", "placement")
    op.drop_index("ix_placement_placed_at", "placement")
    with op.batch_alter_table("container") as batch:
        batch.drop_column("accepts")
        batch.drop_column("kept_at")
    for table in (
        "step_run",
        "non_conformity",
        "move_step",
        "label_check",
        "inventory_line",
        "discrepancy",
        "discard_reversal",
        "work_step",
        "rack_scan",
        "position_claim",
        "move_plan",
        "inventory",
        "collection_kit",
        "work_session",
        "station",
        "rack_layout",
        "procedure",
        "odd_scan",
        "label_job",
    ):
        op.drop_table(table)
