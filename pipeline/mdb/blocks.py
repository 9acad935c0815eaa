"""Blocks of data pages, decoded column by column: the fast way for rows that look as they should."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.mdb import definition as d
from pipeline.mdb.definition import StoredColumn, StoredTable
from pipeline.mdb.exact import FIRST_DAY, LAST_MOMENT
from pipeline.mdb.pages import DELETED, LOOKUP, OFFSET_MASK, Bytes
from pipeline.mdb.text import packed, text_array, validity

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# 30 December 1899 to 1 January 1970.
DAYS_TO_1970 = 25_569
MICROSECONDS_A_MILLISECOND = 1_000
MILLISECONDS_A_DAY = 86_400_000


@dataclass(frozen=True)
class Rows:
    """The rows of a block: where each begins and ends in the block's bytes, its page, its number on it, its flags."""

    starts: Numbers
    ends: Numbers
    pages: Numbers
    numbers: Numbers
    flags: Numbers

    def chosen(self, which: Flags) -> "Rows":
        """Return some of the rows."""
        return Rows(self.starts[which], self.ends[which], self.pages[which], self.numbers[which], self.flags[which])

    def __len__(self) -> int:
        return len(self.starts)


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
    """Decodes the regular rows of blocks of one table."""

    def __init__(self, table: StoredTable, columns: Sequence[StoredColumn]) -> None:
        self._table = table
        self._columns = columns
        self._mask_bytes = (table.column_numbers + 7) // 8
        self._has_variable = table.variable_columns > 0
        offsets = 2 * (table.variable_columns + 1)
        self._tail = self._mask_bytes + (2 + offsets if self._has_variable else 0)
        self._fixed = max((column.offset + column.width for column in table.stored if column.is_fixed), default=0)

    def split(self, flat: Bytes, rows: Rows) -> Flags:
        """Tell which rows are regular: all columns there, nothing moved, everything within the row.

        ``flat`` is the block's bytes with a page of zeros behind, so that no look can leave it.
        """
        lengths = rows.ends - rows.starts
        regular: Flags = (rows.flags == 0) & (lengths >= 2 + self._fixed + self._tail)
        at = np.where(regular, rows.starts, 0)
        count = flat[at].astype(np.int64) | flat[at + 1].astype(np.int64) << 8
        regular &= count == self._table.column_numbers
        if self._has_variable:
            at = np.where(regular, rows.ends - self._mask_bytes - 2, 0)
            count = flat[at].astype(np.int64) | flat[at + 1].astype(np.int64) << 8
            regular &= count == self._table.variable_columns
        return regular

    def decode(self, flat: Bytes, rows: Rows) -> tuple[list[pa.Array] | None, Flags]:
        """Decode regular rows into one array a column; or None, and the rows that must be looked at exactly.

        Raises UnicodeDecodeError for a text that is half a character: then the whole block is looked at exactly.
        """
        tails = _gather(flat, rows.ends - self._tail, self._tail)
        mask = tails[:, -self._mask_bytes :]
        fixed = _gather(flat, rows.starts + 2, self._fixed) if self._fixed else None
        starts, ends, odd = self._variable_places(tails, rows)
        is_null = {
            column.number: (mask[:, column.number >> 3] >> (column.number & 7) & 1) == 0 for column in self._columns
        }
        for column in self._columns:
            if column.is_fixed and fixed is not None:
                odd |= ~is_null[column.number] & _out_of_range(column, fixed)
        if odd.any():
            return None, odd
        arrays: list[pa.Array] = []
        for column in self._columns:
            null = is_null[column.number]
            if column.kind == d.BOOLEAN:
                arrays.append(pa.array(~null))
            elif column.is_fixed:
                assert fixed is not None
                arrays.append(_fixed_array(column, fixed, null))
            else:
                first, last = starts[:, column.variable], ends[:, column.variable]
                arrays.append(_variable_array(column, flat, first, last, null))
        return arrays, odd

    def _variable_places(self, tails: Bytes, rows: Rows) -> tuple[Numbers, Numbers, Flags]:
        if not self._has_variable:
            nothing = np.empty((len(rows), 0), np.int64)
            return nothing, nothing, np.zeros(len(rows), np.bool_)
        count = self._table.variable_columns
        raw = np.ascontiguousarray(tails[:, : 2 * (count + 1)]).view("<u2").astype(np.int64)
        offsets = raw[:, ::-1]
        limit = (rows.ends - rows.starts - self._tail)[:, None]
        outside = (offsets < 2 + self._fixed) | (offsets > limit)
        odd: Flags = np.logical_or(outside.any(axis=1), (np.diff(offsets, axis=1) < 0).any(axis=1))
        places = offsets + rows.starts[:, None]
        return places[:, :-1], places[:, 1:], odd


def is_fast(column: StoredColumn) -> bool:
    """Tell whether a column's values can be decoded in blocks: long values and GUIDs are read one by one."""
    if column.kind in {d.MEMO, d.OLE, d.GUID}:
        return False
    return column.is_fixed or column.kind in {d.TEXT, d.BINARY, d.BOOLEAN}


