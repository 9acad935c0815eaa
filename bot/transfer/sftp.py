"""SFTP, with paramiko.

Host keys are strict, no key but the configured one is offered, and every wait has an end. What a kill between two
lines leaves behind: ``put`` and ``fetch`` a ``.part`` file, which the next try overwrites, and never a short file
under the final name; ``make_directory`` a directory with the server's default mode, which ``set_mode`` corrects; a
``move`` either happened or did not, and the one who tries it again looks with ``entry`` first.
"""

import hashlib
import socket
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from paramiko import (
    ECDSAKey,
    Ed25519Key,
    MissingHostKeyPolicy,
    PKey,
    RSAKey,
    SFTPAttributes,
    SFTPClient,
    SSHClient,
    SSHException,
    Transport,
)

from bot.onboarding.transfer import HostKeyUnknown, LoginRefused, RemoteEntry, TransferError, TransferSession
from bot.transfer.local import keep, local_errors
from bot.transfer.settings import Credential, TransferSettings
from bot.transfer.sftp_errors import channel_errors, login_errors, path_errors
from bot.transfer.sftp_stream import open_sftp, remote_blocks, write_remote

CONNECT_SECONDS = 15.0
LOGIN_SECONDS = 20.0
ANSWER_SECONDS = 60.0  # how long one answer may take: a busy server writing to slow disks, not a dead one
KEEPALIVE_SECONDS = 15
PERMISSIONS = 0o7777
FAST_CIPHERS = frozenset({"aes128-gcm@openssh.com", "aes256-gcm@openssh.com"})


class SftpTransfer:
    """Logs in to the server of the settings. It connects when a session is entered, not before."""

    def __init__(self, settings: TransferSettings) -> None:
        self._settings = settings
        self._owners: dict[int, str] = {}

    def session(self) -> AbstractContextManager[TransferSession]:
        """Log in with the bot's own account. Raises LoginRefused, HostKeyUnknown, ServerUnreachable on entering."""
        return self._login(self._settings)

    def partner_session(self, partner: str) -> AbstractContextManager[TransferSession] | None:
        """Log in as the partner with its test credential; None when the settings hold none."""
        account = self._settings.partner_account(partner)
        return None if account is None else self._login(account)

    def owner_name(self, entry: RemoteEntry) -> str:
        """Name an entry's owner: the user name that a listing showed for this uid, else ``uid 1003``."""
        return "—" if entry.uid is None else self._owners.get(entry.uid, f"uid {entry.uid}")

    @contextmanager
    def _login(self, credential: Credential) -> Iterator[TransferSession]:
        settings, username = self._settings, credential.username
        address = f"{settings.host}:{settings.port}"
        client = SSHClient()
        try:
            self._load_known_hosts(client, address)
            key = _private_key(credential)
            with login_errors(client, address, username):
                client.connect(
                    settings.host,
                    settings.port,
                    username,
                    password=None if credential.password is None else credential.password.get_secret_value(),
                    pkey=key,
                    timeout=CONNECT_SECONDS,
                    banner_timeout=CONNECT_SECONDS,
                    auth_timeout=LOGIN_SECONDS,
                    channel_timeout=LOGIN_SECONDS,
                    look_for_keys=False,
                    allow_agent=False,
                    transport_factory=_transport,
                )
            with channel_errors(client, address, username):
                transport = client.get_transport()
                if transport is None:
                    raise EOFError("the connection has ended")
                transport.set_keepalive(KEEPALIVE_SECONDS)
                sftp = open_sftp(transport, ANSWER_SECONDS)
            yield SftpSession(sftp, self._owners)
        finally:
            client.close()

    def _load_known_hosts(self, client: SSHClient, address: str) -> None:
        file = self._settings.known_hosts or Path("~/.ssh/known_hosts").expanduser()
        client.set_missing_host_key_policy(_Refuse(address, file))
        try:
            client.load_host_keys(str(file))
        except (OSError, ValueError, SSHException) as unreadable:
            raise HostKeyUnknown(
                address,
                f"the known-hosts file {file} cannot be read ({type(unreadable).__name__}): "
                "TRANSFER__KNOWN_HOSTS names a file in OpenSSH's format with the server's key",
            ) from unreadable


def _transport(sock: Any, /, **how: Any) -> Transport:
    """Make the transport as paramiko would by itself, but for two things that cost it most of its speed."""
    # A short packet would wait for the answer to the one before, which comes 40 ms late when it has nothing to carry.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = Transport(sock, **how)
    options = transport.get_security_options()
    # Cipher and checksum in one pass, where the server has it; the others stay in their order.
    options.ciphers = sorted(options.ciphers, key=lambda name: name not in FAST_CIPHERS)
    return transport


class _Refuse(MissingHostKeyPolicy):
    """Refuses a server that the known-hosts file does not name, and says what it would have to hold."""

    def __init__(self, address: str, file: Path) -> None:
        self._address = address
        self._file = file

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
        """Raise HostKeyUnknown."""
        del client
        raise HostKeyUnknown(
            self._address,
            f"{self._file} does not name {hostname}. The server shows the {key.get_name()} key {key.fingerprint}: "
            "compare it with the one that the server's administrator gives you, then add it to that file",
        )


