"""A first mapping by names: it runs, it proposes what is clear, and it marks everything else."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from checklists.model import ColumnType
from checklists.sql import mapping_problems
from pipeline.canonical import VIEWS
from pipeline.database import Database
from pipeline.inspection import ColumnSummary, TableSummary, inspect_file
from pipeline.mapping import map_tables
from pipeline.mapping_draft import draft_mapping
from pipeline.mapping_hints import concepts_of, hints, phrases
from pipeline.result import TableRows
from pipeline.schema import arrow_type

Columns = dict[str, ColumnType]


def table(name: str, columns: Columns, rows: int = 3) -> TableSummary:
    summaries = tuple(ColumnSummary(column, kind) for column, kind in columns.items())
    return TableSummary(name, summaries, TableRows(rows, rows), ())


def views(mapping: str) -> dict[str, str]:
    """The text of each view by its name."""
    parts = mapping.split("CREATE VIEW ")[1:]
    return {part.split()[0]: part for part in parts}


def line(view: str, column: str) -> str:
    return next(each.strip() for each in view.splitlines() if f" AS {column}" in each)


def run(tables: list[TableSummary], scratch: Path) -> None:
    """Map the tables, which have no rows: names and types must be right all the same."""
    with Database(scratch) as database:
        for one in tables:
            empty = {column.name: pa.nulls(0, arrow_type(column.type)) for column in one.columns}
            database.add("source", one.name, pa.table(empty))
        map_tables(database, draft_mapping(tables))


def test_the_draft_for_the_sample_runs_and_finds_what_its_names_say(october: Path, tmp_path: Path) -> None:
    found = inspect_file(october, tmp_path / "rows")
    assert list((tmp_path / "rows").iterdir()) == []
    mapping = draft_mapping(found.tables)
    assert mapping_problems("mapping.sql", mapping) == []
    run(list(found.tables), tmp_path)
    sources = {name: view.rstrip().splitlines()[-1] for name, view in views(mapping).items()}
    assert sources == {
        "header": 'FROM "SOPORTE";',
        "invoice": 'FROM "FACTURAS";',
        "tax": 'FROM "RESUMEN_IVA";',
        "line": 'FROM "ABONADOS";',
        "charge": 'FROM "CUOTAS";',
        "usage": 'FROM "DETALLE_LLAMADAS";',
    }
    charge, invoice = views(mapping)["charge"], views(mapping)["invoice"]
    assert line(charge, "id") == "'CUOTAS#' || \"ID\" AS id,"
    assert line(charge, "net") == 'CAST("IMPORTE" AS DECIMAL(18, 4)) AS net,'
    assert line(invoice, "supplier_tax_id") == '"CIF_EMISOR" AS supplier_tax_id,'
    assert line(invoice, "type").startswith('"TIPO" AS type,  -- GAP: a CASE from the operator\'s values to INVOICE')
    assert line(invoice, "customer_name").endswith('perhaps "NOMBRE" of "CLIENTES", with a join')


def test_tables_that_nobody_knows_give_views_without_rows_that_run(tmp_path: Path) -> None:
    tables = [table("Fruit", {"Fibre": "integer", "Vit A": "double"})]
    mapping = draft_mapping(tables)
    assert mapping_problems("mapping.sql", mapping) == []
    run(tables, tmp_path)
    gaps = [each for each in mapping.splitlines() if "-- GAP: " in each]
    assert len(gaps) == len(VIEWS) + sum(len(view.columns) for view in VIEWS.values())


@pytest.mark.parametrize(
    ("table_name", "columns", "expected"),
    [
        ("Rechnungen", {"RechnungsNr": "text", "Rechnung Nr": "integer"}, 'CAST("Rechnung Nr" AS VARCHAR) AS number,'),
        ("Invoices", {"InvoiceNo": "text"}, '"InvoiceNo" AS number,'),
        ("Factures", {"N° de la facture": "text"}, '"N° de la facture" AS number,'),
        ("Fatture", {"Numero fattura": "memo"}, '"Numero fattura" AS number,'),
    ],
)
def test_names_are_understood_in_several_languages(table_name: str, columns: Columns, expected: str) -> None:
    assert line(views(draft_mapping([table(table_name, columns)]))["invoice"], "number") == expected


def test_two_columns_that_could_be_one_are_left_to_a_person() -> None:
    mapping = draft_mapping([table("Invoices", {"InvoiceNo": "text", "NUM_INVOICE": "text", "Currency": "text"})])
    said = line(views(mapping)["invoice"], "number")
    assert said.startswith("CAST(NULL AS VARCHAR) AS number,  -- GAP: needed")
    assert said.endswith('perhaps "InvoiceNo" or "NUM_INVOICE"')


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        ("Total", "double", 'CAST("Total" AS DECIMAL(18, 2)) AS gross,'),
        ("Total", "text", "CAST(replace(\"Total\", ',', '.') AS DECIMAL(18, 2)) AS gross,  -- GAP: amounts as text"),
        ("Total", "date", "CAST(NULL AS DECIMAL(18, 2)) AS gross,  -- GAP: needed"),
        ("Date", "text", 'CAST(NULL AS DATE) AS issued,  -- GAP: "Date" is text: strptime("Date", \'…\')'),
    ],
)
def test_a_type_that_needs_a_decision_is_a_gap(column: str, kind: ColumnType, expected: str, tmp_path: Path) -> None:
    tables = [table("Invoices", {"Number": "text", column: kind})]
    run(tables, tmp_path)
    invoice = views(draft_mapping(tables))["invoice"]
    assert line(invoice, "issued" if column == "Date" else "gross").startswith(expected)


@pytest.mark.parametrize(("at", "seconds", "is_asked"), [("Date", "Duration", True), ("DateTime", "Seconds", False)])
def test_a_time_or_a_unit_that_a_name_does_not_tell_is_asked_for(at: str, seconds: str, is_asked: bool) -> None:
    usage = views(draft_mapping([table("Calls", {at: "date", seconds: "integer", "Amount": "currency"})]))["usage"]
    assert line(usage, "at").startswith(f'CAST("{at}" AS TIMESTAMP) AS at,')
    assert line(usage, "seconds").startswith(f'CAST("{seconds}" AS BIGINT) AS seconds,')
    assert ["GAP" in line(usage, column) for column in ("at", "seconds")] == [is_asked, is_asked]


def test_a_header_has_one_row_so_a_table_of_more_is_none() -> None:
    columns: Columns = {"Period": "text", "Total": "currency"}
    assert 'FROM "Header";' in views(draft_mapping([table("Header", columns, rows=1)]))["header"]
    assert "WHERE false;" in views(draft_mapping([table("Header", columns, rows=2)]))["header"]


def test_names_cannot_leave_their_quotes_or_comments(tmp_path: Path) -> None:
    hostile = "Calls\"; DROP TABLE x; --\nSELECT '1"
    tables = [
        table(hostile, {"Id": "text", "Amount": "currency", "Roaming": "boolean", "Country": "text", "Type": "text"}),
        table("Invoices", {"Number": "text", "Date\n; DROP": "text"}),
        table("x\ny", {"Name\nof; DROP TABLE y": "text", "Customer\n": "text"}),
    ]
    mapping = draft_mapping(tables)
    assert mapping_problems("mapping.sql", mapping) == []
    assert len(duckdb.extract_statements(mapping)) == len(VIEWS)
    run(tables, tmp_path)


def hinted() -> Iterator[tuple[str, str]]:
    for view, columns in hints().columns.items():
        for column in columns:
            yield view, column


def test_every_canonical_column_has_hints_and_nothing_else_has() -> None:
    assert set(hinted()) == {(name, column) for name, view in VIEWS.items() for column in view.columns}
    assert set(hints().tables) == set(VIEWS)
    for part in (hints().notes, hints().doubts):
        assert {(view, column) for view, columns in part.items() for column in columns} <= set(hinted())


def test_a_word_has_one_meaning_and_a_hint_is_made_of_meanings() -> None:
    words = [word for known in hints().words.values() for word in known]
    assert sorted(words) == sorted(set(words))
    assert not set(words) & set(hints().ignored)
    used = [text for columns in hints().columns.values() for texts in columns.values() for text in texts]
    used += [text for texts in hints().tables.values() for text in texts]
    assert {concept for phrase in phrases(used) for concept in phrase} <= set(hints().words)
    assert {doubt.unless for one in hints().doubts.values() for doubt in one.values()} <= set(hints().words)
    for concept, known in hints().words.items():
        assert {frozenset({concept})} == {concepts_of(word) for word in known}, concept
