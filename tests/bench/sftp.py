"""The bot's SFTP against OpenSSH's own ``sftp``, both with one sshd on loopback and the same file.

Every run logs in. Picking up is what the bot does with a partner's file: the copy is on disk, flushed, and its checksum
is known. Delivery is a put under a temporary name, the size compared, the rename; then the file is read back from the
server for its checksum. OpenSSH has no checksum extension that could save this, so the whole is compared with
``sftp`` putting the file and getting it again.

The bot's process runs for weeks, so its start is left out; that of ``sftp`` is a few hundredths of a second.
"""

import os
import pwd
import shlex
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.onboarding.transfer import TransferSession
from bot.transfer.build import build_transfer
from bot.transfer.settings import TransferSettings

from .measure import CommandFailed
from .peers import NotHere

SSHD = Path("/usr/sbin/sshd")
START_SECONDS = 15.0
PICK_UP, PUT, DELIVERY = "picking up", "put", "delivery: put and read back"


@dataclass(frozen=True)
class Compared:
    """One kind of transfer: medians of the wall time in seconds."""

    name: str
    ours: float
    openssh: float


def compare(content: Path, scratch: Path, runs: int, told: Callable[[str], None]) -> list[Compared]:
    """Transfer a file in both directions with both clients in turn. Raises NotHere and CommandFailed."""
    with _sshd(scratch / "sshd") as server:
        remote = server.folder / "remote.mdb"
        shutil.copy(content, remote)
        work = _work(server, content, str(remote), scratch)
        seconds: dict[tuple[str, str], list[float]] = {}
        for number in range(runs):
            for name, clients in work.items():
                for client, transfer in clients.items():
                    told(f"SFTP: {name}, {client}, run {number + 1} of {runs}")
                    begun = time.perf_counter()
                    transfer()
                    seconds.setdefault((name, client), []).append(time.perf_counter() - begun)
        _compare_bytes(content, scratch / "fetched", Path(f"{remote}.up"))
    medians = {key: statistics.median(measured) for key, measured in seconds.items()}
    return [Compared(name, medians[name, "the bot"], medians[name, "sftp"]) for name in work]


def _work(
    server: "_Server", content: Path, remote: str, scratch: Path
) -> Mapping[str, Mapping[str, Callable[[], object]]]:
    up = f"{remote}.up"
    fetched = scratch / "fetched"

    def put_and_read_back(session: TransferSession) -> None:
        session.put(content, up)
        session.sha256(up)

    get = f"get {shlex.quote(remote)} {shlex.quote(str(scratch / 'got'))}"
    put = f"put {shlex.quote(str(content))} {shlex.quote(up)}"
    get_again = f"get {shlex.quote(up)} {shlex.quote(str(scratch / 'got'))}"
    return {
        PICK_UP: {
            "the bot": lambda: server.bot(lambda session: session.fetch(remote, fetched)),
            "sftp": lambda: server.openssh(get),
        },
        PUT: {
            "the bot": lambda: server.bot(lambda session: session.put(content, up)),
            "sftp": lambda: server.openssh(put),
        },
        DELIVERY: {
            "the bot": lambda: server.bot(put_and_read_back),
            "sftp": lambda: server.openssh(put, get_again),
        },
    }


def _compare_bytes(content: Path, *copies: Path) -> None:
    expected = content.read_bytes()
    for copy in copies:
        if copy.read_bytes() != expected:
            raise CommandFailed(f"{copy.name} is not the file that was transferred")


@dataclass(frozen=True)
class _Server:
    """A running sshd for the user who runs the bench, with a key; ``folder`` is the same path on both sides."""

    settings: TransferSettings
    folder: Path

    def bot(self, work: Callable[[TransferSession], object]) -> None:
        """Log in as the bot does, and work."""
        with build_transfer(self.settings).session() as session:
            work(session)

    def openssh(self, *commands: str) -> None:
        """Log in with OpenSSH's sftp, and run these commands of its own. Raises CommandFailed."""
        settings = self.settings
        options = {
            "BatchMode": "yes",
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(settings.known_hosts),
        }
        words = ["sftp", "-q", "-F", "none", "-P", str(settings.port), "-i", str(settings.key_file), "-b", "-"]
        words += [f"-o{name}={value}" for name, value in options.items()]
        done = subprocess.run(
            [*words, f"{settings.username}@{settings.host}"],
            input="\n".join(commands).encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(f"sftp: {done.stderr.decode(errors='replace').strip()}")


@contextmanager
def _sshd(place: Path) -> Iterator[_Server]:
    """Run an sshd in the foreground on a free port of loopback. Raises NotHere."""
    if not SSHD.exists() or shutil.which("sftp") is None:
        raise NotHere("sshd or sftp is not installed (the Debian package openssh-server)")
    folder = place / "files"
    folder.mkdir(parents=True)
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)], check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (place / "sshd_config").write_text(
        f"""ListenAddress 127.0.0.1
Port {port}
HostKey {place}/host_key
PidFile {place}/pid
AuthorizedKeysFile {place}/user_key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
UseDNS no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
"""
    )
    kind, key = (place / "host_key.pub").read_text().split()[:2]
    (place / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    settings = TransferSettings.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "username": pwd.getpwuid(os.geteuid()).pw_name,
            "key_file": place / "user_key",
            "known_hosts": place / "known_hosts",
        }
    )
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(place / "sshd_config")], stderr=log)
    try:
        _wait_for(process, port, place / "log")
        yield _Server(settings, folder)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise CommandFailed(f"sshd does not answer: {log.read_text(errors='replace').strip()}") from None
            time.sleep(0.02)
        else:
            return
