"""New references: what is billed and not in the root's inventory, for a person to assign (procedure, section 4.4).

Vanished ones beside them: what was billed in the month before and is not any more. Cost centres are the client's own
order of things, not the operator's: one without a line this month has not vanished.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

from pipeline.client import Inventory, ReferenceKind
from pipeline.csvfile import CsvColumn, CsvFormat, write_csv
from pipeline.database import Row
from pipeline.findings import Finding
from pipeline.history import gone
from pipeline.output import OutputNames, make_rows
from pipeline.result import JSON, NewReference, OutputFile, VanishedReference
from pipeline.sql import statement
from pipeline.workbench import Workbench

LISTED_CHARGE_CODES = 200
COLUMNS = (
    CsvColumn("kind", "kind", "plain"),
    CsvColumn("ref", "ref", "phone"),
    CsvColumn("label", "label", "text"),
    CsvColumn("first_seen_invoice", "first_seen_invoice", "text"),
    CsvColumn("net", "net", "decimal"),
    CsvColumn("suggestion", "suggestion", "text"),
)
VANISHED_COLUMNS = tuple(
    CsvColumn("last_period", "last_period", "plain") if column.name == "first_seen_invoice" else column
    for column in COLUMNS
)


def new_references(bench: Workbench) -> tuple[NewReference, ...]:
    """List the new references; empty where no inventory is known, because nothing can be called new then."""
    inventory = bench.client.inventory if bench.client else None
    if inventory is None:
        return ()
    suggestions = _Suggestions(inventory)
    rows = make_rows(bench).rows(statement("new_references"))
    return tuple(
        NewReference(
            kind=cast(ReferenceKind, row["kind"]),
            ref=str(row["ref"]),
            first_seen_invoice=str(row["first_seen_invoice"]),
            net=Decimal(str(row["net"])),
            label=None if row["label"] is None else str(row["label"]),
            suggestion=suggestions.for_row(row),
        )
        for row in rows
    )


class _Suggestions:
    """Known references that a new one may belong with: the same user's, or its cost centre."""

    def __init__(self, inventory: Inventory) -> None:
        self._centers = inventory.refs("cost_center")
        self._by_label = {
            kind: {label.casefold(): ref for ref, label in reversed(tuple(inventory.refs(kind).items())) if label}
            for kind in ("line", "account")
        }

    def for_row(self, row: Row) -> str | None:
        kind, label, related = str(row["kind"]), row["label"], row["related"]
        known = self._by_label.get(kind, {}).get(str(label).casefold()) if label else None
        if known is not None:
            return f"{known} ({label})"
        if kind == "line" and related is not None and str(related) in self._centers:
            return f"{related} ({self._centers[str(related)]})"
        return None


def judge_references(bench: Workbench, references: Sequence[NewReference]) -> list[Finding]:
    """One finding for all of them: it is work for the team, not a fault of the file."""
    if not references:
        return []
    counts = Counter(reference.kind for reference in references)
    evidence = {
        "count": len(references),
        "lines": counts["line"],
        "accounts": counts["account"],
        "cost_centers": counts["cost_center"],
    }
    return [bench.findings.make("NEW_REFS", "references", evidence)]


def write_references(bench: Workbench, references: Sequence[NewReference]) -> OutputFile:
    """Write ``REFERENCES_<tail>.csv`` in the out folder. Raises OSError."""
    rows = [(one.kind, one.ref, one.label, one.first_seen_invoice, one.net, one.suggestion) for one in references]
    bench.database.make("new_reference", _sql_types(COLUMNS), rows)
    name = f"REFERENCES_{OutputNames.of(bench).tail}.csv"
    written = write_csv(bench.database, "new_reference", COLUMNS, CsvFormat(bom=True), bench.out / name)
    return OutputFile("references", name, Path(name), written.rows, written.sha256, written.bytes)


def vanished_references(bench: Workbench, new: Sequence[NewReference]) -> tuple[VanishedReference, ...]:
    """List the lines and accounts that the month before had; empty where no such month is known."""
    months = bench.registry.months_before(bench.period, 1) if bench.registry else ()
    if not months:
        return ()
    before = months[0]
    inventory = bench.client.inventory if bench.client and bench.client.inventory else Inventory()
    successors = {(one.kind, one.label.casefold()): one.ref for one in reversed(new) if one.label}
    gone_lines, gone_accounts = gone(bench.month, before)
    found: list[VanishedReference] = []
    kinds: tuple[tuple[ReferenceKind, list[str]], ...] = (("line", gone_lines), ("account", gone_accounts))
    for kind, refs in kinds:
        for ref in refs:
            label = inventory.refs(kind).get(ref) or None
            successor = successors.get((kind, label.casefold())) if label else None
            net = before.nets.get((kind, ref))
            suggestion = f"{successor} ({label})" if successor else None
            found.append(VanishedReference(kind, ref, before.period, net, label, suggestion))
    return tuple(found)


def write_vanished(bench: Workbench, references: Sequence[VanishedReference]) -> OutputFile:
    """Write ``VANISHED_<tail>.csv`` in the out folder. Raises OSError."""
    rows = [(one.kind, one.ref, one.label, one.last_period, one.net, one.suggestion) for one in references]
    bench.database.make("vanished_reference", _sql_types(VANISHED_COLUMNS), rows)
    name = f"VANISHED_{OutputNames.of(bench).tail}.csv"
    written = write_csv(bench.database, "vanished_reference", VANISHED_COLUMNS, CsvFormat(bom=True), bench.out / name)
    return OutputFile("vanished", name, Path(name), written.rows, written.sha256, written.bytes)


def _sql_types(columns: Sequence[CsvColumn]) -> dict[str, str]:
    return {column.name: "DECIMAL(18, 4)" if column.kind == "decimal" else "VARCHAR" for column in columns}


def charge_codes(bench: Workbench) -> list[JSON]:
    """The operator's charge codes in this file: evidence, no references."""
    rows = bench.database.rows(
        "SELECT code, min(label) AS label, count(*) AS rows FROM canonical.charge WHERE code IS NOT NULL"
        " GROUP BY code ORDER BY code LIMIT $listed",
        {"listed": LISTED_CHARGE_CODES},
    )
    return [{"code": str(row["code"]), "label": str(row["label"]), "rows": int(str(row["rows"]))} for row in rows]
