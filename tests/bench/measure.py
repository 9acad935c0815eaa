"""Measuring whole processes: how long, how much processor time, how much memory, children included."""

import os
import shlex
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LOOK_SECONDS = 0.01
PEER_RUNS = 3
MIB = 1 << 20


class CommandFailed(Exception):
    """A measured command ended badly, or took too long; the reason in words."""


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Command:
    """What is run and measured. ``before`` prepares each run and is not measured; ``limit`` is in seconds."""

    words: Sequence[str]
    before: Callable[[], None] = nothing
    limit: float = 600.0
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True)
class Run:
    """One run of a process and all that it started: wall and processor time in seconds, peak memory in bytes.

    ``peak_bytes`` is 0 where nobody looked.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Measured:
    """Several runs of the same command, timed; ``watched`` is one more whose memory was looked at.

    Looking takes a part of the second processor, which would be taken from those alone that use it.
    """

    runs: tuple[Run, ...]
    watched: Run | None = None

    @property
    def seconds(self) -> float:
        """The median wall time."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def cpu_seconds(self) -> float:
        """The median of the processor time, user and system together."""
        return statistics.median(run.cpu_seconds for run in self.runs)

    @property
    def peak_mib(self) -> float:
        """The highest peak of all runs."""
        looked_at = [self.watched] if self.watched is not None else []
        return max(run.peak_bytes for run in (*self.runs, *looked_at)) / MIB


@dataclass(frozen=True)
class Found:
    """What came of measuring several commands: by name, what was measured, and why others could not be."""

    measured: Mapping[str, Measured]
    failed: Mapping[str, str]


def interleaved(
    commands: Mapping[str, Command], runs: int, told: Callable[[str], None], peers: Mapping[str, Command] | None = None
) -> Found:
    """Run all commands in turn, ``runs`` times, so that what else the machine does falls on all of them alike.

    Before that each runs once while its memory is looked at: what is read from the disk is in memory then.
    ``told`` is given the name of each command as it begins. Raises CommandFailed; a peer that fails, or that cannot
    keep its limit, is left out of the turns that follow. Peers run in the first turns alone, PEER_RUNS of them.
    """
    found: dict[str, list[Run]] = {}
    watched: dict[str, Run] = {}
    failed: dict[str, str] = {}
    for number in range(runs + 1):
        of_others = peers if peers and number <= PEER_RUNS else {}
        for name, command in {**commands, **of_others}.items():
            if name in failed:
                continue
            told(f"{name}, run {number} of {runs}" if number else f"{name}, its memory")
            try:
                if number:
                    found.setdefault(name, []).append(run_once(command, watch=False))
                else:
                    watched[name] = run_once(command)
            except CommandFailed as reason:
                if name in commands:
                    raise CommandFailed(f"{name}: {reason}") from reason
                failed[name] = str(reason)
    good = {name: made for name, made in found.items() if name not in failed}
    return Found({name: Measured(tuple(made), watched[name]) for name, made in good.items()}, failed)


def run_once(command: Command, *, watch: bool = True) -> Run:
    """Run a command to its end, looking at its memory or not.

    Raises CommandFailed when its status is not 0 or its time is over.
    """
    command.before()
    with tempfile.TemporaryFile() as complaints:
        begun = time.perf_counter()
        process = subprocess.Popen(
            list(command.words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env={**os.environ, **command.environment},
            cwd=command.folder,
            start_new_session=True,
        )
        memory = _Memory(process.pid)
        out_of_time = threading.Timer(command.limit, _end_session, [process.pid])
        if watch:
            memory.start()
        out_of_time.start()
        try:
            # Not process.wait(): the processor time of the process and of all that it waited for comes with this.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            _end_session(process.pid)
            raise
        finally:
            seconds = time.perf_counter() - begun
            out_of_time.cancel()
            if watch:
                memory.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise CommandFailed(_reason(command, process.returncode, seconds, complaints))
    return Run(seconds, usage.ru_utime + usage.ru_stime, memory.peak)


def _reason(command: Command, status: int, seconds: float, complaints: IO[bytes]) -> str:
    if status == -signal.SIGKILL and seconds >= command.limit:
        return f"> {command.limit:g} s"
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").strip().splitlines()
    said = f": {lines[-1]}" if lines else ""
    return f"exit status {status}{said}"


def _end_session(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


class _Memory(threading.Thread):
    """Looks at a process and its descendants every 10 ms.

    ``peak`` is the largest sum of their resident memory that was seen at one moment, and at least the high-water mark
    that the kernel keeps for each of them. Resident memory counts mapped files as well, and what two processes share
    is counted in both. The usage that ``wait4`` gives has no sum, and counts what a process was before its exec.
    """

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        """Look until it is stopped."""
        while not self._ended.wait(LOOK_SECONDS):
            known = [_resident(process) for process in _descendants(self._root)]
            if known:
                self.peak = max(self.peak, sum(now for now, _ in known), *(highest for _, highest in known))

    def stop(self) -> None:
        """End looking."""
        self._ended.set()
        self.join()


def _descendants(process: int) -> list[int]:
    """Return a process and all below it; those that end meanwhile may be missing."""
    found = [process]
    for parent in found:
        with suppress(OSError):
            for thread in Path(f"/proc/{parent}/task").iterdir():
                with suppress(OSError):
                    found.extend(int(child) for child in (thread / "children").read_text().split())
    return found


def _resident(process: int) -> tuple[int, int]:
    """Return the resident memory of a process now and its highest, in bytes; zeros when it has ended."""
    now = highest = 0
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                now = int(line.split()[1]) * 1024
            elif line.startswith("VmHWM:"):
                highest = int(line.split()[1]) * 1024
    return now, highest


def in_a_row(commands: Sequence[Sequence[str]]) -> list[str]:
    """Return one command that runs these one after the other, and ends at the first that fails."""
    return ["sh", "-c", "set -e\n" + "\n".join(shlex.join(command) for command in commands)]
