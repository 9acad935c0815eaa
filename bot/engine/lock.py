"""One serving process for each data directory: the second one refuses to start and names the first."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.onboarding.errors import SettingsError


@contextmanager
def sole_runner(path: Path) -> Iterator[None]:
    """Hold the lock while serving. The kernel drops it with the process, so a killed bot never blocks the next.

    Raises SettingsError when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise SettingsError(
                f"DATA_DIR: another onboarding-bot serves from {path.parent} already ({holder}). "
                "Stop it first, or give this one a DATA_DIR and a DATABASE_URL of its own."
            ) from held
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield
