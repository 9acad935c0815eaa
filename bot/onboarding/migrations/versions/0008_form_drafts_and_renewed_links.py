"""Drafts of the partner's form, and links that are made void

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "form_draft",
        sa.Column("onboarding_id", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("saves", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["onboarding_id"], ["onboarding.id"]),
        sa.PrimaryKeyConstraint("onboarding_id", "step_id"),
    )
    op.add_column("onboarding", sa.Column("links_renewed", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    # In place: a copy of this table would lose what refers to it.
    op.drop_column("onboarding", "links_renewed")
    op.drop_table("form_draft")
