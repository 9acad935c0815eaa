"""An open database: its tables, and the reading of their rows."""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from pipeline.mdb.blocks import BlockReader, Rows, is_fast, rows_of
from pipeline.mdb.definition import StoredColumn, StoredTable, TableDefinition, read_definition
from pipeline.mdb.errors import Corrupt, MdbError
from pipeline.mdb.exact import BrokenRow, Value, decode_row
from pipeline.mdb.format import Header
from pipeline.mdb.pages import DELETED, LOOKUP, Bytes, Pages
from pipeline.mdb.usage import pages_of

CATALOGUE_PAGE = 2
DATA_PAGE = 0x01
TABLE_TYPE = 1
LINKED_TYPES = frozenset({4, 6})
SYSTEM_FLAGS = 0x80000002
PAGE_MASK = 0x00FFFFFF
CATALOGUE_COLUMNS = {"Id": "integer", "Name": "text", "Type": "integer", "Flags": "integer"}

# Two megabytes of pages stay in the processor's cache while their columns are taken.
BLOCK = 512
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

        Raises KeyError for an unknown table or column. What cannot be read is in ``damage``, never passed over.
        """
        stored = self._stored[table]
        by_name = {column.name: column for column in stored.stored}
        wanted = list(stored.stored) if columns is None else [by_name[name] for name in columns]
        return _TableReader(self._pages, stored, wanted).read()

    def _catalogue(self) -> tuple[dict[str, StoredTable], tuple[str, ...]]:
        objects = read_definition(self._pages, CATALOGUE_PAGE, "MSysObjects")
        by_name = {column.name: column for column in objects.stored}
        for name, kind in CATALOGUE_COLUMNS.items():
            if name not in by_name or by_name[name].type != kind:
                raise Corrupt(f"The catalogue has no column {name} of type {kind}.")
        read = _TableReader(self._pages, objects, [by_name[name] for name in CATALOGUE_COLUMNS]).read()
        if read.damage:
            first = read.damage[0]
            raise Corrupt(f"The catalogue cannot be read: page {first.page}, {first.reason}.")
        if read.read_rows < read.declared_rows:
            # A table whose entry is lost would be missing in silence.
            raise Corrupt(f"The catalogue says that it has {read.declared_rows} entries and has {read.read_rows}.")
        found: dict[str, StoredTable] = {}
        pages: set[int] = set()
        linked: list[str] = []
        for entry in read.table.to_pylist():
            name, kind, flags = entry["Name"], entry["Type"], (entry["Flags"] or 0) & 0xFFFFFFFF
            if name is None or entry["Id"] is None:
                continue
            if kind in LINKED_TYPES:
                linked.append(name)
            elif kind == TABLE_TYPE and not flags & SYSTEM_FLAGS and not name.startswith("MSys"):
                if name in found:
                    raise Corrupt(f"The catalogue has the table {name!r} twice.")
                found[name] = read_definition(self._pages, entry["Id"] & PAGE_MASK, name)
                if found[name].page in pages:
                    raise Corrupt(f"The catalogue has the table {name!r} under another name too.")
                pages.add(found[name].page)
        return found, tuple(linked)


class _TableReader:
    """Reads one table once."""

    def __init__(self, pages: Pages, table: StoredTable, columns: Sequence[StoredColumn]) -> None:
        self._pages = pages
        self._table = table
        self._columns = columns
        self._is_fast = all(is_fast(column) for column in columns)
        self._blocks = BlockReader(table, columns)
        self._schema = pa.schema([(column.name, column.arrow_type) for column in columns])
        self._damage: list[Damage] = []
        self._unlisted = 0
        self._moved: set[int] = set()
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    def read(self) -> TableRead:
        numbers = self._data_pages()
        for first in range(0, len(numbers), BLOCK):
            self._read_block(numbers[first : first + BLOCK])
        if self._unlisted:
            last = self._damage[-1]
            self._damage.append(Damage(last.page, None, f"{self._unlisted} more places are not listed"))
        return TableRead(
            table=pa.Table.from_batches(self._batches, self._schema),
            declared_rows=self._table.declared_rows,
            read_rows=self._rows,
            damage=tuple(self._damage),
        )

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

    def _read_block(self, numbers: list[int]) -> None:
        block = self._pages.block(numbers)
        block = self._own_pages(block, np.asarray(numbers, np.int64))
        if not len(self._own):
            return
        layout = self._pages.layout
        rows, within = rows_of(block, self._own, row_count=layout.row_count, row_offsets=layout.row_offsets)
        for page, row in zip(rows.pages[~within].tolist(), rows.numbers[~within].tolist(), strict=True):
            self._broke(page, row, "the row lies outside its page")
        rows = rows.chosen(within)
        flat = np.concatenate((block.reshape(-1), np.zeros(layout.page_size, np.uint8)))
        if not self._is_fast:
            self._read_exactly(rows)
            return
        regular = self._blocks.split(flat, rows)
        self._read_fast(flat, rows.chosen(regular))
        self._read_exactly(rows.chosen(~regular))

    def _own_pages(self, block: Bytes, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Bytes:
        """Keep the data pages of this table; others in its usage map are damage."""
        owners = np.ascontiguousarray(block[:, 4:8]).view("<u4").reshape(-1)
        is_own = (block[:, 0] == DATA_PAGE) & (owners == self._table.page)
        for number, kind in zip(numbers[~is_own].tolist(), block[~is_own, 0].tolist(), strict=True):
            self._broke(number, None, f"the page belongs to something else (kind {kind})")
        self._own = numbers[is_own]
        own: Bytes = block[is_own]
        return own

    def _read_fast(self, flat: Bytes, rows: Rows) -> None:
        if not len(rows):
            return
        try:
            arrays, odd = self._blocks.decode(flat, rows)
        except UnicodeDecodeError:
            self._read_exactly(rows)
            return
        if arrays is None:
            self._read_exactly(rows.chosen(odd))
            self._read_fast(flat, rows.chosen(~odd))
            return
        self._add(arrays, len(rows))

    def _read_exactly(self, rows: Rows) -> None:
        decoded: list[list[Value]] = []
        for page, number, flags in zip(rows.pages.tolist(), rows.numbers.tolist(), rows.flags.tolist(), strict=True):
            try:
                content = self._moved_to(page, number) if flags & LOOKUP else self._pages.row(page, number)[0]
                decoded.append(decode_row(self._pages, self._table, content, self._columns))
            except (BrokenRow, MdbError) as broken:
                self._broke(page, number, str(broken))
        if not decoded:
            return
        arrays = [
            pa.array([row[position] for row in decoded], column.arrow_type)
            for position, column in enumerate(self._columns)
        ]
        self._add(arrays, len(decoded))

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

    def _add(self, arrays: list[pa.Array], count: int) -> None:
        self._rows += count
        if self._columns:
            self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))

    def _broke(self, page: int, row: int | None, reason: str) -> None:
        if len(self._damage) < MOST_DAMAGE:
            self._damage.append(Damage(page, row, reason))
        else:
            self._unlisted += 1
