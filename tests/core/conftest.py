"""The core's house, fresh for each test, on SQLite and on Postgres."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from core_house import House


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; Postgres' has its schema already."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'core.db'}"


@pytest.fixture
def house(tmp_path: Path, database: str) -> Iterator[House]:
    built = House(tmp_path, database=database)
    yield built
    built.close()
