"""One row at a time, exactly: for rows that moved, rows of a rare shape, and whatever looks odd."""

import re
import struct
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal

from pipeline.mdb import definition as d
from pipeline.mdb.definition import StoredColumn, StoredTable
from pipeline.mdb.memo import BrokenLongValue, LongValues
from pipeline.mdb.text import TextCodec

Value = None | bool | int | float | str | bytes | Decimal | datetime

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Access keeps local times without a zone
FIRST_OF_LONG_DATES = datetime(1, 1, 1)  # noqa: DTZ001 - the same
MILLISECONDS_A_DAY = 86_400_000
# What a date may be: from 1 January 100 to the last millisecond of 9999, in days from the epoch.
FIRST_DAY = -657_434
LAST_MOMENT = 2_958_465 + (MILLISECONDS_A_DAY - 1) / MILLISECONDS_A_DAY
# Days and hundreds of nanoseconds in words, and the number of digits.
LONG_DATE = re.compile(rb"(\d{19}):(\d{19}):7[ \0]?")
TICKS_A_DAY = 864_000_000_000
# Wide enough for the 128-bit integers of Numeric.
EXACT = Context(prec=40)
# A row's offsets of one byte count from here on after each jump.
JUMP = 256


class BrokenRow(Exception):
    """A row cannot be decoded; the message says why."""


