"""The reader against databases made here: structures that the synthetic billing files do not have."""

import os
import shutil
import struct
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jet4_writer import (
    BOOLEAN,
    DATE,
    INLINE,
    INT32,
    MEMO,
    MONEY,
    NUMERIC,
    OLE,
    TEXT,
    Column,
    Raw,
    Row,
    Table,
    compressed,
    numeric,
)
from made_databases import EVERY_KIND, FULL, LONG, made, one_column, read, value_of

from pipeline.mdb import open_database


def test_every_type_is_read_exactly_and_null_is_not_empty(tmp_path: Path) -> None:
    base = made()
    base.add(Table("T", EVERY_KIND, [FULL, {}, {"text": "", "memo": ""}]))
    found = read(base.build(), tmp_path)
    assert found.damage == ()
    full, null, empty = found.table.to_pylist()
    assert full == FULL | {
        "guid": "{00112233-4455-6677-8899-AABBCCDDEEFF}",
        "numeric": Decimal("-123456789.012"),
        "money": Decimal("-922337203685477.5808"),
        "date": datetime(1899, 12, 29, 6),  # noqa: DTZ001 - Access keeps local times without a zone
    }
    assert null == dict.fromkeys(FULL) | {"yes": False}
    assert (empty["text"], empty["memo"]) == ("", "")


def test_types_and_names_are_told_as_the_packs_have_them(tmp_path: Path) -> None:
    base = made()
    base.add(Table("Mi Tabla", EVERY_KIND))
    with open_database(base.build().write(tmp_path / "made.mdb")) as database:
        columns = database.tables["Mi Tabla"].columns
    assert [column.name for column in columns] == [column.name for column in EVERY_KIND]
    assert [column.type for column in columns] == [
        *("integer", "text", "boolean", "memo", "guid", "decimal", "currency", "date"),
        *("binary", "integer", "integer", "double", "double", "binary", "text"),
    ]
    assert columns[5].arrow_type == pa.decimal128(12, 3)
    assert columns[6].arrow_type == pa.decimal128(19, 4)


