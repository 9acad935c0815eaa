"""Writing a file that others may be watching for: under a temporary name, flushed to disk, then renamed."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

BLOCK_BYTES = 4 << 20


@dataclass
class PartFile:
    """A file being written; its checksum grows with it, on a thread of its own."""

    stream: IO[bytes]
    hasher: Executor
    size: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _hashing: "Future[None] | None" = None

    def write(self, chunk: bytes | memoryview) -> None:
        """Append to the file."""
        if self._hashing is not None:
            self._hashing.result()
        self._hashing = self.hasher.submit(self._digest.update, chunk)
        self.stream.write(chunk)
        self.size += len(chunk)

    @property
    def sha256(self) -> str:
        """The checksum of what was written so far, in hexadecimal."""
        if self._hashing is not None:
            self._hashing.result()
        return self._digest.hexdigest()


@contextmanager
def written_whole(path: Path) -> Iterator[PartFile]:
    """Give a file to write; ``path`` appears only when all is on disk, and not at all when the block raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream, ThreadPoolExecutor(1, "sha256") as hasher:
            yield PartFile(stream, hasher)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def sha256_of(path: Path) -> str:
    """Return a file's checksum in hexadecimal. Raises OSError.

    In large blocks: after each one this thread waits for its turn, and others may be loading modules meanwhile.
    """
    digest = hashlib.sha256()
    block = bytearray(min(BLOCK_BYTES, max(path.stat().st_size, 1)))
    with path.open("rb", buffering=0) as stream:
        while read := stream.readinto(block):
            digest.update(memoryview(block)[:read])
    return digest.hexdigest()
