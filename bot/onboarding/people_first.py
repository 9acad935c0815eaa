"""People before jobs, in a process that serves both."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic

# A person's next click is likely so soon after the last one, in seconds.
LIVELY_SECONDS = 0.5
# No job waits for people longer than this, in seconds.
LONGEST_WAIT = 5.0


class PeopleFirst:
    """While people click, jobs begin between two clicks and one at a time.

    Python runs one thread at a time, however many processors there are: beside eight jobs a click would have a ninth
    of one. SQLite needs none of this, for its one writer lets people go first (see ``one_writer``).
    """

    def __init__(self, *, lively_seconds: float = LIVELY_SECONDS, longest_wait: float = LONGEST_WAIT) -> None:
        self._changed = Condition()
        self._people = 0
        self._jobs = 0
        self._lively = lively_seconds
        self._longest_wait = longest_wait
        self._last_click = monotonic() - lively_seconds

    @contextmanager
    def person(self) -> Iterator[None]:
        """Be somebody who waits for an answer."""
        with self._changed:
            self._people += 1
        try:
            yield
        finally:
            with self._changed:
                self._people -= 1
                self._last_click = monotonic()
                self._changed.notify_all()

    @contextmanager
    def job(self) -> Iterator[None]:
        """Wait until a job may begin, and be one."""
        with self._changed:
            until = monotonic() + self._longest_wait
            while not self._may_begin() and (left := until - monotonic()) > 0:
                # That people have stopped clicking is nothing that anybody tells.
                self._changed.wait(min(left, self._lively))
            self._jobs += 1
        try:
            yield
        finally:
            with self._changed:
                self._jobs -= 1
                self._changed.notify_all()

    def _may_begin(self) -> bool:
        if self._people:
            return False
        return self._jobs == 0 or monotonic() - self._last_click >= self._lively
