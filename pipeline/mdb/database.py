"""An open database: its tables, and the reading of their rows, block by block."""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.ahead import mapped_ahead
from pipeline.mdb.blocks import BlockReader, Rows, Shape, rows_of
from pipeline.mdb.definition import TEXT, StoredColumn, StoredTable, TableDefinition, read_definition
from pipeline.mdb.errors import Corrupt, MdbError, Unsupported
from pipeline.mdb.exact import BrokenRow, RowDecoder, Value
from pipeline.mdb.format import Header
from pipeline.mdb.memo import LongValues
from pipeline.mdb.pages import DELETED, LOOKUP, Bytes, Pages
from pipeline.mdb.text import TextCodec, codec_of, number_array
from pipeline.mdb.usage import pages_of

PageNumbers = npt.NDArray[np.int32]
# Which rows of a block, by their place in it.
Places = npt.NDArray[np.int64]
# Texts of which each block has every one once.
DISTINCT = pa.dictionary(pa.int32(), pa.string())

CATALOGUE_PAGE = 2
DATA_PAGE = 0x01
TABLE_TYPE = 1
LINKED_TYPES = frozenset({4, 6})
SYSTEM_FLAGS = 0x80000002
PAGE_MASK = 0x00FFFFFF
CATALOGUE_COLUMNS = {"Id": "integer", "Name": "text", "Type": "integer", "Flags": "integer"}

# Few enough pages to stay in the processor's cache while their columns are taken, enough to call numpy seldom.
BLOCK_BYTES = 4 << 20
# A damaged file may have as many faults as rows: so many are told one by one, the others counted.
MOST_DAMAGE = 1_000


@dataclass(frozen=True)
class Damage:
    """A place that could not be read; ``row`` is None for a whole page."""

    page: int
    row: int | None
    reason: str


@dataclass(frozen=True)
class TableRead:
    """The rows of a table that could be read, the number it declares, and every place that could not be read."""

    table: pa.Table
    declared_rows: int
    read_rows: int
    damage: tuple[Damage, ...]


def open_database(path: Path) -> "Database":
    """Open a database. Raises MdbError for a file that cannot be read as one."""
    return Database(Pages(path))


