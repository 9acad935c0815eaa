"""Table definitions: columns, their places in a row, the declared number of rows."""

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.mdb.errors import Corrupt
from pipeline.mdb.format import DefinitionLayout
from pipeline.mdb.pages import Pages
from pipeline.mdb.text import TextCodec

DEFINITION_PAGE = 0x02
MOST_COLUMNS = 255
MOST_INDEXES = 256
NO_COLUMN = 1 << 16
# 255 columns and 256 indexes with the longest names take fewer.
MOST_PAGES = 128
FIXED = 0x01
# Access keeps the last result of a calculated column in a wrapper whose type only the column's properties tell.
CALCULATED = 0xC0

BOOLEAN, BYTE, INT16, INT32, MONEY, SINGLE, DOUBLE, DATE, BINARY, TEXT, OLE, MEMO = range(1, 13)
GUID, NUMERIC, COMPLEX, INT64, LONG_DATE = 0x0F, 0x10, 0x12, 0x13, 0x14

# The pack's name of each type, and its width in the fixed area (0: it varies, or lives in the null mask).
TYPES: dict[int, tuple[str, int]] = {
    BOOLEAN: ("boolean", 0),
    BYTE: ("integer", 1),
    INT16: ("integer", 2),
    INT32: ("integer", 4),
    MONEY: ("currency", 8),
    SINGLE: ("double", 4),
    DOUBLE: ("double", 8),
    DATE: ("date", 8),
    BINARY: ("binary", 0),
    TEXT: ("text", 0),
    OLE: ("binary", 0),
    MEMO: ("memo", 0),
    GUID: ("guid", 16),
    NUMERIC: ("decimal", 17),
    INT64: ("integer", 8),
    LONG_DATE: ("date", 42),
    COMPLEX: ("complex", 4),
}
# Types of columns that hold no plain value: they are told, never read.
UNREADABLE = frozenset({"complex", "calculated"})


@dataclass(frozen=True)
class ColumnDefinition:
    """A column: its name, its type in the pack's words and as Arrow has it.

    Two types are of no pack: ``complex`` (several values in one cell) and ``calculated``. Their cells are not read.
    """

    name: str
    type: str
    arrow_type: pa.DataType

    @property
    def is_readable(self) -> bool:
        """Tell whether the cells hold plain values."""
        return self.type not in UNREADABLE


@dataclass(frozen=True)
class StoredColumn(ColumnDefinition):
    """A column and its place in a row.

    ``number`` is its bit in the null mask. A fixed column lies ``offset`` bytes into the fixed area, ``width`` bytes
    wide; a variable one is the ``variable``-th of the row's variable columns.
    """

    kind: int
    number: int
    is_fixed: bool
    offset: int
    width: int
    variable: int
    precision: int
    scale: int

    @property
    def varies(self) -> bool:
        """Tell whether its cells are in the row's table of offsets. A plain boolean is in the null mask alone."""
        return not self.is_fixed and (self.kind != BOOLEAN or not self.is_readable)


@dataclass(frozen=True)
class TableDefinition:
    """A table: its columns in order, and the number of rows that it says it has."""

    name: str
    columns: tuple[ColumnDefinition, ...]
    declared_rows: int


@dataclass(frozen=True)
class StoredTable(TableDefinition):
    """A table and where its rows are.

    ``is_whole``: no column was ever taken out of it, so that its columns' places in a row leave no gap.
    """

    page: int
    stored: tuple[StoredColumn, ...]
    variable_columns: int
    column_numbers: int
    usage: int
    is_whole: bool

    def fixed_bytes(self, columns: int) -> int:
        """Return how long the fixed area is in a row that knows of so many columns."""
        known = (column.offset + column.width for column in self.stored if column.is_fixed and column.number < columns)
        return max(known, default=0)

    @property
    def first_varying(self) -> int:
        """The number of the first variable column: a row that knows of it has a table of offsets."""
        return min((column.number for column in self.stored if column.varies), default=NO_COLUMN)


def read_definition(pages: Pages, codec: TextCodec, number: int, name: str) -> StoredTable:
    """Read a table's definition from its first page on. Raises Truncated or Corrupt."""
    content = _content(pages, number)
    layout = pages.layout.definition
    try:
        (rows,) = struct.unpack_from("<I", content, layout.rows)
        column_numbers, variable, count = struct.unpack_from("<HHH", content, layout.columns)
        (indexes,) = struct.unpack_from("<I", content, layout.indexes)
        (usage,) = struct.unpack_from("<I", content, layout.usage)
        if not (0 < count <= MOST_COLUMNS and column_numbers <= 4 * MOST_COLUMNS and indexes <= MOST_INDEXES):
            raise Corrupt(f"The table {name!r} says that it has {count} columns and {indexes} indexes.")
        first = layout.entries + layout.index_size * indexes
        names = _names(content, layout, codec, first + layout.entry_size * count, count)
        stored = tuple(
            _column(content, layout, first + layout.entry_size * position, names[position], name)
            for position in range(count)
        )
    except (struct.error, IndexError, UnicodeDecodeError) as cut:
        raise Corrupt(f"The definition of the table {name!r} (page {number}) is cut.") from cut
    _check_places(name, stored, variable)
    is_whole = column_numbers == count
    if max(column.number for column in stored) >= column_numbers or (is_whole and not _leaves_no_gap(stored)):
        raise Corrupt(f"A column of the table {name!r} has its place outside the row.")
    return StoredTable(
        name=name,
        columns=tuple(ColumnDefinition(column.name, column.type, column.arrow_type) for column in stored),
        declared_rows=rows,
        page=number,
        stored=stored,
        variable_columns=variable,
        column_numbers=max(column.number for column in stored) + 1,
        usage=usage,
        is_whole=is_whole,
    )


