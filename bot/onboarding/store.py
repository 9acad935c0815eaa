"""The database: SQLite in WAL mode for one process, Postgres for many; one short transaction per change."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from bot.onboarding.errors import SettingsError
from bot.onboarding.one_writer import OneWriter

MIGRATIONS = Path(__file__).parent / "migrations"

# How long a writer waits for the other one on SQLite before it gives up, in seconds.
SQLITE_PATIENCE = 20


class Store:
    """Sessions on the one database. Built once by the application; nothing is opened before the first use."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._readers = self.engine.execution_options(reads_only=True)
        self._one_writer = OneWriter() if self.on_sqlite else None

    @property
    def on_sqlite(self) -> bool:
        """Whether this is the single-process database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self, *, for_person: bool = False) -> Iterator[Session]:
        """Open a session whose changes commit together at the end, or not at all.

        ``for_person``: somebody waits for it, so on SQLite it goes before the jobs that wait.
        """
        with ExitStack() as turn:
            if self._one_writer is not None:
                turn.enter_context(self._one_writer.turn(for_person=for_person))
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading alone; on SQLite it waits for no writer."""
        with Session(self._readers, expire_on_commit=False) as session:
            yield session

    def migrate(self) -> None:
        """Bring the schema to this version. Raises SettingsError when the database cannot be opened."""
        try:
            with self.engine.begin() as connection:
                command.upgrade(_alembic(connection), "head")
        except OperationalError as refused:
            raise SettingsError(
                f"DATABASE_URL: the database {make_url(self.url).render_as_string()} cannot be opened "
                f"({refused.orig}). Check that it runs, and that this account may create tables in it."
            ) from refused

    def schema_is_current(self) -> bool:
        """Tell whether every migration of this version has been applied."""
        with self.engine.connect() as connection:
            applied = MigrationContext.configure(connection).get_current_revision()
        return applied == ScriptDirectory(str(MIGRATIONS)).get_current_head()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": SQLITE_PATIENCE, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own BEGIN comes too late and takes no write lock: two writers would deadlock on upgrade.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads_only = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    return engine