class RowDecoder:
    """Decodes rows of one table, one at a time."""

    def __init__(
        self, long_values: LongValues, codec: TextCodec, table: StoredTable, columns: Sequence[StoredColumn], width: int
    ) -> None:
        self._long_values = long_values
        self._codec = codec
        self._table = table
        self._columns = columns
        self._width = width

    def decode(self, row: bytes, page: int, number: int) -> list[Value]:
        """Return the values of the columns asked for, of a row that the table has on this page. Raises BrokenRow."""
        try:
            return self._values(row, page, number)
        except (struct.error, IndexError, ValueError, OverflowError, ArithmeticError) as broken:
            raise BrokenRow(f"{type(broken).__name__}: {broken}") from broken
        except BrokenLongValue as broken:
            raise BrokenRow(str(broken)) from broken

    def _values(self, row: bytes, page: int, number: int) -> list[Value]:
        count = self._count(row, 0)
        if not 0 < count <= self._table.column_numbers + d.MOST_COLUMNS:
            raise BrokenRow(f"the row says that it has {count} columns")
        mask_at = len(row) - (count + 7) // 8
        if mask_at < self._width:
            raise BrokenRow("the row is shorter than its null mask")
        mask = row[mask_at:]
        if count & 7 and mask[-1] >> (count & 7):
            raise BrokenRow(f"the row has {count} columns and marks one beyond them")

        def is_set(number: int) -> bool:
            return number < count and bool(mask[number >> 3] >> (number & 7) & 1)

        # A row older than the table's first variable column has no table of offsets.
        offsets, end = self._variable_offsets(row, mask_at) if count > self._table.first_varying else ([], mask_at)
        fixed_end = self._check_parts(row, count, offsets, end)
        values: list[Value] = []
        for column in self._columns:
            if column.kind == d.BOOLEAN:
                values.append(is_set(column.number))
            elif not is_set(column.number):
                self._check_nothing(column, offsets)
                values.append(None)
            elif column.is_fixed:
                start = self._width + column.offset
                if start + column.width > fixed_end:
                    raise BrokenRow(f"the column {column.name!r} lies outside the row")
                values.append(self._value(column, row[start : start + column.width], page, number))
            else:
                if column.variable + 1 >= len(offsets):
                    raise BrokenRow(f"the row has no variable column {column.variable}")
                start, stop = offsets[column.variable : column.variable + 2]
                if not fixed_end <= start <= stop <= end:
                    raise BrokenRow(f"the column {column.name!r} lies outside the row")
                values.append(self._value(column, row[start:stop], page, number))
        return values

    def _check_parts(self, row: bytes, count: int, offsets: Sequence[int], end: int) -> int:
        """Return where the fixed area ends; ``end`` is where the row's cells do. Raises BrokenRow for a gap.

        What lies between the last cell and the end is nothing but zeros, with which a row is filled up that became
        shorter in its place: a cell whose end moved would leave some of its bytes there.
        """
        fixed_end = self._width + self._table.fixed_bytes(count)
        first, last = (offsets[0], offsets[-1]) if offsets else (fixed_end, fixed_end)
        if not fixed_end <= first <= last <= end or (self._table.is_whole and first != fixed_end):
            raise BrokenRow("the row's parts do not fit together")
        if any(row[last:end]) and (offsets or self._table.is_whole):
            raise BrokenRow("the row has bytes that belong to none of its columns")
        return fixed_end

    def _check_nothing(self, column: StoredColumn, offsets: Sequence[int]) -> None:
        """Raise BrokenRow for a variable column that the null mask says is empty and that has a content."""
        if not column.is_fixed and column.variable + 1 < len(offsets):
            start, stop = offsets[column.variable : column.variable + 2]
            if start != stop:
                raise BrokenRow(f"the column {column.name!r} is empty and has {stop - start} bytes")

    def _count(self, row: bytes, at: int) -> int:
        if not 0 <= at <= len(row) - self._width:
            raise BrokenRow("the row is cut")
        return int.from_bytes(row[at : at + self._width], "little")

    def _variable_offsets(self, row: bytes, mask_at: int) -> tuple[list[int], int]:
        """Return the offsets of the variable columns with their end, and where the row's columns end."""
        width = self._width
        count = self._count(row, mask_at - width)
        jumps = self._jumps(row, mask_at, count)
        table_at = mask_at - width - jumps.size - width * (count + 1)
        if table_at < width:
            raise BrokenRow(f"the row says that it has {count} variable columns")
        offsets: list[int] = []
        far = 0
        for position in range(count + 1):
            while far < len(jumps.places) and jumps.places[far] == position:
                far += 1
            offsets.append(self._count(row, table_at + width * (count - position)) + JUMP * far)
        return offsets, table_at

    def _jumps(self, row: bytes, mask_at: int, count: int) -> "_Jumps":
        """Jet 3 alone: from which variable columns on another 256 is to be added to the offsets.

        One jump a begun 256 bytes of the row; the last of them are idle where the columns end short of them.
        """
        if self._width != 1:
            return _Jumps(0, b"")
        size = (len(row) - 1) // JUMP
        end_of_table = mask_at - 1 - size
        if end_of_table < 1:
            raise BrokenRow("the row is shorter than its table of jumps")
        # As many are used as the columns reach; they end where the table of offsets begins.
        used = min(size, (end_of_table - 1 - count) // JUMP)
        return _Jumps(size, row[end_of_table : mask_at - 1][::-1][:used])

    def _value(self, column: StoredColumn, raw: bytes, page: int, number: int) -> Value:  # noqa: C901, PLR0912 - one case a type
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
            case d.LONG_DATE:
                return long_date(raw)
            case d.NUMERIC:
                return to_decimal(raw, column.precision, column.scale)
            case d.GUID:
                return f"{{{str(uuid.UUID(bytes_le=raw)).upper()}}}"
            case d.TEXT:
                return self._codec.value(raw)
            case d.MEMO:
                return self._codec.value(self._long_values.read(raw, (page, number, column.number)))
            case d.OLE:
                return self._long_values.read(raw, (page, number, column.number))
            case _:
                return raw


class _Jumps:
    def __init__(self, size: int, places: bytes) -> None:
        self.size = size
        self.places = places


def to_moment(days: float) -> datetime:
    """Return the moment of an OLE date: days from 30 December 1899, the fraction counted forward even before it.

    Rounded to the millisecond, which is finer than what Access keeps. Raises OverflowError for what is no date.
    """
    if not FIRST_DAY <= days <= LAST_MOMENT:
        raise OverflowError(f"{days} is no date")
    whole = int(days)
    fraction = abs(days - whole)
    return EPOCH + timedelta(days=whole, milliseconds=round(fraction * MILLISECONDS_A_DAY))


def long_date(raw: bytes) -> datetime:
    """Return the moment of an extended date of ACE: days from 1 January 1 and hundreds of nanoseconds, in digits.

    Cut to the microsecond. Raises OverflowError for what is no date.
    """
    found = LONG_DATE.match(raw)
    if found is None or int(found[2]) >= TICKS_A_DAY:
        raise OverflowError("a cell holds no extended date")
    return FIRST_OF_LONG_DATES + timedelta(days=int(found[1]), microseconds=int(found[2]) // 10)


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
