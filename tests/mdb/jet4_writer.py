"""Writes small Jet 4 databases for tests: the structures that the synthetic billing files do not have.

Only as much of the format as a reader needs: no indexes, no properties. mdbtools reads what it writes, see
test_mdb_made_files.py. ``Built.content`` is a bytearray, so that a test can damage any place of it.
"""

import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

PAGE = 4096
BOOLEAN, BYTE, INT16, INT32, MONEY, SINGLE, DOUBLE, DATE, BINARY, TEXT, OLE, MEMO = range(1, 13)
GUID, NUMERIC = 0x0F, 0x10
WIDTHS = {BYTE: 1, INT16: 2, INT32: 4, MONEY: 8, SINGLE: 4, DOUBLE: 8, DATE: 8, GUID: 16, NUMERIC: 17}
DELETED, LOOKUP = 0x8000, 0x4000
INLINE, SINGLE_PAGE, CHAINED = 0x80000000, 0x40000000, 0
LVAL = struct.unpack("<I", b"LVAL")[0]


@dataclass(frozen=True)
class Column:
    name: str
    kind: int
    length: int = 0
    precision: int = 18
    scale: int = 0
    is_fixed: bool | None = None

    @property
    def lies_fixed(self) -> bool:
        return self.kind in WIDTHS if self.is_fixed is None else self.is_fixed

    @property
    def width(self) -> int:
        return WIDTHS.get(self.kind, self.length)


@dataclass(frozen=True)
class Raw:
    """A cell's bytes as they are to lie in the row."""

    content: bytes


@dataclass(frozen=True)
class Row:
    """``columns``: how many the table had when the row was written. ``moved``: it lies elsewhere, behind a pointer."""

    values: Mapping[str, Any]
    columns: int | None = None
    moved: bool = False
    deleted: bool = False


@dataclass
class Table:
    name: str
    columns: Sequence[Column]
    rows: Sequence[Row | Mapping[str, Any]] = ()
    declared: int | None = None
    kind: int = 1
    flags: int = 0
    reference_map: bool = False
    rows_a_page: int = 1000
    page: int = 0
    data_pages: list[int] = field(default_factory=list)
    map_row: int = 0


class DataPage:
    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.rows: list[tuple[bytes, int]] = []

    @property
    def room(self) -> int:
        return PAGE - 14 - sum(len(content) + 2 for content, _ in self.rows) - 2

    def add(self, content: bytes, flags: int = 0) -> int:
        assert len(content) <= self.room, "the row does not fit the page"
        self.rows.append((content, flags))
        return len(self.rows) - 1

    def image(self) -> bytes:
        page = bytearray(PAGE)
        struct.pack_into("<BBHIIH", page, 0, 1, 1, max(self.room, 0), self.owner, 0, len(self.rows))
        end = PAGE
        for number, (content, flags) in enumerate(self.rows):
            end -= len(content)
            page[end : end + len(content)] = content
            struct.pack_into("<H", page, 14 + 2 * number, end | flags)
        return bytes(page)