def _content(pages: Pages, number: int) -> bytes:
    page = pages.page(number)
    parts, seen = [page], {number}
    while True:
        if page[0] != DEFINITION_PAGE:
            raise Corrupt(f"Page {number} should hold a table definition and is of kind {page[0]}.")
        (number,) = struct.unpack_from("<I", page, 4)
        if not number:
            return b"".join(parts)
        if number in seen or len(seen) == MOST_PAGES:
            raise Corrupt("A table definition goes round in a circle, or on over too many pages.")
        seen.add(number)
        page = pages.page(number)
        parts.append(page[8:])


def _names(content: bytes, layout: DefinitionLayout, codec: TextCodec, position: int, count: int) -> list[str]:
    names: list[str] = []
    size = layout.name_length_size
    for _ in range(count):
        length = int.from_bytes(content[position : position + size], "little")
        raw = content[position + size : position + size + length]
        if position + size > len(content) or len(raw) != length:
            raise struct.error("name")
        names.append(codec.name(raw))
        position += size + length
    return names


def _column(content: bytes, layout: DefinitionLayout, at: int, name: str, table: str) -> StoredColumn:
    kind = content[at]
    if kind not in TYPES:
        raise Corrupt(f"The column {name!r} of the table {table!r} is of the unknown kind {kind}.")
    (number,) = struct.unpack_from("<H", content, at + layout.entry_number)
    (variable,) = struct.unpack_from("<H", content, at + layout.entry_variable)
    offset, length = struct.unpack_from("<HH", content, at + layout.entry_offset)
    precision, scale = content[at + layout.entry_precision], content[at + layout.entry_precision + 1]
    more = content[at + layout.entry_more_flags] if layout.entry_more_flags is not None else 0
    type_name, width = TYPES[kind] if more & CALCULATED != CALCULATED else ("calculated", 0)
    is_readable = type_name not in UNREADABLE
    width = width if is_readable else length
    is_fixed = bool(content[at + layout.entry_flags] & FIXED) and kind != BOOLEAN
    if (
        number > 4 * MOST_COLUMNS
        or (is_fixed and offset > 4096)
        or (kind == NUMERIC and is_readable and not _sane(precision, scale))
        or width not in (0, length)
    ):
        raise Corrupt(f"The column {name!r} of the table {table!r} has no sane place or precision.")
    return StoredColumn(
        name=name,
        type=type_name,
        arrow_type=_arrow_type(kind, precision, scale) if is_readable else pa.binary(),
        kind=kind,
        number=number,
        is_fixed=is_fixed,
        offset=offset,
        width=width or length,
        variable=variable,
        precision=precision,
        scale=scale,
    )


def _check_places(table: str, columns: Sequence[StoredColumn], variable_columns: int) -> None:
    """Raise Corrupt for two columns of one name or in one place (of the null mask, of the row), and one outside it."""
    fixed = sorted((column.offset, column.offset + column.width) for column in columns if column.is_fixed)
    variable = [column.variable for column in columns if column.varies]
    if (
        len({column.name for column in columns}) < len(columns)
        or len({column.number for column in columns}) < len(columns)
        or len(set(variable)) < len(variable)
        or any(end > start for (_, end), (start, _) in itertools.pairwise(fixed))
    ):
        raise Corrupt(f"Two columns of the table {table!r} have the same name or the same place.")
    if max(variable, default=-1) >= variable_columns:
        raise Corrupt(f"A column of the table {table!r} has its place outside the row.")


def _leaves_no_gap(columns: Sequence[StoredColumn]) -> bool:
    """Tell whether the fixed columns lie one behind the other, from the row's first byte on."""
    fixed = [column for column in columns if column.is_fixed]
    return sum(column.width for column in fixed) == max((column.offset + column.width for column in fixed), default=0)


def _sane(precision: int, scale: int) -> bool:
    return 0 < precision <= 28 and scale <= precision


def _arrow_type(kind: int, precision: int, scale: int) -> pa.DataType:
    match kind:
        case _ if kind == BOOLEAN:
            return pa.bool_()
        case _ if kind in {BYTE, INT16, INT32}:
            return pa.int32()
        case _ if kind == INT64:
            return pa.int64()
        case _ if kind == MONEY:
            return pa.decimal128(19, 4)
        case _ if kind == NUMERIC:
            return pa.decimal128(precision, scale)
        case _ if kind in {SINGLE, DOUBLE}:
            return pa.float64()
        case _ if kind in {DATE, LONG_DATE}:
            return pa.timestamp("us")
        case _ if kind in {BINARY, OLE}:
            return pa.binary()
        case _:
            return pa.string()
