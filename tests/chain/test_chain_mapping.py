"""The mapping's contract: what a pack's SQL may do, and what its views must give."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from checklists.model import Pack, PackCheck
from pipeline import controls
from pipeline.canonical import VIEWS
from pipeline.database import Database
from pipeline.errors import ConfigurationError
from pipeline.findings import Findings
from pipeline.identity import file_period
from pipeline.mapping import (
    SQL_TYPES,
    UnreadableValueError,
    check_values,
    data_findings,
    map_tables,
    selects_of,
    unreadable,
)

INVOICE_VALUES = {
    "type": "'INVOICE'",
    "issued": "DATE '2026-10-01'",
    "period_start": "DATE '2026-08-18'",
    "period_end": "DATE '2026-09-17'",
}
ONE_ROW = {"regime": "'IVA'", "kind": "'MOBILE'", "category": "'RECURRING'", "tax_regime": "'IVA'"}


def mapping(**changed: dict[str, str] | str) -> str:
    """A mapping of one row a view over no table at all; ``changed`` gives a view's columns or its whole SELECT."""
    statements = []
    for name, view in VIEWS.items():
        change = changed.get(name, {})
        if isinstance(change, str):
            statements.append(change)
            continue
        columns = []
        for column, wanted in view.columns.items():
            value = change.get(column) or _value(name, column, wanted.type)
            columns.append(f"{value} AS {column}")
        statements.append(f"CREATE VIEW {name} AS SELECT {', '.join(columns)}")
    return ";\n".join(statements) + ";"


def _value(view: str, column: str, kind: str) -> str:
    if view == "invoice" and column in INVOICE_VALUES:
        return INVOICE_VALUES[column]
    if (view, column) == ("header", "period"):
        return "'202610'"
    if view == "usage" and column == "kind":
        return "'VOICE'"
    if column in ONE_ROW:
        return ONE_ROW[column]
    sql = SQL_TYPES.get(kind, kind)
    if column in ("unit", "direction", "due", "starts", "ends"):
        return f"CAST(NULL AS {sql})"
    if sql == "VARCHAR":
        return "'x'"
    if sql in ("DATE", "TIMESTAMP"):
        return f"CAST('2026-09-01' AS {sql})"
    return f"CAST(1 AS {sql})"


@pytest.fixture
def mapped(tmp_path: Path) -> Callable[[str], Database]:
    def run(sql: str) -> Database:
        database = Database(tmp_path)
        map_tables(database, sql)
        check_values(database)
        return database

    return run


def test_a_mapping_that_keeps_the_contract(mapped: Callable[[str], Database]) -> None:
    database = mapped(mapping())
    assert data_findings(database, Findings()) == []
    assert {name: database.value(f"SELECT count(*) FROM canonical.{name}") for name in VIEWS} == dict.fromkeys(VIEWS, 1)


