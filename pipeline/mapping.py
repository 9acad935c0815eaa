"""From the operator's tables to the canonical views: runs a pack's mapping.sql and checks what came out.

A fault of the mapping (a view, a column, a type, a value outside the contract) is a ConfigurationError; a fault of
the file (an empty key, an unreadable date or amount) is a finding.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipeline import detail
from pipeline.canonical import VIEWS, CanonicalColumn, CanonicalView
from pipeline.database import Database, quoted, single_select, statements_of
from pipeline.errors import ConfigurationError
from pipeline.findings import Finding, Findings

# Comments and layout before the name do not matter; the column list after it is allowed by SQL and so here.
CREATE_VIEW = re.compile(
    r"""\A(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*
        CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?VIEW\s+(?:IF\s+NOT\s+EXISTS\s+)?
        (?P<name>"(?:[^"]|"")+"|\w+)\s*
        (?:\((?P<columns>[^()]*)\)\s*)?
        AS\b(?P<select>.*)\Z""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
TIMESTAMPS = frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "double": "DOUBLE",
}


@dataclass
class UnreadableValueError(Exception):
    """A value of the file that the mapping could not convert."""

    view: str
    column: str
    reason: str


def selects_of(mapping_sql: str) -> Mapping[str, str]:
    """Return the SELECT of each canonical view, by the view's name. Raises ConfigurationError."""
    selects: dict[str, str] = {}
    for statement in statements_of(mapping_sql, "mapping.sql"):
        match = CREATE_VIEW.match(statement)
        if match is None:
            raise ConfigurationError(f"mapping.sql: only CREATE VIEW … AS SELECT is allowed, found: {statement[:80]}")
        name = match["name"].strip('"').lower()
        if name not in VIEWS:
            raise ConfigurationError(f"mapping.sql: {name} is no canonical view", view=name)
        if name in selects:
            raise ConfigurationError(f"mapping.sql: the view {name} is created twice", view=name)
        select = single_select(match["select"], f"mapping.sql, view {name}")
        if match["columns"]:
            # The pack's SELECT was parsed as one SELECT just now; so it is in the statements below.
            select = f"SELECT * FROM ({select}\n) AS named({match['columns']})"  # noqa: S608 - parsed above
        selects[name] = select
    missing = [name for name in VIEWS if name not in selects]
    if missing:
        raise ConfigurationError(f"mapping.sql: the view {missing[0]} is missing", view=missing[0])
    return selects


def map_tables(database: Database, mapping_sql: str) -> None:
    """Make the canonical tables in the database. Raises ConfigurationError and UnreadableValueError."""
    selects = selects_of(mapping_sql)
    # A source table may be called like a canonical view: the mapping reads the operator's.
    database.look_in("source", "canonical")
    for name, select in selects.items():
        _materialise(database, name, select)
    database.look_in("canonical", "source")


def _materialise(database: Database, name: str, select: str) -> None:
    view = VIEWS[name]
    try:
        relation = database.relation(select)
    except duckdb.Error as error:
        raise ConfigurationError(f"mapping.sql, view {name}: {error}", view=name) from error
    found = {column.lower(): str(kind) for column, kind in zip(relation.columns, relation.types, strict=True)}
    for column, wanted in view.columns.items():
        if column not in found:
            raise ConfigurationError(f"view {name}: the column {column} is missing", view=name, column=column)
        if not _fits(wanted, found[column]):
            raise ConfigurationError(
                f"view {name}: the column {column} has the type {found[column]}, expected {wanted.type}",
                view=name,
                column=column,
                value=found[column],
            )
    extra = [column for column in found if column not in view.columns]
    listed = [
        f"CAST({quoted(column)} AS {_sql_type(wanted)}) AS {quoted(column)}" for column, wanted in view.columns.items()
    ]
    listed += [quoted(column) for column in extra]
    converted = f"SELECT {', '.join(listed)} FROM ({select}\n)"  # noqa: S608 - parsed
    try:
        if view.is_detail:
            detail.keep(database, name, converted)
        else:
            database.execute(f"CREATE TABLE canonical.{name} AS {converted}")
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise UnreadableValueError(name, _culprit(database, view, select), str(error)) from error
    except duckdb.Error as error:
        raise ConfigurationError(f"mapping.sql, view {name}: {error}", view=name) from error


