"""Alembic's entry: migrations run on the connection that the store hands over, in its transaction."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from bot.onboarding.models import UtcDateTime


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own types as the plain ones below them: a migration must not change when the models do."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


def compare_type(
    _context: Any, _inspected: Any, _metadata: Any, inspected_type: sa.types.TypeEngine[Any], model_type: Any
) -> bool | None:
    """Take a moment and its column for the same type."""
    return False if isinstance(model_type, UtcDateTime) and isinstance(inspected_type, sa.DateTime) else None


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_item=render_item,
    compare_type=compare_type,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