def test_the_pack_of_telefonica_is_a_mapping(pack: Pack) -> None:
    assert pack.mapping_sql is not None
    assert set(selects_of(pack.mapping_sql)) == set(VIEWS)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (mapping(tax="CREATE TABLE tax AS SELECT 1"), "only CREATE VIEW"),
        (mapping(tax="COPY (SELECT 1) TO 'x'"), "only CREATE VIEW"),
        (mapping(tax="DROP VIEW header"), "only CREATE VIEW"),
        (mapping(tax="CREATE VIEW tax AS SELECT 1; CREATE VIEW taxes AS SELECT 1"), "taxes is no canonical view"),
        (mapping(tax="CREATE VIEW header AS SELECT 1"), "header is created twice"),
        (mapping(tax="SELECT 1"), "only CREATE VIEW"),
        (";".join(mapping().split(";")[:-2]), "usage is missing"),
        ("CREATE VIEW header AS SELEC 1", "mapping.sql"),
    ],
)
def test_a_mapping_of_another_shape_is_refused(sql: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        selects_of(sql)


@pytest.mark.parametrize(
    ("view", "column", "value", "named"),
    [
        ("charge", "category", "'CUOTA'", "CUOTA"),
        ("charge", "category", "'ROUNDING'", "ROUNDING"),
        ("charge", "category", "CAST(NULL AS VARCHAR)", "NULL"),
        ("charge", "tax_regime", "CAST(NULL AS VARCHAR)", "NULL"),
        ("charge", "tax_rate", "CAST(NULL AS DECIMAL(5, 2))", "NULL"),
        ("charge", "tax_regime", "'NONE'", "NONE"),
        ("charge", "unit", "'MB'", "MB"),
        ("invoice", "type", "'F'", "F"),
        ("tax", "regime", "'VAT'", "VAT"),
        ("line", "kind", "'PHONE'", "PHONE"),
        ("usage", "kind", "'FAX'", "FAX"),
        ("usage", "direction", "'S'", "S"),
        ("charge", "net", "1.5::DOUBLE", "DOUBLE"),
        ("invoice", "gross", "CAST(1 AS DECIMAL(18, 4))", "DECIMAL(18,4)"),
        ("invoice", "issued", "TIMESTAMP '2026-10-01'", "TIMESTAMP"),
        ("invoice", "number", "1", "INTEGER"),
    ],
)
def test_a_value_or_type_outside_the_contract_is_named(
    view: str, column: str, value: str, named: str, mapped: Callable[[str], Database]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mapped(mapping(**{view: {column: value}}))

    assert (caught.value.view, caught.value.column, caught.value.value) == (view, column, named)
    assert view in str(caught.value)
    assert column in str(caught.value)


def test_a_missing_column_is_named(mapped: Callable[[str], Database]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mapped(mapping(header="CREATE VIEW header AS SELECT '202610' AS period"))
    assert (caught.value.view, caught.value.column) == ("header", "invoices")


def test_two_header_rows_are_refused(mapped: Callable[[str], Database]) -> None:
    columns = ", ".join(
        f"CAST(NULL AS {SQL_TYPES.get(c.type, c.type)}) AS {n}" for n, c in VIEWS["header"].columns.items()
    )
    with pytest.raises(ConfigurationError, match="2 rows"):
        mapped(mapping(header=f"CREATE VIEW header AS SELECT {columns} FROM range(2)"))


def test_names_without_case_a_column_list_and_wider_types_are_taken(mapped: Callable[[str], Database]) -> None:
    database = mapped(
        mapping(
            tax='CREATE OR REPLACE VIEW "TAX" (Invoice_Number, REGIME, rate, base, amount, extra) AS'
            " -- a comment; here\n"
            "SELECT 'x', 'IVA', CAST(21 AS TINYINT), CAST(1.5 AS DECIMAL(19, 4)), 2, 'kept' /* ; */"
        )
    )
    assert [str(row) for row in database.rows("FROM canonical.tax")] == [
        "{'invoice_number': 'x', 'regime': 'IVA', 'rate': Decimal('21.00'), 'base': Decimal('1.5000'),"
        " 'amount': Decimal('2.0000'), 'extra': 'kept'}"
    ]


def test_a_source_table_may_be_called_like_a_canonical_view(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        database.add("source", "TAX", pa.table({"n": ["from the file"]}))
        map_tables(
            database,
            mapping(
                tax="CREATE VIEW tax AS SELECT n AS invoice_number, 'IVA' AS regime, 21 AS rate, 1 AS base, 1 AS amount"
                ' FROM "TAX"'
            ),
        )
        assert database.value("SELECT invoice_number FROM tax") == "from the file"


@pytest.mark.parametrize(
    "table",
    [
        "read_text('{file}')",
        "read_csv('{file}')",
        "'{file}'",
        "read_blob('{file}')",
        "glob('{folder}/*')",
        "secret_of_the_process",
        "duckdb_secrets() JOIN read_text('{file}') ON true",
    ],
)
def test_a_mapping_cannot_read_files_or_the_process(table: str, tmp_path: Path) -> None:
    secret_of_the_process = pa.table({"invoice_number": ["x"]})
    assert secret_of_the_process.num_rows
    file = tmp_path / "secret.txt"
    file.write_text("secret", encoding="utf-8")
    table = table.format(file=file, folder=tmp_path)
    select = f"SELECT 'x' AS invoice_number, 'IVA' AS regime, 1 AS rate, 1 AS base, 1 AS amount FROM {table}"
    with Database(tmp_path / "scratch") as database, pytest.raises(ConfigurationError):
        map_tables(database, mapping(tax=f"CREATE VIEW tax AS {select}"))


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{folder}/stolen'",
        "SELECT 1; COPY (SELECT 1) TO '{folder}/stolen'",
        "ATTACH '{folder}/stolen'",
        "SET threads = 1",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "DROP TABLE invoice",
        "INSERT INTO invoice SELECT * FROM invoice",
        "SELECT * FROM read_text('{file}')",
    ],
)
def test_a_check_cannot_write_read_files_or_change_settings(sql: str, bill: Database, tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_text("secret", encoding="utf-8")
    check = PackCheck("hostile", "BAD_NIF", "warn", sql.format(file=file, folder=tmp_path))
    with pytest.raises(ConfigurationError):
        controls.run_pack(bill, [check], "totals", Findings())
    assert not (tmp_path / "stolen").exists()


def test_the_configuration_is_locked(bill: Database) -> None:
    for setting in ("enable_external_access = true", "threads = 1", "memory_limit = '100GB'"):
        with pytest.raises(Exception, match="locked"):
            bill.execute(f"SET {setting}")


@pytest.mark.parametrize(
    ("view", "column", "code"),
    [
        ("invoice", "number", "NULL_KEY"),
        ("charge", "invoice_number", "NULL_KEY"),
        ("usage", "id", "NULL_KEY"),
        ("invoice", "issued", "BAD_DATE"),
        ("invoice", "net", "BAD_AMOUNT"),
        ("charge", "net", "BAD_AMOUNT"),
    ],
)
def test_an_empty_value_of_the_file_is_a_finding_with_its_row(
    view: str, column: str, code: str, bill: Database
) -> None:
    bill.execute(f"UPDATE canonical.{view} SET {column} = NULL WHERE rowid = 0")

    (finding,) = data_findings(bill, Findings())

    assert finding.code == code
    assert (finding.evidence["view"], finding.evidence["column"], finding.evidence["row"]) == (view, column, 1)


def test_an_amount_that_the_operator_never_gives_is_no_fault(bill: Database) -> None:
    bill.execute("UPDATE line SET net = NULL")
    bill.execute("UPDATE usage SET net = NULL")
    assert data_findings(bill, Findings()) == []
    bill.execute("UPDATE line SET net = 1 WHERE rowid = 0")
    assert [finding.code for finding in data_findings(bill, Findings())] == ["BAD_AMOUNT"]


@pytest.mark.parametrize(
    "change",
    [
        "due = DATE '1899-12-30'",
        "issued = DATE '2199-01-01'",
        "period_end = period_start - 1",
    ],
)
def test_an_absurd_date_is_a_finding(change: str, bill: Database) -> None:
    bill.execute(f"UPDATE invoice SET {change}")
    assert [finding.code for finding in data_findings(bill, Findings())] == ["BAD_DATE"]


@pytest.mark.parametrize("kbytes", ["'inf'::DOUBLE", "'nan'::DOUBLE", "1e15", "-1e300"])
def test_an_absurd_number_is_a_finding(kbytes: str, bill: Database) -> None:
    bill.execute(f"UPDATE usage SET kbytes = {kbytes} WHERE rowid = 0")
    (finding,) = data_findings(bill, Findings())
    assert (finding.code, finding.evidence["column"]) == ("BAD_AMOUNT", "kbytes")


@pytest.mark.parametrize("month", ["../../etc", "202613", "2026-10", ""])
def test_a_header_month_that_is_none_is_a_finding_and_no_part_of_a_path(month: str, bill: Database) -> None:
    bill.execute("UPDATE header SET period = $month", {"month": month})
    assert [finding.code for finding in data_findings(bill, Findings())] == ["BAD_DATE"]
    assert file_period(bill, None) == "202610"


@pytest.mark.parametrize(
    ("view", "column", "value", "code"),
    [
        ("charge", "net", "CAST(n AS DECIMAL(18, 4))", "BAD_AMOUNT"),
        ("invoice", "due", "CAST(n AS DATE)", "BAD_DATE"),
    ],
)
def test_text_that_cannot_be_converted_is_a_finding_of_the_file(
    view: str, column: str, value: str, code: str, tmp_path: Path
) -> None:
    with Database(tmp_path) as database:
        database.add("source", "T", pa.table({"n": ["twelve"]}))
        base = mapping(**{view: {column: value}}).replace(f"AS {column}", f"AS {column}")
        sql = ";".join(
            statement + " FROM T" if f"VIEW {view} " in statement else statement for statement in base.split(";")
        )
        with pytest.raises(UnreadableValueError) as caught:
            map_tables(database, sql)

    finding = unreadable(caught.value, Findings())
    assert (finding.code, finding.evidence["view"], finding.evidence["column"]) == (code, view, column)
    assert "twelve" in finding.message.en
