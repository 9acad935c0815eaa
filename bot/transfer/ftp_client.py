"""ftplib's client with what it lacks: the TLS session of the control connection, and data that is known to be whole.

ftplib is told that the wire is Latin-1, which passes every byte; ``wire`` and ``unwire`` turn paths into UTF-8 and
back. Told UTF-8 it would fail on the first name or greeting in another encoding.
"""

import ftplib
import ssl
from collections.abc import Generator
from contextlib import suppress
from socket import SHUT_WR, socket
from typing import BinaryIO

from bot.onboarding.transfer import TransferError
from bot.transfer.local import local_errors, reason_of

BLOCK_BYTES = 65536
GOODBYE_SECONDS = 5.0
LATIN_1 = "latin-1"


class TlsClient(ftplib.FTP_TLS):
    """Explicit TLS (RFC 4217) whose data connections resume the control connection's session.

    Servers ask for it, proftpd and vsftpd by default: it proves that both connections come from one client.
    """

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket, int | None]:
        """Open a data connection. Raises as ftplib."""
        connection, size = super(ftplib.FTP_TLS, self).ntransfercmd(cmd, rest)
        # The session is asked for each time: with TLS 1.3 its tickets come after the handshake, with later answers.
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size


def receive(client: ftplib.FTP, command: str, kind: str) -> Generator[bytes]:
    """Yield the bytes that a command sends, in order. ``kind`` is I (as they are) or A (a listing's lines).

    Ends only after the server has said that it has sent all. A consumer that stops must close the generator.
    """
    client.voidcmd(f"TYPE {kind}")
    connection = _data_connection(client, command)
    try:
        with connection:
            while block := connection.recv(BLOCK_BYTES):
                yield block
            _end(connection)
    except GeneratorExit:
        _take_answer(client)
        raise
    except OSError as cut:
        _explain(client, cut)
    client.voidresp()


def send(client: ftplib.FTP, command: str, source: BinaryIO, path: str) -> int:
    """Send an open local file and return the number of bytes, after the server has said that it has them."""
    client.voidcmd("TYPE I")
    connection = _data_connection(client, command)
    sent = 0
    try:
        with connection:
            while True:
                with local_errors(path):
                    block = source.read(BLOCK_BYTES)
                if not block:
                    break
                connection.sendall(block)
                sent += len(block)
            _end(connection)
    except TransferError:
        _take_answer(client)
        raise
    except OSError as cut:
        _explain(client, cut)
    client.voidresp()
    return sent


def leave(client: ftplib.FTP) -> None:
    """Say goodbye and close; a server that is gone is not waited for."""
    with suppress(OSError, EOFError, ftplib.Error):
        if client.sock is not None:
            client.sock.settimeout(GOODBYE_SECONDS)
        client.quit()
    client.close()


def wire(path: str) -> str:
    """Return a path as ftplib sends it. Raises TransferError for a line break, which would begin another command."""
    if "\r" in path or "\n" in path:
        raise TransferError(path.replace("\r", "␍").replace("\n", "␊"), "a name with a line break cannot go over FTP")
    return path.encode().decode(LATIN_1)


def unwire(folder: str, name: str) -> str:
    """Return a name as the server wrote it. Raises TransferError for one that is not UTF-8: it could not be told."""
    try:
        return name.encode(LATIN_1).decode()
    except UnicodeDecodeError as other:
        raise TransferError(
            folder, f"it holds a name that is not UTF-8, such as {name!r}: have it renamed without accents"
        ) from other


def _data_connection(client: ftplib.FTP, command: str) -> socket:
    """Open a data connection for a command. Raises as ftplib, and OSError with what a person can do about it."""
    try:
        return client.transfercmd(command)
    except (TimeoutError, ConnectionRefusedError) as closed:
        raise OSError(
            f"no data connection ({reason_of(closed)}): this machine must reach the server's passive ports"
        ) from closed


def _end(connection: socket) -> None:
    """End TLS so that the other side knows the data to be whole. Some servers never answer this: their loss."""
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(GOODBYE_SECONDS)
        with suppress(OSError, ValueError):
            connection.unwrap()
    with suppress(OSError):
        connection.shutdown(SHUT_WR)


def _explain(client: ftplib.FTP, cut: OSError) -> None:
    """Raise what the server says about a data connection that broke (its disk is full, say), else the break itself."""
    if not isinstance(cut, TimeoutError):
        with suppress(OSError, EOFError):
            client.voidresp()
    raise cut


def _take_answer(client: ftplib.FTP) -> None:
    """Read the answer to a transfer that was broken off from here, so that the next one is not taken for it."""
    with suppress(OSError, EOFError, ftplib.Error):
        client.getresp()
