"""dbos on Python 3.12 and newer asks SQLite for milliseconds, which SQLite before 3.42 answers with NULL.

The system's SQLite may well be older than Python (Debian 12 has 3.40), so there the function is given to it.
"""

import sqlite3
import sys
import time

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

KNOWS_MILLISECONDS = (3, 42)


def give_milliseconds() -> None:
    """Have every SQLite connection of this process know ``unixepoch('subsec')``, where SQLite itself does not."""
    is_needed = sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < KNOWS_MILLISECONDS
    if is_needed and not event.contains(Engine, "connect", _give):
        event.listen(Engine, "connect", _give)


def _give(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("unixepoch", 1, lambda _modifier: time.time())
