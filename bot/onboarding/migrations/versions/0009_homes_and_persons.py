"""Who began an onboarding, people's languages, and their Homes

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What reads JSON, by the database's name: old versions of SQLite know no arrow.
ACTOR = {"sqlite": "json_extract(event.content, '$.actor')", "postgresql": "event.content ->> 'actor'"}


def upgrade() -> None:
    # In place: a copy of this table would lose what refers to it.
    op.add_column("onboarding", sa.Column("starter", sa.String(), nullable=False, server_default=""))
    op.create_index(op.f("ix_onboarding_starter"), "onboarding", ["starter"], unique=False)
    op.execute(
        f"UPDATE onboarding SET starter = COALESCE((SELECT {ACTOR[op.get_bind().dialect.name]} FROM event"  # noqa: S608 - our own words
        " WHERE event.onboarding_id = onboarding.id AND event.seq = 1), '')"
    )
    op.create_table(
        "person",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "home",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("steps_page", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enqueued_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    with op.batch_alter_table("home") as batch_op:
        batch_op.create_index(batch_op.f("ix_home_due_at"), ["due_at"], unique=False)


def downgrade() -> None:
    op.drop_table("home")
    op.drop_table("person")
    op.drop_index(op.f("ix_onboarding_starter"), "onboarding")
    op.drop_column("onboarding", "starter")
