"""Text as Jet 4 stores it: UTF-16, or one byte a character behind FF FE with NUL switching between the two."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int32]

COMPRESSED = b"\xff\xfe"


def decode_text(raw: bytes) -> str:
    """Decode one value exactly. Raises UnicodeDecodeError for half a character."""
    if not raw.startswith(COMPRESSED):
        return raw.decode("utf-16-le")
    parts: list[str] = []
    position, is_compressed = len(COMPRESSED), True
    while position < len(raw):
        if is_compressed:
            end = raw.find(b"\0", position)
            end = len(raw) if end < 0 else end
            parts.append(raw[position:end].decode("latin-1"))
        else:
            end = position
            while end + 1 < len(raw) and raw[end] != 0:
                end += 2
            if end < len(raw) and raw[end] != 0:
                raise UnicodeDecodeError("utf-16-le", raw, end, end + 1, "half a character")
            parts.append(raw[position:end].decode("utf-16-le"))
        position, is_compressed = end + 1, not is_compressed
    return "".join(parts)


def text_array(buffer: Bytes, starts: Offsets, ends: Offsets, is_null: npt.NDArray[np.bool_]) -> pa.Array:
    """Decode the values that lie at ``[starts, ends)`` of a buffer; raises UnicodeDecodeError, never guesses.

    Values of one byte a character are done all at once; what switches modes or is UTF-16 beyond ASCII one by one.
    """
    lengths = np.where(is_null, 0, ends - starts)
    starts = np.where(is_null, 0, starts)
    has_mark = (lengths >= 2) & (buffer[starts] == 0xFF) & (buffer[starts + 1] == 0xFE)
    if bool((has_mark | (lengths == 0)).all()):
        whole = _compressed(buffer, starts + 2 * has_mark, lengths - 2 * has_mark, is_null)
        if whole is not None:
            return whole
    if not has_mark.any():
        whole = _wide_ascii(buffer, starts, lengths, is_null)
        if whole is not None:
            return whole
    values = [
        None if null else decode_text(buffer[start : start + length].tobytes())
        for start, length, null in zip(starts.tolist(), lengths.tolist(), is_null.tolist(), strict=True)
    ]
    return pa.array(values, pa.string())


def packed(buffer: Bytes, starts: Offsets, lengths: Offsets) -> tuple[Bytes, Offsets]:
    """Copy the values together; return their bytes and the offsets between them.

    Arrow's ``take`` does it over a binary array whose offsets are start, end, start, end, …: every other element of it
    is a value, and those between them, which may run backwards, are never looked at.
    """
    count = len(starts)
    pairs = np.empty(2 * count + 2, np.int32)
    # Arrow refuses offsets of which the first is larger than the last: the buffer's own bounds stand around them.
    pairs[0], pairs[-1] = 0, len(buffer)
    pairs[1:-1:2] = starts
    pairs[2:-1:2] = starts + lengths
    source = pa.Array.from_buffers(pa.binary(), 2 * count + 1, [None, pa.py_buffer(pairs), pa.py_buffer(buffer)])
    taken = source.take(pa.array(np.arange(1, 2 * count, 2, dtype=np.int32)))
    _, offsets, content = taken.buffers()
    ends = np.frombuffer(offsets, np.int32)[taken.offset : taken.offset + count + 1]
    return np.frombuffer(content, np.uint8) if content is not None else np.empty(0, np.uint8), ends


def string_array(content: Bytes, offsets: Offsets, is_null: npt.NDArray[np.bool_]) -> pa.Array:
    """Return UTF-8 bytes and offsets as a string array with nulls."""
    return pa.Array.from_buffers(
        pa.string(),
        len(is_null),
        [validity(is_null), pa.py_buffer(np.ascontiguousarray(offsets, np.int32)), pa.py_buffer(content)],
        null_count=int(is_null.sum()),
    )


def validity(is_null: npt.NDArray[np.bool_]) -> pa.Buffer | None:
    """Return Arrow's validity bits; None when nothing is null."""
    if not is_null.any():
        return None
    return pa.py_buffer(np.packbits(~is_null, bitorder="little"))


def _compressed(buffer: Bytes, starts: Offsets, lengths: Offsets, is_null: npt.NDArray[np.bool_]) -> pa.Array | None:
    """Values of one byte a character; None when one of them switches modes."""
    content, offsets = packed(buffer, starts, lengths)
    if not content.all():
        return None
    high = content >= 0x80
    if not high.any():
        return string_array(content, offsets, is_null)
    # Latin-1 to UTF-8: each high byte becomes two, so what follows moves on by one more.
    shift = np.concatenate((np.zeros(1, np.int32), np.cumsum(high, dtype=np.int32)))
    place = np.arange(len(content), dtype=np.int32) + shift[:-1]
    utf8 = np.empty(len(content) + int(shift[-1]), np.uint8)
    utf8[place] = np.where(high, 0xC0 | (content >> 6), content)
    utf8[place[high] + 1] = 0x80 | (content[high] & 0x3F)
    return string_array(utf8, offsets + shift[offsets], is_null)


def _wide_ascii(buffer: Bytes, starts: Offsets, lengths: Offsets, is_null: npt.NDArray[np.bool_]) -> pa.Array | None:
    """UTF-16 values of ASCII alone; None when there is anything else."""
    if (lengths & 1).any():
        return None
    content, offsets = packed(buffer, starts, lengths)
    characters = content.view("<u2")
    if (characters >= 0x80).any():
        return None
    return string_array(characters.astype(np.uint8), offsets // 2, is_null)
