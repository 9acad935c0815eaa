"""Text as the formats store it, to UTF-8: value by value exactly, and a whole column at once.

Jet 4 and ACE: UTF-16, or one byte a character behind FF FE with NUL switching between the two. Jet 3: the bytes of the
database's code page. A column is decoded in up to three parts, each as fast as its values allow, and put together.
"""

import codecs
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.mdb.errors import Corrupt

Bytes = npt.NDArray[np.uint8]
Units = npt.NDArray[np.uint16]
Offsets = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

COMPRESSED = b"\xff\xfe"
SURROGATES, SURROGATE_MASK = 0xD800, 0xF800
NO_UNIT = 0xFFFF
# Code pages in which some characters take two bytes.
DOUBLE_BYTE = frozenset({932, 936, 949, 950, 1361})


class TextCodec(Protocol):
    """How one database's text is stored. Nothing is guessed: what is no text raises UnicodeDecodeError."""

    def name(self, raw: bytes) -> str:
        """Decode the name of a column."""
        ...

    def value(self, raw: bytes) -> str:
        """Decode one value exactly."""
        ...

    def column(self, buffer: Bytes, starts: Offsets, ends: Offsets, is_null: Flags) -> pa.Array:
        """Decode the values that lie at ``[starts, ends)`` of a buffer, all at once where they allow it."""
        ...


def dictionary(codec: TextCodec, buffer: Bytes, starts: Offsets, ends: Offsets, is_null: Flags) -> pa.DictionaryArray:
    """Decode values as ``column`` does, but each distinct one once: they are told apart by their stored bytes."""
    content, offsets = packed(buffer, starts, _lengths(starts, ends, is_null))
    encoded = binary_array(pa.binary(), content, offsets, is_null).dictionary_encode()
    places, cells = encoded.indices, encoded.dictionary
    _, limits, stored = cells.buffers()
    offsets = np.frombuffer(limits, np.int32)[: len(cells) + 1]
    content = np.frombuffer(stored or b"", np.uint8)
    texts = codec.column(content, offsets[:-1], offsets[1:], np.zeros(len(cells), np.bool_))
    once = texts.dictionary_encode()
    if len(once.dictionary) < len(texts):
        # The same text, stored in two ways.
        texts, places = once.dictionary, once.indices.take(places)
    return pa.DictionaryArray.from_arrays(places, texts)


class CompressedUnicode:
    """The text of Jet 4 and ACE."""

    def name(self, raw: bytes) -> str:
        """Decode a name: it is never compressed."""
        return raw.decode("utf-16-le")

    def value(self, raw: bytes) -> str:
        """Decode one value exactly."""
        return decode_text(raw)

    def column(self, buffer: Bytes, starts: Offsets, ends: Offsets, is_null: Flags) -> pa.Array:
        """Decode values: the compressed ones, the wide ones, and one by one those that switch or have surrogates."""
        lengths = _lengths(starts, ends, is_null)
        marked = (lengths >= 2) & _begins_marked(buffer, starts)
        # Nothing at all is as good as compressed: a column with gaps stays in one piece.
        narrow = marked | (lengths == 0)
        mark_sizes = marked * np.int32(2)
        parts = _Parts(len(is_null))
        _compressed(parts, buffer, narrow, starts + mark_sizes, lengths - mark_sizes)
        if not narrow.all():
            _wide(parts, buffer, np.flatnonzero(~narrow), starts, lengths)
        parts.one_by_one(lambda row: decode_text(_bytes(buffer, starts, lengths, row)))
        return parts.array(is_null)


class CodePage:
    """The text of Jet 3. Raises Corrupt for a code page that nobody knows."""

    def __init__(self, number: int) -> None:
        try:
            self._codec = codecs.lookup(f"cp{number}" if number else "cp1252").name
        except LookupError as unknown:
            raise Corrupt(f"The database's text is in the unknown code page {number}.") from unknown
        self._is_double = number in DOUBLE_BYTE
        self._units = _units_of(self._codec, is_double=self._is_double)
        if not self._is_double and not _tells_bytes_apart(self._codec):
            raise Corrupt(f"The database's text is in the unknown code page {number}.")

    def name(self, raw: bytes) -> str:
        """Decode a name."""
        return self.value(raw)

    def value(self, raw: bytes) -> str:
        """Decode one value exactly."""
        if self._is_double:
            return raw.decode(self._codec)
        return self._units[np.frombuffer(raw, np.uint8)].tobytes().decode("utf-16-le")

    def column(self, buffer: Bytes, starts: Offsets, ends: Offsets, is_null: Flags) -> pa.Array:
        """Decode values: by a table of 256 characters, and one by one where a byte alone is no character."""
        lengths = _lengths(starts, ends, is_null)
        content, offsets = packed(buffer, starts, lengths)
        units = self._units[content]
        parts = _Parts(len(is_null))
        rows = np.arange(len(is_null))
        odd = _holders(np.flatnonzero(units == NO_UNIT), offsets)
        if len(odd):
            rows = np.delete(rows, odd)
            content, offsets = packed(buffer, starts[rows], lengths[rows])
            units = self._units[content]
        parts.add(rows, *_utf8_of_units(units, offsets))
        parts.one_by_one(lambda row: self.value(_bytes(buffer, starts, lengths, row)))
        return parts.array(is_null)