class SftpSession:
    """One logged-in connection; see bot.onboarding.transfer.TransferSession."""

    def __init__(self, sftp: SFTPClient, owners: dict[int, str]) -> None:
        self._sftp = sftp
        self._owners = owners

    def entries(self, path: str) -> list[RemoteEntry]:
        """List a directory, sorted by name. A link is an entry of its own, not what it points to."""
        with path_errors(self._sftp, path):
            listed = self._sftp.listdir_attr(path)
        for attributes in listed:
            self._learn_owner(attributes)
        return sorted((_entry(attributes.filename, attributes) for attributes in listed), key=lambda entry: entry.name)

    def entry(self, path: str) -> RemoteEntry | None:
        """Stat one path, through links; None when there is nothing."""
        with path_errors(self._sftp, path):
            try:
                attributes = self._sftp.stat(path)
            except FileNotFoundError:
                return None
        return _entry(path.rstrip("/").rpartition("/")[2] or "/", attributes)

    def make_directory(self, path: str, mode: int) -> bool:
        """Make one directory and set its mode, setgid included. It must not exist. Returns True."""
        try:
            with path_errors(self._sftp, path):
                self._sftp.mkdir(path, mode & 0o777)
        except TransferError as refused:
            # SFTP has no word for "it exists": the server only says Failure.
            if type(refused) is TransferError and self.entry(path) is not None:
                raise TransferError(path, "it exists already") from refused
            raise
        # The umask of the server took bits from the mode, and mkdir passes no setgid: set it on purpose.
        return self.set_mode(path, mode)

    def set_mode(self, path: str, mode: int) -> bool:
        """Set the permission bits and look whether they held: Unix drops setgid in silence for another's group."""
        with path_errors(self._sftp, path):
            self._sftp.chmod(path, mode)
            found = (self._sftp.stat(path).st_mode or 0) & PERMISSIONS
        if found != mode:
            raise TransferError(
                path,
                f"its mode is {found:04o} although {mode:04o} was set: the server took bits away "
                "(setgid needs an account that is a member of the directory's group)",
            )
        return True

    def fetch(self, path: str, to: Path) -> str:
        """Copy a remote file to ``to``, on disk before it has its name; return the sha256 of the bytes in hex."""
        return keep(remote_blocks(self._sftp, path), to)

    def sha256(self, path: str) -> str:
        """Read a remote file and return the sha256 of its bytes in hex."""
        digest = hashlib.sha256()
        for block in remote_blocks(self._sftp, path):
            digest.update(block)
        return digest.hexdigest()

    def put(self, source: Path, path: str) -> None:
        """Upload to ``<path>.part``, compare the size, rename over ``path``."""
        aside = f"{path}.part"
        with local_errors(path):
            local = source.open("rb")
        with local:
            sent = write_remote(self._sftp, local, aside)
        with path_errors(self._sftp, aside):
            arrived = self._sftp.stat(aside).st_size
        if arrived != sent:
            raise TransferError(path, f"{sent} bytes were sent and {arrived} arrived: nothing was put in its place")
        self.move(aside, path)

    def move(self, path: str, to: str) -> None:
        """Rename a file, over an existing one if there is one."""
        with path_errors(self._sftp, path):
            self._sftp.posix_rename(path, to)

    def remove(self, path: str) -> None:
        """Delete one file; nothing happens when it is gone already."""
        with path_errors(self._sftp, path):
            try:
                self._sftp.remove(path)
            except FileNotFoundError:
                return

    def _learn_owner(self, attributes: SFTPAttributes) -> None:
        """Keep the user name of a listing's long form: ``-rw-rw---- 1 acme acme 12 Nov 24 08:32 name``."""
        words = str(getattr(attributes, "longname", "")).split()
        if len(words) >= 9 and words[1].isdigit() and not words[2].isdigit() and attributes.st_uid is not None:
            self._owners[attributes.st_uid] = words[2]


def _private_key(credential: Credential) -> PKey | None:
    """Load the account's private key. Raises LoginRefused when it cannot be used."""
    if credential.key_file is None:
        return None
    password = None if credential.password is None else credential.password.get_secret_value()
    trouble: Exception | None = None
    # PKey.from_path would find the kind by itself, but takes no password that its own annotation allows, and none at
    # all for a key that has none.
    for kind in (Ed25519Key, ECDSAKey, RSAKey):
        try:
            return kind.from_private_key_file(str(credential.key_file), password=password)
        except (OSError, ValueError, SSHException, UnsupportedAlgorithm) as unusable:
            trouble = unusable
    # The library's own words are left out: they may quote the file.
    raise LoginRefused(
        credential.username,
        f"its key file {credential.key_file} cannot be used ({type(trouble).__name__}): it must be a private key in "
        "OpenSSH's form (ssh-keygen -t ed25519), whose passphrase, if it has one, is the setting PASSWORD",
    ) from trouble


def _entry(name: str, attributes: SFTPAttributes) -> RemoteEntry:
    mode = attributes.st_mode or 0
    return RemoteEntry(
        name=name,
        is_directory=stat.S_ISDIR(mode),
        size=attributes.st_size or 0,
        mode=mode & PERMISSIONS,
        uid=attributes.st_uid or 0,
        gid=attributes.st_gid or 0,
        modified=int(attributes.st_mtime or 0),
    )
