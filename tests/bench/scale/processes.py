"""The processes of the scale bench: the servers outside, the bot, and what a process has cost so far."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..files import CHECKOUT
from ..measure import MIB, CommandFailed

READY_SECONDS = 120.0
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def outside(log: Path) -> Iterator[Mapping[str, str]]:
    """Run Slack, Jira and a mailbox; give the settings that name them. What they complain of goes into ``log``."""
    with (
        log.open("ab") as complaints,
        _process(
            "tests.bench.scale.outside", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        ) as process,
    ):
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


@contextmanager
def bare_listener(settings: Mapping[str, str]) -> Iterator[str]:
    """Run the Bolt app that only acknowledges; give its address."""
    port = free_port()
    words = (str(port), settings["SLACK__API_URL"], settings["SLACK__BOT_TOKEN"], settings["SLACK__SIGNING_SECRET"])
    with _process("tests.bench.scale.bare", *words):
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}/slack/events"


def crowd(kind: str, count: int, settings: Mapping[str, str], *more: str) -> list[str]:
    """Make onboardings of a kind (see ``crowd``); return their keys. Raises CommandFailed."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.bench.scale.crowd", kind, str(count), *more],
        env=environment(settings),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise CommandFailed(f"making onboardings: {made.stderr.strip().splitlines()[-1:]}")
    return list(json.loads(made.stdout))


class Bot:
    """A serving bot, which may be killed and started again."""

    def __init__(self, settings: Mapping[str, str], log: Path, *, role: str = "all") -> None:
        self._environment = environment(settings)
        self._log = log
        self._role = role
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; it may not answer yet."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve", "--role", self._role],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def cpu_seconds(self) -> float:
        """The processor time that it has used, user and system."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_mib(self) -> float:
        """The high-water mark of its resident memory."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / MIB

    def check(self) -> None:
        """Raise CommandFailed when it has ended by itself."""
        assert self._process is not None
        if self._process.poll() is not None:
            last = self._log.read_text("utf-8", "replace").strip().splitlines()[-3:]
            raise CommandFailed(f"the bot ended with {self._process.returncode}: {' / '.join(last)}")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process with these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ONBOARDING_")}
    return inherited | {f"ONBOARDING_{name}": value for name, value in settings.items()}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Wait until somebody listens. Raises CommandFailed."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise CommandFailed(f"nobody listens on port {port}")


@contextmanager
def _process(
    module: str,
    *words: str,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words], cwd=CHECKOUT, stdin=stdin, stdout=stdout, stderr=stderr
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
