"""Runs the controls: the shared checks of pipeline/checks and the pack's own, on the canonical tables."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa

from checklists.model import Files, PackCheck, Severity, Stage
from pipeline.canonical import VIEWS
from pipeline.checks import shared_checks
from pipeline.database import Database, Value, single_select
from pipeline.errors import ConfigurationError
from pipeline.findings import Finding, Findings
from pipeline.keys import rises
from pipeline.sql import statement

TOLERANCE = "DECIMAL(18, 6)"
TAX_RULE = {
    "regime": "VARCHAR",
    "rate": "DECIMAL(5, 2)",
    "prefix": "VARCHAR",
    "valid_from": "DATE",
    "valid_to": "DATE",
}


def prepare(database: Database, files: Files) -> None:
    """Add what the checks read beside the canonical views."""
    prepare_policy(database, files)
    derive(database)


def derive(database: Database) -> None:
    """Make the tables that several checks share from the canonical ones."""
    database.execute(f"CREATE TABLE canonical.tax_group AS {statement('tax_group')}")
    database.execute(f"CREATE TABLE canonical.usage_sum AS {_usage_sum(database)}")
    database.execute(f"CREATE TABLE canonical.usage_against_charges AS {statement('usage_against_charges')}")
    usage = database.kept.get("usage")
    is_strict = None if usage is None else rises(usage.column(VIEWS["usage"].key))
    if is_strict is None:
        database.execute(f"CREATE TABLE canonical.usage_order AS {statement('usage_order')}")
    else:
        database.make("usage_order", {"is_strict": "BOOLEAN"}, [[is_strict]])


def _usage_sum(database: Database) -> str:
    """Return the SELECT of ``usage_sum``.

    Kept call details are summed up by the places of their texts, which are numbers: a third of the time that it takes
    to group a million rows by the texts themselves.
    """
    usage = database.kept.get("usage")
    keys = ("invoice_number", "line_ref", "kind")
    if usage is None or not usage.num_rows or not all(pa.types.is_dictionary(usage.field(key).type) for key in keys):
        return statement("usage_sum")
    places = {key: pa.chunked_array([chunk.indices for chunk in usage.column(key).chunks]) for key in keys}
    database.add("canonical", "usage_places", pa.table({**places, "net": usage.column("net")}))
    summed = database.arrow(statement("usage_sum").replace("FROM usage ", "FROM usage_places "))
    # Unified: every chunk has the same texts.
    texts = [usage.column(key).chunk(0).dictionary for key in keys]
    named = [
        pa.DictionaryArray.from_arrays(summed.column(key).combine_chunks(), values)
        for key, values in zip(keys, texts, strict=True)
    ]
    rest = [summed.column("net"), summed.column("rows")]
    database.add("canonical", "usage_sum_of_places", pa.table([*named, *rest], [*keys, "net", "rows"]))
    return "SELECT * FROM canonical.usage_sum_of_places"


def prepare_policy(database: Database, files: Files) -> None:
    """Add the pack's tolerances (one row) and tax rules (one row a postcode prefix)."""
    tolerances = dict(files.tolerances)
    database.make("tolerance", dict.fromkeys(tolerances, TOLERANCE), [list(tolerances.values())])
    rules = [
        (rule.regime, rule.rate, prefix, rule.valid_from, rule.valid_to)
        for rule in files.tax
        for prefix in (rule.postcodes or (None,))
    ]
    database.make("tax_rule", TAX_RULE, rules)


def run_shared(database: Database, stage: Stage, findings: Findings) -> list[Finding]:
    """Run the shared checks of a stage."""
    found: list[Finding] = []
    for check in shared_checks():
        if check.stage == stage:
            rows = [evidence_of(row) for row in database.rows(check.sql)]
            found.extend(findings.of_rows(check.code, stage, rows, variant=check.text))
    return found


def run_pack(database: Database, checks: Sequence[PackCheck], stage: Stage, findings: Findings) -> list[Finding]:
    """Run the pack's own checks. Raises ConfigurationError for SQL that is no single SELECT or does not run."""
    found: list[Finding] = []
    for check in checks:
        where = f"checks/{check.name}.sql"
        select = single_select(check.sql, where)
        try:
            rows = [evidence_of(row) for row in database.rows(select)]
        except duckdb.Error as error:
            raise ConfigurationError(f"{where}: {error}") from error
        severity: Severity = check.severity
        found.extend(findings.of_rows(check.code, stage, rows, severity=severity))
    return found


def evidence_of(row: Mapping[str, Value]) -> dict[str, str | int]:
    """Return an offending row as evidence: counts stay numbers, amounts become decimal strings, NULL a dash."""
    return {name: _shown(value) for name, value in row.items()}


def _shown(value: Value) -> str | int:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
