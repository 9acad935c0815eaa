"""The port to the partners' file server: what the core and the steps need of it, whatever the protocol."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.onboarding.errors import OnboardingError, Unavailable


class TransferError(OnboardingError):
    """The file server answered no. ``path`` is what it was asked about."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class PathMissing(TransferError):
    """There is no such path (a chroot answers this for what lies outside it)."""


class PathDenied(TransferError):
    """The account may not do this here."""


class LoginRefused(TransferError):
    """The server refuses the account: wrong key or password, or an unknown user. ``path`` is the account's name."""


class HostKeyUnknown(TransferError):
    """The server's host key is not the one in the known-hosts file: never connect, a person must look."""


class CertificateUnknown(HostKeyUnknown):
    """No authority that the settings trust vouches for the server's certificate: a person must look here as well."""


class NotOffered(TransferError):
    """The server lacks something that the bot cannot do without. ``path`` is the server's address."""


class ServerUnreachable(Unavailable):
    """No connection, or it was lost in the middle."""


@dataclass(frozen=True)
class RemoteEntry:
    """A file or directory on the server. ``mode`` holds the permission bits with setgid; ``modified`` is Unix time.

    ``mode``, ``uid`` and ``gid`` are None where the server does not show them: over FTP it need not.
    """

    name: str
    is_directory: bool
    size: int
    mode: int | None
    uid: int | None
    gid: int | None
    modified: int


class TransferSession(Protocol):
    """One logged-in connection. Every method raises PathMissing, PathDenied, ServerUnreachable or TransferError."""

    def entries(self, path: str) -> list[RemoteEntry]:
        """List a directory, sorted by name."""

    def entry(self, path: str) -> RemoteEntry | None:
        """Stat one path; None when there is nothing."""

    def make_directory(self, path: str, mode: int) -> bool:
        """Make one directory and set its mode, setgid included. It must not exist. Returns as ``set_mode``."""

    def set_mode(self, path: str, mode: int) -> bool:
        """Set the permission bits, setgid included. False where the server has no command for it: nothing changed."""

    def fetch(self, path: str, to: Path) -> str:
        """Copy a remote file to ``to`` (written aside, then renamed); return the sha256 of the bytes in hex."""

    def sha256(self, path: str) -> str:
        """Read a remote file and return the sha256 of its bytes in hex."""

    def put(self, source: Path, path: str) -> None:
        """Upload to ``<path>.part`` and rename over ``path``."""

    def move(self, path: str, to: str) -> None:
        """Rename a file, over an existing one if there is one."""

    def remove(self, path: str) -> None:
        """Delete one file; nothing happens when it is gone already."""


class Transfer(Protocol):
    """How to log in. Raises LoginRefused, HostKeyUnknown, NotOffered, ServerUnreachable on entering the context."""

    def session(self) -> AbstractContextManager[TransferSession]:
        """Log in with the bot's own account."""

    def partner_session(self, partner: str) -> AbstractContextManager[TransferSession] | None:
        """Log in as the partner with its test credential; None when the settings hold none."""

    def owner_name(self, entry: RemoteEntry) -> str:
        """Name the owner of an entry as well as the protocol can: a user name, ``uid 1003`` or ``—``."""


def parents(path: str) -> Iterator[str]:
    """Yield the directories above an absolute path from the top down, without ``/`` and the path itself."""
    parts = path.strip("/").split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        yield "/" + "/".join(parts[:depth])
