"""Blocks of data pages: which rows they hold, of what shape, and all rows of one shape decoded at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.mdb import definition as d
from pipeline.mdb.columns import Places, fixed_array, is_long, long_array, variable_array
from pipeline.mdb.definition import StoredColumn, StoredTable
from pipeline.mdb.memo import LongValues
from pipeline.mdb.pages import DELETED, LOOKUP, OFFSET_MASK, Bytes
from pipeline.mdb.text import TextCodec

# A block has a few megabytes: its bytes are counted in 32 bits, which are half the work of 64.
Numbers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

# Offsets of one byte reach so far; a longer row of Jet 3 has a table of jumps.
LONGEST_WITHOUT_JUMPS = 256
# A table has rows of one shape or a few. Where a file has very many, the rare ones are decoded one by one.
FEW_SHAPES = 8
FEWEST_ROWS = 32


@dataclass(frozen=True)
class Rows:
    """The rows of a block: where each begins and ends in the block's bytes, its page, its number on it, its flags."""

    starts: Numbers
    ends: Numbers
    pages: Numbers
    numbers: Numbers
    flags: npt.NDArray[np.uint16]

    def chosen(self, which: Flags | npt.NDArray[np.int64]) -> "Rows":
        """Return some of the rows, in their order."""
        if len(which) == len(self) and (which.dtype != np.bool_ or which.all()):
            return self
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
    counts = np.minimum(words[:, row_count // 2], most).astype(np.int32)
    widest = int(counts.max(initial=0))
    entries = words[:, row_offsets // 2 : row_offsets // 2 + widest]
    exists = np.arange(widest, dtype=np.int32) < counts[:, None]
    starts = entries & OFFSET_MASK
    ends = np.empty_like(starts)
    if widest:
        ends[:, 0] = size
        ends[:, 1:] = starts[:, :-1]
    live = exists & ((entries & DELETED) == 0)
    which, number = np.nonzero(live)
    first = starts[live].astype(np.int32)
    last = ends[live].astype(np.int32)
    within = (first >= (row_offsets + 2 * counts)[which]) & (first + 2 <= last) & (last <= size)
    base = which.astype(np.int32) * np.int32(size)
    rows = Rows(base + first, base + last, numbers[which], number.astype(np.int32), entries[live] & LOOKUP)
    return rows, within


class BlockReader:
    """Decodes rows of blocks of one table. ``flat`` is always the block's bytes, one page after the other."""

    def __init__(
        self,
        long_values: LongValues,
        codec: TextCodec,
        table: StoredTable,
        columns: Sequence[StoredColumn],
        width: int,
        *,
        distinct: bool = False,
    ) -> None:
        """``distinct``: decode each distinct text once."""
        self._long_values = long_values
        self._codec = codec
        self._distinct = distinct
        self._table = table
        self._columns = columns
        self._width = width
        self._first_varying = table.first_varying

    def shapes(self, flat: Bytes, rows: Rows) -> Iterator[tuple[Shape, npt.NDArray[np.int64]]]:
        """Group the rows by shape; a row that moved, or has no sane shape, is in no group."""
        if not len(rows):
            return
        width = self._width
        lengths = rows.ends - rows.starts
        sane = (rows.flags == 0) & (lengths > width)
        if width == 1:
            sane &= lengths <= LONGEST_WITHOUT_JUMPS
        columns = self._counts(flat, rows.starts * sane)
        sane &= (columns > 0) & (columns <= self._table.column_numbers + d.MOST_COLUMNS)
        at = rows.ends - (columns + 7) // 8 - width
        sane &= at >= rows.starts + width
        varies = columns > self._first_varying
        variables = self._counts(flat, at * sane) * varies - ~varies
        keys = np.where(sane, columns << 17 | (variables + 1), -1)
        if (keys == keys[0]).all():
            found, counts = keys[:1], np.array([len(keys)])
        else:
            found, counts = np.unique(keys, return_counts=True)
            if len(found) > FEW_SHAPES:
                found, counts = found[counts >= FEWEST_ROWS], counts[counts >= FEWEST_ROWS]
        for key, count in zip(found.tolist(), counts.tolist(), strict=True):
            if key >= 0:
                variables_of = (key & (1 << 17) - 1) - 1
                shape = Shape(key >> 17, None if variables_of < 0 else variables_of)
                yield shape, np.arange(count) if count == len(keys) else np.flatnonzero(keys == key)

    def decode(self, flat: Bytes, rows: Rows, shape: Shape) -> tuple[list[pa.Array] | None, Flags]:
        """Decode rows of one shape into one array a column; or None, and the rows that must be looked at exactly.

        Raises UnicodeDecodeError for a text that is half a character: then the whole block is looked at exactly.
        """
        decoding = _Decoding(
            self._long_values,
            self._codec,
            self._table,
            self._columns,
            self._width,
            flat,
            rows,
            shape,
            distinct=self._distinct,
        )
        return decoding.run()

    def _counts(self, flat: Bytes, at: Numbers) -> Numbers:
        places = at.astype(np.intp)
        counts = flat[places].astype(np.int32)
        if self._width == 1:
            return counts
        # Byte by byte: numbers that lie at any place take numpy twice as long.
        places += 1
        counts |= flat[places].astype(np.int32) << 8
        return counts


class _Decoding:
    """The decoding of some rows of one shape."""

    def __init__(
        self,
        long_values: LongValues,
        codec: TextCodec,
        table: StoredTable,
        columns: Sequence[StoredColumn],
        width: int,
        flat: Bytes,
        rows: Rows,
        shape: Shape,
        *,
        distinct: bool,
    ) -> None:
        self._long_values, self._codec, self._distinct = long_values, codec, distinct
        self._columns = columns
        self._flat, self._rows, self._shape = flat, rows, shape
        self._width = width
        self._mask_bytes = (shape.columns + 7) // 8
        table_of_offsets = 0 if shape.variables is None else self._width * (shape.variables + 2)
        self._tail = self._mask_bytes + table_of_offsets
        self._fixed = table.fixed_bytes(shape.columns)
        self._is_whole = table.is_whole

    def run(self) -> tuple[list[pa.Array] | None, Flags]:
        rows = self._rows
        short = rows.ends - rows.starts < self._width + self._fixed + self._tail
        if short.any():
            return None, short
        tails = _gather(self._flat, rows.ends - self._tail, self._tail)
        odd = self._is_loose(tails)
        if odd.any():
            return None, odd
        fixed = _gather(self._flat, rows.starts + self._width, self._fixed)
        arrays: list[pa.Array] = []
        for column in self._columns:
            null = self._is_null(column, tails)
            if column.kind == d.BOOLEAN:
                bits = pa.py_buffer(np.packbits(~null, bitorder="little"))
                array = pa.Array.from_buffers(pa.bool_(), len(null), [None, bits], null_count=0)
            elif column.is_fixed and not null.all():
                array, odd = fixed_array(column, self._codec, fixed[:, column.offset :], null)
            elif column.is_fixed:
                array = pa.nulls(len(null), column.arrow_type)
            else:
                array, odd = self._variable_array(column, tails, null)
            if array is None:
                return None, odd
            arrays.append(array)
        return arrays, odd

    def _variable_array(self, column: StoredColumn, tails: Bytes, null: Flags) -> tuple[pa.Array | None, Flags]:
        nothing = pa.nulls(len(null), column.arrow_type) if null.all() else None
        if self._shape.variables is None or column.variable >= self._shape.variables:
            return nothing, ~null
        cells, odd = self._places(column, tails, null)
        if nothing is not None or odd.any():
            return (None if odd.any() else nothing), odd
        width = d.TYPES[column.kind][1]
        if width:
            # A type of one width may lie among the variable columns: Access puts its decimals there.
            odd = ~null & (cells.ends - cells.starts != width)
            if odd.any():
                return None, odd
            return fixed_array(column, self._codec, _gather(self._flat, cells.starts * ~null, width), null)
        if is_long(column):
            return long_array(column, self._codec, self._long_values, self._flat, cells, null)
        array = variable_array(column, self._codec, self._flat, cells, null, distinct=self._distinct)
        return array, np.zeros(len(null), np.bool_)

    def _is_null(self, column: StoredColumn, tails: Bytes) -> Flags:
        """A bit that is not set, or that the row is too old to have."""
        if column.number >= self._shape.columns:
            return np.ones(len(tails), np.bool_)
        mask = tails[:, self._tail - self._mask_bytes + (column.number >> 3)]
        is_null: Flags = mask & np.uint8(1 << (column.number & 7)) == 0
        return is_null

    def _places(self, column: StoredColumn, tails: Bytes, null: Flags) -> tuple[Places, Flags]:
        """Where a variable column's cells lie, and the rows in which that cannot be: a NULL that is not empty too."""
        rows = self._rows
        first, last = self._offset(tails, column.variable), self._offset(tails, column.variable + 1)
        limit = rows.ends - rows.starts - self._tail
        odd = (first < self._width + self._fixed) | (last < first) | (last > limit)
        places = Places(rows.starts + first, rows.starts + last, rows.pages, rows.numbers)
        return places, np.where(null, first != last, odd)

    def _offset(self, tails: Bytes, variable: int) -> Numbers:
        """Where each row's ``variable``-th variable column begins; one past the last: where the last one ends."""
        assert self._shape.variables is not None
        # The offsets stand backwards: the end of the last one first.
        at = self._width * (self._shape.variables - variable)
        kind = "<u2" if self._width == 2 else "u1"
        found = np.ndarray((len(tails),), kind, tails, offset=at, strides=(tails.strides[0],))
        return found.astype(np.int32)

    def _is_loose(self, tails: Bytes) -> Flags:
        """Tell the rows whose parts do not lie close together, or that mark columns which they do not have."""
        rows, spare = self._rows, self._shape.columns & 7
        limit = rows.ends - rows.starts - self._tail
        loose = np.zeros(len(rows), np.bool_) if not spare else tails[:, -1] >> spare != 0
        first = limit
        if self._shape.variables is not None:
            first = self._offset(tails, 0)
            loose |= self._offset(tails, self._shape.variables) != limit
        if self._is_whole:
            loose |= first != self._width + self._fixed
        return loose


def _gather(flat: Bytes, starts: Numbers, width: int) -> Bytes:
    """Return ``width`` bytes from each start, one row each."""
    if not width:
        return np.empty((len(starts), 0), np.uint8)
    windows = np.ndarray((len(flat) - width + 1,), f"V{width}", flat, strides=(1,))
    return windows[starts].view(np.uint8).reshape(len(starts), width)
