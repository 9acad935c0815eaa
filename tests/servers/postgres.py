"""A real Postgres server for the tests, on a free port of loopback; fresh databases by the second."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

HOST, ACCOUNT, PASSWORD = "127.0.0.1", "onboarding", "correct-horse"
SYSTEM_ACCOUNT = "postgres"

# What a crash of the machine would lose does not matter here.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
SIZE = ("max_connections=300", "shared_buffers=64MB")


def need_postgres() -> Path:
    """Return the folder of the server's programs, or skip with the reason; in CI nothing may be missing."""
    found = _programs()
    if found is None:
        reason = "a real Postgres needs the Debian package postgresql"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return found


@dataclass
class Postgres:
    """A running server. ``log`` is the file in which it tells of itself."""

    programs: Path
    place: Path
    port: int
    user: str | None
    durable: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    _numbers: Any = field(default_factory=lambda: count(1))

    def url(self, database: str, *, scheme: str = "postgresql+psycopg") -> str:
        return f"{scheme}://{ACCOUNT}:{PASSWORD}@{HOST}:{self.port}/{database}"

    @property
    def version(self) -> int:
        return int((self.place / "data" / "PG_VERSION").read_text())

    @property
    def log(self) -> Path:
        return self.place / "server.log"

    def create(self, name: str | None = None, *, template: str = "template0") -> str:
        """Make a database, a copy of ``template``, and return its name."""
        name = name or f"test_{next(self._numbers)}"
        # Without a word to the disk's cache, copying the files is twice as fast as writing their log (since 15).
        how = "STRATEGY file_copy" if self.version >= 15 else ""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {how}')
        return name

    def drop(self, name: str) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database, scheme="postgresql"), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def cut(self, application_name: str, database: str) -> int:
        """End the connections that call themselves so, as a network that breaks would; return how many there were."""
        return len(
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE application_name = '{application_name}' AND datname = '{database}'"
            )
        )

    def start(self) -> None:
        settings = [
            *SIZE,
            *(() if self.durable else QUICK),
            f"port={self.port}",
            f"listen_addresses={HOST}",
            f"unix_socket_directories={self.place}",
        ]
        words = [str(self.programs / "postgres"), "-D", str(self.place / "data")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*words, *(word for setting in settings for word in ("-c", setting))],
                user=self.user,
                cwd=self.place,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                self.run("SELECT 1")
            except psycopg.OperationalError as away:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"Postgres does not answer ({away}): {self.log.read_text()}")
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends every connection first, SIGQUIT ends it as a crash would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """Start a server of its own, run by the account of Debian's package where the tests run as root.

    ``durable``: it flushes what it commits, as it does for people; tests need not wait for that.
    """
    programs = need_postgres()
    place = Path(tempfile.mkdtemp(prefix="onboarding-postgres-"))
    user = SYSTEM_ACCOUNT if os.geteuid() == 0 else None
    try:
        if user is not None:
            os.chown(place, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        _initialise(programs, place, user)
        server = Postgres(programs, place, free_port(), user, durable)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _initialise(programs: Path, place: Path, user: str | None) -> None:
    secret = place / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    words = ["-D", str(place / "data"), "-U", ACCOUNT, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
    # A language's order where the server has one: nothing may depend on the order in which a database sorts text.
    language = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en"]
    for how in (language, ["--locale=C.UTF-8"]):
        made = _run([str(programs / "initdb"), *words, *how, "--no-sync"], place, user)
        if made.returncode == 0:
            return
    pytest.fail(f"initdb: {made.stderr}")


def _run(words: Sequence[str], place: Path, user: str | None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, cwd=place, user=user, capture_output=True, text=True, check=False)


def _programs() -> Path | None:
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(SYSTEM_ACCOUNT)
        except KeyError:
            return None
    on_path = shutil.which("initdb")
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: -int(found.parent.name))
    for folder in [*([Path(on_path).resolve().parent] if on_path else []), *newest_first]:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    return None
