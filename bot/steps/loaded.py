"""The registry of one root, as the chain asks it, and the references that the root knows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import cast

from bot.onboarding import models
from bot.onboarding.registry import InvoiceEntry, MonthEntry, ReferenceEntry, Registry
from bot.onboarding.replacing import Amounts, ChangedInvoice, Decision
from pipeline.client import REFERENCE_KINDS, Inventory, ReferenceKind
from pipeline.history import is_loaded, key_of
from pipeline.registry import InvoiceKey, LoadedInvoice, LoadedMonth, normalised_number
from pipeline.result import JSON, ChainResult


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
        row = self.row(supplier_tax_id, number)
        return None if row is None else _loaded(row)

    def row(self, supplier_tax_id: str, number: str) -> models.Invoice | None:
        """Return the same as the database keeps it."""
        row = self._registry.invoice(self._operator, supplier_tax_id, number)
        return None if row is None or self._is_own(row) else row

    def invoices_of(self, account: str, period: str) -> Sequence[LoadedInvoice]:
        """Return the integrated invoices of an account and month (YYYYMM)."""
        return [
            _loaded(row)
            for row in self._registry.invoices(self._operator, self._root)
            if row.account == account and row.period == period and not self._is_own(row)
        ]

    def months_before(self, period: str, count: int) -> Sequence[LoadedMonth]:
        """Return up to ``count`` integrated months before ``period``, the latest first."""
        by_file: dict[str, list[models.Invoice]] = {}
        for invoice in self._registry.invoices(self._operator, self._root):
            if not self._is_own(invoice):
                by_file.setdefault(invoice.source_sha256, []).append(invoice)
        months: dict[str, LoadedMonth] = {}
        for row in self._registry.months(self._operator, self._root):
            # A file whose invoices were all replaced, or were all loaded before it, adds nothing to its month.
            invoices = by_file.get(row.source_sha256)
            if row.period < period and invoices:
                known = months.get(row.period, LoadedMonth(row.period, Decimal(0)))
                months[row.period] = _added(known, row, invoices)
        return list(months.values())[:count]

    def agreed(self, decision: Decision | None) -> frozenset[InvoiceKey]:
        """Return the invoices that a decision lets replace what is integrated now.

        What has been replaced already by this very file stays agreed; where another invoice has come into its place
        since, a person must look again.
        """
        if decision is None:
            return frozenset()
        keys = ((one.supplier_tax_id, one.number_key, one.id) for one in decision.offer.invoices)
        return frozenset(
            (supplier, key) for supplier, key, id_ in keys if (row := self.row(supplier, key)) is None or row.id == id_
        )

    def changed(self, result: ChainResult) -> Iterator[ChangedInvoice]:
        """Yield the invoices of a run that are integrated in this root with other totals."""
        for invoice in result.invoices:
            row = self.row(*key_of(invoice))
            if row is None or row.id is None or row.root != self._root.upper() or is_loaded(invoice, _loaded(row)):
                continue
            yield ChangedInvoice(
                id=row.id,
                supplier_tax_id=row.supplier_tax_id,
                number_key=row.number_key,
                number=invoice.number,
                loaded=Amounts(net=row.net, tax=row.tax, out_of_tax=row.out_of_tax, gross=row.gross),
                found=Amounts(
                    net=str(invoice.net),
                    tax=str(invoice.tax),
                    out_of_tax=str(invoice.out_of_tax),
                    gross=str(invoice.gross),
                ),
                currency=invoice.currency,
            )

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
            lines={line: str(net) for line, net in invoice.lines.items()},
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
            label=reference.label or "",
            first_seen_invoice=reference.first_seen_invoice,
            net=str(reference.net),
            suggestion=reference.suggestion or "",
        )
        for reference in result.new_references
    ]


def _added(known: LoadedMonth, row: models.Month, invoices: Sequence[models.Invoice]) -> LoadedMonth:
    """Return a month with what a file's invoices add to it. What they bill by line is not known of older ones."""
    lines, accounts, nets = set(known.lines), dict(known.accounts), dict(known.nets)
    for invoice in invoices:
        accounts[invoice.account] = max(invoice.period_end, accounts.get(invoice.account, invoice.period_end))
        lines |= set(row.lines if invoice.lines is None else invoice.lines)
        billed: list[tuple[tuple[ReferenceKind, str], Decimal]] = [
            (("account", invoice.account), Decimal(invoice.net) + Decimal(invoice.out_of_tax)),
            *((("line", line), Decimal(net)) for line, net in (invoice.lines or {}).items()),
        ]
        for key, net in billed:
            nets[key] = nets.get(key, Decimal(0)) + net
    gross = known.gross + sum(Decimal(invoice.gross) for invoice in invoices)
    return LoadedMonth(known.period, gross, frozenset(lines), accounts, nets)


def superseded_note(rows: Sequence[models.Invoice], sha256: str) -> list[Mapping[str, JSON]]:
    """Return the replaced invoices of a file as its folder's note tells them."""
    return [
        {
            "supplier_tax_id": row.supplier_tax_id,
            "number": row.number,
            "gross": row.gross,
            "currency": row.currency,
            "superseded_at": row.superseded_at.isoformat() if row.superseded_at else None,
            "superseded_by": row.superseded_by,
            "reason": row.superseded_reason,
            "superseded_by_sha256": row.superseded_by_sha256,
        }
        for row in rows
        if row.source_sha256 == sha256
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
