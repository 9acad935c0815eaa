"""Superseded invoices, what each line was billed, and suggestions for new references

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = ("operator", "supplier_tax_id", "number_key")
CURRENT = sa.text("superseded_at IS NULL")
# SQLite gives the first schema's constraint no name; batch mode needs one to drop it by.
NAMING = {"uq": "uq_%(table_name)s"}


def upgrade() -> None:
    with op.batch_alter_table("invoice", naming_convention=NAMING) as batch_op:
        batch_op.add_column(sa.Column("lines", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("superseded_by", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("superseded_reason", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("superseded_by_sha256", sa.String(), nullable=True))
        batch_op.drop_constraint(_unique_name(), type_="unique")
    with op.batch_alter_table("invoice") as batch_op:
        batch_op.create_index(
            "one_current_invoice", list(COLUMNS), unique=True, sqlite_where=CURRENT, postgresql_where=CURRENT
        )
    with op.batch_alter_table("reference") as batch_op:
        batch_op.add_column(sa.Column("suggestion", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    # What was superseded has no place in the first schema: its numbers would be there twice.
    op.execute("DELETE FROM invoice WHERE superseded_at IS NOT NULL")
    with op.batch_alter_table("reference") as batch_op:
        batch_op.drop_column("suggestion")
    with op.batch_alter_table("invoice") as batch_op:
        batch_op.drop_index("one_current_invoice")
        batch_op.drop_column("superseded_by_sha256")
        batch_op.drop_column("superseded_reason")
        batch_op.drop_column("superseded_by")
        batch_op.drop_column("superseded_at")
        batch_op.drop_column("lines")
        batch_op.create_unique_constraint("uq_invoice", list(COLUMNS))


def _unique_name() -> str:
    for constraint in sa.inspect(op.get_bind()).get_unique_constraints("invoice"):
        if tuple(constraint["column_names"]) == COLUMNS and constraint["name"]:
            return str(constraint["name"])
    return "uq_invoice"
