"""The database: SQLite in WAL mode for one process, Postgres for many; one short transaction per change."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session, SQLModel
from tenacity import retry, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_random

from bot.onboarding.advisory import CONNECT_SECONDS, lock_engine, lock_key, try_lock
from bot.onboarding.database_errors import RESTORE, in_words
from bot.onboarding.errors import SettingsError
from bot.onboarding.one_writer import OneWriter, Rank
from bot.onboarding.people_first import PeopleFirst

log = structlog.stdlib.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"

# The processes of an installation that start at the same moment bring the schema to their version one after the other.
MIGRATING, MIGRATING_PAUSE = lock_key("migrating"), 0.1

# How long a writer waits for the other one on SQLite before it gives up, in seconds.
SQLITE_PATIENCE = 20

# Connections of one process to Postgres: as many jobs as run at a time, some of which read beside their transaction,
# the sweep, and the pages that are asked for meanwhile.
POSTGRES_CONNECTIONS, POSTGRES_MORE = 10, 10

# A person who waits is not told of a deadlock (which Postgres notices after a second), or of a connection that broke:
# what was asked for is tried again for so many seconds. Slack takes an answer within three.
PATIENCE_WITH_A_PERSON = 2.0

tried_again = retry(
    retry=retry_if_exception_type((OperationalError, InterfaceError)),
    stop=stop_after_delay(PATIENCE_WITH_A_PERSON),
    wait=wait_random(0.02, 0.2),
    reraise=True,
)
"""Decorates what may be done again from its start: its transaction has failed, or has an outside event's mark."""

again_after_another = retry(retry=retry_if_exception_type(IntegrityError), stop=stop_after_attempt(2), reraise=True)
"""Decorates one transaction that looks before it inserts: where another was faster, it looks again and sees its row."""


