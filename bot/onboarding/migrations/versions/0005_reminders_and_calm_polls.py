"""Reminders, what lookouts see for all, and when a time was decided

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "look",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enqueued_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    with op.batch_alter_table("due") as batch_op:
        batch_op.add_column(sa.Column("set_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("signal", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("mark", sa.String(), nullable=True))
        batch_op.create_index(batch_op.f("ix_due_set_at"), ["set_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_due_signal"), ["signal"], unique=False)
    # Open steps get a row each that is due at once: the job knows the pack, and only sets the right time.
    op.execute(
        "INSERT INTO due (onboarding_id, subject, run, due_at, attempts)"
        " SELECT step.onboarding_id, 'remind:' || step.step_id, step.run, CURRENT_TIMESTAMP, 0"
        " FROM step JOIN onboarding ON onboarding.id = step.onboarding_id"
        " WHERE onboarding.state = 'open' AND step.state IN ('running', 'waiting', 'failed')"
        " ON CONFLICT DO NOTHING"
    )
    for subject, condition in (("deadline", "due IS NOT NULL"), ("overdue", "1 = 1")):
        op.execute(
            "INSERT INTO due (onboarding_id, subject, run, due_at, attempts)"  # noqa: S608 - our own words
            f" SELECT id, '{subject}', 0, CURRENT_TIMESTAMP, 0 FROM onboarding WHERE state = 'open' AND {condition}"
            " ON CONFLICT DO NOTHING"
        )


def downgrade() -> None:
    op.execute("DELETE FROM due WHERE subject NOT LIKE 'step:%' AND subject NOT LIKE 'surface:%'")
    with op.batch_alter_table("due") as batch_op:
        batch_op.drop_index(batch_op.f("ix_due_signal"))
        batch_op.drop_index(batch_op.f("ix_due_set_at"))
        batch_op.drop_column("mark")
        batch_op.drop_column("signal")
        batch_op.drop_column("since")
        batch_op.drop_column("set_at")
    op.drop_table("look")
