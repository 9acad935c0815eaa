"""Does the file have the tables, columns and types that the pack's mapping stands on?"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from checklists.model import ColumnType, Files, SchemaPolicy, Severity, SourceTable
from pipeline.findings import Finding, Findings
from pipeline.reading import Reading, ReadTable

# Access has several types for what is one thing to a mapping: a text that grew long is a memo, a count may be a byte.
ALIKE: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text", "memo"}),
    "memo": frozenset({"text", "memo"}),
    "decimal": frozenset({"decimal", "currency"}),
    "currency": frozenset({"currency", "decimal"}),
}


def judge_schema(reading: Reading, files: Files, findings: Findings) -> list[Finding]:
    """Compare what was read with files.yaml; names without case."""
    found: list[Finding] = []
    tables = {name.casefold(): table for name, table in reading.tables.items()}
    linked = {name.casefold() for name in reading.linked_tables}
    for name, wanted in files.tables.items():
        table = tables.get(name.casefold())
        if table is None:
            if name.casefold() in linked:
                # Optional or not: there are rows, and they are somewhere else.
                found.append(findings.make("UNKNOWN_SCHEMA", "schema", {"table": name}, variant="linked"))
            elif wanted.required:
                found.append(findings.make("UNKNOWN_SCHEMA", "schema", {"table": name}))
            continue
        found.extend(_judge_columns(name, wanted, table, files, findings))
    known = {name.casefold() for name in files.tables}
    severity = _severity(files.unknown_table)
    if severity is not None:
        found.extend(
            findings.make("EXTRA_SCHEMA", "schema", {"table": table.name, "rows": table.count.read}, severity=severity)
            for key, table in tables.items()
            if key not in known
        )
    return found


def _judge_columns(name: str, wanted: SourceTable, table: ReadTable, files: Files, findings: Findings) -> list[Finding]:
    found: list[Finding] = []
    columns = {column.casefold(): (column, kind) for column, kind in table.columns}
    optional = {column.casefold() for column in wanted.optional_columns}
    for column, expected in wanted.columns.items():
        here = columns.get(column.casefold())
        if here is None:
            if column.casefold() not in optional:
                evidence = {"table": name, "column": column}
                found.append(findings.make("UNKNOWN_SCHEMA", "schema", evidence, variant="column"))
        elif here[1] not in ALIKE.get(expected, frozenset({expected})):
            evidence = {"table": name, "column": column, "found": here[1], "expected": expected}
            found.append(findings.make("UNKNOWN_SCHEMA", "schema", evidence, variant="type"))
    known = {column.casefold() for column in wanted.columns}
    severity = _severity(files.unknown_column)
    if severity is not None:
        for key, (column, _) in columns.items():
            if key not in known:
                evidence = {"table": name, "column": column}
                found.append(findings.make("EXTRA_SCHEMA", "schema", evidence, variant="column", severity=severity))
    return found


def _severity(policy: SchemaPolicy) -> Severity | None:
    return None if policy == "ignore" else policy


def source_tables(reading: Reading, files: Files) -> dict[str, pa.Table]:
    """Return the rows under files.yaml's names; an optional table or column that is absent is there, all NULL."""
    read = {name.casefold(): table.rows for name, table in reading.tables.items()}
    return {name: _complete(wanted, read.get(name.casefold())) for name, wanted in files.tables.items()}


def _complete(wanted: SourceTable, rows: pa.Table | None) -> pa.Table:
    count = 0 if rows is None else rows.num_rows
    present = {} if rows is None else {name.casefold(): rows.column(name) for name in rows.column_names}
    columns = {
        column: present.get(column.casefold(), pa.nulls(count, arrow_type(kind)))
        for column, kind in wanted.columns.items()
    }
    return pa.table(columns)


def arrow_type(kind: ColumnType) -> pa.DataType:
    """The Arrow type that stands for an absent column of this kind."""
    types: Mapping[ColumnType, pa.DataType] = {
        "text": pa.string(),
        "memo": pa.string(),
        "guid": pa.string(),
        "integer": pa.int64(),
        "decimal": pa.decimal128(19, 4),
        "currency": pa.decimal128(19, 4),
        "double": pa.float64(),
        "date": pa.timestamp("s"),
        "boolean": pa.bool_(),
        "binary": pa.binary(),
    }
    return types[kind]


def text_columns(tables: Mapping[str, pa.Table]) -> Sequence[tuple[str, str, pa.ChunkedArray]]:
    """All columns that hold text, be it each distinct one once: (table, column, values)."""
    return [
        (name, column.name, table.column(column.name))
        for name, table in tables.items()
        for column in table.schema
        if pa.types.is_string(column.type)
        or pa.types.is_large_string(column.type)
        or pa.types.is_dictionary(column.type)
    ]
