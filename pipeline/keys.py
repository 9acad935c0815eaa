"""Questions about a column of very many keys, answered from their bytes: SQL would make a text of each first."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

WORD = 8
ASCII = 0x80


def rises(keys: pa.ChunkedArray) -> bool | None:
    """Tell whether every key is higher than the one before, the shorter being the lower.

    None where that takes a closer look: at keys that are NULL, or have characters beyond ASCII.
    """
    if keys.null_count:
        return None
    before: bytes | None = None
    for offsets, content in _stored(keys):
        if content.max(initial=0) >= ASCII:
            return None
        lengths = np.diff(offsets)
        if (np.diff(lengths) < 0).any():
            return False
        first, last = content[: lengths[0]].tobytes(), content[len(content) - lengths[-1] :].tobytes()
        if before is not None and (len(before), before) >= (len(first), first):
            return False
        before = last
        ends = [*(np.flatnonzero(np.diff(lengths)) + 1).tolist(), len(lengths)]
        start = 0
        for end in ends:
            cells = content[offsets[start] : offsets[end]].reshape(end - start, lengths[start])
            if not _rise(cells):
                return False
            start = end
    return True


def first_characters(keys: pa.ChunkedArray) -> list[str] | None:
    """Return the characters with which keys begin; None where some are NULL, empty, begin with a blank or no ASCII."""
    if keys.null_count:
        return None
    found = np.zeros(256, np.bool_)
    for offsets, content in _stored(keys):
        if (np.diff(offsets) == 0).any():
            return None
        found[content[offsets[:-1]]] = True
    seen = np.flatnonzero(found).tolist()
    return [chr(one) for one in seen] if all(ord(" ") < one < ASCII for one in seen) else None


def _stored(keys: pa.ChunkedArray) -> Iterator[tuple[npt.NDArray[np.int64], Bytes]]:
    """Give, chunk by chunk, the offsets of the keys from 0 on and their bytes."""
    for chunk in keys.chunks:
        if not len(chunk):
            continue
        _, limits, values = chunk.buffers()
        kind = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
        offsets = np.frombuffer(limits, kind)[chunk.offset : chunk.offset + len(chunk) + 1].astype(np.int64)
        content = np.frombuffer(values or b"", np.uint8)[offsets[0] : offsets[-1]]
        yield offsets - offsets[0], content


def _rise(cells: Bytes) -> bool:
    """Tell whether each row of bytes is higher than the one before."""
    count, width = cells.shape
    if count < 2:
        return True
    if not width:
        return False
    filled = np.zeros((count, -(-width // WORD) * WORD), np.uint8)
    filled[:, :width] = cells
    words: Words = filled.view(">u8").astype(np.uint64)
    higher = np.zeros(count - 1, np.bool_)
    for number in reversed(range(words.shape[1])):
        here, above = words[1:, number], words[:-1, number]
        higher = (here > above) | ((here == above) & higher)
    return bool(higher.all())
