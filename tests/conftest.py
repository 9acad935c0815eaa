"""What the tests of more than one folder share: a Postgres server, started by the first test that needs one."""

from collections.abc import Iterator

import pytest
from postgres import Postgres, postgres

from bot.app import prepare_database
from bot.engine import DurableJobs
from bot.onboarding.store import Store

MIGRATED = "migrated"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Postgres) -> str:
    """The name of a database with this version's schema, to be copied."""
    store = Store(postgres_server.url(postgres_server.create(MIGRATED)))
    prepare_database(store, DurableJobs(store.engine))
    store.close()
    return MIGRATED


@pytest.fixture
def postgres_url(postgres_server: Postgres, migrated_template: str) -> Iterator[str]:
    """The address of a fresh database with this version's schema."""
    name = postgres_server.create(template=migrated_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def empty_postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """The address of a fresh database with nothing in it."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)