def _culprit(database: Database, view: CanonicalView, select: str) -> str:
    """Find the column whose conversion fails, by converting one after the other."""
    for column, wanted in view.columns.items():
        try:
            database.rows(
                f"SELECT count(CAST({quoted(column)} AS {_sql_type(wanted)})) FROM ({select}\n)"  # noqa: S608 - parsed
            )
        except (duckdb.ConversionException, duckdb.OutOfRangeException):
            return column
    return "?"


def _sql_type(column: CanonicalColumn) -> str:
    return SQL_TYPES.get(column.type, column.type.upper())


def _fits(column: CanonicalColumn, found: str) -> bool:
    """Tell whether a mapped type holds the canonical one without losing digits on the way."""
    if column.type.startswith("decimal"):
        wanted = DECIMAL.fullmatch(column.type.upper())
        given = DECIMAL.fullmatch(found)
        assert wanted is not None
        return found in INTEGERS if given is None else int(given[2]) <= int(wanted[2])
    if column.type == "timestamp":
        return found in TIMESTAMPS
    if column.type == "integer":
        return found in INTEGERS
    if column.type == "double":
        return found in ("DOUBLE", "FLOAT") or found in INTEGERS or DECIMAL.fullmatch(found) is not None
    return found == SQL_TYPES[column.type]


def check_values(database: Database) -> None:
    """Check the closed lists of values and the rules between columns. Raises ConfigurationError."""
    for name, view in VIEWS.items():
        rules = _configuration_rules(name, view)
        rows, *broken = _counts(database, name, [rule.condition for rule in rules])
        if view.at_most_rows is not None and rows > view.at_most_rows:
            raise ConfigurationError(
                f"view {name}: {rows} rows, at most {view.at_most_rows} allowed", view=name, value=str(rows)
            )
        for rule, count in zip(rules, broken, strict=True):
            if count:
                _refuse(database, name, rule)


@dataclass(frozen=True)
class _Rule:
    """What must not hold for a row; ``allowed`` is the closed list that it comes from."""

    column: str
    condition: str
    allowed: tuple[str, ...] = ()


def _configuration_rules(name: str, view: CanonicalView) -> list[_Rule]:
    rules: list[_Rule] = []
    for column, wanted in view.columns.items():
        if wanted.values:
            allowed = ", ".join(f"'{value}'" for value in wanted.values)
            rules.append(_Rule(column, f"{quoted(column)} NOT IN ({allowed})", wanted.values))
        if wanted.never_null == "configuration":
            rules.append(_Rule(column, f"{quoted(column)} IS NULL", wanted.values))
    if name == "charge":
        rules.append(_Rule("tax_regime", "(category = 'OUT_OF_TAX') <> (tax_regime = 'NONE')"))
        rules.append(_Rule("tax_rate", "tax_regime = 'NONE' AND tax_rate <> 0"))
    return rules


def _counts(database: Database, view: str, conditions: Sequence[str]) -> list[int]:
    """Return the number of rows, then of those that meet each condition: one pass over the view.

    A condition is on one column, where what stands for the view is looked at first.
    """
    small = database.standing_for(view)
    possible = dict.fromkeys(conditions)
    if small != view and conditions:
        tests = ", ".join(f"bool_or({condition})" for condition in conditions)
        (met,) = database.tuples(f"SELECT {tests} FROM canonical.{small}")  # noqa: S608 - our own names
        possible = {condition: None for condition, is_met in zip(conditions, met, strict=True) if is_met}
    if not possible:
        return [database.count(view), *(0 for _ in conditions)]
    filtered = "".join(f", count(*) FILTER (WHERE {condition})" for condition in possible)
    (row,) = database.tuples(f"SELECT count(*){filtered} FROM canonical.{view}")  # noqa: S608 - our own names
    counted = dict(zip(possible, row[1:], strict=True))
    return [row[0], *(counted.get(condition, 0) for condition in conditions)]


