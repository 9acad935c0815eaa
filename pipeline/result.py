"""What a run of the chain gives back: per stage, and for the file as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from checklists.model import Stage
from pipeline.client import ReferenceKind
from pipeline.findings import Finding, Unlisted
from pipeline.registry import LoadedMonth

JSON = str | int | float | bool | None | list["JSON"] | dict[str, "JSON"]

Verdict = Literal["accepted", "accepted_with_warnings", "blocked", "quarantined"]
OutputKind = Literal["output", "usage", "manifest", "integrated", "references", "vanished", "ofc", "marker"]


@dataclass(frozen=True)
class OutputFile:
    """A file that was made. ``path`` is relative to the run's out folder, None when it was not kept.

    ``rows`` counts without the header line; a manifest has 0.
    """

    kind: OutputKind
    name: str
    path: Path | None
    rows: int
    sha256: str
    bytes: int


@dataclass(frozen=True)
class TableRows:
    """The rows that a table's definition declares and those that were read."""

    declared: int
    read: int


@dataclass(frozen=True)
class Invoice:
    """An invoice of the file. Amounts have 4 decimals, gross 2. ``already_loaded``: known with the same totals.

    ``lines`` is what each of its lines is billed, out-of-tax amounts included.
    """

    number: str
    type: str
    supplier_tax_id: str
    customer_tax_id: str
    account: str
    issued: date
    period: str
    period_start: date
    period_end: date
    net: Decimal
    tax: Decimal
    out_of_tax: Decimal
    gross: Decimal
    currency: str
    already_loaded: bool = False
    lines: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Totals:
    """Sums over the invoices; 4 decimals, gross 2."""

    net: Decimal
    tax: Decimal
    out_of_tax: Decimal
    gross: Decimal


@dataclass(frozen=True)
class NewReference:
    """A reference that the root's inventory does not have.

    ``net`` is what was billed on it, out-of-tax amounts included. ``suggestion`` names the known reference it
    may belong with: of the same user or the same cost centre.
    """

    kind: ReferenceKind
    ref: str
    first_seen_invoice: str
    net: Decimal
    label: str | None = None
    suggestion: str | None = None


@dataclass(frozen=True)
class VanishedReference:
    """A line or an account that was billed in the month before and is not any more.

    ``net`` is what it was billed then, out-of-tax amounts included, None where that was not kept. ``suggestion`` names
    the new reference of the same user or customer that may stand in its place.
    """

    kind: ReferenceKind
    ref: str
    last_period: str
    net: Decimal | None
    label: str | None = None
    suggestion: str | None = None


@dataclass(frozen=True)
class StageResult:
    """What one stage found and its evidence: counts, sums, hashes."""

    stage: Stage
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, JSON] = field(default_factory=dict)
    outputs: tuple[OutputFile, ...] = ()
    not_made: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class ChainResult:
    """A run. ``invoices`` are what to register once ``integration`` was reached; ``month`` sums them up for it.

    ``unlisted`` are the offending rows that are too many for a finding each.
    """

    file: str
    sha256: str
    size: int
    operator: str
    stages: tuple[StageResult, ...]
    verdict: Verdict
    tables: Mapping[str, TableRows] = field(default_factory=dict)
    invoices: tuple[Invoice, ...] = ()
    totals: Totals | None = None
    month: LoadedMonth | None = None
    new_references: tuple[NewReference, ...] = ()
    vanished_references: tuple[VanishedReference, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the stages."""
        return tuple(finding for stage in self.stages for finding in stage.findings)

    @property
    def outputs(self) -> tuple[OutputFile, ...]:
        """All files made, in the order of the stages."""
        return tuple(output for stage in self.stages for output in stage.outputs)

    @property
    def not_made(self) -> tuple[str, ...]:
        """The codes whose check lacked its input, sorted."""
        return tuple(sorted({code for stage in self.stages for code in stage.not_made}))

    @property
    def blocked(self) -> bool:
        """Tell whether the file goes no further."""
        return self.verdict in ("blocked", "quarantined")

    @property
    def duplicate(self) -> bool:
        """Tell whether the chain ended because the same file was integrated before (DUP_FILE)."""
        return any(finding.code == "DUP_FILE" for finding in self.findings)


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Return what the findings amount to: quarantine wins over block, ``info`` changes nothing."""
    severities = {finding.severity for finding in findings}
    if "quarantine" in severities:
        return "quarantined"
    if "block" in severities:
        return "blocked"
    return "accepted_with_warnings" if "warn" in severities else "accepted"