def codec_of(format_name: str, code_page: int) -> TextCodec:
    """Return how a database of this version stores its text. Raises Corrupt for an unknown code page."""
    return CodePage(code_page) if format_name == "JET3" else CompressedUnicode()


def decode_text(raw: bytes) -> str:
    """Decode one value of Jet 4 exactly. Raises UnicodeDecodeError for half a character."""
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
    taken = source.take(number_array(pa.int32(), np.arange(1, 2 * count, 2, dtype=np.int32)))
    _, offsets, content = taken.buffers()
    ends = np.frombuffer(offsets, np.int32)[taken.offset : taken.offset + count + 1]
    return np.frombuffer(content, np.uint8) if content is not None else np.empty(0, np.uint8), ends


def number_array(kind: pa.DataType, values: npt.NDArray[Any]) -> pa.Array:
    """Return numbers as an array without nulls. ``pa.array`` would load pandas to see whether they are its own."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)], null_count=0)


def validity(is_null: Flags) -> pa.Buffer | None:
    """Return Arrow's validity bits; None when nothing is null."""
    if not is_null.any():
        return None
    return pa.py_buffer(np.packbits(~is_null, bitorder="little"))


def binary_array(kind: pa.DataType, content: Bytes, offsets: Offsets, is_null: Flags) -> pa.Array:
    """Return bytes and offsets as an array of strings (then the bytes are UTF-8) or of binaries, with nulls."""
    return pa.Array.from_buffers(
        kind,
        len(is_null),
        [validity(is_null), pa.py_buffer(np.ascontiguousarray(offsets, np.int32)), pa.py_buffer(content)],
        null_count=int(is_null.sum()),
    )


@dataclass(frozen=True)
class _Part:
    rows: npt.NDArray[np.int64]
    content: Bytes
    offsets: Offsets


class _Parts:
    """A column in the making: some rows as UTF-8 each time, and what is left over one by one."""

    def __init__(self, count: int) -> None:
        self._left = np.ones(count, np.bool_)
        self._parts: list[_Part] = []

    def add(self, rows: npt.NDArray[np.int64], content: Bytes, offsets: Offsets) -> None:
        """Take over the UTF-8 of these rows."""
        if len(rows):
            self._parts.append(_Part(rows, content, offsets))
            self._left[rows] = False

    def one_by_one(self, decode: "_Decode") -> None:
        """Decode the rows that are left. Raises UnicodeDecodeError."""
        if len(self._parts) == 1 and len(self._parts[0].rows) == len(self._left):
            return
        rows = np.flatnonzero(self._left)
        if len(rows):
            values = [decode(row).encode() for row in rows.tolist()]
            offsets = np.zeros(len(values) + 1, np.int32)
            np.cumsum([len(value) for value in values], out=offsets[1:])
            self.add(rows, np.frombuffer(b"".join(values), np.uint8), offsets)

    def array(self, is_null: Flags) -> pa.Array:
        """Put the parts together, in the order of the rows."""
        if len(self._parts) == 1:
            # Its rows are all rows, in their order.
            only = self._parts[0]
            return binary_array(pa.string(), only.content, only.offsets, is_null)
        if not self._parts:
            return pa.nulls(0, pa.string())
        joined = [binary_array(pa.string(), part.content, part.offsets, is_null[part.rows]) for part in self._parts]
        order = np.concatenate([part.rows for part in self._parts])
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return pa.concat_arrays(joined).take(number_array(pa.int64(), places))


class _Decode(Protocol):
    def __call__(self, row: int, /) -> str: ...


def _bytes(buffer: Bytes, starts: Offsets, lengths: Offsets, row: int) -> bytes:
    content: bytes = buffer[starts[row] : starts[row] + lengths[row]].tobytes()
    return content


