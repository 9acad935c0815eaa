"""One serving process for each SQLite file and each data directory: the second refuses to start and names the first."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.onboarding.errors import SettingsError


@contextmanager
def sole_runner(path: Path, *, setting: str = "DATA_DIR", of: Path | None = None) -> Iterator[None]:
    """Hold the lock while serving. The kernel drops it with the process, so a killed bot never blocks the next.

    ``setting`` names what only one bot may have, ``of`` what its value is (default: the lock's folder). Raises
    SettingsError when another process holds the lock, or when it cannot be written.
    """
    of = of or path.parent
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as refused:
        raise SettingsError(
            f"{setting}: the lock {path} cannot be written ({refused.strerror}). Give this account the right to."
        ) from refused
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise SettingsError(
                f"{setting}: another onboarding-bot serves {of} already ({holder}). "
                "Stop it first, or give this one a DATA_DIR and a DATABASE_URL of its own."
            ) from held
        try:
            file.seek(0)
            file.truncate()
            file.write(f"process {os.getpid()} on {socket.gethostname()}, in {Path.cwd()}")
            file.flush()
        except OSError as refused:
            raise SettingsError(f"{setting}: the lock {path} cannot be written ({refused.strerror}).") from refused
        yield


def database_lock(file: Path) -> Path:
    """Return the lock of an SQLite file: beside the file itself, whatever data directory a bot was given."""
    return file.with_name(f"{file.name}.lock")
