"""The process that reads one untrusted file (``pipeline.read_child``), as its parent sees it.

It can be started before there is anything to read, so that it is ready when the file is; this module imports nothing
but the standard library, so that its start need not wait for anything either.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class ReadingError(Exception):
    """The file could not be read at all; ``code`` is the reader's, or ``limits`` when its process was stopped."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class ReaderProcess:
    """One process for one file. Use as a context manager, or call ``close``: a process that still runs is killed."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.read_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
        )
        self._begun: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def has_begun(self) -> bool:
        """Tell whether it was asked for a file already."""
        return self._begun is not None

    def begin(self, asked: Mapping[str, Any]) -> None:
        """Ask for a file, without waiting for the answer. Once only."""
        assert self._process.stdin is not None
        self._begun = time.monotonic()
        # Where it has ended already, its status tells more than the broken pipe.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(asked).encode())
            self._process.stdin.close()
        # Closed here: ``communicate`` would write to it.
        self._process.stdin = None

    def answer(self, seconds: float) -> dict[str, Any]:
        """Wait for the answer, this long from when the process was asked. Raises ReadingError."""
        assert self._begun is not None
        try:
            said, complaints = self._process.communicate(timeout=max(0, self._begun + seconds - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise ReadingError("limits", f"reading took more than {seconds:.0f} seconds") from error
        status = self._process.returncode
        if status < 0:
            raise ReadingError("limits", f"the reader was stopped by signal {-status}")
        if status:
            last = complaints.decode(errors="replace").strip().splitlines()[-1:]
            raise ReadingError("reader", last[0] if last else f"the reader ended with {status}")
        answer: dict[str, Any] = json.loads(said)
        if "error" in answer:
            raise ReadingError(answer["error"]["code"], answer["error"]["reason"])
        return answer

    def close(self) -> None:
        """End the process; once more does nothing."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def child_environment(path: str = os.defpath) -> dict[str, str]:
    """Return what a reading process gets: no variable of ours that could hold a secret, one thread per library.

    ``path`` is where it finds the programs that it runs.
    """
    return {
        "PATH": path,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        # A second thread must not set memory of its own aside: the process has a limit.
        "MALLOC_ARENA_MAX": "1",
        # Blocks of a few megabytes come and go: given back to the system, each of their pages would be new every time.
        "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
        "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
    }
