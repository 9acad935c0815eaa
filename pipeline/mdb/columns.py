"""Whole columns of a block: from the bytes of many rows to one Arrow array, without a loop over the rows."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.mdb import definition as d
from pipeline.mdb.definition import StoredColumn
from pipeline.mdb.exact import FIRST_DAY, LAST_MOMENT, long_date
from pipeline.mdb.memo import HEADER, INLINE, LENGTH_MASK, PLACE_SHIFT, BrokenLongValue, LongValues
from pipeline.mdb.pages import Bytes
from pipeline.mdb.text import TextCodec, binary_array, dictionary, packed, validity

Numbers = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

# 30 December 1899 to 1 January 1970.
DAYS_TO_1970 = 25_569
MICROSECONDS_A_MILLISECOND = 1_000
MILLISECONDS_A_DAY = 86_400_000

# A GUID's bytes in the order of its text, and where its digits and its punctuation stand there.
GUID_ORDER = (3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15)
GUID_FORM = b"{00000000-0000-0000-0000-000000000000}"


class Places(NamedTuple):
    """Where the cells of a variable column lie in the block's bytes, and of which rows of which pages they are."""

    starts: Numbers
    ends: Numbers
    pages: Numbers
    rows: Numbers


def is_long(column: StoredColumn) -> bool:
    """Tell whether the cells are long values, that may lie on pages of their own."""
    return column.kind in {d.MEMO, d.OLE} and not column.is_fixed


def fixed_array(column: StoredColumn, codec: TextCodec, cells: Bytes, null: Flags) -> tuple[pa.Array | None, Flags]:
    """Decode a column of one width; or None, and the rows whose cell holds no value of its type.

    ``cells`` has a row for each row, which begins with the column's bytes. Raises UnicodeDecodeError.
    """
    odd = _out_of_range(column, cells) & ~null
    return (None if odd.any() else _fixed_values(column, codec, cells, null)), odd


def variable_array(
    column: StoredColumn, codec: TextCodec, flat: Bytes, cells: Places, null: Flags, *, distinct: bool
) -> pa.Array:
    """Decode a variable column that holds no long values, ``distinct`` texts once. Raises UnicodeDecodeError."""
    if column.kind == d.TEXT and distinct:
        return dictionary(codec, flat, cells.starts, cells.ends, null)
    if column.kind == d.TEXT:
        return codec.column(flat, cells.starts, cells.ends, null)
    return _binary(flat, cells.starts, (cells.ends - cells.starts) * ~null, null)


def long_array(
    column: StoredColumn, codec: TextCodec, long_values: LongValues, flat: Bytes, cells: Places, null: Flags
) -> tuple[pa.Array | None, Flags]:
    """Decode a column of long values; or None, and the rows whose value is broken.

    Those that lie in their rows are taken as they are; the others are fetched one by one and put behind the block.
    Raises UnicodeDecodeError.
    """
    lengths = cells.ends - cells.starts
    whole = ~null & (lengths >= HEADER)
    heads = np.ndarray((max(len(flat) - 3, 0),), "<u4", flat, strides=(1,))
    first = heads[cells.starts * whole]
    sizes = (first & LENGTH_MASK).astype(np.int64)
    inline = whole & (first >> PLACE_SHIFT == INLINE) & (sizes == lengths - HEADER)
    starts = (cells.starts.astype(np.int64) + HEADER) * inline
    ends = (starts + sizes) * inline
    broken = np.zeros(len(null), np.bool_)
    fetched: list[bytes] = []
    end = len(flat)
    for row in np.flatnonzero(~inline & ~null).tolist():
        name = (int(cells.pages[row]), int(cells.rows[row]), column.number)
        try:
            content = long_values.read(flat[cells.starts[row] : cells.ends[row]].tobytes(), name)
        except BrokenLongValue:
            broken[row] = True
            continue
        fetched.append(content)
        starts[row], ends[row] = end, end + len(content)
        end += len(content)
    if broken.any():
        return None, broken
    # Offsets have 32 bits: long values of more than two gigabytes in one block are taken row by row.
    if end > np.iinfo(np.int32).max:
        return None, np.ones(len(null), np.bool_)
    buffer = np.concatenate((flat, np.frombuffer(b"".join(fetched), np.uint8))) if fetched else flat
    first_bytes, last_bytes = starts.astype(np.int32), ends.astype(np.int32)
    if column.kind == d.MEMO:
        return codec.column(buffer, first_bytes, last_bytes, null), broken
    return _binary(buffer, first_bytes, last_bytes - first_bytes, null), broken


def _out_of_range(column: StoredColumn, cells: Bytes) -> Flags:
    """Tell the cells that hold no date, or more digits than their column has."""
    if column.kind == d.DATE:
        days = np.ascontiguousarray(_view(cells, "<f8"))
        with np.errstate(invalid="ignore"):
            return ~((days >= FIRST_DAY) & (days <= LAST_MOMENT))
    if column.kind == d.NUMERIC:
        high, low = _magnitudes(cells)
        most_high, most_low = divmod(10**column.precision - 1, 1 << 64)
        too_large: Flags = (high > most_high) | ((high == most_high) & (low > most_low))
        return too_large
    if column.kind == d.LONG_DATE:
        return np.array([not _is_long_date(cell.tobytes()) for cell in cells[:, : column.width]], np.bool_)
    return np.zeros(len(cells), np.bool_)


def _is_long_date(raw: bytes) -> bool:
    try:
        long_date(raw)
    except OverflowError:
        return False
    return True