def _lengths(starts: Offsets, ends: Offsets, is_null: Flags) -> Offsets:
    """How long the values are; where there is none, nothing."""
    lengths: Offsets = ends - starts
    return lengths * ~is_null if is_null.any() else lengths


def _begins_marked(buffer: Bytes, starts: Offsets) -> Flags:
    """Tell at which starts the mark stands; for those at the buffer's end the answer means nothing.

    Byte by byte, and in place: numbers that lie at any place take numpy twice as long, and so does memory that is new.
    """
    if len(buffer) < 2:
        return np.zeros(len(starts), np.bool_)
    at = starts.astype(np.intp)
    np.minimum(at, len(buffer) - 2, out=at)
    marked: Flags = buffer[at] == COMPRESSED[0]
    at += 1
    marked &= buffer[at] == COMPRESSED[1]
    return marked


def _compressed(parts: _Parts, buffer: Bytes, narrow: Flags, starts: Offsets, lengths: Offsets) -> None:
    """Values of one byte a character; one that switches modes stays behind."""
    rows = np.arange(len(narrow))
    if not narrow.all():
        rows = rows[narrow]
        starts, lengths = starts[narrow], lengths[narrow]
    content, offsets = packed(buffer, starts, lengths)
    if len(content) and content.min() == 0:
        odd = _holders(np.flatnonzero(content == 0), offsets)
        rows = np.delete(rows, odd)
        content, offsets = packed(buffer, np.delete(starts, odd), np.delete(lengths, odd))
    parts.add(rows, *_utf8_of_latin_1(content, offsets))


def _wide(parts: _Parts, buffer: Bytes, rows: npt.NDArray[np.int64], starts: Offsets, lengths: Offsets) -> None:
    """Values in UTF-16; one with a surrogate, or half a character, stays behind."""
    rows = rows[lengths[rows] & 1 == 0]
    if not len(rows):
        return
    content, offsets = packed(buffer, starts[rows], lengths[rows])
    units = content.view("<u2")
    surrogates = units & SURROGATE_MASK == SURROGATES
    if surrogates.any():
        odd = _holders(np.flatnonzero(surrogates), offsets // 2)
        rows = np.delete(rows, odd)
        content, offsets = packed(buffer, starts[rows], lengths[rows])
        units = content.view("<u2")
    parts.add(rows, *_utf8_of_units(units, offsets // 2))


def _holders(places: npt.NDArray[np.int64], offsets: Offsets) -> npt.NDArray[np.int64]:
    """Return which values hold these places of the packed content."""
    found: npt.NDArray[np.int64] = np.unique(np.searchsorted(offsets, places, side="right") - 1)
    return found


def _utf8_of_latin_1(content: Bytes, offsets: Offsets) -> tuple[Bytes, Offsets]:
    """Encode characters of one byte: those beyond ASCII take two."""
    if not len(content) or content.max() < 0x80:
        return content, offsets
    added = np.zeros(len(content) + 1, np.int32)
    np.cumsum(content >= 0x80, out=added[1:])
    utf8 = content.tobytes().decode("latin-1").encode()
    return np.frombuffer(utf8, np.uint8), offsets + added[offsets]


def _utf8_of_units(units: Units, offsets: Offsets) -> tuple[Bytes, Offsets]:
    """Encode characters of sixteen bits, none of them a surrogate; ``offsets`` count characters, then bytes."""
    if not len(units) or units.max() < 0x80:
        return units.astype(np.uint8), offsets
    ends = np.zeros(len(units) + 1, np.int32)
    np.cumsum(1 + (units >= 0x80).astype(np.int32) + (units >= 0x800), out=ends[1:])
    utf8 = units.tobytes().decode("utf-16-le").encode()
    return np.frombuffer(utf8, np.uint8), ends[offsets]


def _tells_bytes_apart(codec: str) -> bool:
    """Tell whether bytes beyond ASCII are characters on their own."""
    return bytes(range(0x80, 0x100)).decode(codec, "ignore") != ""


def _units_of(codec: str, *, is_double: bool) -> Units:
    """The character of each byte alone; NO_UNIT for one that may be the first half of a character.

    A byte that a code page of single bytes leaves open is the control character of its number, as in Windows.
    """
    units = np.full(256, NO_UNIT, "<u2") if is_double else np.arange(256, dtype="<u2")
    for byte in range(256):
        try:
            units[byte] = ord(bytes([byte]).decode(codec))
        except (UnicodeDecodeError, TypeError):
            continue
    return units
