"""The points of the bot's life at which it may be killed, numbered in the order in which they are passed first.

The numbers go on over all of its lives: the book of the points passed is a file that a kill leaves whole, and a point
that was passed in an earlier life counts no more. So the n-th point is somewhere else for every n, to the end.
"""

import os
import signal
import time
from pathlib import Path
from threading import Lock


class KillPoints:
    """Kills this process at the first new point whose number is ``fatal`` or more; None: never."""

    def __init__(self, book: Path, fatal: int | None) -> None:
        self._fatal = fatal
        self._passed = read_book(book)
        self._file = os.open(book, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = Lock()

    def reach(self, name: str) -> None:
        """Pass a point, or die there."""
        with self._lock:
            if name in self._passed:
                return
            self._passed[name] = len(self._passed) + 1
            is_fatal = self._fatal is not None and len(self._passed) >= self._fatal
            os.write(self._file, f"{name}{'  KILLED' if is_fatal else ''}\n".encode())
            if is_fatal:
                os.kill(os.getpid(), signal.SIGKILL)
                # The signal ends every thread before this one wakes.
                time.sleep(60)

    def next_of(self, name: str) -> str:
        """Return a name that was not passed yet, for what has no name of its own: ``name 1``, ``name 2``, …"""
        with self._lock:
            return f"{name} {1 + sum(passed.startswith(f'{name} ') for passed in self._passed)}"


def read_book(book: Path) -> dict[str, int]:
    """Return the points passed so far with their numbers, empty where there is no book yet."""
    if not book.exists():
        return {}
    lines = book.read_text("utf-8").splitlines()
    return {line.removesuffix("  KILLED"): number for number, line in enumerate(lines, start=1)}
