"""The bytes of a remote file, in both directions, with many requests on the way at once.

One request a round trip is slow, and so is to wait for the last answer of a group before the next group is asked: here
64 blocks are under way all the time, and every answer is read. paramiko's own ways have faults that matter: ``get``
asks for the whole file at once; ``readv`` and ``prefetch`` may take an empty queue for the end, ask for each block
again and keep what comes twice; ``put`` never looks at the answers to the last hundred writes.
"""

import stat
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import BinaryIO, Protocol, cast

from paramiko import Message, SFTPClient, SFTPFile, Transport
from paramiko.buffered_pipe import BufferedPipe
from paramiko.sftp import CMD_DATA, CMD_READ, CMD_STATUS, CMD_WRITE, SFTPError, int64

from bot.onboarding.transfer import TransferError
from bot.transfer.local import local_errors
from bot.transfer.sftp_errors import path_errors

BLOCK_BYTES = 32768  # what every server takes in one request (SFTP version 3, section 3)
BLOCKS_UNDER_WAY = 64  # as many as OpenSSH's own client has


class _Pipe(BufferedPipe):  # type: ignore[type-arg]  # generic in its annotations alone
    """What arrived on a channel and was not read yet. paramiko's own moves all of that in memory at every read."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()

    def _buffer_frombytes(self, arrived: bytes) -> None:
        self._buffer += arrived

    def _buffer_tobytes(self, limit: int | None = None) -> bytes:
        return bytes(self._buffer[:limit])


def open_sftp(transport: Transport, answer_seconds: float) -> SFTPClient:
    """Ask a logged-in connection for SFTP; no answer, from the first on, may take longer than ``answer_seconds``.

    Raises what paramiko raises.
    """
    channel = transport.open_session()
    channel.in_buffer = _Pipe()  # before SFTP is asked for nothing arrives
    channel.settimeout(answer_seconds)
    channel.invoke_subsystem("sftp")
    return SFTPClient(channel)


def remote_blocks(sftp: SFTPClient, path: str) -> Iterator[bytes]:
    """Yield a remote file's bytes in order, at most 32 KiB at a time; at most 2 MiB are under way.

    Raises TransferError for anything but a regular file (a link could lead to another partner's file), and when the
    size is not the same before and after; else as ``path_errors``.
    """
    with path_errors(sftp, path):
        attributes = sftp.lstat(path)
        if not stat.S_ISREG(attributes.st_mode or 0):
            raise TransferError(path, "this is not a regular file (links are not followed)")
        with closing(sftp.open(path, "rb")) as remote:
            size = remote.stat().st_size or 0
            received = 0
            for block in _blocks(sftp, remote, size):
                received += len(block)
                yield block
            if received < size:
                raise TransferError(path, f"the file became shorter than its {size} bytes while it was read")
            now = remote.stat().st_size or 0
            if now != size:
                raise TransferError(path, f"the file had {size} bytes when reading began and has {now} now")


def _blocks(sftp: SFTPClient, remote: SFTPFile, size: int) -> Iterator[bytes]:
    """Yield the first ``size`` bytes of an open file, or what there is of them."""
    requests = _Requests(sftp, remote)
    asked = received = 0
    while received < size:
        while asked < size and len(requests) < BLOCKS_UNDER_WAY:
            length = min(BLOCK_BYTES, size - asked)
            requests.ask(CMD_READ, asked, length)
            asked += length
        end = min(received + BLOCK_BYTES, size)
        block = requests.answer()
        # A server may answer with less than it was asked for, and nothing at all is the end of the file.
        while 0 < len(block) < end - received:
            received += len(block)
            yield block
            rest = _Requests(sftp, remote)
            rest.ask(CMD_READ, received, end - received)
            block = rest.answer()
        if len(block) != end - received:
            return
        received = end
        yield block


def write_remote(sftp: SFTPClient, source: BinaryIO, path: str) -> int:
    """Write an open local file over ``path`` and return the number of bytes. Raises as ``path_errors``."""
    written = 0
    with path_errors(sftp, path), closing(sftp.open(path, "wb")) as remote:
        requests = _Requests(sftp, remote)
        while block := _read_local(source, path):
            if len(requests) == BLOCKS_UNDER_WAY:
                requests.answer()
            requests.ask(CMD_WRITE, written, block)
            written += len(block)
        while len(requests):
            requests.answer()
    return written


def _read_local(source: BinaryIO, path: str) -> bytes:
    with local_errors(path):
        return source.read(BLOCK_BYTES)


class _Client(Protocol):
    """What is needed of paramiko's client that it keeps to itself: asking without waiting, and reading one answer."""

    def _async_request(self, asker: "_Requests", command: int, *arguments: object) -> int: ...

    def _read_response(self) -> object: ...

    def _convert_status(self, answer: Message) -> None: ...


class _Requests:
    """Requests about one open file. Their answers may come in any order and are taken in the order of asking."""

    def __init__(self, sftp: SFTPClient, remote: SFTPFile) -> None:
        self._client = cast(_Client, sftp)
        self._handle = remote.handle
        self._asked: deque[int] = deque()
        self._answers: dict[int, tuple[int, Message]] = {}

    def __len__(self) -> int:
        """Count the requests whose answer was not taken yet."""
        return len(self._asked)

    def ask(self, command: int, offset: int, what: int | bytes) -> None:
        """Send a request to read so many bytes at an offset, or to write these bytes there."""
        self._asked.append(self._client._async_request(self, command, self._handle, int64(offset), what))

    def answer(self) -> bytes:
        """Wait for the answer to the oldest request: what was read, nothing at the end of the file or for a write.

        Raises OSError when the server refuses, SSHException or TimeoutError when there is no answer.
        """
        number = self._asked.popleft()
        while number not in self._answers:
            self._client._read_response()
        kind, content = self._answers.pop(number)
        if kind == CMD_DATA:
            return content.get_string()
        if kind != CMD_STATUS:
            raise SFTPError(f"an answer of the kind {kind} to a read or a write")
        with suppress(EOFError):
            self._client._convert_status(content)
        return b""

    def _async_response(self, kind: int, content: Message, number: int) -> None:
        """Take in an answer; paramiko's client calls this."""
        self._answers[number] = kind, content