def test_mdb_export_reads_what_is_made_here(tmp_path: Path) -> None:
    if shutil.which("mdb-export") is None:
        reason = "the Debian package mdbtools is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    base = made()
    memos = [base.memo_single(compressed("one page")), base.memo_chain(LONG.encode("utf-16-le")), "in the row"]
    # No deleted row: mdbtools has the flags of deleted and moved rows the wrong way round, and would show it.
    rows = [{"n": number, "m": memo} for number, memo in enumerate(memos)]
    base.add(Table("T", [Column("n", INT32), Column("m", MEMO)], rows))
    path = base.build().write(tmp_path / "made.mdb")
    command = ["mdb-export", "-H", "-d", "|", "-R", "^", "-Q", str(path), "T"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("^")[:-1]
    with open_database(path) as database:
        assert [f"{row['n']}|{row['m']}" for row in database.read("T").table.to_pylist()] == lines


@pytest.mark.parametrize("reference_map", [False, True])
def test_rows_on_many_pages_are_found_by_either_usage_map(tmp_path: Path, reference_map: bool) -> None:
    base = made()
    rows = [{"n": number} for number in range(3000)]
    base.add(Table("T", [Column("n", INT32)], rows, reference_map=reference_map))
    assert sorted(value_of(read(base.build(), tmp_path), "n")) == list(range(3000))


def test_a_definition_may_go_over_several_pages(tmp_path: Path) -> None:
    columns = [Column(f"a column with quite a long name, {number}", TEXT, 10) for number in range(255)]
    base = made()
    base.add(Table("T", columns, [{columns[0].name: "first", columns[254].name: "last"}]))
    found = read(base.build(), tmp_path)
    assert found.table.num_columns == 255
    row = found.table.to_pylist()[0]
    assert (row[columns[0].name], row[columns[1].name], row[columns[254].name]) == ("first", None, "last")


def test_variable_columns_may_begin_beyond_the_255th_byte(tmp_path: Path) -> None:
    columns = [Column(f"t{number}", TEXT, 255) for number in range(7)]
    values = {column.name: chr(ord("a") + number) * 250 for number, column in enumerate(columns)}
    base = made()
    base.add(Table("T", columns, [values]))
    assert read(base.build(), tmp_path).table.to_pylist() == [values]


def test_deleted_moved_and_older_rows(tmp_path: Path) -> None:
    columns = [Column("n", INT32), Column("b", BOOLEAN), Column("t", TEXT, 50), Column("later", INT32)]
    rows: list[Row | Mapping[str, Any]] = [
        {"n": 1, "t": "plain", "later": 10},
        Row({"n": 2, "t": "deleted"}, deleted=True),
        Row({"n": 3, "b": True, "t": "moved", "later": 30}, moved=True),
        Row({"n": 4, "t": "before the last column"}, columns=3),
        Row({"n": 5, "b": True}, columns=2),
        Row({"n": 6}, columns=1),
    ]
    base = made()
    base.add(Table("T", columns, rows, declared=5))
    found = read(base.build(), tmp_path)
    assert found.damage == ()
    assert found.read_rows == found.declared_rows == 5
    assert sorted(tuple(row.values()) for row in found.table.to_pylist()) == [
        (1, False, "plain", 10),
        (3, True, "moved", 30),
        (4, False, "before the last column", None),
        (5, True, None, None),
        (6, False, None, None),
    ]


@pytest.mark.parametrize("text", ["", "a", "memo", LONG])
@pytest.mark.parametrize("kept", ["single", "chain"])
def test_long_values_on_pages_of_their_own(tmp_path: Path, text: str, kept: str) -> None:
    base = made()
    short = text[:1900]
    cell = (
        base.memo_single(short.encode("utf-16-le")) if kept == "single" else base.memo_chain(text.encode("utf-16-le"))
    )
    base.add(Table("T", [Column("c", MEMO)], [{"c": cell}]))
    assert value_of(read(base.build(), tmp_path)) == [short if kept == "single" else text]


def test_a_long_value_of_more_than_16_mib_is_whole(tmp_path: Path) -> None:
    content = bytes(range(256)) * (66 << 10)
    base = made()
    base.add(Table("T", [Column("c", OLE)], [{"c": base.memo_chain(content, piece=4060)}]))
    assert value_of(read(base.build(), tmp_path)) == [content]


def test_linked_and_system_tables_are_no_user_tables(tmp_path: Path) -> None:
    base = made()
    for name, kind, flags in (("T", 1, 0), ("Enlace", 6, 0), ("ODBC", 4, 0), ("Query", 5, 0), ("Own", 1, 2)):
        base.add(Table(name, [Column("a", INT32)], kind=kind, flags=flags))
    base.add(Table("MSysAccessStorage", [Column("a", INT32)]))
    with open_database(base.build().write(tmp_path / "made.mdb")) as database:
        assert list(database.tables) == ["T"]
        assert sorted(database.linked_tables) == ["Enlace", "ODBC"]


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    with open_database(one_column(INT32, [1]).write(tmp_path / "made.mdb")) as database:
        database.close()


# Values, in a whole file each.

moments = st.datetimes(datetime(100, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999000)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


def ole_days(moment: datetime) -> float:
    """The whole days of a moment, and its time as a fraction that counts away from zero."""
    since = moment - datetime(1899, 12, 30)  # noqa: DTZ001 - Access keeps local times without a zone
    fraction = timedelta(seconds=since.seconds, microseconds=since.microseconds) / timedelta(days=1)
    return since.days - fraction if since.days < 0 else since.days + fraction


several = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@several
@given(st.lists(st.none() | moments, min_size=1, max_size=20))
def test_dates_are_exact_to_the_millisecond(tmp_path: Path, given_moments: list[datetime | None]) -> None:
    days = [None if moment is None else ole_days(moment) for moment in given_moments]
    assert value_of(read(one_column(DATE, days), tmp_path)) == given_moments


@several
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_currency_is_exact(tmp_path: Path, amounts: list[int | None]) -> None:
    cells = [None if amount is None else Raw(struct.pack("<q", amount)) for amount in amounts]
    wanted = [None if amount is None else Decimal(amount).scaleb(-4) for amount in amounts]
    assert value_of(read(one_column(MONEY, cells), tmp_path)) == wanted


@several
@given(st.data(), st.integers(1, 28))
def test_numerics_are_exact(tmp_path: Path, data: st.DataObject, precision: int) -> None:
    scale = data.draw(st.integers(0, precision))
    largest = 10**precision - 1
    numbers = data.draw(st.lists(st.none() | st.integers(-largest, largest), min_size=1, max_size=20))
    cells = [None if number is None else Raw(numeric(number)) for number in numbers]
    built = one_column(NUMERIC, cells, precision=precision, scale=scale)
    wanted = [None if number is None else Decimal(number).scaleb(-scale) for number in numbers]
    assert value_of(read(built, tmp_path)) == wanted


@several
@given(st.lists(st.lists(st.none() | st.integers(-9, 9), min_size=19, max_size=19), min_size=1, max_size=8))
def test_null_masks_of_several_bytes(tmp_path: Path, rows: list[list[int | None]]) -> None:
    kinds = [BOOLEAN if number % 3 == 0 else INT32 for number in range(19)]
    columns = [Column(f"c{number}", kind) for number, kind in enumerate(kinds)]
    base = made()
    base.add(Table("T", columns, [{f"c{number}": value for number, value in enumerate(row)} for row in rows]))
    wanted = [[bool(v) if kind == BOOLEAN else v for kind, v in zip(kinds, row, strict=True)] for row in rows]
    assert [list(row.values()) for row in read(base.build(), tmp_path).table.to_pylist()] == wanted


narrow = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=60)
# A character whose low byte is NUL has no place in the wide part of a compressed text.
mixed = st.text(st.sampled_from("abÁñ€Łя中"), max_size=60)
wide = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(lambda text: not text.startswith("\ufeff"))
stored = st.one_of(
    st.tuples(narrow | mixed, st.just("compressed")), st.tuples(wide, st.just("wide")), st.just((None, "null"))
)


@several
@given(st.lists(stored, min_size=1, max_size=12), st.sampled_from([TEXT, MEMO]))
def test_text_is_exact_however_it_is_stored(tmp_path: Path, texts: list[tuple[str | None, str]], kind: int) -> None:
    cells: list[Raw | None] = []
    for text, how in texts:
        if text is None:
            cells.append(None)
            continue
        content = compressed(text) if how == "compressed" else text.encode("utf-16-le")
        cells.append(Raw(content if kind == TEXT else struct.pack("<III", len(content) | INLINE, 0, 0) + content))
    assert value_of(read(one_column(kind, cells), tmp_path)) == [text for text, _ in texts]
