"""The migrations make the schema that the models describe."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from bot.onboarding.store import Store


def test_the_migrations_and_the_models_agree(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'schema.db'}")
    assert not store.schema_is_current()
    store.migrate()
    store.migrate()
    assert store.schema_is_current()
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    store.close()