def _out_of_range(column: StoredColumn, fixed: Bytes) -> Flags:
    """Tell the cells that hold no date, or more digits than their column has."""
    if column.kind == d.DATE:
        days = _view(fixed, column, "<f8").astype(np.float64)
        with np.errstate(invalid="ignore"):
            return ~((days >= FIRST_DAY) & (days <= LAST_MOMENT))
    if column.kind == d.NUMERIC:
        high, low = _magnitudes(fixed, column)
        most_high, most_low = divmod(10**column.precision - 1, 1 << 64)
        too_large: Flags = (high > most_high) | ((high == most_high) & (low > most_low))
        return too_large
    return np.zeros(len(fixed), np.bool_)


def _gather(flat: Bytes, starts: Numbers, width: int) -> Bytes:
    """Return ``width`` bytes from each start, one row each."""
    windows = np.lib.stride_tricks.sliding_window_view(flat, width)
    gathered: Bytes = windows[starts]
    return gathered


def _view(fixed: Bytes, column: StoredColumn, dtype: str) -> npt.NDArray[np.generic]:
    raw = np.ascontiguousarray(fixed[:, column.offset : column.offset + column.width])
    return raw.view(dtype).reshape(-1)


def _fixed_array(column: StoredColumn, fixed: Bytes, null: Flags) -> pa.Array:
    match column.kind:
        case d.BYTE:
            return _numbers(_view(fixed, column, "u1").astype(np.int32), null, column)
        case d.INT16:
            return _numbers(_view(fixed, column, "<i2").astype(np.int32), null, column)
        case d.INT32:
            return _numbers(_view(fixed, column, "<i4"), null, column)
        case d.INT64:
            return _numbers(_view(fixed, column, "<i8"), null, column)
        case d.SINGLE:
            return _numbers(_view(fixed, column, "<f4").astype(np.float64), null, column)
        case d.DOUBLE:
            return _numbers(_view(fixed, column, "<f8"), null, column)
        case d.DATE:
            return _numbers(_microseconds(_view(fixed, column, "<f8"), null), null, column)
        case d.MONEY:
            amounts = _view(fixed, column, "<i8").astype(np.int64)
            return _decimals(amounts.view(np.uint64), (amounts >> 63).view(np.uint64), null, column)
        case d.NUMERIC:
            return _numeric(fixed, column, null)
        case d.TEXT:
            return _fixed_text(column, fixed, null)
        case _:
            raw = fixed[:, column.offset : column.offset + column.width]
            return pa.array([None if gone else row.tobytes() for row, gone in zip(raw, null, strict=True)], pa.binary())


def _variable_array(column: StoredColumn, flat: Bytes, first: Numbers, last: Numbers, null: Flags) -> pa.Array:
    starts, ends = first.astype(np.int32), last.astype(np.int32)
    if column.kind == d.TEXT:
        return text_array(flat, starts, ends, null)
    lengths = np.where(null, 0, ends - starts).astype(np.int32)
    content, offsets = packed(flat, starts, lengths)
    return pa.Array.from_buffers(
        pa.binary(),
        len(null),
        [validity(null), pa.py_buffer(offsets), pa.py_buffer(content)],
        null_count=int(null.sum()),
    )


def _numbers(values: npt.NDArray[np.generic], null: Flags, column: StoredColumn) -> pa.Array:
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(column.arrow_type, len(null), [validity(null), content], null_count=int(null.sum()))


def _microseconds(days: npt.NDArray[np.generic], null: Flags) -> Numbers:
    """OLE dates to microseconds from 1970: the fraction of a day counts forward, before 1899 too."""
    given = np.where(null, 0.0, days.astype(np.float64))
    whole = np.trunc(given)
    fraction = np.abs(given - whole)
    milliseconds = (whole - DAYS_TO_1970) * MILLISECONDS_A_DAY + np.rint(fraction * MILLISECONDS_A_DAY)
    moments: Numbers = milliseconds.astype(np.int64) * MICROSECONDS_A_MILLISECOND
    return moments


def _decimals(low: npt.NDArray[np.uint64], high: npt.NDArray[np.uint64], null: Flags, column: StoredColumn) -> pa.Array:
    words = np.empty((len(null), 2), np.uint64)
    words[:, 0], words[:, 1] = low, high
    return _numbers(words.reshape(-1), null, column)


def _magnitudes(fixed: Bytes, column: StoredColumn) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The high and low 64 bits of Numerics: four 32-bit words behind the sign, the most significant first."""
    raw = fixed[:, column.offset + 1 : column.offset + column.width]
    words = np.ascontiguousarray(raw).view("<u4").astype(np.uint64)
    return words[:, 0] << np.uint64(32) | words[:, 1], words[:, 2] << np.uint64(32) | words[:, 3]


def _numeric(fixed: Bytes, column: StoredColumn, null: Flags) -> pa.Array:
    high, low = _magnitudes(fixed, column)
    is_negative = (fixed[:, column.offset] & 0x80) != 0
    negated = ~low + np.uint64(1)
    high = np.where(is_negative, ~high + (negated == 0), high)
    low = np.where(is_negative, negated, low)
    return _decimals(low, high, null, column)


def _fixed_text(column: StoredColumn, fixed: Bytes, null: Flags) -> pa.Array:
    count = len(null)
    raw = np.concatenate(
        (
            np.ascontiguousarray(fixed[:, column.offset : column.offset + column.width]).reshape(-1),
            np.zeros(2, np.uint8),
        )
    )
    starts = (np.arange(count) * column.width).astype(np.int32)
    return text_array(raw, starts, starts + np.int32(column.width), null)
