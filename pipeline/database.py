"""The confined DuckDB connection on which a pack's SQL and the controls run.

It sees the tables it is given and nothing else: no file, no network, no extension, no Python variable, and its
configuration is locked before any pack SQL runs. Files are written elsewhere, from Arrow.
Schema ``source`` has the operator's tables under their own names, ``canonical`` the mapped views (materialised).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import duckdb
import pyarrow as pa

from pipeline.errors import ConfigurationError

MEMORY_LIMIT = "512MB"
Value = str | int | bool | date | datetime | Decimal | float | None
Row = dict[str, Value]
Schema = Literal["source", "canonical"]
# DuckDB's names for what it does with one row at a time, and for the reading of an Arrow table.
ROW_BY_ROW, SCAN = frozenset({"PROJECTION", "FILTER"}), "PYTHON_ARROW_SCAN"
ENDING = re.compile(r";(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*\Z", re.DOTALL)


class Reads(NamedTuple):
    """What a SELECT reads: a source table, and which of its columns; none where that is not known."""

    table: str
    columns: tuple[str, ...]


def quoted(identifier: str) -> str:
    """Return an SQL identifier in quotes."""
    return '"' + identifier.replace('"', '""') + '"'


class Database:
    """One in-memory database of one run. ``scratch`` is where it spills; a context manager."""

    def __init__(self, scratch: Path) -> None:
        self._connection = duckdb.connect(
            config={"temp_directory": str(scratch / "spill"), "memory_limit": MEMORY_LIMIT}
        )
        for statement in (
            "CREATE SCHEMA source",
            "CREATE SCHEMA canonical",
            "SET python_enable_replacements = false",
            # It would be drawn on standard output, which is for the one JSON object of `check --json`.
            "SET enable_progress_bar = false",
            "SET autoinstall_known_extensions = false",
            "SET autoload_known_extensions = false",
            "SET allow_community_extensions = false",
            "SET preserve_insertion_order = true",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            self._connection.execute(statement)
        # Arrow tables by schema and name, and what DuckDB calls them.
        self._registered: dict[tuple[Schema, str], tuple[str, pa.Table]] = {}
        # The canonical tables that are Arrow's, for what Arrow does with them without SQL.
        self.kept: dict[str, pa.Table] = {}
        self._standing: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory and the spilled files."""
        self._connection.close()

    def add(self, schema: Schema, name: str, table: pa.Table, *, more: str = "") -> None:
        """Make an Arrow table readable under ``name``, without copying it; ``more`` is SQL that follows its columns."""
        hidden = f"arrow_{len(self._registered)}"
        self._registered[schema, name] = (hidden, table)
        self._connection.register(hidden, table)
        view = f"CREATE VIEW {schema}.{quoted(name)} AS SELECT *{more} FROM {hidden}"  # noqa: S608 - quoted
        self._connection.execute(view)

    def keep(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table a canonical one: as ``add`` does, with a rowid, which tables have by themselves."""
        self.add("canonical", name, table, more=", row_number() OVER () - 1 AS rowid")
        self.kept[name] = table

    def stand_for(self, name: str, small: str) -> None:
        """Have a small canonical table looked at first where something is asked of all rows of a large one.

        Each of its columns holds, on its own, whatever can meet a condition: one that is met nowhere in it is met in no
        row of the large table. Its rows mean nothing.
        """
        self._standing[name] = small

    def standing_for(self, name: str) -> str:
        """Return the name of the small table that stands for this one; a table without such stands for itself."""
        return self._standing.get(name, name)

    def make(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Value]]) -> None:
        """Make a table of a few thousand rows in the schema ``canonical``; ``columns`` gives each name its SQL type.

        Not by way of Arrow: to make arrays of Python's values it loads all of pandas.
        """
        listed = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
        self._connection.execute(f"CREATE TABLE canonical.{quoted(name)} ({listed})")
        if rows:
            lists = ", ".join(f"unnest(CAST(? AS {kind}[]))" for kind in columns.values())
            insert = f"INSERT INTO canonical.{quoted(name)} SELECT {lists}"
            self._connection.execute(insert, [list(values) for values in zip(*rows, strict=True)])

    def look_in(self, *schemas: Schema) -> None:
        """Resolve unqualified names in these schemas, the first one first."""
        self._connection.execute(f"SET search_path = '{','.join(schemas)}'")

    def execute(self, sql: str, parameters: Mapping[str, Value] | None = None) -> None:
        """Run a statement of the pipeline's own. Raises duckdb.Error."""
        self._connection.execute(sql, parameters or None)

    def relation(self, select: str) -> duckdb.DuckDBPyRelation:
        """Bind a SELECT: its columns and types are known, nothing has run. Raises duckdb.Error."""
        return self._connection.sql(select)

    def has(self, name: str) -> bool:
        """Tell whether the schema ``canonical`` has a table or a view of this name."""
        # Not by the information schema, which takes milliseconds to list all that there is.
        try:
            self._connection.table(f"canonical.{quoted(name)}")
        except duckdb.CatalogException:
            return False
        return True

    def table(self, schema: Schema, name: str) -> pa.Table:
        """Return an Arrow table that was added."""
        return self._registered[schema, name][1]

    def count(self, name: str) -> int:
        """Return the number of rows of a canonical table."""
        if name in self.kept:
            return int(self.kept[name].num_rows)
        return int(self.value(f"SELECT count(*) FROM canonical.{quoted(name)}"))  # noqa: S608 - quoted

    def row_by_row_source(self, select: str) -> Reads | None:
        """Return what a SELECT reads that only renames, converts and filters the rows of one table, in their order.

        None for any other SELECT.
        """
        (plan,) = json.loads(self._connection.execute(f"EXPLAIN (FORMAT json) {select}").fetchall()[0][1])
        while plan["name"].strip() in ROW_BY_ROW and len(plan["children"]) == 1:
            (plan,) = plan["children"]
        # A second connection looks in no schema of ours: it tells the names, where this one would tell the views' own.
        with self._connection.cursor() as stranger:
            names = {name.casefold() for name in stranger.get_table_names(select)}
        found = [name for schema, name in self._registered if schema == "source" and name.casefold() in names]
        if len(names) != 1 or len(found) != 1 or plan["name"].strip() != SCAN:
            return None
        # A condition may stand in the scan itself: then its columns need not be among those that are named there.
        is_told = not any("filter" in name.casefold() for name in plan["extra_info"])
        columns = plan["extra_info"].get("Projections", []) if is_told else []
        return Reads(found[0], tuple([columns] if isinstance(columns, str) else columns))

    def parts(self, select: str, source: str, rows: int) -> Iterator[pa.Table]:
        """Run a SELECT on a source table, ``rows`` of it at a time; only for one that goes ``row_by_row_source``."""
        hidden, whole = self._registered["source", source]
        try:
            # Once at least: the columns of no rows have their types too.
            for first in range(0, whole.num_rows or 1, rows):
                self._connection.register(hidden, whole.slice(first, rows))
                yield self.arrow(select)
        finally:
            self._connection.register(hidden, whole)

    def arrow_of(self, select: str, reads: Reads, values: pa.Array) -> pa.Array:
        """Run a SELECT of one column on these values of the one that it reads; only one that goes row by row."""
        hidden, whole = self._registered["source", reads.table]
        columns = {field.name: pa.nulls(len(values), field.type) for field in whole.schema}
        try:
            self._connection.register(hidden, pa.table(columns | {reads.columns[0]: values}))
            return self.arrow(select).column(0).combine_chunks()
        finally:
            self._connection.register(hidden, whole)

    def rows(self, select: str, parameters: Mapping[str, Value] | None = None) -> list[Row]:
        """Return a SELECT's rows as dictionaries. Raises duckdb.Error."""
        cursor = self._connection.execute(select, parameters or None)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def tuples(self, select: str) -> list[tuple[Any, ...]]:
        """Return a SELECT's rows, for columns without names. Raises duckdb.Error."""
        return self._connection.execute(select).fetchall()

    def value(self, select: str) -> Any:
        """Return the only value of a SELECT."""
        # All is fetched: a result that is not read to its end keeps the connection busy.
        rows = self._connection.execute(select).fetchall()
        return rows[0][0] if rows else None

    def arrow(self, select: str) -> pa.Table:
        """Return a SELECT's rows as an Arrow table."""
        return self._connection.sql(select).to_arrow_table()

    def batches(self, select: str, rows: int = 100_000) -> pa.RecordBatchReader:
        """Stream a SELECT's rows."""
        return self._connection.sql(select).to_arrow_reader(rows)


def single_select(sql: str, where: str) -> str:
    """Return the SQL without its semicolon when it is exactly one SELECT. Raises ConfigurationError."""
    statements = _statements(sql, where)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ConfigurationError(f"{where}: exactly one SELECT is allowed")
    return without_semicolon(statements[0].query)


def statements_of(sql: str, where: str) -> Sequence[str]:
    """Split SQL into its statements. Raises ConfigurationError where it cannot be parsed."""
    return [without_semicolon(statement.query) for statement in _statements(sql, where)]


def _statements(sql: str, where: str) -> Sequence[duckdb.Statement]:
    try:
        return duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise ConfigurationError(f"{where}: {error}") from error


def without_semicolon(sql: str) -> str:
    """Return one statement without the semicolon that ends it and the comments after that."""
    return ENDING.sub("", sql.strip()).strip()
