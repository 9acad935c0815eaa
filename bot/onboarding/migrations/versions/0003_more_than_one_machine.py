"""Kept packs and what the processes of an installation agree on; keys as long as they are

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# SQLite never minded the length of a key; Postgres refuses what is longer, and a file's name is part of a key.
KEYS = (("effect", "key", 255), ("received", "source", 512))


def upgrade() -> None:
    op.create_table(
        "kept_pack",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("pack", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "installation",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    for table, column, length in KEYS:
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(column, existing_type=sa.String(length), type_=sa.String(), existing_nullable=False)


def downgrade() -> None:
    for table, column, length in KEYS:
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(column, existing_type=sa.String(), type_=sa.String(length), existing_nullable=False)
    op.drop_table("installation")
    op.drop_table("kept_pack")
