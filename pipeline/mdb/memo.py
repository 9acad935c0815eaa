"""Long values: memo and OLE cells, kept in the row, on one page, or along a chain of pages."""

import struct

from pipeline.mdb.errors import MdbError
from pipeline.mdb.pages import Pages

# A cell: the page and number of its row, and its column's number.
CellName = tuple[int, int, int]

HEADER = 12
# The first four bytes of a cell: two bits tell where the value is, the others how many bytes it has.
LENGTH_MASK, PLACE_SHIFT = 0x3FFFFFFF, 30
CHAIN, SINGLE, INLINE = 0, 1, 2

DATA_PAGE = 0x01
OWNER_OF_LONG_VALUES = b"LVAL"

# A chain of pages that each give at least one byte: longer than this it goes round in a circle.
MOST_HOPS = 1 << 20


class BrokenLongValue(Exception):
    """A long value cannot be read whole; the message says where it broke."""


class LongValues:
    """The long values of one reading of a table. Each piece of them belongs to one cell alone."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._owners: dict[int, CellName] = {}

    def read(self, cell: bytes, name: CellName) -> bytes:
        """Return the bytes of a long value, given its cell in the row. Raises BrokenLongValue."""
        if len(cell) < HEADER:
            raise BrokenLongValue(f"a long value's cell has {len(cell)} bytes")
        first, pointer = struct.unpack_from("<II", cell)
        length = first & LENGTH_MASK
        match first >> PLACE_SHIFT:
            case place if place == INLINE:
                content = cell[HEADER:]
            case place if place == SINGLE:
                content = self._piece(pointer, name)
            case place if place == CHAIN:
                content = self._chain(pointer, length, name)
            case _:
                raise BrokenLongValue("a long value is said to lie in two places")
        if len(content) != length:
            raise BrokenLongValue(f"a long value of {length} bytes has {len(content)}")
        return content

    def _chain(self, pointer: int, length: int, name: CellName) -> bytes:
        parts: list[bytes] = []
        found, seen = 0, set[int]()
        while pointer and found <= length:
            if pointer in seen or len(seen) > MOST_HOPS:
                raise BrokenLongValue("a long value's chain of pages goes round in a circle")
            seen.add(pointer)
            content = self._piece(pointer, name)
            if len(content) <= 4:
                raise BrokenLongValue("a piece of a long value is cut")
            (pointer,) = struct.unpack_from("<I", content)
            parts.append(content[4:])
            found += len(content) - 4
        return b"".join(parts)

    def _piece(self, pointer: int, name: CellName) -> bytes:
        number = pointer >> 8
        try:
            page = self._pages.page(number)
            if page[0] != DATA_PAGE or page[4:8] != OWNER_OF_LONG_VALUES:
                raise BrokenLongValue(f"a long value points at page {number}, which holds none")
            content, flags = self._pages.row(number, pointer & 0xFF)
        except MdbError as broken:
            raise BrokenLongValue(str(broken)) from broken
        if flags:
            raise BrokenLongValue(f"a long value points at page {number}, where it was deleted")
        if self._owners.setdefault(pointer, name) != name:
            raise BrokenLongValue(f"a long value points at page {number}, at another cell's value")
        return content
