"""The file against what was loaded before: invoices, months, accounts and lines. Needs a registry."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from checklists.model import Stage
from pipeline.findings import Finding, Findings
from pipeline.registry import InvoiceKey, LoadedInvoice, LoadedMonth, Registry, normalised_number
from pipeline.result import Invoice

# Domain facts 5.2: the total against the median of the last three months, and the number of lines.
MONTHS_COMPARED = 3
GROSS_VARIATION = Decimal("0.30")
LINES_VARIATION = Decimal("0.20")

CHANGED = "DUP_INVOICE_CHANGED"
DUPLICATE_CODES = (CHANGED, "PERIOD_LOADED", "PERIOD_GAP", "LINE_DISAPPEARED", "ACCOUNT_DISAPPEARED")


def is_loaded(invoice: Invoice, loaded: LoadedInvoice) -> bool:
    """Tell whether a loaded invoice has the same totals: the invoice is then ignored, not an error."""
    return (invoice.net, invoice.tax, invoice.out_of_tax, invoice.gross) == (
        loaded.net,
        loaded.tax,
        loaded.out_of_tax,
        loaded.gross,
    )


def key_of(invoice: Invoice) -> InvoiceKey:
    """Return how an invoice of the file is told from every other one."""
    return invoice.supplier_tax_id, normalised_number(invoice.number)


def judge_history(
    invoices: Sequence[Invoice],
    month: LoadedMonth,
    registry: Registry,
    findings: Findings,
    *,
    replacing: AbstractSet[InvoiceKey] = frozenset(),
) -> list[Finding]:
    """Report changed invoices, months already loaded, gaps between periods, and what is no longer billed.

    ``replacing`` are the invoices of which a person has decided that they replace the loaded ones.
    """
    found = judge_changed(invoices, registry, findings, "duplicates", replacing=replacing)
    found += _loaded_periods(invoices, registry, findings)
    months = registry.months_before(month.period, MONTHS_COMPARED)
    if months:
        found += _gaps(invoices, months, findings)
        gone_lines, gone_accounts = gone(month, months[0])
        found += findings.of_rows("LINE_DISAPPEARED", "duplicates", [{"line": line} for line in gone_lines])
        found += findings.of_rows(
            "ACCOUNT_DISAPPEARED", "duplicates", [{"account": account} for account in gone_accounts]
        )
    return found


def judge_changed(
    invoices: Sequence[Invoice],
    registry: Registry,
    findings: Findings,
    stage: Stage,
    *,
    replacing: AbstractSet[InvoiceKey],
) -> list[Finding]:
    """Report the invoices that are loaded with other totals: a warning where a person decided to replace them."""
    found: list[Finding] = []
    for invoice in invoices:
        loaded = registry.invoice(*key_of(invoice))
        if loaded is None or is_loaded(invoice, loaded):
            continue
        evidence = {"invoice": invoice.number, "loaded": str(loaded.gross), "found": str(invoice.gross)}
        if key_of(invoice) in replacing:
            decided = findings.make(CHANGED, stage, evidence, variant="replaced")
            # Whatever the pack's severity is: the decision was made over it.
            found.append(replace(decided, severity="warn"))
        else:
            found.append(findings.make(CHANGED, stage, evidence))
    return found


def gone(month: LoadedMonth, before: LoadedMonth) -> tuple[list[str], list[str]]:
    """Return the lines and the accounts of the month before that this one does not bill."""
    return sorted(before.lines - month.lines), sorted(set(before.accounts) - set(month.accounts))


def _loaded_periods(invoices: Sequence[Invoice], registry: Registry, findings: Findings) -> list[Finding]:
    """A month of an account that is loaded under other invoice numbers may be supplemented, or sent twice."""
    found: list[Finding] = []
    here = {normalised_number(invoice.number) for invoice in invoices}
    for account, period in dict.fromkeys((invoice.account, invoice.period) for invoice in invoices):
        others = [
            loaded for loaded in registry.invoices_of(account, period) if normalised_number(loaded.number) not in here
        ]
        if others:
            evidence = {"account": account, "period": period}
            found.append(findings.make("PERIOD_LOADED", "duplicates", evidence))
    return found


def _gaps(invoices: Sequence[Invoice], months: Sequence[LoadedMonth], findings: Findings) -> list[Finding]:
    """A period starts on the day after the account's last loaded one ended."""
    found: list[Finding] = []
    starts: dict[str, date] = {}
    for invoice in invoices:
        if invoice.type == "INVOICE":
            starts[invoice.account] = min(invoice.period_start, starts.get(invoice.account, invoice.period_start))
    for account, start in starts.items():
        ends = [month.accounts[account] for month in months if account in month.accounts]
        if ends and max(ends) + timedelta(days=1) != start:
            evidence = {"account": account, "start": start.isoformat(), "end": max(ends).isoformat()}
            found.append(findings.make("PERIOD_GAP", "duplicates", evidence))
    return found


def judge_variation(month: LoadedMonth, registry: Registry, findings: Findings) -> list[Finding]:
    """Compare the month's total and number of lines with the median of the last ones."""
    months = registry.months_before(month.period, MONTHS_COMPARED)
    if not months:
        return []
    found: list[Finding] = []
    gross = median(loaded.gross for loaded in months)
    if abs(month.gross - gross) > GROSS_VARIATION * abs(gross):
        found.append(findings.make("VARIATION", "totals", {"found": str(month.gross), "median": str(gross)}))
    lines = median(Decimal(len(loaded.lines)) for loaded in months)
    if abs(len(month.lines) - lines) > LINES_VARIATION * lines:
        evidence: dict[str, str | int] = {"found": len(month.lines), "median": str(lines)}
        found.append(findings.make("VARIATION", "totals", evidence, variant="lines"))
    return found
