"""The first schema

Revision 0001, after .
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "onboarding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("pack_version", sa.Integer(), nullable=False),
        sa.Column("pack_digest", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("partner", sa.String(), nullable=False),
        sa.Column("partner_email", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("root_key", sa.String(), nullable=False),
        sa.Column("tax_ids", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("onboarding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_onboarding_pack"), ["pack"], unique=False)
        batch_op.create_index(batch_op.f("ix_onboarding_partner"), ["partner"], unique=False)
        batch_op.create_index(batch_op.f("ix_onboarding_state"), ["state"], unique=False)
        batch_op.create_index(
            "one_open_per_client",
            ["pack", "partner", "client_key"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "one_open_per_root",
            ["pack", "partner", "root_key"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "received",
        sa.Column("source", sa.String(length=512), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
    op.create_table(
        "due",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enqueued_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("onboarding_id", "subject"),
    )
    with op.batch_alter_table("due", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_due_due_at"), ["due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_due_onboarding_id"), ["onboarding_id"], unique=False)

    op.create_table(
        "effect",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_effect_onboarding_id"), ["onboarding_id"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("onboarding_id", "seq"),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_onboarding_id"), ["onboarding_id"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_onboarding_id"), ["onboarding_id"], unique=False)

    op.create_table(
        "invoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("supplier_tax_id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("number_key", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("net", sa.String(), nullable=False),
        sa.Column("tax", sa.String(), nullable=False),
        sa.Column("out_of_tax", sa.String(), nullable=False),
        sa.Column("gross", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("source_sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("operator", "supplier_tax_id", "number_key"),
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_onboarding_id"), ["onboarding_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_root"), ["root"], unique=False)

    op.create_table(
        "month",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("gross", sa.String(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("source_sha256", sa.String(), nullable=False),
        sa.Column("loaded_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("operator", "root", "source_sha256"),
    )
    with op.batch_alter_table("month", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_month_onboarding_id"), ["onboarding_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_month_root"), ["root"], unique=False)

    op.create_table(
        "reference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("root", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("first_seen_invoice", sa.String(), nullable=False),
        sa.Column("net", sa.String(), nullable=False),
        sa.Column("assigned_by", sa.String(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("operator", "root", "kind", "ref"),
    )
    with op.batch_alter_table("reference", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reference_onboarding_id"), ["onboarding_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reference_root"), ["root"], unique=False)

    op.create_table(
        "source_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("arrival", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("source_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_file_onboarding_id"), ["onboarding_id"], unique=False)
        batch_op.create_index("source_file_sha256", ["sha256"], unique=False)

    op.create_table(
        "step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("waits_for", sa.String(), nullable=True),
        sa.Column("note", sa.JSON(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("seen", sa.JSON(), nullable=True),
        sa.Column("advice", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("link", sa.String(), nullable=True),
        sa.Column("memory", sa.JSON(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("onboarding_id", "step_id"),
    )
    with op.batch_alter_table("step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_step_onboarding_id"), ["onboarding_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_step_state"), ["state"], unique=False)

    op.create_table(
        "surface",
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("parent_link", sa.String(), nullable=True),
        sa.Column("reported", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboarding.id"],
        ),
        sa.PrimaryKeyConstraint("onboarding_id", "name"),
    )


def downgrade() -> None:
    op.drop_table("surface")
    with op.batch_alter_table("step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_step_state"))
        batch_op.drop_index(batch_op.f("ix_step_onboarding_id"))

    op.drop_table("step")
    with op.batch_alter_table("source_file", schema=None) as batch_op:
        batch_op.drop_index("source_file_sha256")
        batch_op.drop_index(batch_op.f("ix_source_file_onboarding_id"))

    op.drop_table("source_file")
    with op.batch_alter_table("reference", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reference_root"))
        batch_op.drop_index(batch_op.f("ix_reference_onboarding_id"))

    op.drop_table("reference")
    with op.batch_alter_table("month", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_month_root"))
        batch_op.drop_index(batch_op.f("ix_month_onboarding_id"))

    op.drop_table("month")
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_root"))
        batch_op.drop_index(batch_op.f("ix_invoice_onboarding_id"))

    op.drop_table("invoice")
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_onboarding_id"))

    op.drop_table("evidence")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_onboarding_id"))

    op.drop_table("event")
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_effect_onboarding_id"))

    op.drop_table("effect")
    with op.batch_alter_table("due", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_due_onboarding_id"))
        batch_op.drop_index(batch_op.f("ix_due_due_at"))

    op.drop_table("due")
    op.drop_table("received")
    with op.batch_alter_table("onboarding", schema=None) as batch_op:
        batch_op.drop_index(
            "one_open_per_root", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
        )
        batch_op.drop_index(
            "one_open_per_client", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
        )
        batch_op.drop_index(batch_op.f("ix_onboarding_state"))
        batch_op.drop_index(batch_op.f("ix_onboarding_partner"))
        batch_op.drop_index(batch_op.f("ix_onboarding_pack"))

    op.drop_table("onboarding")