class Database:
    """Use as a context manager, or call ``close``."""

    def __init__(self, pages: Pages) -> None:
        """Read the catalogue and every user table's definition. Raises MdbError."""
        self._pages = pages
        try:
            self._codec = codec_of(pages.header.format, pages.header.code_page)
            self._stored, self.linked_tables = self._catalogue()
        except BaseException:
            pages.close()
            raise

    @property
    def header(self) -> Header:
        """What the first page says."""
        return self._pages.header

    @property
    def tables(self) -> Mapping[str, TableDefinition]:
        """The user tables, by the names that the file has for them."""
        return self._stored

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unmap the file."""
        self._pages.close()

    def fingerprint(self) -> str:
        """Return the sha256 in hex of the sorted ``table.column:type`` lines."""
        lines = sorted(
            f"{table.name}.{column.name}:{column.type}" for table in self._stored.values() for column in table.columns
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def read(self, table: str, columns: Sequence[str] | None = None) -> TableRead:
        """Read a table's rows; ``columns`` are the ones wanted, in that order (none at all: rows are counted).

        Raises KeyError for an unknown table or column, Unsupported for a column that holds no plain values. What cannot
        be read is in ``damage``, never passed over.
        """
        scan = self.scan(table, columns)
        batches = list(scan)
        return TableRead(
            table=pa.Table.from_batches(batches, scan.schema),
            declared_rows=scan.declared_rows,
            read_rows=scan.read_rows,
            damage=scan.damage,
        )

    def scan(self, table: str, columns: Sequence[str] | None = None, *, distinct: bool = False) -> "TableScan":
        """Read as ``read`` does, a block at a time: what is held in memory does not grow with the table.

        ``distinct``: the texts as dictionaries, each block with its own; long texts (memos) as they are.
        """
        stored = self._stored[table]
        by_name = {column.name: column for column in stored.stored}
        wanted = list(stored.stored) if columns is None else [by_name[name] for name in columns]
        for column in wanted:
            if not column.is_readable:
                raise Unsupported(f"The column {column.name!r} of the table {table!r} is {column.type}.")
        return TableScan(self._pages, self._codec, stored, wanted, distinct=distinct)

    def _catalogue(self) -> tuple[dict[str, StoredTable], tuple[str, ...]]:
        objects = read_definition(self._pages, self._codec, CATALOGUE_PAGE, "MSysObjects")
        by_name = {column.name: column for column in objects.stored}
        for name, kind in CATALOGUE_COLUMNS.items():
            if name not in by_name or by_name[name].type != kind:
                raise Corrupt(f"The catalogue has no column {name} of type {kind}.")
        scan = TableScan(self._pages, self._codec, objects, [by_name[name] for name in CATALOGUE_COLUMNS])
        entries = [entry for batch in scan for entry in batch.to_pylist()]
        if scan.damage:
            first = scan.damage[0]
            raise Corrupt(f"The catalogue cannot be read: page {first.page}, {first.reason}.")
        if scan.read_rows < scan.declared_rows:
            # A table whose entry is lost would be missing in silence.
            raise Corrupt(f"The catalogue says that it has {scan.declared_rows} entries and has {scan.read_rows}.")
        found: dict[str, StoredTable] = {}
        pages: set[int] = set()
        linked: list[str] = []
        for entry in entries:
            name, kind, flags = entry["Name"], entry["Type"], (entry["Flags"] or 0) & 0xFFFFFFFF
            if name is None or entry["Id"] is None:
                continue
            if kind in LINKED_TYPES:
                linked.append(name)
            elif kind == TABLE_TYPE and not flags & SYSTEM_FLAGS and not name.startswith("MSys"):
                if name in found:
                    raise Corrupt(f"The catalogue has the table {name!r} twice.")
                found[name] = read_definition(self._pages, self._codec, entry["Id"] & PAGE_MASK, name)
                if found[name].page in pages:
                    raise Corrupt(f"The catalogue has the table {name!r} under another name too.")
                pages.add(found[name].page)
        return found, tuple(linked)


class TableScan:
    """One reading of a table: iterate over its blocks, once; then the counts and the damage are whole."""

    def __init__(
        self,
        pages: Pages,
        codec: TextCodec,
        table: StoredTable,
        columns: Sequence[StoredColumn],
        *,
        distinct: bool = False,
    ) -> None:
        self._pages = pages
        self._table = table
        self._columns = columns
        long_values, width = LongValues(pages), pages.layout.width
        self._blocks = BlockReader(long_values, codec, table, columns, width, distinct=distinct)
        self._exact = RowDecoder(long_values, codec, table, columns, width)
        self._damage: list[Damage] = []
        self._unlisted = 0
        self._moved: set[int] = set()
        self.schema = pa.schema(
            [(column.name, DISTINCT if distinct and column.kind == TEXT else column.arrow_type) for column in columns]
        )
        self.read_rows = 0

    @property
    def declared_rows(self) -> int:
        """The number of rows that the table says it has."""
        return self._table.declared_rows

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Every place that could not be read so far; beyond MOST_DAMAGE their number alone."""
        if not self._unlisted:
            return tuple(self._damage)
        more = Damage(self._damage[-1].page, None, f"{self._unlisted} more places are not listed")
        return (*self._damage, more)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Give the rows in the order of the table's pages, a block at a time; nothing where no column is wanted."""
        numbers = self._data_pages()
        at_once = BLOCK_BYTES // self._pages.layout.page_size
        blocks = [numbers[first : first + at_once] for first in range(0, len(numbers), at_once)]
        # Threads of their own would be no help to the few blocks of a small table.
        for block in map(self._read_block, blocks) if len(blocks) <= 2 else mapped_ahead(self._read_block, blocks):
            for place in block.broken:
                self._broke(*place)
            self._read_exactly(block)
            self.read_rows += block.parts.count
            batch = block.parts.batch()
            if batch is not None and self._columns:
                yield batch

    def _data_pages(self) -> list[int]:
        try:
            named = pages_of(self._pages, self._table.usage)
        except MdbError as broken:
            self._broke(self._table.usage >> 8, None, str(broken))
            return []
        for number in named:
            if number >= self._pages.count:
                self._broke(number, None, "the page lies beyond the end of the file")
        return [number for number in named if number < self._pages.count]

    def _read_block(self, numbers: list[int]) -> "_Block":
        """Decode what can be decoded all at once. Changes nothing here: several blocks are read at the same time."""
        block = _Block(_BlockParts(self.schema))
        pages, own = self._own_pages(self._pages.block(numbers), np.asarray(numbers, np.int32), block)
        if not len(own):
            return block
        layout = self._pages.layout
        rows, within = rows_of(pages, own, row_count=layout.row_count, row_offsets=layout.row_offsets)
        for page, row in zip(rows.pages[~within].tolist(), rows.numbers[~within].tolist(), strict=True):
            block.broken.append((page, row, "the row lies outside its page"))
        rows = rows.chosen(within)
        flat = pages.reshape(-1)
        left = np.ones(len(rows), np.bool_)
        for shape, which in self._blocks.shapes(flat, rows):
            decoded, arrays = self._decode(flat, rows, shape, which)
            block.parts.add(decoded, arrays)
            left[decoded] = False
        block.left = np.flatnonzero(left)
        block.left_rows = rows.chosen(block.left)
        return block

    def _decode(self, flat: Bytes, rows: Rows, shape: Shape, which: Places) -> tuple[Places, list[pa.Array]]:
        """Decode rows of one shape; those that look odd are left for a closer look. Return which were decoded."""
        try:
            arrays, odd = self._blocks.decode(flat, rows.chosen(which), shape)
            if arrays is None:
                which = which[~odd]
                if len(which):
                    arrays, _ = self._blocks.decode(flat, rows.chosen(which), shape)
        except UnicodeDecodeError:
            arrays = None
        return (which, arrays) if arrays is not None else (which[:0], [])

    def _own_pages(self, pages: Bytes, numbers: PageNumbers, block: "_Block") -> tuple[Bytes, PageNumbers]:
        """Keep the data pages of this table; others in its usage map are damage."""
        owners = np.ascontiguousarray(pages[:, 4:8]).view("<u4").reshape(-1)
        is_own = (pages[:, 0] == DATA_PAGE) & (owners == self._table.page)
        if is_own.all():
            return pages, numbers
        for number, kind in zip(numbers[~is_own].tolist(), pages[~is_own, 0].tolist(), strict=True):
            block.broken.append((number, None, f"the page belongs to something else (kind {kind})"))
        return pages[is_own], numbers[is_own]

    def _read_exactly(self, block: "_Block") -> None:
        """Decode the rows that are left one by one."""
        which, chosen = block.left, block.left_rows
        if chosen is None:
            return
        decoded: list[list[Value]] = []
        kept: list[int] = []
        for place, page, number, flags in zip(
            which.tolist(), chosen.pages.tolist(), chosen.numbers.tolist(), chosen.flags.tolist(), strict=True
        ):
            try:
                content = self._moved_to(page, number) if flags & LOOKUP else self._pages.row(page, number)[0]
                decoded.append(self._exact.decode(content, page, number))
                kept.append(place)
            except (BrokenRow, MdbError) as broken:
                self._broke(page, number, str(broken))
        if not decoded:
            return
        arrays = [
            pa.array([row[position] for row in decoded], column.arrow_type)
            for position, column in enumerate(self._columns)
        ]
        block.parts.add(np.asarray(kept, np.int64), arrays)

    def _moved_to(self, page: int, number: int) -> bytes:
        """Follow a row that outgrew its page: its place holds the row number and page where it is now."""
        content, _ = self._pages.row(page, number)
        if len(content) < 4:
            raise Corrupt("the pointer of a moved row is cut")
        (pointer,) = struct.unpack_from("<I", content)
        target = pointer >> 8
        owner = self._pages.page(target)
        if owner[0] != DATA_PAGE or struct.unpack_from("<I", owner, 4)[0] != self._table.page:
            raise Corrupt(f"the row moved to page {target}, which is not this table's")
        moved, flags = self._pages.row(target, pointer & 0xFF)
        if flags & LOOKUP:
            raise Corrupt("a moved row points on to yet another place")
        if not flags & DELETED:
            # Where it is now it must be hidden from a scan, or it would count twice.
            raise Corrupt("a moved row also stands in its new place")
        if pointer in self._moved:
            raise Corrupt("another row moved to the same place")
        self._moved.add(pointer)
        return moved

    def _broke(self, page: int, row: int | None, reason: str) -> None:
        if len(self._damage) < MOST_DAMAGE:
            self._damage.append(Damage(page, row, reason))
        else:
            self._unlisted += 1