class Made:
    """The pages of a database in the making; ``first_page`` is a database header of no password."""

    def __init__(self, first_page: bytes) -> None:
        self.first_page = first_page
        self.pages: list[DataPage | bytes] = [first_page, DataPage(1), b""]
        self.tables: list[Table] = []

    def reserve(self) -> int:
        self.pages.append(b"")
        return len(self.pages) - 1

    def page(self, number: int) -> DataPage:
        page = self.pages[number]
        assert isinstance(page, DataPage)
        return page

    def long_page(self, owner: int = LVAL) -> int:
        number = self.reserve()
        self.pages[number] = DataPage(owner)
        return number

    def memo_single(self, content: bytes, owner: int = LVAL) -> Raw:
        number = self.long_page(owner)
        row = self.page(number).add(content)
        return Raw(struct.pack("<III", len(content) | SINGLE_PAGE, number << 8 | row, 0))

    def memo_chain(self, content: bytes, piece: int = 4000) -> Raw:
        pieces = [content[at : at + piece] for at in range(0, len(content), piece)]
        after = 0
        for part in reversed(pieces):
            number = self.long_page()
            row = self.page(number).add(struct.pack("<I", after) + part)
            after = number << 8 | row
        return Raw(struct.pack("<III", len(content) | CHAINED, after, 0))

    def add(self, table: Table) -> Table:
        table.page = self.reserve()
        for given in table.rows:
            row = given if isinstance(given, Row) else Row(given)
            content = encode_row(table.columns[: row.columns], row.values)
            if row.moved:
                there = self._place(table, content, DELETED, apart=True)
                self._place(table, struct.pack("<I", there), LOOKUP)
            else:
                self._place(table, content, DELETED if row.deleted else 0)
        self.tables.append(table)
        return table

    def _place(self, table: Table, content: bytes, flags: int, *, apart: bool = False) -> int:
        last = self.page(table.data_pages[-1]) if table.data_pages else None
        if apart or last is None or last.room < len(content) or len(last.rows) >= table.rows_a_page:
            number = self.reserve()
            self.pages[number] = DataPage(table.page)
            table.data_pages.insert(0 if apart and table.data_pages else len(table.data_pages), number)
        number = table.data_pages[0] if apart else table.data_pages[-1]
        return number << 8 | self.page(number).add(content, flags)

    def build(self) -> "Built":
        objects = Table(
            "MSysObjects",
            [
                Column("Id", INT32),
                Column("ParentId", INT32),
                Column("Name", TEXT, 128),
                Column("Type", INT16),
                Column("Flags", INT32),
                Column("LvProp", OLE),
            ],
            kind=1,
            flags=-(2**31),
        )
        objects.page = 2
        listed = [objects, *self.tables]
        for table in listed:
            entry = {"Id": table.page, "ParentId": 251658241, "Name": table.name, "Type": table.kind}
            self._place(objects, encode_row(objects.columns, {**entry, "Flags": table.flags}), 0)
        objects.declared = len(listed)
        for table in listed:
            self._map(table)
        for table in listed:
            images = definition(table)
            numbers = [table.page, *(self.reserve() for _ in images[1:])]
            for number, after, image in zip(numbers, [*numbers[1:], 0], images, strict=True):
                self.pages[number] = image[:4] + struct.pack("<I", after) + image[8:]
        content = bytearray().join(page.image() if isinstance(page, DataPage) else page for page in self.pages)
        return Built(content, {table.name: table for table in listed})

    def _map(self, table: Table) -> None:
        """Write the table's usage map: in the map's row, or on a page of its own that the row refers to."""
        if table.reference_map:
            number = self.reserve()
            self.pages[number] = b"\x05\x01\0\0" + bitmap(table.data_pages, 0, PAGE - 4)
            table.map_row = self.page(1).add(b"\x01" + struct.pack("<I", number) + bytes(64))
        else:
            first = min(table.data_pages, default=0)
            table.map_row = self.page(1).add(b"\0" + struct.pack("<I", first) + bitmap(table.data_pages, first, 64))


@dataclass
class Built:
    content: bytearray
    tables: dict[str, Table]

    def write(self, path: Path) -> Path:
        path.write_bytes(self.content)
        return path


def bitmap(pages: Sequence[int], first: int, size: int) -> bytes:
    bits = bytearray(size)
    for page in pages:
        bits[(page - first) >> 3] |= 1 << ((page - first) & 7)
    return bytes(bits)


