"""The sandbox's SFTP server: needs no root, and refuses what a well-kept Unix server refuses."""

import asyncio
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncssh

from bot.sandbox.event_loop import LoopThread
from bot.sandbox.faults import Faults
from bot.sandbox.sftp_accounts import Accounts
from bot.sandbox.sftp_files import Done, FileSession


class SftpServer:
    """An SFTP server on loopback, in a thread of its own.

    ``root`` holds one folder for each partner. The account ``bot`` (name, password) sees all of it as ``/``; each of
    ``partners`` (code → name, password) sees only its own folder as ``/``. ``port`` 0 takes a free one, which a second
    ``start`` takes again. ``host_key`` is a file that keeps the host key over restarts of the process; without it the
    key lasts as long as this object. ``faults`` names these operations: login, open, read, write, rename, mkdir, stat,
    list, setstat, remove (rmdir too); ``rate_limited`` and ``server_error`` answer Failure. ``done`` is the log of
    what changed the tree: every mkdir, rename and remove that went through, oldest first.
    """

    def __init__(
        self,
        root: Path,
        *,
        bot: tuple[str, str] = ("onboarding-bot", "secret"),
        partners: Mapping[str, tuple[str, str]] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        host_key: Path | None = None,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.faults = Faults()
        self.done: list[Done] = []
        self._accounts = Accounts(root.resolve(), bot)
        self._host = host
        self._port = port
        self._host_key = _host_key(host_key)
        self._running: tuple[LoopThread, asyncssh.SSHAcceptor] | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()
        for code, (username, password) in (partners or {}).items():
            self.add_partner(code, username, password)

    @property
    def host(self) -> str:
        """The address it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """The port it listens on, known once it was started."""
        return self._port

    def add_partner(self, code: str, username: str, password: str) -> None:
        """Make a partner's account and its folder ``<root>/<code>`` with mode 2770, as the administrator would.

        A folder that is there already keeps its mode. Raises ValueError when the name is taken.
        """
        self._accounts.add_partner(code, username, password)

    def known_hosts(self, path: Path) -> Path:
        """Write the known-hosts file of this server in OpenSSH's format and return its path."""
        name = self._host if self._port == 22 else f"[{self._host}]:{self._port}"
        public = self._host_key.export_public_key("openssh").decode().split()
        path.write_text(f"{name} {public[0]} {public[1]}\n", encoding="ascii")
        return path

    def start(self) -> Self:
        """Listen, and return when it answers."""
        if self._running is not None:
            raise RuntimeError("the SFTP server runs already")
        thread = LoopThread("sandbox-sftp")
        try:
            acceptor = thread.run(self._listen())
        except BaseException:
            thread.stop()
            raise
        self._port = acceptor.get_port()
        self._running = thread, acceptor
        return self

    def stop(self) -> None:
        """Close the port and every connection. Nothing happens when it does not run."""
        if self._running is None:
            return
        thread, acceptor = self._running
        self._running = None
        thread.run(self._close(acceptor))
        thread.stop()

    def __enter__(self) -> Self:
        """Start it if it does not run yet."""
        return self if self._running is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        # No process factory: a shell or a command is refused. Ports are not forwarded unless a server says so.
        return await asyncssh.listen(
            self._host,
            self._port,
            server_factory=lambda: _Login(self._accounts, self.faults, self._connections),
            server_host_keys=[self._host_key],
            sftp_factory=self._session,
            sftp_version=3,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            compression_algs=None,
            reuse_address=True,
        )

    async def _close(self, acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        for connection in list(self._connections):
            connection.abort()
        await acceptor.wait_closed()

    def _session(self, channel: asyncssh.SSHServerChannel[bytes]) -> FileSession:
        account = self._accounts.account(channel.get_extra_info("username"))
        if account is None:
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        return FileSession(channel, account, self._accounts, self.faults, self.done)


class _Login(asyncssh.SSHServer):
    """One connection: passwords only."""

    def __init__(self, accounts: Accounts, faults: Faults, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._accounts = accounts
        self._faults = faults
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None
        self._drop_after = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._connections.discard(self._connection)

    async def begin_auth(self, username: str) -> bool:
        fault = self._faults.take("login", username)
        if fault is not None and self._connection is not None:
            match fault.kind:
                case "delay":
                    await asyncio.sleep(fault.seconds)
                case "drop_after":
                    self._drop_after = True
                case "drop_before":
                    self._connection.abort()
                case "rate_limited" | "server_error":
                    self._connection.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, "too many connections")
        return True

    def auth_completed(self) -> None:
        if self._drop_after and self._connection is not None:
            self._connection.abort()

    def password_auth_supported(self) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return False

    def validate_password(self, username: str, password: str) -> bool:
        account = self._accounts.account(username)
        return account is not None and hmac.compare_digest(account.password.encode(), password.encode())


def _host_key(file: Path | None) -> asyncssh.SSHKey:
    """Return the key of the file, made and written when there is none yet."""
    if file is not None and file.exists():
        return asyncssh.read_private_key(str(file))
    key = asyncssh.generate_private_key("ssh-ed25519")
    if file is not None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            target.write(key.export_private_key("openssh"))
    return key
