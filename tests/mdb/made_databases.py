"""The databases that the reader's tests make, and the reading of them."""

import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from jet4_writer import (
    BINARY,
    BOOLEAN,
    BYTE,
    COMPLEX,
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

from pipeline.mdb import Database, TableRead, open_database
from pipeline.mdb.definition import StoredColumn, StoredTable

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


def copied(source: Path, made: Made, changed: Mapping[tuple[str, str], Column] | None = None) -> Made:
    """Write the tables of a database into another one, in its format; ``changed``: columns that shall be others.

    Such a column keeps its values where it is of text, and else has none.
    """
    with open_database(source) as database:
        for name, table in database.tables.items():
            columns = [
                (changed or {}).get((name, column.name), same_column(column))
                for column in cast(StoredTable, table).stored
            ]
            rows = [
                {column.name: stored_value(made, column, row[column.name]) for column in columns}
                for row in database.read(name).table.to_pylist()
            ]
            made.add(Table(name, columns, rows, reference_map=True))
    return made


def same_column(column: StoredColumn) -> Column:
    return Column(column.name, column.kind, column.width, column.precision, column.scale, column.is_fixed)


def stored_value(made: Made, column: Column, value: Any) -> Any:
    """What is to be written for a value that was read. Every other memo lies on a page of its own, some on several."""
    if column.more_flags or column.kind == COMPLEX:
        return None
    match value:
        case datetime():
            return (value - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001 - as Access keeps them
        case str():
            # A code page has not every character.
            content = value.encode(made.form.text, "replace")
            if column.kind == MEMO and len(value) % 2:
                return made.memo_chain(content, piece=16) if len(value) % 3 else made.memo_single(content)
            return content.decode(made.form.text)
        case _:
            return value


def read(built: Built, path: Path, table: str = "T", columns: list[str] | None = None) -> TableRead:
    with open_database(built.write(path / "made.mdb")) as database:
        found = database.read(table, columns)
        assert_distinct_texts_are_the_same(database, table, found)
        return found


def assert_distinct_texts_are_the_same(database: Database, table: str, found: TableRead) -> None:
    """Read a table once more, as files of many rows are read: the same rows, and the same places that are broken."""
    scan = database.scan(table, found.table.column_names, distinct=True)
    again = pa.Table.from_batches(list(scan), scan.schema).unify_dictionaries()
    again.validate(full=True)
    assert again.to_pylist() == found.table.to_pylist()
    assert (scan.read_rows, scan.damage) == (found.read_rows, found.damage)
    for column in again.columns:
        if pa.types.is_dictionary(column.type) and column.num_chunks:
            texts = column.chunk(0).dictionary.to_pylist()
            assert len(set(texts)) == len(texts)
            assert None not in texts


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
