"""What was loaded before, as the chain needs to know it. The bot keeps it; ``check`` has none.

A registry is the one of **one client root and one operator**. Invoice numbers are asked in the form of
``normalised_number`` and tax numbers in the form of ``pipeline.client.normalised_tax_id``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol

from pipeline.client import ReferenceKind

# An invoice as it is told from every other one: its supplier's tax number and its number, both as they are compared.
InvoiceKey = tuple[str, str]


def normalised_number(number: str) -> str:
    """Return an invoice number as it is compared: capitals, letters and digits only."""
    return re.sub(r"[^0-9A-Z]", "", number.upper())


@dataclass(frozen=True)
class LoadedInvoice:
    """An invoice that was integrated. Amounts have 4 decimals, gross 2; ``period`` is YYYYMM."""

    supplier_tax_id: str
    number: str
    account: str
    period: str
    net: Decimal
    tax: Decimal
    out_of_tax: Decimal
    gross: Decimal


@dataclass(frozen=True)
class LoadedMonth:
    """What was integrated for one month (YYYYMM), all its files together.

    ``accounts`` maps each billed account to the last day of its usage period. ``nets`` is what was billed on a line
    or an account, by kind and reference, out-of-tax amounts included (4 decimals), where it is known.
    """

    period: str
    gross: Decimal
    lines: frozenset[str] = frozenset()
    accounts: Mapping[str, date] = field(default_factory=dict)
    nets: Mapping[tuple[ReferenceKind, str], Decimal] = field(default_factory=dict)


class Registry(Protocol):
    """Read-only; every method answers at once from what is committed. What was superseded is not told."""

    def file_loaded(self, sha256: str) -> date | None:
        """Return the day on which a file with this content was integrated, or None."""
        ...

    def invoice(self, supplier_tax_id: str, number: str) -> LoadedInvoice | None:
        """Return the integrated invoice of this supplier with this normalised number, or None."""
        ...

    def invoices_of(self, account: str, period: str) -> Sequence[LoadedInvoice]:
        """Return the integrated invoices of an account and month (YYYYMM)."""
        ...

    def months_before(self, period: str, count: int) -> Sequence[LoadedMonth]:
        """Return up to ``count`` integrated months before ``period``, the latest first."""
        ...
