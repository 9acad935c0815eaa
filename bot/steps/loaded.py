"""The registry of one root, as the chain asks it, and the references that the root knows."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import cast

from bot.onboarding import models
from bot.onboarding.registry import InvoiceEntry, MonthEntry, ReferenceEntry, Registry
from pipeline.client import REFERENCE_KINDS, Inventory, ReferenceKind
from pipeline.registry import LoadedInvoice, LoadedMonth, normalised_number
from pipeline.result import ChainResult


class RootRegistry:
    """Implements ``pipeline.registry.Registry`` for one client root and one operator.

    What ``onboarding_id`` itself has registered from the file under test does not count: a run that was killed after
    it had registered the invoices must not meet them as duplicates.
    """

    def __init__(self, registry: Registry, operator: str, root: str, *, onboarding_id: int, sha256: str) -> None:
        self._registry = registry
        self._operator = operator
        self._root = root
        self._own = (onboarding_id, sha256)

    def file_loaded(self, sha256: str) -> date | None:
        """Return the day on which a file with this content was integrated, or None."""
        for row in self._registry.months(self._operator, self._root):
            if row.source_sha256 == sha256 and not self._is_own(row):
                return row.loaded_on
        return None

    def invoice(self, supplier_tax_id: str, number: str) -> LoadedInvoice | None:
        """Return the integrated invoice of this supplier with this normalised number, or None."""
        row = self._registry.invoice(self._operator, supplier_tax_id, number)
        return None if row is None or self._is_own(row) else _loaded(row)

    def invoices_of(self, account: str, period: str) -> Sequence[LoadedInvoice]:
        """Return the integrated invoices of an account and month (YYYYMM)."""
        return [
            _loaded(row)
            for row in self._registry.invoices(self._operator, self._root)
            if row.account == account and row.period == period and not self._is_own(row)
        ]

    def months_before(self, period: str, count: int) -> Sequence[LoadedMonth]:
        """Return up to ``count`` integrated months before ``period``, the latest first."""
        months: dict[str, LoadedMonth] = {}
        for row in self._registry.months(self._operator, self._root):
            if row.period < period and not self._is_own(row):
                known = months.get(row.period, LoadedMonth(row.period, Decimal(0)))
                accounts = {account: date.fromisoformat(last) for account, last in row.accounts.items()}
                months[row.period] = LoadedMonth(
                    row.period,
                    known.gross + Decimal(row.gross),
                    known.lines | set(row.lines),
                    {**known.accounts, **accounts},
                )
        return list(months.values())[:count]

    def _is_own(self, row: models.Invoice | models.Month) -> bool:
        return (row.onboarding_id, row.source_sha256) == self._own


def known_references(registry: Registry, operator: str, root: str, inventory: Path) -> Inventory:
    """Return what the root knows: the administrator's inventory file, if there is one, and what was assigned since."""
    listed = Inventory.from_csv(inventory) if inventory.is_file() else Inventory.of(())
    rows = [(ref, kind, label) for kind in REFERENCE_KINDS for ref, label in listed.refs(kind).items()]
    assigned = [
        (row.ref, cast("ReferenceKind", row.kind), row.label) for row in registry.assigned_references(operator, root)
    ]
    return Inventory.of([*rows, *assigned])


def invoice_entries(result: ChainResult) -> list[InvoiceEntry]:
    """Return the invoices of a result that are to be registered."""
    return [
        InvoiceEntry(
            supplier_tax_id=invoice.supplier_tax_id,
            number=invoice.number,
            number_key=normalised_number(invoice.number),
            account=invoice.account,
            period=invoice.period,
            period_start=invoice.period_start,
            period_end=invoice.period_end,
            net=str(invoice.net),
            tax=str(invoice.tax),
            out_of_tax=str(invoice.out_of_tax),
            gross=str(invoice.gross),
            currency=invoice.currency,
        )
        for invoice in result.invoices
        if not invoice.already_loaded
    ]


def month_entry(result: ChainResult) -> MonthEntry | None:
    """Return what a result brings for its month."""
    month = result.month
    return None if month is None else MonthEntry(month.period, str(month.gross), sorted(month.lines), month.accounts)


def reference_entries(result: ChainResult) -> list[ReferenceEntry]:
    """Return the new references of a result."""
    return [
        ReferenceEntry(
            kind=reference.kind,
            ref=reference.ref,
            label=reference.label or reference.suggestion or "",
            first_seen_invoice=reference.first_seen_invoice,
            net=str(reference.net),
        )
        for reference in result.new_references
    ]


def _loaded(row: models.Invoice) -> LoadedInvoice:
    return LoadedInvoice(
        supplier_tax_id=row.supplier_tax_id,
        number=row.number,
        account=row.account,
        period=row.period,
        net=Decimal(row.net),
        tax=Decimal(row.tax),
        out_of_tax=Decimal(row.out_of_tax),
        gross=Decimal(row.gross),
    )
