"""This machine's own side of a transfer, whatever the protocol: its disk, and what it says of a trouble."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.onboarding.transfer import TransferError


def keep(blocks: Iterable[bytes], to: Path) -> str:
    """Write what arrives to ``to``, on disk before it has its name; return the sha256 of the bytes in hex.

    Raises TransferError for trouble with the disk, and what ``blocks`` raises.
    """
    aside = to.with_name(f"{to.name}.part")
    digest = hashlib.sha256()
    with local_errors(str(to)):
        target = aside.open("wb")
    with target:
        for block in blocks:
            digest.update(block)
            with local_errors(str(to)):
                target.write(block)
        with local_errors(str(to)):
            target.flush()
            os.fsync(target.fileno())
    with local_errors(str(to)):
        aside.replace(to)
        _sync_directory(to.parent)
    return digest.hexdigest()


@contextmanager
def local_errors(path: str) -> Iterator[None]:
    """Turn trouble with this machine's own disk into TransferError, so that it is not taken for the server's."""
    try:
        yield
    except OSError as trouble:
        raise TransferError(path, f"on this machine: {reason_of(trouble)}") from trouble


def reason_of(trouble: BaseException) -> str:
    """Return one line on what happened."""
    if isinstance(trouble, TimeoutError):
        return "no answer in time"
    if isinstance(trouble, OSError) and trouble.strerror:
        return trouble.strerror
    return str(trouble).strip() or type(trouble).__name__


def _sync_directory(directory: Path) -> None:
    """Make a rename last: without this a power cut may bring the directory's old state back."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
