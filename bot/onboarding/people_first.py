"""People before jobs, in a process that serves both."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic

# A person's next click is likely so soon after the last one, in seconds.
LIVELY_SECONDS = 0.15
# Until then jobs begin one by one, and no sooner after each other than this, in seconds.
PAUSE_SECONDS = 0.5
# However many people click, one of the jobs that wait begins this long after the one before, in seconds.
LONGEST_PAUSE = 5.0


class PeopleFirst:
    """While people click, jobs begin between two clicks, one at a time and with pauses.

    Python runs one thread at a time, however many processors there are: beside eight jobs a click would have a ninth
    of one. SQLite needs none of this, for its one writer lets people go first (see ``one_writer``).
    """

    def __init__(
        self,
        *,
        lively_seconds: float = LIVELY_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._changed = Condition()
        self._lively, self._pause, self._longest_pause = lively_seconds, pause_seconds, longest_pause
        self._people = self._jobs = 0
        self._last_click = self._last_job = monotonic() - longest_pause

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
            come = monotonic()
            while not self._may_begin(come):
                # That time has passed is nothing that anybody tells.
                self._changed.wait(self._pause)
            self._jobs += 1
            self._last_job = monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._jobs -= 1
                self._changed.notify_all()

    def _may_begin(self, come: float) -> bool:
        now = monotonic()
        if not self._people and now - self._last_click >= self._lively:
            return True
        if not self._people and not self._jobs and now - self._last_job >= self._pause:
            return True
        return now - max(come, self._last_job) >= self._longest_pause
