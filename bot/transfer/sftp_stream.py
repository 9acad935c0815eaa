"""The bytes of a remote file, in both directions, with many requests on the way at once.

One request a round trip is slow, and paramiko's ``get`` and ``put`` have faults that matter here: ``get`` asks for the
whole file at once, whatever its size, and ``put`` never looks at the answers to the last hundred writes. Both work in
windows here: 64 blocks under way, and every answer is read before the next window.
"""

import stat
from collections.abc import Iterator
from typing import BinaryIO

from paramiko import SFTPClient, SFTPFile

from bot.onboarding.transfer import TransferError
from bot.transfer.sftp_errors import local_errors, path_errors

BLOCK_BYTES = 32768  # what every server takes in one request (SFTP version 3, section 3)
WINDOW_BLOCKS = 64  # as many as OpenSSH's own client has under way
WINDOW_BYTES = BLOCK_BYTES * WINDOW_BLOCKS


def remote_windows(sftp: SFTPClient, path: str) -> Iterator[bytes]:
    """Yield a remote file's bytes in order, at most 2 MiB at a time.

    Raises TransferError for anything but a regular file (a link could lead to another partner's file), and when the
    size is not the same before and after; else as ``path_errors``.
    """
    with path_errors(sftp, path):
        attributes = sftp.lstat(path)
    if not stat.S_ISREG(attributes.st_mode or 0):
        raise TransferError(path, "this is not a regular file (links are not followed)")
    with path_errors(sftp, path):
        remote = sftp.open(path, "rb")
    try:
        with path_errors(sftp, path):
            size = remote.stat().st_size or 0
        received = 0
        while received < size:
            wanted = range(received, min(received + WINDOW_BYTES, size), BLOCK_BYTES)
            with path_errors(sftp, path):
                window = _read(remote, [(offset, min(BLOCK_BYTES, size - offset)) for offset in wanted])
            if len(window) != min(WINDOW_BYTES, size - received):
                raise TransferError(path, f"the file became shorter than its {size} bytes while it was read")
            received += len(window)
            yield window
        with path_errors(sftp, path):
            now = remote.stat().st_size or 0
        if now != size:
            raise TransferError(path, f"the file had {size} bytes when reading began and has {now} now")
    finally:
        remote.close()


def _read(remote: SFTPFile, blocks: list[tuple[int, int]]) -> bytes:
    """Return what there is of the blocks (offset, length) of an open file."""
    try:
        return b"".join(remote.readv(blocks))
    except EOFError:
        # Either the server says that the file ends before, or the connection ended: then this raises as well.
        remote.stat()
        return b""


def write_remote(sftp: SFTPClient, source: BinaryIO, path: str) -> int:
    """Write an open local file over ``path`` and return the number of bytes. Raises as ``path_errors``."""
    with path_errors(sftp, path):
        remote = sftp.open(path, "wb")
    written = 0
    try:
        while True:
            with local_errors(path):
                window = source.read(WINDOW_BYTES)
            if not window:
                return written
            last = max(len(window) - BLOCK_BYTES, 0)
            with path_errors(sftp, path):
                # Without pipelining a write waits for its own answer and for all those before it.
                remote.set_pipelined(True)
                remote.write(window[:last])
                remote.set_pipelined(False)
                remote.write(window[last:])
            written += len(window)
    finally:
        remote.close()
