"""Writes small databases of every format for tests: the structures that the synthetic billing files do not have.

Jet 4 unless told otherwise; Jet 3, the headers of ACE, and encoded pages too. Only as much of the format as a reader
needs: no indexes, no properties. mdbtools reads what it writes, see test_mdb_made_files.py and test_mdb_formats.py.
``Built.content`` is a bytearray, so that a test can damage any place of it.
"""

import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

PAGE = 4096
BOOLEAN, BYTE, INT16, INT32, MONEY, SINGLE, DOUBLE, DATE, BINARY, TEXT, OLE, MEMO = range(1, 13)
GUID, NUMERIC, COMPLEX, INT64, LONG_DATE = 0x0F, 0x10, 0x12, 0x13, 0x14
WIDTHS = {
    **dict.fromkeys((INT32, SINGLE, COMPLEX), 4),
    **dict.fromkeys((MONEY, DOUBLE, DATE, INT64), 8),
    BYTE: 1,
    INT16: 2,
    GUID: 16,
    NUMERIC: 17,
    LONG_DATE: 42,
}
DELETED, LOOKUP = 0x8000, 0x4000
INLINE, SINGLE_PAGE, CHAINED = 0x80000000, 0x40000000, 0
LVAL = struct.unpack("<I", b"LVAL")[0]
CALCULATED = 0xC0
HEADER_KEY = b"\xc7\xda\x39\x6b"
NO_KEY = bytes(4)


class Form(NamedTuple):
    """Where a version has its things. ``width``: the bytes of a row's counts and offsets; ``text``: its encoding."""

    page: int
    row_count: int
    width: int
    head: int
    rows: int
    columns: int
    usage: int
    entry: int
    number: int
    variable: int
    flags: int
    offset: int
    name_size: int
    masked: int
    text: str
    code_page: int = 1252
    version: int = 1
    signature: bytes = b"Standard Jet DB\0"

    @property
    def row_offsets(self) -> int:
        return self.row_count + 2


JET4 = Form(4096, 12, 2, 63, 16, 41, 55, 25, 5, 7, 15, 21, name_size=2, masked=128, text="utf-16-le")
JET3 = Form(2048, 8, 1, 43, 12, 21, 35, 18, 1, 3, 13, 14, name_size=1, masked=126, text="cp1252", version=0)


def jet3(code_page: int) -> Form:
    return JET3._replace(text=f"cp{code_page}", code_page=code_page)


def ace(version: int) -> Form:
    return JET4._replace(version=version, signature=b"Standard ACE DB\0")


