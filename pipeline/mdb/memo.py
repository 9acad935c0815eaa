"""Long values: memo and OLE cells, kept in the row, on one page, or along a chain of pages."""

import struct

from pipeline.mdb.errors import MdbError
from pipeline.mdb.pages import Pages

HEADER = 12
LENGTH_MASK = 0x00FFFFFF
INLINE, SINGLE = 0x80, 0x40

# A chain of pages that each give at least one byte: longer than this it goes round in a circle.
MOST_HOPS = 1 << 20


class BrokenLongValue(Exception):
    """A long value cannot be read whole; the message says where it broke."""


def read_long_value(pages: Pages, cell: bytes) -> bytes:
    """Return the bytes of a long value, given its cell in the row. Raises BrokenLongValue."""
    if len(cell) < HEADER:
        raise BrokenLongValue(f"a long value's cell has {len(cell)} bytes")
    length_and_kind, pointer = struct.unpack_from("<II", cell)
    length, kind = length_and_kind & LENGTH_MASK, length_and_kind >> 24
    if kind & INLINE:
        content = cell[HEADER : HEADER + length]
    elif kind & SINGLE:
        content = _row(pages, pointer)[:length]
    else:
        content = _chain(pages, pointer, length)
    if len(content) != length:
        raise BrokenLongValue(f"a long value of {length} bytes ends after {len(content)}")
    return content


def _chain(pages: Pages, pointer: int, length: int) -> bytes:
    parts: list[bytes] = []
    found, seen = 0, set[int]()
    while pointer and found < length:
        if pointer in seen or len(seen) > MOST_HOPS:
            raise BrokenLongValue("a long value's chain of pages goes round in a circle")
        seen.add(pointer)
        content = _row(pages, pointer)
        if len(content) < 4:
            raise BrokenLongValue("a piece of a long value is cut")
        (pointer,) = struct.unpack_from("<I", content)
        parts.append(content[4:])
        found += len(content) - 4
    return b"".join(parts)[:length]


def _row(pages: Pages, pointer: int) -> bytes:
    try:
        content, _ = pages.row(pointer >> 8, pointer & 0xFF)
    except MdbError as broken:
        raise BrokenLongValue(str(broken)) from broken
    return content
