"""One writer at a time on SQLite: who waits for an acknowledgement first, then what people asked for, then jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from threading import Condition, get_ident


class Rank(IntEnum):
    """Who goes first of those that wait."""

    ACKNOWLEDGEMENT = 0
    PERSON = 1
    JOB = 2


class OneWriter:
    """The turns of one process's threads at a database that takes one writer at a time.

    SQLite itself has those that wait look again after pauses of up to 100 ms, in no order: under many clicks the jobs
    that the clicks cause would keep the next clicks waiting. Here the next one goes on at once, in the ranks' order.
    """

    def __init__(self) -> None:
        self._free = Condition()
        self._writer: int | None = None
        self._waiting = dict.fromkeys(Rank, 0)

    @contextmanager
    def turn(self, rank: Rank) -> Iterator[None]:
        """Wait for the turn, and have it. Raises RuntimeError in a thread that has it: it would wait for ever."""
        if self._writer == get_ident():
            raise RuntimeError("A transaction was begun inside another one.")
        with self._free:
            self._waiting[rank] += 1
            try:
                self._free.wait_for(lambda: self._writer is None and self._is_next(rank))
                self._writer = get_ident()
            finally:
                self._waiting[rank] -= 1
        try:
            yield
        finally:
            with self._free:
                self._writer = None
                self._free.notify_all()

    def _is_next(self, rank: Rank) -> bool:
        return not any(number for other, number in self._waiting.items() if other < rank)