def rc4(key: bytes, content: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 0xFF
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(content), 0, 0
    for place in range(len(out)):
        i = (i + 1) & 0xFF
        j = (j + state[i]) & 0xFF
        state[i], state[j] = state[j], state[i]
        out[place] ^= state[(state[i] + state[j]) & 0xFF]
    return bytes(out)


def header_page(form: Form = JET4, *, key: bytes = NO_KEY, password: bytes = b"", created: float = 46_000.5) -> bytes:
    """The first page of a database; from Jet 4 on its password is masked by the day of its creation."""
    page = bytearray(form.page)
    page[1], page[4:20], page[20] = 1, form.signature, form.version
    struct.pack_into("<H4s", page, 0x3C, form.code_page, key)
    if form.width == 1:
        page[0x42:0x56] = password.ljust(20, b"\0")
    else:
        struct.pack_into("<d", page, 0x72, created)
        day = struct.pack("<i", int(created))
        page[0x42:0x6A] = bytes(byte ^ day[at % 4] for at, byte in enumerate(password.ljust(40, b"\0")))
    page[0x18 : 0x18 + form.masked] = rc4(HEADER_KEY, page[0x18 : 0x18 + form.masked])
    return bytes(page)


def with_key(content: bytes | bytearray, key: bytes) -> bytes:
    """A database with its pages encoded, of one without: the key goes into the header, which is masked alone."""
    size = (JET3 if content[0x14] == 0 else JET4).page
    head = bytearray(content[:size])
    head[0x3E:0x42] = bytes(a ^ b for a, b in zip(head[0x3E:0x42], key, strict=True))
    pages = [bytes(head)]
    for number in range(1, len(content) // size):
        page_key = (int.from_bytes(key, "little") ^ number).to_bytes(4, "little")
        pages.append(rc4(page_key, content[number * size : (number + 1) * size]))
    return b"".join(pages)


@dataclass(frozen=True)
class Column:
    name: str
    kind: int
    length: int = 0
    precision: int = 18
    scale: int = 0
    is_fixed: bool | None = None
    more_flags: int = 0

    @property
    def lies_fixed(self) -> bool:
        return self.kind in WIDTHS if self.is_fixed is None else self.is_fixed

    @property
    def varies(self) -> bool:
        return not self.lies_fixed and (self.kind != BOOLEAN or bool(self.more_flags))

    @property
    def width(self) -> int:
        return WIDTHS.get(self.kind, self.length)


@dataclass(frozen=True)
class Raw:
    """A cell's bytes as they are to lie in the row."""

    content: bytes


@dataclass(frozen=True)
class Row:
    """``columns``: how many the table had when the row was written. ``moved``: it lies elsewhere, behind a pointer.

    Access marks a deleted row with both flags; ``how_deleted`` tells others.
    """

    values: Mapping[str, Any]
    columns: int | None = None
    moved: bool = False
    deleted: bool = False
    how_deleted: int = DELETED | LOOKUP


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
    def __init__(self, owner: int, form: Form = JET4) -> None:
        self.owner = owner
        self.form = form
        self.rows: list[tuple[bytes, int]] = []
        self.room = form.page - form.row_offsets - 2

    def add(self, content: bytes, flags: int = 0) -> int:
        assert len(content) <= self.room, "the row does not fit the page"
        self.rows.append((content, flags))
        self.room -= len(content) + 2
        return len(self.rows) - 1

    def image(self) -> bytes:
        page = bytearray(self.form.page)
        struct.pack_into("<BBHI", page, 0, 1, 1, max(self.room, 0), self.owner)
        struct.pack_into("<H", page, self.form.row_count, len(self.rows))
        end = self.form.page
        for number, (content, flags) in enumerate(self.rows):
            end -= len(content)
            page[end : end + len(content)] = content
            struct.pack_into("<H", page, self.form.row_offsets + 2 * number, end | flags)
        return bytes(page)


class Made:
    """The pages of a database in the making; ``first_page`` is a database header, of no password unless told."""

    def __init__(self, first_page: bytes | None = None, form: Form = JET4, key: bytes = NO_KEY) -> None:
        self.first_page = first_page or header_page(form)
        self.form = form
        self.key = key
        self.pages: list[DataPage | bytes] = [self.first_page, DataPage(1, form), b""]
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
        self.pages[number] = DataPage(owner, self.form)
        return number

    def memo_single(self, content: bytes, owner: int = LVAL) -> Raw:
        number = self.long_page(owner)
        row = self.page(number).add(content)
        return Raw(struct.pack("<III", len(content) | SINGLE_PAGE, number << 8 | row, 0))

    def memo_chain(self, content: bytes, piece: int | None = None) -> Raw:
        piece = piece or self.form.page - 96
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
            content = encode_row(table.columns[: row.columns], row.values, self.form)
            if row.moved:
                there = self.place(table, content, DELETED, apart=True)
                self.place(table, struct.pack("<I", there), LOOKUP)
            else:
                self.place(table, content, row.how_deleted if row.deleted else 0)
        self.tables.append(table)
        return table

    def place(self, table: Table, content: bytes, flags: int, *, apart: bool = False) -> int:
        last = self.page(table.data_pages[-1]) if table.data_pages else None
        if apart or last is None or last.room < len(content) or len(last.rows) >= table.rows_a_page:
            number = self.reserve()
            self.pages[number] = DataPage(table.page, self.form)
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
            self.place(objects, encode_row(objects.columns, {**entry, "Flags": table.flags}, self.form), 0)
        objects.declared = len(listed)
        for table in listed:
            self._map(table)
        for table in listed:
            images = definition(table, self.form)
            numbers = [table.page, *(self.reserve() for _ in images[1:])]
            for number, after, image in zip(numbers, [*numbers[1:], 0], images, strict=True):
                self.pages[number] = image[:4] + struct.pack("<I", after) + image[8:]
        content = bytearray().join(page.image() if isinstance(page, DataPage) else page for page in self.pages)
        return Built(content, {table.name: table for table in listed}, self.key)

    def _map(self, table: Table) -> None:
        """Write the table's usage map: in the map's row, or on a page of its own that the row refers to."""
        if table.reference_map:
            number = self.reserve()
            self.pages[number] = b"\x05\x01\0\0" + bitmap(table.data_pages, 0, self.form.page - 4)
            table.map_row = self.page(1).add(b"\x01" + struct.pack("<I", number) + bytes(64))
        else:
            first = min(table.data_pages, default=0)
            table.map_row = self.page(1).add(b"\0" + struct.pack("<I", first) + bitmap(table.data_pages, first, 64))


@dataclass
class Built:
    """``key``: with which the pages are encoded when the database is written."""

    content: bytearray
    tables: dict[str, Table]
    key: bytes = NO_KEY

    def write(self, path: Path) -> Path:
        path.write_bytes(with_key(self.content, self.key) if any(self.key) else self.content)
        return path


def bitmap(pages: Sequence[int], first: int, size: int) -> bytes:
    bits = bytearray(size)
    for page in pages:
        bits[(page - first) >> 3] |= 1 << ((page - first) & 7)
    return bytes(bits)


def definition(table: Table, form: Form = JET4) -> list[bytes]:
    """The pages of a table definition; the pointer to the next page is still to be set."""
    head = bytearray(form.head)
    struct.pack_into("<BB", head, 0, 2, 1)
    struct.pack_into("<I", head, form.rows, len(table.rows) if table.declared is None else table.declared)
    head[form.columns - 1] = 0x53 if table.flags else 0x4E
    variable = [column for column in table.columns if column.varies]
    struct.pack_into("<HHH", head, form.columns, len(table.columns), len(variable), len(table.columns))
    struct.pack_into("<I", head, form.usage, 1 << 8 | table.map_row)
    struct.pack_into("<I", head, form.usage + 4, 1 << 8 | table.map_row)
    entries, names, offset, nth = bytearray(), bytearray(), 0, 0
    for number, column in enumerate(table.columns):
        entry = bytearray(form.entry)
        entry[0] = column.kind
        struct.pack_into("<H", entry, form.number, number)
        struct.pack_into("<HH", entry, form.variable, nth, number)
        entry[11:13] = bytes((column.precision, column.scale)) if column.kind == NUMERIC else b"\x09\x04"
        entry[form.flags] = 2 | (not column.varies)
        if column.more_flags:
            assert form.width == 2, "Jet 3 has no such flags"
            entry[form.flags + 1] = column.more_flags
        struct.pack_into("<HH", entry, form.offset, offset if column.lies_fixed else 0, column.width)
        if column.lies_fixed:
            offset += column.width
        elif column.varies:
            nth += 1
        entries += entry
        name = column.name.encode(form.text)
        names += len(name).to_bytes(form.name_size, "little") + name
    whole = bytes(head + entries + names + b"\xff\xff")
    whole = whole[:8] + struct.pack("<I", len(whole) - 8) + whole[12:]
    first, rest, more = whole[: form.page], whole[form.page :], form.page - 8
    parts = [first] + [b"\x02\x01\0\0\0\0\0\0" + rest[at : at + more] for at in range(0, len(rest), more)]
    return [part.ljust(form.page, b"\0") for part in parts]


def encode_row(
    columns: Sequence[Column], values: Mapping[str, Any], form: Form = JET4, jumps: int | None = None
) -> bytes:
    """``jumps``: how many entries the table of jumps has where Jet 3 leaves the choice, see ``jump_table``."""
    fixed, variable, offsets = bytearray(), bytearray(), []
    mask = bytearray((len(columns) + 7) // 8)
    start = form.width + sum(column.width for column in columns if column.lies_fixed)
    for number, column in enumerate(columns):
        value = values.get(column.name)
        is_plain_boolean = column.kind == BOOLEAN and not column.varies
        is_set = bool(value) if is_plain_boolean else value is not None
        mask[number >> 3] |= is_set << (number & 7)
        if is_plain_boolean:
            continue
        content = encode(column, value, form) if value is not None else b""
        if column.lies_fixed:
            fixed += content.ljust(column.width, b"\0")
        else:
            offsets.append(start + len(variable))
            variable += content
    tail = b""
    if offsets and form.width == 1:
        places = [*offsets, start + len(variable)]
        tail = bytes(place & 0xFF for place in reversed(places))
        tail += jump_table(places, len(tail) + 1 + len(mask), jumps) + bytes([len(offsets)])
    elif offsets:
        places = [start + len(variable), *reversed(offsets)]
        tail = struct.pack(f"<{len(places)}H", *places) + struct.pack("<H", len(offsets))
    return len(columns).to_bytes(form.width, "little") + bytes(fixed + variable) + tail + bytes(mask)


def jump_table(places: Sequence[int], others: int, jumps: int | None = None) -> bytes:
    """For each begun 256 bytes of a row of Jet 3: from which variable column on its offsets lie that far.

    A row of n bytes has (n - 1) / 256 of them, which count themselves: where that has two solutions the smaller one
    stands unless told. Those that no column reaches are idle. ``others``: the bytes of the row behind its columns.
    """
    size = places[-1] + others
    fitting = [count for count in range(10) if (size + count - 1) // 256 == count]
    count = fitting[0] if jumps is None else jumps
    assert count in fitting, "a row of that length has another number of jumps"
    found = [next((at for at, place in enumerate(places) if place >= 256 * (n + 1)), 0xFF) for n in range(count)]
    return bytes(reversed(found))


def encode(column: Column, value: Any, form: Form = JET4) -> bytes:  # noqa: C901 - one case a type
    if isinstance(value, Raw):
        return value.content
    match column.kind:
        case _ if column.kind == BYTE:
            return bytes([value])
        case _ if column.kind == INT16:
            return struct.pack("<h", value)
        case _ if column.kind in {INT32, COMPLEX}:
            return struct.pack("<i", value)
        case _ if column.kind == INT64:
            return struct.pack("<q", value)
        case _ if column.kind == LONG_DATE:
            return long_date(*value)
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
            return str(value).encode(form.text)
        case _ if column.kind == MEMO:
            content = str(value).encode(form.text)
            return struct.pack("<III", len(content) | INLINE, 0, 0) + content
        case _ if column.kind == OLE:
            return struct.pack("<III", len(value) | INLINE, 0, 0) + bytes(value)
        case _:
            return bytes(value)


def numeric(number: int) -> bytes:
    words = abs(number).to_bytes(16, "big")
    return bytes([0x80 if number < 0 else 0]) + b"".join(words[at : at + 4][::-1] for at in range(0, 16, 4))


def long_date(days: int, ticks: int) -> bytes:
    """Days from 1 January 1 and hundreds of nanoseconds within the day, in digits."""
    return b"%019d:%019d:7\0" % (days, ticks)


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