@dataclass
class _Block:
    """A block being read: what is decoded of it, the rows that are left for a closer look, what is broken."""

    parts: "_BlockParts"
    broken: list[tuple[int, int | None, str]] = field(default_factory=list)
    left: Places = field(default_factory=lambda: np.empty(0, np.int64))
    left_rows: Rows | None = None


class _BlockParts:
    """The rows of a block as they are decoded, in several parts, and put back in their order."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._places: list[Places] = []
        self._parts: list[list[pa.Array]] = []

    @property
    def count(self) -> int:
        """The number of rows decoded."""
        return sum(len(places) for places in self._places)

    def add(self, places: Places, arrays: list[pa.Array]) -> None:
        """Take over the rows of these places within the block."""
        if len(places):
            self._places.append(places)
            self._parts.append([_of_type(array, field.type) for array, field in zip(arrays, self._schema, strict=True)])

    def batch(self) -> pa.RecordBatch | None:
        """All rows; None where there are none, or no column is wanted."""
        if not self._parts or not len(self._schema):
            return None
        if len(self._parts) == 1:
            return pa.RecordBatch.from_arrays(self._parts[0], schema=self._schema)
        order = number_array(pa.int64(), np.argsort(np.concatenate(self._places)))
        columns = [pa.concat_arrays(column).take(order) for column in zip(*self._parts, strict=True)]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)


def _of_type(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return texts that were decoded one by one, or none of which are there, as the dictionary that is wanted."""
    return array.dictionary_encode() if pa.types.is_dictionary(kind) and array.type != kind else array
