"""What the control totals are made of, as a stage's facts: charges by category, taxes by group.

Amounts are exact decimal strings with 4 decimals, rates with 2.
"""

from collections.abc import Sequence
from decimal import Decimal

from pipeline.canonical import CATEGORIES
from pipeline.database import Database
from pipeline.findings import Finding
from pipeline.result import JSON

SUM_CODES = frozenset({"SUM_LINES", "SUM_TAX", "SUM_TOTAL"})
# More invoices than this that do not add up have one cause, and one picture each would not show it better.
MOST_DIFFERING = 5


def breakdown(database: Database, invoice: str | None = None) -> dict[str, JSON]:
    """Return ``by_category`` (category, rows, net) and ``tax_groups`` (regime, rate, base, amount, computed).

    ``computed`` is base times rate, rounded row by row to 4 decimals. Of one invoice, or of the whole file.
    """
    charges = database.rows(
        "SELECT category, count(*) AS rows, sum(net) AS net FROM canonical.charge"
        " WHERE CAST($invoice AS VARCHAR) IS NULL OR invoice_number = $invoice GROUP BY category",
        {"invoice": invoice},
    )
    # 0.01 as DECIMAL: a division gives DOUBLE.
    groups = database.rows(
        "SELECT regime, rate, sum(base) AS base, sum(amount) AS amount,"
        " sum(CAST(round(base * rate * CAST(0.01 AS DECIMAL(3, 2)), 4) AS DECIMAL(18, 4))) AS computed"
        " FROM canonical.tax WHERE CAST($invoice AS VARCHAR) IS NULL OR invoice_number = $invoice"
        " GROUP BY regime, rate ORDER BY rate DESC, regime",
        {"invoice": invoice},
    )
    in_order = sorted(charges, key=lambda row: CATEGORIES.index(str(row["category"])))
    return {
        "by_category": [
            {"category": str(row["category"]), "rows": int(str(row["rows"])), "net": _exact(row["net"])}
            for row in in_order
        ],
        "tax_groups": [
            {
                "regime": str(row["regime"]),
                "rate": f"{Decimal(str(row['rate'])):.2f}",
                **{name: _exact(row[name]) for name in ("base", "amount", "computed")},
            }
            for row in groups
        ],
    }


def differing(database: Database, found: Sequence[Finding]) -> list[JSON]:
    """Return the breakdown of each invoice whose sums were found to differ, with its number as ``invoice``."""
    numbers = dict.fromkeys(
        str(finding.evidence["invoice"])
        for finding in found
        if finding.code in SUM_CODES and "invoice" in finding.evidence
    )
    return [{"invoice": number, **breakdown(database, number)} for number in list(numbers)[:MOST_DIFFERING]]


def _exact(value: object) -> str:
    return f"{Decimal(str(value)):.4f}"
