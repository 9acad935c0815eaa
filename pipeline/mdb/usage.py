"""Usage maps: which pages belong to a table."""

import struct

import numpy as np

from pipeline.mdb.errors import Corrupt
from pipeline.mdb.pages import Pages

INLINE, REFERENCE = 0, 1
MAP_PAGE = 0x05
MAP_PAGE_HEADER = 4


def pages_of(pages: Pages, pointer: int) -> list[int]:
    """Return the numbers of the pages that a usage map names, in order; some may lie beyond the end of the file.

    ``pointer`` is a row number (low byte) and a page number. Raises Truncated or Corrupt.
    """
    content, _ = pages.row(pointer >> 8, pointer & 0xFF)
    if not content:
        raise Corrupt("A table's usage map is empty.")
    if content[0] == INLINE:
        if len(content) < 5:
            raise Corrupt("A table's usage map is cut.")
        (first,) = struct.unpack_from("<I", content, 1)
        return _set_bits(content[5:], first)
    if content[0] != REFERENCE:
        raise Corrupt(f"A table's usage map is of the unknown kind {content[0]}.")
    found: list[int] = []
    each = (pages.layout.page_size - MAP_PAGE_HEADER) * 8
    for position in range((len(content) - 1) // 4):
        (number,) = struct.unpack_from("<I", content, 1 + 4 * position)
        if number:
            page = pages.page(number)
            if page[0] != MAP_PAGE:
                raise Corrupt(f"Page {number} should be a usage map and is of kind {page[0]}.")
            numbers = _set_bits(page[MAP_PAGE_HEADER:], position * each)
            # Of a map that lies wholly beyond the end one number tells enough, and a forged one names millions.
            found += numbers if position * each < pages.count else numbers[:1]
    return found


def _set_bits(bitmap: bytes, first: int) -> list[int]:
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little")
    return (np.flatnonzero(bits) + first).tolist()
