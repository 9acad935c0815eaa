"""Blocks of data pages: which rows they hold, of what shape, and all rows of one shape decoded at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.mdb import definition as d
from pipeline.mdb.columns import Places, fixed_array, is_long, long_array, variable_array
from pipeline.mdb.definition import StoredColumn, StoredTable
from pipeline.mdb.pages import DELETED, LOOKUP, OFFSET_MASK, Bytes, Pages
from pipeline.mdb.text import TextCodec

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Offsets of one byte reach so far; a longer row of Jet 3 has a table of jumps.
LONGEST_WITHOUT_JUMPS = 256
# Fewer rows of a shape than this are decoded one by one sooner.
FEWEST = 8


@dataclass(frozen=True)
class Rows:
    """The rows of a block: where each begins and ends in the block's bytes, its page, its number on it, its flags."""

    starts: Numbers
    ends: Numbers
    pages: Numbers
    numbers: Numbers
    flags: Numbers

    def chosen(self, which: Flags | Numbers) -> "Rows":
        """Return some of the rows."""
        return Rows(self.starts[which], self.ends[which], self.pages[which], self.numbers[which], self.flags[which])

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class Shape:
    """What rows have in common that were written under one definition of their table.

    ``columns``: how many they know of; ``variables``: how many of those vary, None where the row has no table of them.
    """

    columns: int
    variables: int | None


