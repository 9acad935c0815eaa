"""The servers for one contract: a real OpenSSH sshd, the sandbox's SFTP server, and a real proftpd twice."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from proftpd import PASSWORD, Account, Proftpd, need_proftpd, proftpd

from bot.sandbox.sftp import SftpServer
from bot.transfer.settings import TransferSettings

SSHD = Path("/usr/sbin/sshd")
AS_ROOT = os.geteuid() == 0


@dataclass
class FileServer:
    """A running server: ``base`` is an empty setgid directory as the account sees it, ``disk`` the same from here."""

    settings: TransferSettings
    base: str
    disk: Path

    def settings_with(self, **changes: object) -> TransferSettings:
        """Return the settings with some of them changed."""
        return TransferSettings.model_validate(self.settings.model_dump() | changes)


@dataclass
class Sshd:
    """A real sshd. Run by root it has an account of its own with a password, in a chroot; else it serves the user."""

    settings: TransferSettings
    base: str
    disk: Path
    username: str
    key_file: Path


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if not SSHD.exists():
        reason = "the Debian package openssh-server is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    place = tmp_path_factory.mktemp("sshd")
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)], check=True)
    yield from _run_as_root(place) if AS_ROOT else _run_as_user(place)


def _run_as_root(place: Path) -> Iterator[Sshd]:
    name = f"onbtest-{os.getpid()}"
    # A chroot and all that is above it must be root's and writable by nobody else: the test's own folder is not.
    jail = Path("/srv") / name
    Path("/run/sshd").mkdir(exist_ok=True)
    try:
        subprocess.run(["useradd", "--no-create-home", "--home-dir", "/", name], check=True)
        subprocess.run(["chpasswd"], input=f"{name}:correct-horse".encode(), check=True)
        files = jail / "files"
        files.mkdir(parents=True)
        jail.chmod(0o755)
        account = pwd.getpwnam(name)
        os.chown(files, account.pw_uid, account.pw_gid)
        files.chmod(0o2770)
        shutil.copy(place / "user_key.pub", jail / "authorized_keys")
        login = [f"ChrootDirectory {jail}", "PasswordAuthentication yes"]
        with _daemon(place, jail / "authorized_keys", login) as port:
            settings = _settings(port, place, username=name, password="correct-horse")
            yield Sshd(settings, "/files", files, name, place / "user_key")
    finally:
        subprocess.run(["userdel", name], check=False)
        shutil.rmtree(jail, ignore_errors=True)


def _run_as_user(place: Path) -> Iterator[Sshd]:
    name = pwd.getpwuid(os.geteuid()).pw_name
    files = place / "files"
    files.mkdir()
    files.chmod(0o2770)
    with _daemon(place, place / "user_key.pub", ["PasswordAuthentication no"]) as port:
        settings = _settings(port, place, username=name, key_file=place / "user_key")
        yield Sshd(settings, str(files), files, name, place / "user_key")


class _daemon:  # noqa: N801 - reads as a word in the with statement
    """Runs sshd in the foreground on a free port."""

    def __init__(self, place: Path, authorized_keys: Path, login: list[str]) -> None:
        self._place = place
        self._port = free_port()
        self._lines = [
            "ListenAddress 127.0.0.1",
            f"Port {self._port}",
            f"HostKey {place / 'host_key'}",
            f"PidFile {place / 'pid'}",
            f"AuthorizedKeysFile {authorized_keys}",
            "StrictModes no",
            "UsePAM no",
            "UseDNS no",
            "Subsystem sftp internal-sftp -u 0007",
            "ForceCommand internal-sftp -u 0007",
            *login,
        ]

    def __enter__(self) -> int:
        configuration = self._place / "sshd_config"
        configuration.write_text("\n".join(self._lines) + "\n")
        with (self._place / "log").open("wb") as log:
            self._process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(configuration)], stderr=log)
        deadline = time.monotonic() + 15
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"sshd does not answer: {(self._place / 'log').read_text()}")
                time.sleep(0.02)
            else:
                return self._port

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(10)


def _settings(port: int, place: Path, **login: object) -> TransferSettings:
    known = place / "known_hosts"
    kind, key = (place / "host_key.pub").read_text().split()[:2]
    known.write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    return TransferSettings.model_validate({"host": "127.0.0.1", "port": port, "known_hosts": known, **login})


@pytest.fixture
def unused_port() -> int:
    return free_port()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["openssh", "sandbox", "ftps", "ftp"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FileServer]:
    """Each of the servers, with nothing in its base."""
    if request.param in {"ftps", "ftp"}:
        yield _emptied(request.getfixturevalue("proftpd_files").served(request.param))
        return
    if request.param == "openssh":
        daemon: Sshd = request.getfixturevalue("sshd")
        yield _emptied(FileServer(daemon.settings, daemon.base, daemon.disk))
        return
    with SftpServer(tmp_path / "root", partners={"ACME": ("acme", "acme-secret")}) as sandbox:
        settings = TransferSettings.model_validate(
            {
                "host": sandbox.host,
                "port": sandbox.port,
                "username": "onboarding-bot",
                "password": "secret",
                "known_hosts": sandbox.known_hosts(tmp_path / "known_hosts"),
            }
        )
        yield FileServer(settings, "/ACME", tmp_path / "root" / "ACME")


def _emptied(served: FileServer) -> FileServer:
    for left in served.disk.iterdir():
        if left.is_dir() and not left.is_symlink():
            left.chmod(0o700)
            shutil.rmtree(left)
        else:
            left.unlink()
    return served


BOT = Account("onboarding-bot", 46001, groups=(46002,))
OTHER = Account("acme", 46002)


@dataclass
class ProftpdFiles:
    """A running proftpd with an account for the bot and another one; ``/files`` is the bot's."""

    daemon: Proftpd
    disk: Path

    def served(self, protocol: str) -> FileServer:
        """Return how the bot reaches it."""
        account = {"username": BOT.name, "password": PASSWORD, "ca_file": self.daemon.ca_file}
        address = {"protocol": protocol, "host": "127.0.0.1", "port": self.daemon.port}
        return FileServer(TransferSettings.model_validate(address | account), "/files", self.disk)