def _refuse(database: Database, view: str, rule: _Rule) -> None:
    column = rule.column
    select = f"SELECT {quoted(column)} AS value FROM canonical.{view} WHERE {rule.condition} LIMIT 1"  # noqa: S608
    first = database.value(select)
    value = "NULL" if first is None else str(first)
    expected = f", allowed: {', '.join(rule.allowed)}" if rule.allowed else ""
    raise ConfigurationError(
        f"view {view}: the column {column} holds {value}{expected}", view=view, column=column, value=value
    )


def unreadable(error: UnreadableValueError, findings: Findings) -> Finding:
    """Return the finding for a value that could not be converted; view and column are ``?`` where nobody knows them."""
    column = VIEWS[error.view].columns.get(error.column) if error.view in VIEWS else None
    code = "BAD_DATE" if column and column.type in ("date", "timestamp") else "BAD_AMOUNT"
    reason = error.reason.splitlines()[0].removeprefix("Conversion Error: ")
    evidence = {"view": error.view, "column": error.column, "row": "?", "value": reason, "count": "?"}
    return findings.make(code, "schema", evidence)


def data_findings(database: Database, findings: Findings) -> list[Finding]:
    """Return what the file's rows lack: keys, dates, amounts."""
    found: list[Finding] = []
    for name, view in VIEWS.items():
        faults = [
            (column, code, condition)
            for column, wanted in view.columns.items()
            for code, condition in _faults(column, wanted)
        ]
        total, *counts = _counts(database, name, [condition for _, _, condition in faults])
        for (column, code, condition), count in zip(faults, counts, strict=True):
            # An operator may leave a whole column out, not some rows of it.
            is_left_out = view.columns[column].never_null == "amount_if_given" and count == total
            if count and not (is_left_out and condition.endswith("IS NULL")):
                found.append(findings.make(code, "schema", _fault(database, name, column, condition)))
    reversed_periods = _fault(database, "invoice", "period_end", "period_end < period_start")
    no_month = "NOT regexp_full_match(period, '[0-9]{4}(0[1-9]|1[0-2])')"
    bad_month = _fault(database, "header", "period", no_month)
    found.extend(findings.make("BAD_DATE", "schema", one) for one in (reversed_periods, bad_month) if one["count"])
    return found


def _fault(database: Database, view: str, column: str, condition: str) -> dict[str, str | int]:
    """Count the rows that meet the condition, and show the first: evidence for a finding."""
    first = database.rows(
        f"SELECT count(*) AS count, min(rowid) + 1 AS row, arg_min(CAST({quoted(column)} AS VARCHAR), rowid) AS value"  # noqa: S608
        f" FROM canonical.{view} WHERE {condition}"
    )[0]
    shown = "NULL" if first["value"] is None else str(first["value"])
    row = 0 if first["row"] is None else int(str(first["row"]))
    return {"view": view, "column": column, "row": row, "value": shown, "count": int(str(first["count"]))}


def _faults(name: str, column: CanonicalColumn) -> list[tuple[str, str]]:
    """The conditions under which a column's value is a fault of the file, with the code of each."""
    faults: list[tuple[str, str]] = []
    value = quoted(name)
    match column.never_null:
        case "key":
            faults.append(("NULL_KEY", f"{value} IS NULL OR ({value} < '!' AND trim({value}) = '')"))
        case "date":
            faults.append(("BAD_DATE", f"{value} IS NULL"))
        case "amount" | "amount_if_given":
            faults.append(("BAD_AMOUNT", f"{value} IS NULL"))
    if column.type in ("date", "timestamp"):
        # Access counts days from 1899-12-30: a wrong field read as a date lands far outside these years.
        faults.append(("BAD_DATE", f"{value} < DATE '1990-01-01' OR {value} >= DATE '2100-01-01'"))
    if column.type == "double":
        # More than any count of kilobytes, and than the usage file's column holds.
        faults.append(("BAD_AMOUNT", f"NOT isfinite({value}) OR abs({value}) >= 1e15"))
    return faults
