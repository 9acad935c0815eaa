"""One writer at a time on SQLite, people before jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, get_ident


class OneWriter:
    """The turns of one process's threads at a database that takes one writer at a time.

    SQLite itself has those that wait look again after pauses of up to 100 ms, in no order: under many clicks the jobs
    that the clicks cause would keep the next clicks waiting. Here the next one goes on at once, a person's first.
    """

    def __init__(self) -> None:
        self._free = Condition()
        self._writer: int | None = None
        self._people_waiting = 0

    @contextmanager
    def turn(self, *, for_person: bool) -> Iterator[None]:
        """Wait for the turn, and have it. Raises RuntimeError in a thread that has it: it would wait for ever."""
        if self._writer == get_ident():
            raise RuntimeError("A transaction was begun inside another one.")
        with self._free:
            self._people_waiting += for_person
            try:
                self._free.wait_for(lambda: self._writer is None and (for_person or not self._people_waiting))
                self._writer = get_ident()
            finally:
                self._people_waiting -= for_person
        try:
            yield
        finally:
            with self._free:
                self._writer = None
                self._free.notify_all()
