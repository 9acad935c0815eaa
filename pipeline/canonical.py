"""The canonical views: what every pack's mapping.sql must give, whatever the operator's tables look like.

Source: the pack format, "mapping.sql". Types are DuckDB's; a view may have more columns, for the pack's own checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

CanonicalType = Literal[
    "text", "integer", "boolean", "date", "timestamp", "double", "decimal(18,4)", "decimal(18,2)",
    "decimal(14,4)", "decimal(5,2)",
]  # fmt: skip
NullRule = Literal["key", "date", "amount", "amount_if_given", "configuration"]

INVOICE_TYPES = ("INVOICE", "CREDIT_NOTE")
REGIMES = ("IVA", "IGIC", "IPSI", "EXEMPT", "NONE")
LINE_KINDS = ("MOBILE", "FIXED", "DATA", "M2M", "SPECIAL")
CATEGORIES = (
    "RECURRING", "USAGE_VOICE", "USAGE_DATA", "USAGE_SMS", "USAGE", "ROAMING", "ONE_OFF", "DISCOUNT", "ADJUSTMENT",
    "EQUIPMENT", "OUT_OF_TAX",
)  # fmt: skip
UNITS = ("EACH", "SEC", "KB", "MSG")
USAGE_KINDS = ("VOICE", "SMS", "MMS", "DATA")
DIRECTIONS = ("OUT", "IN")


@dataclass(frozen=True)
class CanonicalColumn:
    """``values`` is the closed list of what the column may hold.

    ``never_null`` says what an empty value is: a missing key, an unreadable date or amount of the file, or a fault
    of the mapping. ``amount_if_given``: an operator may leave the whole column out, not some rows of it.
    """

    type: CanonicalType
    values: tuple[str, ...] = ()
    never_null: NullRule | None = None


def _column(kind: CanonicalType, never_null: NullRule | None = None, values: tuple[str, ...] = ()) -> CanonicalColumn:
    return CanonicalColumn(kind, values, never_null)


@dataclass(frozen=True)
class CanonicalView:
    """One view; ``at_most_rows`` where its size is part of the contract.

    ``is_detail``: by far the most rows are in it (``pipeline.detail``).
    """

    columns: Mapping[str, CanonicalColumn]
    at_most_rows: int | None = None
    is_detail: bool = False
    # The column that tells one row from another in a message, beside its row number.
    key: str = field(default="invoice_number")


MONEY: CanonicalType = "decimal(18,4)"

VIEWS: Mapping[str, CanonicalView] = {
    "header": CanonicalView(
        {
            "period": _column("text"),
            "invoices": _column("integer"),
            "lines": _column("integer"),
            "net": _column(MONEY),
            "tax": _column(MONEY),
            "gross": _column(MONEY),
            "partial": _column("boolean"),
        },
        at_most_rows=1,
        key="period",
    ),
    "invoice": CanonicalView(
        {
            "number": _column("text", "key"),
            "type": _column("text", "configuration", INVOICE_TYPES),
            "original_number": _column("text"),
            "customer_tax_id": _column("text", "key"),
            "customer_name": _column("text"),
            "customer_postcode": _column("text"),
            "supplier_tax_id": _column("text", "key"),
            "account": _column("text", "key"),
            "subaccount": _column("text"),
            "issued": _column("date", "date"),
            "due": _column("date"),
            "period_start": _column("date", "date"),
            "period_end": _column("date", "date"),
            "net": _column(MONEY, "amount"),
            "out_of_tax": _column(MONEY, "amount_if_given"),
            "tax": _column(MONEY, "amount"),
            "gross": _column("decimal(18,2)", "amount"),
            "currency": _column("text"),
        },
        key="number",
    ),
    "tax": CanonicalView(
        {
            "invoice_number": _column("text", "key"),
            "regime": _column("text", "configuration", REGIMES),
            "rate": _column("decimal(5,2)", "amount"),
            "base": _column(MONEY, "amount"),
            "amount": _column(MONEY, "amount"),
        }
    ),
    "line": CanonicalView(
        {
            "invoice_number": _column("text", "key"),
            "ref": _column("text", "key"),
            "kind": _column("text", "configuration", LINE_KINDS),
            "user_name": _column("text"),
            "cost_center": _column("text"),
            "cost_subcenter": _column("text"),
            "net": _column(MONEY, "amount_if_given"),
        },
        key="ref",
    ),
    "charge": CanonicalView(
        {
            "id": _column("text", "key"),
            "invoice_number": _column("text", "key"),
            "line_ref": _column("text"),
            "category": _column("text", "configuration", CATEGORIES),
            "code": _column("text"),
            "label": _column("text"),
            "starts": _column("date"),
            "ends": _column("date"),
            "quantity": _column("decimal(14,4)"),
            "unit": _column("text", None, UNITS),
            "net": _column(MONEY, "amount"),
            "tax_regime": _column("text", "configuration", REGIMES),
            "tax_rate": _column("decimal(5,2)", "configuration"),
        },
        key="id",
    ),
    "usage": CanonicalView(
        {
            "id": _column("text", "key"),
            "invoice_number": _column("text", "key"),
            "line_ref": _column("text", "key"),
            "at": _column("timestamp", "date"),
            "kind": _column("text", "configuration", USAGE_KINDS),
            "direction": _column("text", None, DIRECTIONS),
            "dialled": _column("text"),
            "destination": _column("text"),
            "country": _column("text"),
            "roaming": _column("boolean"),
            "seconds": _column("integer"),
            "kbytes": _column("double"),
            "net": _column(MONEY, "amount_if_given"),
        },
        is_detail=True,
        key="id",
    ),
}
