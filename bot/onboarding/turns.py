"""Turns between threads that want the same thing."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# Two names may share a lock and then wait for each other for nothing; a lock for each name would never be given back.
LOCKS = 256


class Turns:
    """Threads that ask for the same name go one after the other. A thread that has a turn must not ask for another."""

    def __init__(self) -> None:
        self._locks = [Lock() for _ in range(LOCKS)]

    @contextmanager
    def of(self, *name: object) -> Iterator[None]:
        """Wait for the turn of this name, and have it."""
        with self._locks[hash(name) % LOCKS]:
            yield