class Store:
    """Sessions on the one database. Built once by the application; nothing is opened before the first use."""

    def __init__(self, url: str) -> None:
        """``url`` is the setting DATABASE_URL. Raises SettingsError for one that names no such database."""
        self.address = database_address(url)
        self.engine = _engine(self.address)
        self._readers = self.engine.execution_options(reads_only=True)
        self._one_writer = OneWriter() if self.on_sqlite else None
        self.people_first = PeopleFirst()

    @property
    def on_sqlite(self) -> bool:
        """Whether this is the single-process database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self, *, for_person: bool = False, rank: Rank | None = None) -> Iterator[Session]:
        """Open a session whose changes commit together at the end, or not at all.

        ``for_person``: somebody asked for it, so it goes before jobs; ``rank`` says more exactly who waits for it.
        """
        rank = rank if rank is not None else Rank.PERSON if for_person else Rank.JOB
        with ExitStack() as turn:
            if self._one_writer is not None:
                turn.enter_context(self._one_writer.turn(rank))
            elif rank != Rank.JOB:
                turn.enter_context(self.people_first.person())
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading alone; on SQLite it waits for no writer."""
        with Session(self._readers, expire_on_commit=False) as session:
            yield session

    @property
    def file(self) -> Path | None:
        """The database's file on SQLite; None where there is none."""
        named = self.engine.url.database if self.on_sqlite else None
        return None if named in {None, "", ":memory:"} else Path(str(named)).resolve()

    def migrate(self) -> None:
        """Bring the schema to this version, wholly or not at all.

        Raises SettingsError when the database cannot be opened, or when a migration does not fit what is there.
        """
        begun = self._revision()
        try:
            with self.engine.begin() as connection:
                command.upgrade(_alembic(connection), "head")
        except Exception as refused:
            if isinstance(refused, DBAPIError) and not _is_about_tables(refused):
                raise in_words(self.name, refused) from refused
            seen = " ".join(str(refused.orig if isinstance(refused, DBAPIError) else refused).split())
            raise SettingsError(
                f"DATABASE_URL: the database says that it is at revision {begun or 'none'}, but the migration after it "
                f"does not fit ({seen}): an upgrade was cut off, or its tables were changed by hand. Nothing was "
                f"changed. {RESTORE}, then start again."
            ) from refused

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Be the one process of all that brings the schema to this version. Raises SettingsError."""
        if self.on_sqlite:
            yield
            return
        locks = lock_engine(self.engine.url, connections=1)
        try:
            with locks.connect() as connection:
                # Asked for again and again, in no transaction: an index that is made without stopping everyone else
                # waits for the end of each statement that is older, and one that waits for a lock would be such.
                while not try_lock(connection, MIGRATING):
                    time.sleep(MIGRATING_PAUSE)
                yield
        except OperationalError as refused:
            raise in_words(self.name, refused) from refused
        finally:
            locks.dispose()

    def schema_is_current(self) -> bool:
        """Tell whether every migration of this version has been applied.

        Raises SettingsError when the database cannot be opened, or was made by a newer version.
        """
        scripts = ScriptDirectory(str(MIGRATIONS))
        applied, newest = self._revision(), scripts.get_current_head()
        if applied is not None and applied not in {script.revision for script in scripts.walk_revisions()}:
            raise SettingsError(
                f"DATABASE_URL: the database is of a newer version (revision {applied}; this version knows {newest} "
                "and those before it). Start the newer version of onboarding-bot, or put back the backup that was made "
                "before the upgrade."
            )
        return applied == newest

    def answers(self) -> bool:
        """Tell whether the database answers now, by its smallest question."""
        try:
            with self._readers.connect() as connection:
                connection.exec_driver_sql("SELECT 1 FROM alembic_version")
        except DBAPIError:
            return False
        return True

    def _revision(self) -> str | None:
        try:
            with self.engine.connect() as connection:
                return MigrationContext.configure(connection).get_current_revision()
        except DBAPIError as refused:
            raise in_words(self.name, refused) from refused

    def wait(self, seconds: float) -> None:
        """Wait for a Postgres that does not answer yet, or is starting. Raises SettingsError when the time is up."""
        until = time.monotonic() + seconds
        while True:
            try:
                with nullcontext() if self.on_sqlite else self.engine.connect():
                    return
            except OperationalError as refused:
                if time.monotonic() > until or not _is_away(refused):
                    raise in_words(self.name, refused) from refused
                log.warning("database_away", database=self.name, reason=_reason(refused))
                time.sleep(min(1.0, seconds))

    @property
    def name(self) -> str:
        """The database's address as people may see it, without its password."""
        return shown(self.address)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _is_about_tables(error: DBAPIError) -> bool:
    """Tell a table, column or index that is there already, or missing, from a database that does not work."""
    said = str(error.orig).lower()
    return any(word in said for word in ("already exists", "duplicate column", "no such", "does not exist"))


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def insert_once(session: Session, row: type[SQLModel], **values: Any) -> bool:
    """Insert a row unless one with its key is there; tell whether it was inserted.

    Of two transactions that insert the same key at the same time the second waits for the first one's end.
    """
    table = SQLModel.metadata.tables[str(row.__tablename__)]
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return session.connection().execute(insert).first() is not None


def database_address(url: str) -> URL:
    """Read a DATABASE_URL: SQLite or Postgres, the latter always by psycopg. Raises SettingsError."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError as wrong:
        # The text is not shown: a password may be in it.
        raise SettingsError(f"DATABASE_URL is no database's address. {_ADDRESSES}") from wrong
    if backend == "sqlite":
        return parsed
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise SettingsError(f"DATABASE_URL: {backend} is no database that the bot knows. {_ADDRESSES}")


_ADDRESSES = "Give postgresql://account:password@host/database, or sqlite:///folder/file.db."


def shown(address: URL) -> str:
    """Return an address as people may see it: without its password, wherever it stands."""
    hidden = {name: "***" if "pass" in name else value for name, value in address.query.items()}
    return address.set(query=hidden).render_as_string(hide_password=True)


def _is_away(refused: OperationalError) -> bool:
    """Tell a server that is not there yet from one that has answered no."""
    said = str(refused.orig)
    return "FATAL" not in said or "the database system is" in said


def _reason(refused: OperationalError) -> str:
    """Return the driver's words in one line."""
    return re.sub(r"\s+", " ", str(refused.orig)).strip()


def _engine(address: URL) -> Engine:
    if address.get_backend_name() != "sqlite":
        connect_args: Mapping[str, Any] = {
            "application_name": "onboarding-bot",
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }
        return create_engine(
            address,
            pool_pre_ping=True,
            pool_size=POSTGRES_CONNECTIONS,
            max_overflow=POSTGRES_MORE,
            # A query of the address (sslmode, host, …) wins over what is set here.
            connect_args={name: value for name, value in connect_args.items() if name not in address.query},
        )
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address, connect_args={"timeout": SQLITE_PATIENCE, "check_same_thread": False})

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
