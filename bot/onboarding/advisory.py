"""Postgres' advisory locks: held by a connection, seen by every process, and gone with the connection.

A process that is killed gives its locks back at once, because its connections end with it. A machine that vanishes
without a word gives them back when the server has missed its answers (``SESSION``). A pooler that hands one server
connection to several clients in turn breaks all of this: the bot connects to Postgres directly.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

# How long, in milliseconds, this side waits for an answer of the network before a connection counts as lost, and how
# long to wait for a new connection, in seconds.
SILENCE_MS, CONNECT_SECONDS = 3_000, 10

# The server looks after a silent client: a lost machine's locks are free after about five seconds. A lock's holder may
# be silent for as long as a job takes, so no time-out of the server may end it.
SESSION: Mapping[str, str] = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "statement_timeout": "0",
    "lock_timeout": "0",
}
# From Postgres 14 on. The check lets a dead process leave the queue for a lock that it waited for.
SESSION_SINCE_14: Mapping[str, str] = {"idle_session_timeout": "0", "client_connection_check_interval": "1s"}


def lock_key(*name: object) -> int:
    """Return the 64 bits, signed, that stand for a name: the same in every process."""
    return int.from_bytes(hashlib.sha256(repr(name).encode()).digest()[:8], signed=True)


def lock_engine(url: URL, *, connections: int) -> Engine:
    """Return an engine whose connections hold advisory locks and nothing else: each statement commits by itself."""
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_pre_ping=True,
        pool_size=connections,
        max_overflow=0,
        connect_args={
            "application_name": "onboarding-bot locks",
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": SILENCE_MS,
        },
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        driver: Any = connection
        settings = {**SESSION, **(SESSION_SINCE_14 if driver.info.server_version >= 140_000 else {})}
        for name, value in settings.items():
            driver.execute("SELECT set_config(%s, %s, false)", (name, value))
        driver.commit()

    return engine


def lock(connection: Connection, key: int) -> None:
    """Wait for a lock and have it until ``unlock``, or until the connection ends."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})


def try_lock(connection: Connection, key: int) -> bool:
    """Take a lock if nobody holds it; tell whether it was taken."""
    return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one())


def unlock(connection: Connection, key: int) -> None:
    """Give a lock back."""
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
