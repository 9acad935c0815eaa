"""Pages and the rows on them, by number. Every number from the file is checked before it is used."""

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from pipeline.mdb.errors import Corrupt, Encrypted, Truncated
from pipeline.mdb.format import Header, PageLayout, read_header

Bytes = npt.NDArray[np.uint8]

OFFSET_MASK = 0x1FFF
DELETED = 0x8000
LOOKUP = 0x4000


class Pages:
    """A mapped file, decoded where its pages are encoded. Use as a context manager, or call ``close``."""

    def __init__(self, path: Path) -> None:
        """Map the file. Raises MdbError for what is no readable database of whole pages."""
        self.header: Header = read_header(path)
        self.layout: PageLayout = self.header.layout
        if self.header.is_encrypted:
            raise Encrypted("The database is encrypted with a password.")
        size = self.layout.page_size
        if self.header.size % size:
            raise Truncated(f"The file has {self.header.size} bytes, which is no whole number of {size}-byte pages.")
        with path.open("rb") as file:
            try:
                # The size that was checked: a file that grows or shrinks meanwhile is not read past it.
                self._map = mmap.mmap(file.fileno(), self.header.size, access=mmap.ACCESS_READ)
            except ValueError as cut:
                raise Truncated("The file became shorter while it was opened.") from cut
        self.count = self.header.size // size
        self._all: Bytes = np.frombuffer(self._map, np.uint8).reshape(self.count, size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unmap the file; once more does nothing."""
        self._all = np.empty((0, self.layout.page_size), np.uint8)
        self._map.close()

    def page(self, number: int) -> bytes:
        """Return a page. Raises Truncated for one beyond the end."""
        if not 0 <= number < self.count:
            raise Truncated(f"Page {number} is needed; the file has {self.count} pages.")
        return self._decoded(number)

    def block(self, numbers: Sequence[int]) -> Bytes:
        """Return a copy of some pages, all within the file, one after the other (shape: pages x page size)."""
        if self.header.encoded:
            joined = b"".join(self._decoded(number) for number in numbers)
            return np.frombuffer(joined, np.uint8).reshape(len(numbers), self.layout.page_size)
        block: Bytes = self._all[np.asarray(numbers, np.int64)]
        return block

    def row(self, number: int, row: int) -> tuple[bytes, int]:
        """Return the bytes of a row and its flags (DELETED, LOOKUP). Raises Truncated or Corrupt."""
        page = self.page(number)
        (count,) = struct.unpack_from("<H", page, self.layout.row_count)
        last = self.layout.row_offsets + 2 * count
        if not (row < count and last <= self.layout.page_size):
            raise Corrupt(f"Page {number} has no row {row}.")
        (entry,) = struct.unpack_from("<H", page, self.layout.row_offsets + 2 * row)
        end = self.layout.page_size
        if row:
            (above,) = struct.unpack_from("<H", page, self.layout.row_offsets + 2 * (row - 1))
            end = above & OFFSET_MASK
        start = entry & OFFSET_MASK
        if not last <= start <= end <= self.layout.page_size:
            raise Corrupt(f"Row {row} of page {number} lies outside its page.")
        return page[start:end], entry & (DELETED | LOOKUP)

    def _decoded(self, number: int) -> bytes:
        content: bytes = self._all[number].tobytes()
        if self.header.encoded and number:
            from pipeline.mdb.cipher import decoded  # noqa: PLC0415 - hardly any database needs it, all wait for it

            return decoded(content, self.header.key, number)
        return content
