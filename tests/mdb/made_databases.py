"""The databases that the reader's tests make, and the reading of them."""

import struct
from functools import cache
from pathlib import Path
from typing import Any

from jet4_writer import (
    BINARY,
    BOOLEAN,
    BYTE,
    DATE,
    DOUBLE,
    GUID,
    INT16,
    INT32,
    MEMO,
    MONEY,
    NUMERIC,
    OLE,
    PAGE,
    SINGLE,
    TEXT,
    Built,
    Column,
    Made,
    Table,
)

from pipeline.mdb import TableRead, open_database

SAMPLE = Path(__file__).parents[1] / "data" / "telefonica_es" / "202610_ACME-IBERICA_SOFIA.mdb"
LONG = "aé€ " * 4000

EVERY_KIND = (
    Column("Número de línea", INT32),
    Column("text", TEXT, 100),
    Column("yes", BOOLEAN),
    Column("memo", MEMO),
    Column("guid", GUID),
    Column("numeric", NUMERIC, precision=12, scale=3),
    Column("money", MONEY),
    Column("date", DATE),
    Column("ole", OLE),
    Column("byte", BYTE),
    Column("int16", INT16),
    Column("single", SINGLE),
    Column("double", DOUBLE),
    Column("binary", BINARY, 50),
    Column("fixed text", TEXT, 8, is_fixed=True),
)
FULL = {
    "Número de línea": -7,
    "text": "Ángel €",
    "yes": True,
    "memo": "in the row",
    "guid": "00112233-4455-6677-8899-aabbccddeeff",
    "numeric": "-123456789.012",
    "money": "-922337203685477.5808",
    "date": -1.25,
    "ole": b"\0\1\2",
    "byte": 255,
    "int16": -32768,
    "single": 1.5,
    "double": -0.1,
    "binary": b"\0z",
    "fixed text": "abcd",
}


@cache
def first_page() -> bytes:
    return SAMPLE.read_bytes()[:PAGE]


def made() -> Made:
    return Made(first_page())


def read(built: Built, path: Path, table: str = "T", columns: list[str] | None = None) -> TableRead:
    with open_database(built.write(path / "made.mdb")) as database:
        return database.read(table, columns)


def one_column(kind: int, values: list[Any], **how: Any) -> Built:
    base = made()
    base.add(Table("T", [Column("c", kind, **how)], [{"c": value} for value in values]))
    return base.build()


def value_of(found: TableRead, column: str = "c") -> list[Any]:
    assert found.damage == ()
    assert found.read_rows == found.declared_rows
    found.table.validate(full=True)
    return list(found.table.column(column).to_pylist())


def place_of(page: int, number: int) -> int:
    """Where the entry of a row is in the file."""
    return page * PAGE + 14 + 2 * number


def poke(built: Built, place: int, form: str, value: int) -> None:
    struct.pack_into(form, built.content, place, value)


def column_place(table: Table, number: int) -> int:
    return table.page * PAGE + 0x3F + 25 * number
