"""The call details are looked at by the values that stand for them: no row may hide behind that."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from checklists.model import Pack
from pipeline import controls, detail
from pipeline.canonical import VIEWS
from pipeline.csvfile import CsvFormat, write_csv
from pipeline.database import Database
from pipeline.errors import ConfigurationError
from pipeline.findings import Findings
from pipeline.mapping import SQL_TYPES, check_values, data_findings
from pipeline.output import make_usage_rows
from pipeline.output_layout import usage_columns
from pipeline.sql import statement

ROWS = detail.ROWS_AT_ONCE + 50
GOOD = {
    "id": "'CALLS#' || lpad(CAST(n AS VARCHAR), 7, '0')",
    "invoice_number": "'F' || n % 3",
    "line_ref": "'60000000' || n % 7",
    "at": "TIMESTAMP '2026-10-01' + to_seconds(n)",
    "kind": "'VOICE'",
    "direction": "CASE WHEN n % 2 = 0 THEN 'OUT' END",
    "dialled": "'+346' || n % 50",
    "destination": "'Móvil'",
    "country": "CAST(NULL AS VARCHAR)",
    "roaming": "n % 2 = 0",
    "seconds": "CAST(n AS BIGINT)",
    "kbytes": "CAST(n AS DOUBLE)",
    "net": "CAST(n AS DECIMAL(18, 4))",
}
LAST = ROWS - 1


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path) as database:
        numbers = database.arrow(f"SELECT range AS n FROM range({ROWS})")
        database.add("source", "CALLS", numbers)
        database.look_in("source", "canonical")
        for name, view in VIEWS.items():
            if name != "usage":
                columns = ", ".join(
                    f'CAST(NULL AS {SQL_TYPES.get(wanted.type, wanted.type)}) AS "{column}"'
                    for column, wanted in view.columns.items()
                )
                database.execute(f"CREATE TABLE canonical.{name} AS SELECT {columns} WHERE false")
        yield database


def kept(database: Database, column: str | None = None, at_the_end: str = "") -> None:
    """Keep good call details; in the last one a column may hold something else."""
    columns = dict(GOOD)
    if column is not None:
        columns[column] = f"CASE WHEN n = {LAST} THEN {at_the_end} ELSE {GOOD[column]} END"
    select = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
    detail.keep(database, "usage", f'SELECT {select} FROM "CALLS"')
    database.look_in("canonical", "source")


def test_all_rows_are_kept_in_their_order_whatever_the_parts(database: Database) -> None:
    kept(database)
    assert database.kept["usage"].num_rows == ROWS
    assert database.value("SELECT count(*) FROM usage WHERE seconds <> rowid") == 0
    assert database.kept["usage"].column("kind").chunk(0).dictionary == pa.array(["VOICE"])
    check_values(database)


def test_a_select_that_is_more_than_its_rows_one_by_one_is_not_taken_apart(database: Database) -> None:
    numbered = {**GOOD, "seconds": "row_number() OVER ()"}
    select = ", ".join(f'{sql} AS "{name}"' for name, sql in numbered.items())
    detail.keep(database, "usage", f'SELECT {select} FROM "CALLS"')
    assert database.value("SELECT max(seconds) FROM canonical.usage") == ROWS


@pytest.mark.parametrize(
    ("column", "value"), [("kind", "'SMS'"), ("kind", "NULL"), ("line_ref", "NULL"), ("net", "NULL")]
)
def test_sums_by_the_places_of_texts_are_those_by_the_texts(
    database: Database, pack: Pack, column: str, value: str
) -> None:
    kept(database, column, value)
    assert pack.files is not None
    controls.prepare_policy(database, pack.files)
    controls.derive(database)
    texts = statement("usage_sum")
    assert database.value("SELECT sum(rows) FROM usage_sum") == ROWS
    assert database.count("usage_sum") == database.value(f"SELECT count(*) FROM ({texts})")
    assert database.rows(f"FROM usage_sum EXCEPT ALL ({texts})") == []


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("id", "NULL", "NULL_KEY"),
        ("id", "''", "NULL_KEY"),
        ("id", "'  '", "NULL_KEY"),
        ("invoice_number", "NULL", "NULL_KEY"),
        ("line_ref", "'   '", "NULL_KEY"),
        ("at", "NULL", "BAD_DATE"),
        ("at", "TIMESTAMP '1899-12-30'", "BAD_DATE"),
        ("at", "TIMESTAMP '2100-01-01'", "BAD_DATE"),
        ("kbytes", "'nan'::DOUBLE", "BAD_AMOUNT"),
        ("kbytes", "'-inf'::DOUBLE", "BAD_AMOUNT"),
        ("kbytes", "1e15", "BAD_AMOUNT"),
        ("net", "NULL", "BAD_AMOUNT"),
    ],
)
def test_one_fault_among_all_rows_is_found_with_its_row(database: Database, column: str, value: str, code: str) -> None:
    kept(database, column, value)
    (finding,) = [one for one in data_findings(database, Findings()) if one.evidence["view"] == "usage"]
    assert (finding.code, finding.evidence["column"]) == (code, column)
    assert (finding.evidence["row"], finding.evidence["count"]) == (ROWS, 1)


@pytest.mark.parametrize(("column", "value"), [("kind", "'FAX'"), ("kind", "NULL"), ("direction", "'UP'")])
def test_one_value_outside_its_closed_list_is_refused(database: Database, column: str, value: str) -> None:
    kept(database, column, value)
    with pytest.raises(ConfigurationError):
        check_values(database)


@pytest.mark.parametrize(
    ("column", "value", "cell"),
    [
        ("destination", "'=1+1'", b"'=1+1"),
        ("country", "'@SUM'", b"'@SUM"),
        ("dialled", "'-x'", b"'-x"),
        ("id", "'=x#1'", b"'=x#1"),
        ("id", "chr(9) || '=x#1'", b"'\t=x#1"),
        ("destination", "'a;b'", b'"a;b"'),
    ],
)
def test_one_formula_among_all_rows_is_guarded(
    database: Database, tmp_path: Path, column: str, value: str, cell: bytes
) -> None:
    kept(database, column, value)
    database.execute(f"CREATE TABLE canonical.usage_order AS {statement('usage_order')}")
    make_usage_rows(database)
    write_csv(database, "usage_row", usage_columns(), CsvFormat(), tmp_path / "usage.csv")
    lines = (tmp_path / "usage.csv").read_bytes().split(b"\r\n")
    assert len(lines) == ROWS + 2
    assert sum(cell in line.split(b";") or cell in line for line in lines) == 1