def rows_of(block: Bytes, numbers: Numbers, *, row_count: int, row_offsets: int) -> tuple[Rows, Flags]:
    """Return the rows of a block of pages that are not deleted, and which of them lie within their page.

    ``block`` has the shape pages x page size, ``numbers`` are the pages' numbers in the file.
    """
    size = block.shape[1]
    words = block.view("<u2")
    most = (size - row_offsets) // 2
    counts = np.minimum(words[:, row_count // 2].astype(np.int64), most)
    widest = int(counts.max(initial=0))
    entries = words[:, row_offsets // 2 : row_offsets // 2 + widest].astype(np.int64)
    exists = np.arange(widest) < counts[:, None]
    starts = entries & OFFSET_MASK
    ends = np.empty_like(starts)
    if widest:
        ends[:, 0] = size
        ends[:, 1:] = starts[:, :-1]
    live = exists & ((entries & DELETED) == 0)
    which, number = np.nonzero(live)
    rows = Rows(starts[live], ends[live], which, number, entries[live] & LOOKUP)
    first = row_offsets + 2 * counts[which]
    within = (rows.starts >= first) & (rows.starts + 2 <= rows.ends) & (rows.ends <= size)
    base = which * size
    return Rows(rows.starts + base, rows.ends + base, numbers[which], number, rows.flags), within


class BlockReader:
    """Decodes rows of blocks of one table. ``flat`` is always the block's bytes, one page after the other."""

    def __init__(self, pages: Pages, codec: TextCodec, table: StoredTable, columns: Sequence[StoredColumn]) -> None:
        self._pages = pages
        self._codec = codec
        self._table = table
        self._columns = columns
        self._width = pages.layout.width
        varying = [column.number for column in table.stored if not column.is_fixed and column.kind != d.BOOLEAN]
        self._first_varying = min(varying, default=1 << 16)

    def shapes(self, flat: Bytes, rows: Rows) -> Iterator[tuple[Shape, Numbers]]:
        """Group the rows by shape; a row that moved, or has no sane shape, is in no group."""
        if not len(rows):
            return
        width = self._width
        lengths = rows.ends - rows.starts
        sane = (rows.flags == 0) & (lengths > width)
        if width == 1:
            sane &= lengths <= LONGEST_WITHOUT_JUMPS
        columns = self._counts(flat, np.where(sane, rows.starts, 0))
        sane &= (columns > 0) & (columns <= self._table.column_numbers + d.MOST_COLUMNS)
        at = rows.ends - (columns + 7) // 8 - width
        sane &= at >= rows.starts + width
        varies = columns > self._first_varying
        variables = np.where(varies, self._counts(flat, np.where(sane, at, 0)), -1)
        keys = np.where(sane, columns << 17 | (variables + 1), -1)
        for key in np.unique(keys).tolist():
            which = np.flatnonzero(keys == key)
            if key >= 0 and len(which) >= FEWEST:
                variable = (key & (1 << 17) - 1) - 1
                yield Shape(key >> 17, None if variable < 0 else variable), which

    def decode(self, flat: Bytes, rows: Rows, shape: Shape) -> tuple[list[pa.Array] | None, Flags]:
        """Decode rows of one shape into one array a column; or None, and the rows that must be looked at exactly.

        Raises UnicodeDecodeError for a text that is half a character: then the whole block is looked at exactly.
        """
        return _Decoding(self._pages, self._codec, self._table, self._columns, flat, rows, shape).run()

    def _counts(self, flat: Bytes, at: Numbers) -> Numbers:
        counts = flat[at].astype(np.int64)
        return counts if self._width == 1 else counts | flat[at + 1].astype(np.int64) << 8


class _Decoding:
    """The decoding of some rows of one shape."""

    def __init__(
        self,
        pages: Pages,
        codec: TextCodec,
        table: StoredTable,
        columns: Sequence[StoredColumn],
        flat: Bytes,
        rows: Rows,
        shape: Shape,
    ) -> None:
        self._pages, self._codec = pages, codec
        self._columns = columns
        self._flat, self._rows, self._shape = flat, rows, shape
        self._width = pages.layout.width
        self._mask_bytes = (shape.columns + 7) // 8
        table_of_offsets = 0 if shape.variables is None else self._width * (shape.variables + 2)
        self._tail = self._mask_bytes + table_of_offsets
        self._fixed = max(
            (
                column.offset + column.width
                for column in table.stored
                if column.is_fixed and column.number < shape.columns
            ),
            default=0,
        )

    def run(self) -> tuple[list[pa.Array] | None, Flags]:
        rows = self._rows
        short = rows.ends - rows.starts < self._width + self._fixed + self._tail
        if short.any():
            return None, short
        tails = _gather(self._flat, rows.ends - self._tail, self._tail)
        fixed = _gather(self._flat, rows.starts + self._width, self._fixed)
        starts, ends, odd = self._variable_places(tails)
        if odd.any():
            return None, odd
        arrays: list[pa.Array] = []
        for column in self._columns:
            null = self._is_null(column, tails)
            if column.kind == d.BOOLEAN:
                array = pa.array(~null)
            elif null.all():
                array = pa.nulls(len(null), column.arrow_type)
            elif column.is_fixed:
                array, odd = fixed_array(column, self._codec, fixed[:, column.offset :], null)
            elif column.variable >= starts.shape[1]:
                array, odd = None, ~null
            else:
                cells = Places(starts[:, column.variable], ends[:, column.variable])
                array, odd = self._variable_array(column, cells, null)
            if array is None:
                return None, odd
            arrays.append(array)
        return arrays, odd

    def _variable_array(self, column: StoredColumn, cells: Places, null: Flags) -> tuple[pa.Array | None, Flags]:
        width = d.TYPES[column.kind][1]
        if width:
            # A type of one width may lie among the variable columns: Access puts its decimals there.
            odd = ~null & (cells.ends - cells.starts != width)
            if odd.any():
                return None, odd
            return fixed_array(column, self._codec, _gather(self._flat, np.where(null, 0, cells.starts), width), null)
        if is_long(column):
            return long_array(column, self._codec, self._pages, self._flat, cells, null)
        return variable_array(column, self._codec, self._flat, cells, null), np.zeros(len(null), np.bool_)

    def _is_null(self, column: StoredColumn, tails: Bytes) -> Flags:
        """A bit that is not set, or that the row is too old to have."""
        if column.number >= self._shape.columns:
            return np.ones(len(tails), np.bool_)
        mask = tails[:, self._tail - self._mask_bytes + (column.number >> 3)]
        is_null: Flags = (mask >> (column.number & 7) & 1) == 0
        return is_null

    def _variable_places(self, tails: Bytes) -> tuple[Numbers, Numbers, Flags]:
        rows, count = self._rows, self._shape.variables
        if count is None:
            nothing = np.empty((len(rows), 0), np.int64)
            return nothing, nothing, np.zeros(len(rows), np.bool_)
        raw = np.ascontiguousarray(tails[:, : self._width * (count + 1)])
        offsets = raw.view("<u2" if self._width == 2 else "u1")[:, ::-1].astype(np.int64)
        limit = rows.ends - rows.starts - self._tail
        # They never decrease, so the first and the last tell for all.
        odd: Flags = (offsets[:, 0] < self._width + self._fixed) | (offsets[:, -1] > limit)
        odd |= (offsets[:, 1:] < offsets[:, :-1]).any(axis=1)
        offsets += rows.starts[:, None]
        return offsets[:, :-1], offsets[:, 1:], odd


def _gather(flat: Bytes, starts: Numbers, width: int) -> Bytes:
    """Return ``width`` bytes from each start, one row each."""
    windows = np.lib.stride_tricks.sliding_window_view(flat, width)
    gathered: Bytes = windows[starts]
    return gathered