def definition(table: Table) -> list[bytes]:
    """The pages of a table definition; the pointer to the next page is still to be set."""
    head = bytearray(0x3F)
    struct.pack_into("<BB", head, 0, 2, 1)
    struct.pack_into("<I", head, 0x10, len(table.rows) if table.declared is None else table.declared)
    head[0x28] = 0x53 if table.flags else 0x4E
    variable = [column for column in table.columns if not column.lies_fixed and column.kind != BOOLEAN]
    struct.pack_into("<HHH", head, 0x29, len(table.columns), len(variable), len(table.columns))
    struct.pack_into("<I", head, 0x37, 1 << 8 | table.map_row)
    struct.pack_into("<I", head, 0x3B, 1 << 8 | table.map_row)
    entries, names, offset, nth = bytearray(), bytearray(), 0, 0
    for number, column in enumerate(table.columns):
        entry = bytearray(25)
        entry[0] = column.kind
        struct.pack_into("<HHH", entry, 5, number, nth, number)
        entry[11:13] = bytes((column.precision, column.scale)) if column.kind == NUMERIC else b"\x09\x04"
        entry[15] = 2 | (column.lies_fixed or column.kind == BOOLEAN)
        struct.pack_into("<HH", entry, 21, offset if column.lies_fixed else 0, column.width)
        if column.lies_fixed:
            offset += column.width
        elif column.kind != BOOLEAN:
            nth += 1
        entries += entry
        name = column.name.encode("utf-16-le")
        names += struct.pack("<H", len(name)) + name
    whole = bytes(head + entries + names + b"\xff\xff")
    whole = whole[:8] + struct.pack("<I", len(whole) - 8) + whole[12:]
    first, rest = whole[:PAGE], whole[PAGE:]
    parts = [first] + [b"\x02\x01\0\0\0\0\0\0" + rest[at : at + PAGE - 8] for at in range(0, len(rest), PAGE - 8)]
    return [part.ljust(PAGE, b"\0") for part in parts]


def encode_row(columns: Sequence[Column], values: Mapping[str, Any]) -> bytes:
    fixed, variable, offsets = bytearray(), bytearray(), []
    mask = bytearray((len(columns) + 7) // 8)
    start = 2 + sum(column.width for column in columns if column.lies_fixed)
    for number, column in enumerate(columns):
        value = values.get(column.name)
        is_set = bool(value) if column.kind == BOOLEAN else value is not None
        mask[number >> 3] |= is_set << (number & 7)
        if column.kind == BOOLEAN:
            continue
        content = encode(column, value) if value is not None else b""
        if column.lies_fixed:
            fixed += content.ljust(column.width, b"\0")
        else:
            offsets.append(start + len(variable))
            variable += content
    tail = b""
    if offsets:
        places = [start + len(variable), *reversed(offsets)]
        tail = struct.pack(f"<{len(places)}H", *places) + struct.pack("<H", len(offsets))
    return struct.pack("<H", len(columns)) + bytes(fixed + variable) + tail + bytes(mask)


def encode(column: Column, value: Any) -> bytes:  # noqa: C901 - one case a type
    if isinstance(value, Raw):
        return value.content
    match column.kind:
        case _ if column.kind == BYTE:
            return bytes([value])
        case _ if column.kind == INT16:
            return struct.pack("<h", value)
        case _ if column.kind == INT32:
            return struct.pack("<i", value)
        case _ if column.kind == MONEY:
            return struct.pack("<q", int(Decimal(value).scaleb(4)))
        case _ if column.kind == SINGLE:
            return struct.pack("<f", value)
        case _ if column.kind in {DOUBLE, DATE}:
            return struct.pack("<d", value)
        case _ if column.kind == GUID:
            return uuid.UUID(value).bytes_le
        case _ if column.kind == NUMERIC:
            return numeric(int(Decimal(value).scaleb(column.scale)))
        case _ if column.kind == TEXT:
            return str(value).encode("utf-16-le")
        case _ if column.kind == MEMO:
            content = str(value).encode("utf-16-le")
            return struct.pack("<III", len(content) | INLINE, 0, 0) + content
        case _ if column.kind == OLE:
            return struct.pack("<III", len(value) | INLINE, 0, 0) + bytes(value)
        case _:
            return bytes(value)


def numeric(number: int) -> bytes:
    words = abs(number).to_bytes(16, "big")
    return bytes([0x80 if number < 0 else 0]) + b"".join(words[at : at + 4][::-1] for at in range(0, 16, 4))


def compressed(text: str) -> bytes:
    """FF FE, one byte a character, NUL to switch to UTF-16 and back."""
    out, is_narrow = bytearray(b"\xff\xfe"), True
    for character in text:
        fits = 0 < ord(character) < 0x100
        if fits != is_narrow:
            out.append(0)
            is_narrow = fits
        out += character.encode("latin-1") if fits else character.encode("utf-16-le")
    return bytes(out)
