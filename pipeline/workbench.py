"""What the stages of one run share, each thing made when it is first asked for.

So any stage can run alone in a new process: ``output`` alone reads the file and maps it again, and judges nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from checklists.model import Files, Pack, Stage
from pipeline import controls, mapping, schema
from pipeline.client import Client, ReferenceKind, normalised_tax_id
from pipeline.content import Content, content_of
from pipeline.database import Database
from pipeline.errors import ConfigurationError
from pipeline.findings import Finding, Findings
from pipeline.history import is_loaded
from pipeline.identity import file_period
from pipeline.naming import NamingRule, ParsedName
from pipeline.partfile import sha256_of
from pipeline.reader_process import ReadingError
from pipeline.reading import FileReader, Reading, wanted_columns
from pipeline.registry import InvoiceKey, LoadedMonth, Registry, normalised_number
from pipeline.result import JSON, Invoice, Totals

if TYPE_CHECKING:
    from pipeline.integrate import MadeParquet


class StopError(Exception):
    """The file cannot serve the stage that was asked: its findings end the run."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(", ".join(finding.code for finding in findings))
        self.findings = findings


@dataclass
class Workbench:
    """The inputs of a run and everything derived from them. ``scratch`` lives as long as the run.

    ``replacing`` are the invoices of this file that replace the loaded ones, as a person has decided.
    """

    file: Path
    pack: Pack
    client: Client | None
    registry: Registry | None
    form: Mapping[str, JSON]
    out: Path
    scratch: Path
    now: Callable[[], datetime]
    operator_name: str
    begun: FileReader | None = None
    # The call details' Parquet, where it was begun before its turn.
    usage_parquet: "Future[MadeParquet] | None" = None
    replacing: AbstractSet[InvoiceKey] = frozenset()
    _database: Database | None = field(default=None, init=False)

    def close(self) -> None:
        """Free the database, and end a reading that nobody waited for."""
        if "reader" in vars(self):
            self.reader.close()
        if "background" in vars(self):
            self.background.shutdown(cancel_futures=True)
        if self._database is not None:
            self._database.close()

    @cached_property
    def background(self) -> ThreadPoolExecutor:
        """A thread for what is made before its turn."""
        return ThreadPoolExecutor(1, "ahead of its turn")

    @cached_property
    def files(self) -> Files:
        """The pack's files.yaml. Raises ConfigurationError for a pack without one."""
        if self.pack.files is None:
            raise ConfigurationError(f"the pack {self.pack.id} has no files.yaml: it cannot check a file")
        return self.pack.files

    @cached_property
    def findings(self) -> Findings:
        """The maker of findings, with the pack's texts and severities."""
        return Findings(self.pack.findings, self.files.severities)

    @cached_property
    def sha256(self) -> str:
        """The file's checksum."""
        return sha256_of(self.file)

    @cached_property
    def size(self) -> int:
        """The file's size in bytes."""
        return self.file.stat().st_size

    @cached_property
    def naming(self) -> NamingRule:
        """The pack's naming rule."""
        return NamingRule.of(self.files)

    @cached_property
    def parsed_name(self) -> ParsedName | None:
        """What the file's name says; None when it breaks the rule."""
        return self.naming.parse(self.file.name)

    @property
    def name_period(self) -> str | None:
        """The month (YYYYMM) in the file's name."""
        return self.parsed_name.period if self.parsed_name else None

    @cached_property
    def content(self) -> Content:
        """What the file is by its first bytes."""
        return content_of(self.file)

    @cached_property
    def reader(self) -> FileReader:
        """What reads the file's rows."""
        return self.begun or FileReader(self.file, wanted_columns(self.files), self.scratch / "rows")

    @cached_property
    def reading(self) -> Reading:
        """The file's rows. Raises StopError when it cannot be read."""
        try:
            return self.reader.reading()
        except ReadingError as error:
            raise StopError([self.unreadable(error.code, error.reason, "read")]) from error

    def unreadable(self, code: str, reason: str, stage: Stage) -> Finding:
        """Return the finding for a file that the reader refuses; the reader's codes are the catalogue's.

        It always blocks: a version that a pack only warns of cannot be checked when it cannot be read.
        """
        evidence: dict[str, str | int] = {"reason": reason, "name": self.file.name, "size": self.size}
        match code:
            case "MDB_TRUNCATED":
                return self.findings.make(code, stage, evidence, variant="file")
            case "JET_VERSION":
                expected = ", ".join(self.files.formats)
                evidence |= {"format": self.content.kind, "expected": expected}
            case "FILE_EMPTY" | "NOT_ACCESS" | "MDB_PASSWORD":
                pass
            case _:
                code = "MDB_CORRUPT"
        return replace(self.findings.make(code, stage, evidence), severity="block")

    @cached_property
    def schema_findings(self) -> list[Finding]:
        """What the file's structure lacks or has too much of."""
        return schema.judge_schema(self.reading, self.files, self.findings)

    @cached_property
    def source_tables(self) -> Mapping[str, pa.Table]:
        """The operator's tables under the names of files.yaml."""
        return schema.source_tables(self.reading, self.files)

    @cached_property
    def database(self) -> Database:
        """The operator's tables and the canonical ones. Raises StopError and ConfigurationError."""
        blocking = [finding for finding in self.schema_findings if finding.code == "UNKNOWN_SCHEMA"]
        if blocking:
            raise StopError(blocking)
        if self.pack.mapping_sql is None:
            raise ConfigurationError(f"the pack {self.pack.id} has no mapping.sql: it cannot check a file")
        self._database = Database(self.scratch)
        for name, table in self.source_tables.items():
            self._database.add("source", name, table)
        try:
            mapping.map_tables(self._database, self.pack.mapping_sql)
            mapping.check_values(self._database)
        except mapping.UnreadableValueError as error:
            raise StopError([mapping.unreadable(error, self.findings)]) from error
        controls.prepare(self._database, self.files)
        return self._database

    @cached_property
    def period(self) -> str:
        """The file's month (YYYYMM)."""
        return file_period(self.database, self.name_period)

    @cached_property
    def invoices(self) -> tuple[Invoice, ...]:
        """The file's invoices in its order."""
        rows = self.database.rows(
            "SELECT number, type, supplier_tax_id, customer_tax_id, account, issued, period_start, period_end, net,"
            " tax, coalesce(out_of_tax, 0) AS out_of_tax, gross, currency,"
            " coalesce((SELECT period FROM canonical.header), strftime(issued, '%Y%m')) AS period"
            " FROM canonical.invoice ORDER BY rowid"
        )
        return tuple(self._with_history(Invoice(**cast(dict[str, object], row))) for row in rows)  # type: ignore[arg-type]

    def _with_history(self, invoice: Invoice) -> Invoice:
        supplier = normalised_tax_id(invoice.supplier_tax_id)
        customer = normalised_tax_id(invoice.customer_tax_id)
        known = self.registry.invoice(supplier, normalised_number(invoice.number)) if self.registry else None
        lines = self.line_nets.get(invoice.number, {})
        values = {**vars(invoice), "supplier_tax_id": supplier, "customer_tax_id": customer, "lines": lines}
        return Invoice(**{**values, "already_loaded": known is not None and is_loaded(invoice, known)})

    @cached_property
    def line_nets(self) -> Mapping[str, Mapping[str, Decimal]]:
        """What each line is billed, out-of-tax amounts included, by the invoice's number and the line."""
        nets: dict[str, dict[str, Decimal]] = {}
        for row in self.database.rows(
            "SELECT invoice_number, ref, CAST(coalesce(sum(net), 0) AS DECIMAL(18, 4)) AS net FROM canonical.line"
            " WHERE invoice_number IS NOT NULL AND ref IS NOT NULL GROUP BY ALL ORDER BY ALL"
        ):
            nets.setdefault(str(row["invoice_number"]), {})[str(row["ref"])] = Decimal(str(row["net"]))
        return nets

    @cached_property
    def totals(self) -> Totals:
        """Sums over the invoices."""
        row = self.database.rows(
            "SELECT coalesce(sum(net), 0) AS net, coalesce(sum(tax), 0) AS tax,"
            " coalesce(sum(out_of_tax), 0) AS out_of_tax, coalesce(sum(gross), 0) AS gross FROM canonical.invoice"
        )[0]
        return Totals(**row)  # type: ignore[arg-type]

    @cached_property
    def month(self) -> LoadedMonth:
        """The file summed up as the registry keeps it."""
        lines = self.database.rows("SELECT DISTINCT ref FROM canonical.line")
        accounts = self.database.rows(
            "SELECT account, max(period_end) AS period_end FROM canonical.invoice GROUP BY ALL ORDER BY ALL"
        )
        return LoadedMonth(
            period=self.period,
            gross=self.totals.gross,
            lines=frozenset(str(row["ref"]) for row in lines),
            accounts={str(row["account"]): row["period_end"] for row in accounts},  # type: ignore[misc]
            nets=billed(self.invoices),
        )


def billed(invoices: Iterable[Invoice]) -> dict[tuple[ReferenceKind, str], Decimal]:
    """Return what some invoices bill on each line and account, out-of-tax amounts included."""
    nets: defaultdict[tuple[ReferenceKind, str], Decimal] = defaultdict(Decimal)
    for invoice in invoices:
        nets["account", invoice.account] += invoice.net + invoice.out_of_tax
        for line, net in invoice.lines.items():
            nets["line", line] += net
    return dict(nets)