def _fixed_values(column: StoredColumn, codec: TextCodec, cells: Bytes, null: Flags) -> pa.Array:
    match column.kind:
        case d.BYTE:
            return _numbers(_view(cells, "u1").astype(np.int32), null, column)
        case d.INT16:
            return _numbers(_view(cells, "<i2").astype(np.int32), null, column)
        case d.INT32:
            return _numbers(_view(cells, "<i4"), null, column)
        case d.INT64:
            return _numbers(_view(cells, "<i8"), null, column)
        case d.SINGLE:
            return _numbers(_view(cells, "<f4").astype(np.float64), null, column)
        case d.DOUBLE:
            return _numbers(_view(cells, "<f8"), null, column)
        case d.DATE:
            return _numbers(_microseconds(_view(cells, "<f8"), null), null, column)
        case d.MONEY:
            return _money(_view(cells, "<i8"), null, column)
        case d.NUMERIC:
            return _numeric(cells, null, column)
        case d.GUID:
            return _guids(cells, null)
        case d.TEXT:
            return _fixed_text(column, codec, cells, null)
        case _:
            return _one_by_one(column, cells, null)


def _binary(flat: Bytes, starts: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32], null: Flags) -> pa.Array:
    return binary_array(pa.binary(), *packed(flat, starts, lengths), null)


def _view(cells: Bytes, dtype: str) -> npt.NDArray[Any]:
    """Return the number that each row begins with."""
    numbers: npt.NDArray[Any] = cells[:, : np.dtype(dtype).itemsize].view(dtype)[:, 0]
    return numbers


def _numbers(values: npt.NDArray[Any], null: Flags, column: StoredColumn) -> pa.Array:
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(column.arrow_type, len(null), [validity(null), content], null_count=int(null.sum()))


def _microseconds(days: npt.NDArray[np.float64], null: Flags) -> npt.NDArray[np.int64]:
    """OLE dates to microseconds from 1970: the fraction of a day counts forward, before 1899 too."""
    given = np.where(null, 0.0, days)
    whole = np.trunc(given)
    milliseconds = np.rint(np.abs(given - whole) * MILLISECONDS_A_DAY)
    milliseconds += (whole - DAYS_TO_1970) * MILLISECONDS_A_DAY
    moments: npt.NDArray[np.int64] = milliseconds.astype(np.int64) * MICROSECONDS_A_MILLISECOND
    return moments


def _money(amounts: npt.NDArray[np.int64], null: Flags, column: StoredColumn) -> pa.Array:
    words = np.empty((len(null), 2), np.int64)
    words[:, 0] = amounts
    np.right_shift(words[:, 0], 63, out=words[:, 1])
    return _numbers(words.reshape(-1), null, column)


def _decimals(low: npt.NDArray[np.uint64], high: npt.NDArray[np.uint64], null: Flags, column: StoredColumn) -> pa.Array:
    words = np.empty((len(null), 2), np.uint64)
    words[:, 0], words[:, 1] = low, high
    return _numbers(words.reshape(-1), null, column)


def _magnitudes(cells: Bytes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The high and low 64 bits of Numerics: four 32-bit words behind the sign, the most significant first."""
    words = np.ascontiguousarray(cells[:, 1:17]).view("<u4").astype(np.uint64)
    return words[:, 0] << np.uint64(32) | words[:, 1], words[:, 2] << np.uint64(32) | words[:, 3]


def _numeric(cells: Bytes, null: Flags, column: StoredColumn) -> pa.Array:
    high, low = _magnitudes(cells)
    is_negative = (cells[:, 0] & 0x80) != 0
    negated = ~low + np.uint64(1)
    high = np.where(is_negative, ~high + (negated == 0), high)
    low = np.where(is_negative, negated, low)
    return _decimals(low, high, null, column)


def _guids(cells: Bytes, null: Flags) -> pa.Array:
    raw = cells[:, GUID_ORDER]
    digits = np.frombuffer(b"0123456789ABCDEF", np.uint8)
    form = np.frombuffer(GUID_FORM, np.uint8)
    texts = np.repeat(form[None, :], len(null), axis=0)
    places = np.flatnonzero(form == ord("0"))
    texts[:, places[0::2]] = digits[raw >> 4]
    texts[:, places[1::2]] = digits[raw & 15]
    offsets = np.arange(len(null) + 1, dtype=np.int32) * np.int32(len(form))
    return binary_array(pa.string(), texts.reshape(-1), offsets, null)


def _fixed_text(column: StoredColumn, codec: TextCodec, cells: Bytes, null: Flags) -> pa.Array:
    raw = np.ascontiguousarray(cells[:, : column.width]).reshape(-1)
    starts = np.arange(len(null), dtype=np.int32) * np.int32(column.width)
    # Something to look at where all cells are empty.
    buffer = raw if len(raw) else np.zeros(1, np.uint8)
    return codec.column(buffer, starts, starts + np.int32(column.width), null)


def _one_by_one(column: StoredColumn, cells: Bytes, null: Flags) -> pa.Array:
    """Fixed binaries and the dates of ACE with hundreds of nanoseconds: rare enough."""
    values = [None if gone else cell.tobytes() for cell, gone in zip(cells[:, : column.width], null, strict=True)]
    if column.kind == d.LONG_DATE:
        return pa.array([None if value is None else long_date(value) for value in values], column.arrow_type)
    return pa.array(values, pa.binary())
