"""Who is accountable, due dates that people set, and onboardings that are opened again

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Column by column: a table that others refer to cannot be made anew on SQLite.
    op.add_column("onboarding", sa.Column("accountable", sa.String(), nullable=True))
    op.add_column("onboarding", sa.Column("accountable_name", sa.String(), nullable=True))
    op.add_column("onboarding", sa.Column("reopened", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("step", sa.Column("due_set", sa.Date(), nullable=True))
    op.add_column("step", sa.Column("accountable", sa.String(), nullable=True))
    op.add_column("step", sa.Column("accountable_name", sa.String(), nullable=True))


def downgrade() -> None:
    for column in ("accountable_name", "accountable", "due_set"):
        op.drop_column("step", column)
    for column in ("reopened", "accountable_name", "accountable"):
        op.drop_column("onboarding", column)