@contextmanager
def proftpd_serving(place: Path, *lines: str) -> Iterator[ProftpdFiles]:
    """Start a proftpd of its own settings; ``place`` is an empty folder."""
    need_proftpd()
    files = place / "jail" / "files"
    files.mkdir(parents=True)
    (place / "jail").chmod(0o755)
    os.chown(files, BOT.uid, BOT.uid)
    files.chmod(0o2770)
    with proftpd(place, place / "jail", [BOT, OTHER], lines=lines) as daemon:
        yield ProftpdFiles(daemon, files)


@pytest.fixture(scope="session")
def proftpd_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProftpdFiles]:
    need_proftpd()
    with proftpd_serving(tmp_path_factory.mktemp("proftpd")) as files:
        yield files


@pytest.fixture
def cutting_proxy() -> "type[CuttingProxy]":
    return CuttingProxy


class CuttingProxy:
    """Passes a connection on and cuts it for good once the client has sent, or was sent, so many bytes."""

    def __init__(self, server: FileServer, *, sent: int | None = None, received: int | None = None) -> None:
        self._target = (server.settings.host, server.settings.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._limits = {"up": sent, "down": received}
        self._sockets: list[socket.socket] = []
        self.sent = 0
        known = server.settings.known_hosts
        assert known is not None
        port = self._listener.getsockname()[1]
        key = known.read_text().split()[1:]
        beside = known.with_name(f"known_hosts_{port}")
        beside.write_text(" ".join([f"[127.0.0.1]:{port}", *key]) + "\n")
        self.settings = server.settings_with(port=port, known_hosts=beside)
        self._threads = [Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        upstream = socket.create_connection(self._target)
        self._sockets = [client, upstream]
        for direction, source, target in (("up", client, upstream), ("down", upstream, client)):
            self._threads.append(Thread(target=self._pump, args=(source, target, self._limits[direction]), daemon=True))
            self._threads[-1].start()

    def _pump(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while block := source.recv(16384):
                passed += len(block)
                if source is self._sockets[0]:
                    self.sent = passed
                if limit is not None and passed > limit:
                    break
                target.sendall(block)
        self.cut()

    def cut(self) -> None:
        """Close the connection in both directions."""
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
        for end in self._sockets:
            end.close()

    def __enter__(self) -> "CuttingProxy":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
