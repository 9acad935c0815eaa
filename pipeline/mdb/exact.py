"""One row at a time, exactly: for rows that moved, older rows with fewer columns, and whatever looks odd."""

import struct
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal

from pipeline.mdb import definition as d
from pipeline.mdb.definition import StoredColumn, StoredTable
from pipeline.mdb.memo import BrokenLongValue, read_long_value
from pipeline.mdb.pages import Pages
from pipeline.mdb.text import decode_text

Value = None | bool | int | float | str | bytes | Decimal | datetime

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Access keeps local times without a zone
MILLISECONDS_A_DAY = 86_400_000
# What a date may be: from 1 January 100 to the last millisecond of 9999, in days from the epoch.
FIRST_DAY = -657_434
LAST_MOMENT = 2_958_465 + (MILLISECONDS_A_DAY - 1) / MILLISECONDS_A_DAY
# Wide enough for the 128-bit integers of Numeric.
EXACT = Context(prec=40)


class BrokenRow(Exception):
    """A row cannot be decoded; the message says why."""


def decode_row(pages: Pages, table: StoredTable, row: bytes, columns: Sequence[StoredColumn]) -> list[Value]:
    """Return the values of the columns asked for. Raises BrokenRow."""
    try:
        return _values(pages, table, row, columns)
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError, ArithmeticError) as broken:
        raise BrokenRow(f"{type(broken).__name__}: {broken}") from broken
    except BrokenLongValue as broken:
        raise BrokenRow(str(broken)) from broken


def _values(pages: Pages, table: StoredTable, row: bytes, columns: Sequence[StoredColumn]) -> list[Value]:
    (count,) = struct.unpack_from("<H", row)
    if count > table.column_numbers + d.MOST_COLUMNS:
        raise BrokenRow(f"the row says that it has {count} columns")
    mask_at = len(row) - (count + 7) // 8
    if mask_at < 2:
        raise BrokenRow("the row is shorter than its null mask")
    mask = row[mask_at:]

    def is_set(number: int) -> bool:
        return number < count and bool(mask[number >> 3] >> (number & 7) & 1)

    # A row older than the table's first variable column has no table of offsets.
    is_variable = any(
        is_set(column.number) for column in table.stored if not column.is_fixed and column.kind != d.BOOLEAN
    )
    offsets, fixed_end = _variable_offsets(row, mask_at) if is_variable else ([], mask_at)
    values: list[Value] = []
    for column in columns:
        if column.kind == d.BOOLEAN:
            values.append(is_set(column.number))
        elif not is_set(column.number):
            values.append(None)
        elif column.is_fixed:
            start = 2 + column.offset
            if start + column.width > fixed_end:
                raise BrokenRow(f"the column {column.name!r} lies outside the row")
            values.append(_value(pages, column, row[start : start + column.width]))
        else:
            if column.variable + 1 >= len(offsets):
                raise BrokenRow(f"the row has no variable column {column.variable}")
            start, end = offsets[column.variable], offsets[column.variable + 1]
            if not 2 <= start <= end <= fixed_end:
                raise BrokenRow(f"the column {column.name!r} lies outside the row")
            values.append(_value(pages, column, row[start:end]))
    return values


def _variable_offsets(row: bytes, mask_at: int) -> tuple[list[int], int]:
    """Return the offsets of the variable columns with their end, and where the row's columns end."""
    (count,) = struct.unpack_from("<H", row, mask_at - 2)
    table_at = mask_at - 2 - 2 * (count + 1)
    if table_at < 2:
        raise BrokenRow(f"the row says that it has {count} variable columns")
    backwards = struct.unpack_from(f"<{count + 1}H", row, table_at)
    return list(reversed(backwards)), table_at


def _value(pages: Pages, column: StoredColumn, raw: bytes) -> Value:  # noqa: C901, PLR0912 - one case a type
    width = d.TYPES[column.kind][1]
    if width and len(raw) != width:
        raise BrokenRow(f"the column {column.name!r} has {len(raw)} bytes")
    match column.kind:
        case d.BYTE:
            return raw[0]
        case d.INT16:
            return int(struct.unpack("<h", raw)[0])
        case d.INT32:
            return int(struct.unpack("<i", raw)[0])
        case d.INT64:
            return int(struct.unpack("<q", raw)[0])
        case d.MONEY:
            return Decimal(struct.unpack("<q", raw)[0]).scaleb(-4, EXACT)
        case d.SINGLE:
            return float(struct.unpack("<f", raw)[0])
        case d.DOUBLE:
            return float(struct.unpack("<d", raw)[0])
        case d.DATE:
            return to_moment(struct.unpack("<d", raw)[0])
        case d.NUMERIC:
            return to_decimal(raw, column.precision, column.scale)
        case d.GUID:
            return f"{{{str(uuid.UUID(bytes_le=raw)).upper()}}}"
        case d.TEXT:
            return decode_text(raw)
        case d.MEMO:
            return decode_text(read_long_value(pages, raw))
        case d.OLE:
            return read_long_value(pages, raw)
        case _:
            return raw


def to_moment(days: float) -> datetime:
    """Return the moment of an OLE date: days from 30 December 1899, the fraction counted forward even before it.

    Rounded to the millisecond, which is finer than what Access keeps. Raises OverflowError for what is no date.
    """
    if not FIRST_DAY <= days <= LAST_MOMENT:
        raise OverflowError(f"{days} is no date")
    whole = int(days)
    fraction = abs(days - whole)
    return EPOCH + timedelta(days=whole, milliseconds=round(fraction * MILLISECONDS_A_DAY))


def to_decimal(raw: bytes, precision: int, scale: int) -> Decimal:
    """Return a Numeric: a sign byte, then four 32-bit words, the most significant first.

    Raises OverflowError for one of more digits than its precision.
    """
    words = struct.unpack("<4I", raw[1:17])
    number = 0
    for word in words:
        number = number << 32 | word
    if number >= 10**precision:
        raise OverflowError(f"{number} has more than {precision} digits")
    return Decimal(-number if raw[0] & 0x80 else number).scaleb(-scale, EXACT)
