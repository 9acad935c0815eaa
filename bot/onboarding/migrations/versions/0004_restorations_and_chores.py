"""When the database was put back from a backup, what upkeep is due, and the unfinished effects by an index

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UNFINISHED = sa.text("external_id IS NULL")


def upgrade() -> None:
    op.create_table(
        "restoration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("highest_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "chore",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("effect_unfinished", "effect", ["claimed_at"], sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
    op.create_index("received_at", "received", ["at"])


def downgrade() -> None:
    op.drop_index("received_at", "received")
    op.drop_index("effect_unfinished", "effect")
    op.drop_table("chore")
    op.drop_table("restoration")
