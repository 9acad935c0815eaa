"""Turns between threads and processes that want the same thing: the same effect, surface or step."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Lock, local
from typing import Protocol

import structlog
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from bot.onboarding.advisory import lock, lock_engine, lock_key, unlock

log = structlog.stdlib.get_logger()


class Turns(Protocol):
    """Whoever asks for the same name goes one after the other.

    A thread that has a turn may ask for one of another kind inside it, always in this order: a step's or a surface's,
    then an effect's. Two of one kind at once could wait for each other.
    """

    def of(self, kind: str, *name: object) -> AbstractContextManager[None]:
        """Wait for the turn of this name, and have it."""


class ThreadTurns:
    """Turns of one process, which is all there is on SQLite."""

    def __init__(self) -> None:
        self._locks: dict[tuple[object, ...], _Counted] = {}
        self._counting = Lock()

    @contextmanager
    def of(self, kind: str, *name: object) -> Iterator[None]:
        """Wait for the turn of this name, and have it."""
        full = (kind, *name)
        with self._counting:
            counted = self._locks.setdefault(full, _Counted())
            counted.wanted_by += 1
        try:
            with counted.lock:
                yield
        finally:
            with self._counting:
                counted.wanted_by -= 1
                if counted.wanted_by == 0:
                    del self._locks[full]

    def close(self) -> None:
        """There is nothing to close."""


@dataclass
class _Counted:
    """A lock, and how many threads have it or wait for it: it is forgotten with the last of them."""

    lock: Lock = field(default_factory=Lock)
    wanted_by: int = 0


class PostgresTurns:
    """Turns of every process on one Postgres. A thread has one connection for all the turns that it holds at once.

    A process that dies gives its turns back with its connections. Raises sqlalchemy's OperationalError where the
    database does not answer.
    """

    def __init__(self, url: URL, *, threads: int) -> None:
        """``threads`` is how many may hold turns at the same time: so many connections are opened at most."""
        self._engine = lock_engine(url, connections=threads)
        self._mine = local()

    @contextmanager
    def of(self, kind: str, *name: object) -> Iterator[None]:
        """Wait for the turn of this name, and have it."""
        key = lock_key(kind, *name)
        with self._connection() as connection:
            lock(connection, key)
            try:
                yield
            finally:
                self._give_back(connection, key)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        held: Connection | None = getattr(self._mine, "connection", None)
        if held is not None:
            yield held
            return
        with self._engine.connect() as connection:
            self._mine.connection = connection
            try:
                yield connection
            finally:
                self._mine.connection = None

    @staticmethod
    def _give_back(connection: Connection, key: int) -> None:
        try:
            unlock(connection, key)
        except DBAPIError as lost:
            # The turn went with the connection; what was done in it stays done.
            log.warning("turn_lost", reason=type(lost.orig).__name__)
            connection.invalidate()
