"""The stages of the chain: what each one judges, makes, and keeps as evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from checklists.model import Stage
from pipeline import controls, history, identity, mapping, schema
from pipeline.arrival import judge_arrival, judge_header, judge_name
from pipeline.breakdown import breakdown, differing
from pipeline.canonical import VIEWS
from pipeline.delivery import Delivery, deliver
from pipeline.findings import Finding, Findings
from pipeline.integrate import integrate, make_ahead
from pipeline.malware import NoScannerError, signature_in
from pipeline.mdb import MdbError, read_header
from pipeline.ofc import MadeOfc, make_ofc
from pipeline.output import OutputNames, judge_output, mapping_id, write_output
from pipeline.reading import is_readable
from pipeline.references import (
    charge_codes,
    judge_references,
    new_references,
    vanished_references,
    write_references,
    write_vanished,
)
from pipeline.result import JSON, NewReference, OutputFile, VanishedReference
from pipeline.text_damage import judge_text
from pipeline.workbench import Workbench


@dataclass(frozen=True)
class Outcome:
    """What a stage did. ``not_made``: codes whose check lacked its input."""

    findings: list[Finding]
    facts: Mapping[str, JSON] = field(default_factory=dict)
    outputs: tuple[OutputFile, ...] = ()
    not_made: tuple[str, ...] = ()


class Stages:
    """The stages of one run over its workbench; ``integrates``: the integration is one of those that will be asked."""

    def __init__(
        self, bench: Workbench, delivery: Delivery | None, *, cross_check: bool, integrates: bool = False
    ) -> None:
        self._bench = bench
        self._delivery = delivery
        self._cross_check = cross_check
        self._integrates = integrates

    def run(self, stage: Stage) -> Outcome:
        """Run one stage."""
        runners: Mapping[Stage, Callable[[], Outcome]] = {
            "arrival": self._arrival,
            "name": self._name,
            "header": self._header,
            "read": self._read,
            "schema": self._schema,
            "identity": self._identity,
            "duplicates": self._duplicates,
            "totals": self._totals,
            "output": self._output,
            "integration": self._integration,
            "references": self._references,
            "ofc": self._ofc,
            "delivery": self._deliver,
        }
        return runners[stage]()

    @property
    def findings(self) -> Findings:
        """The maker of the run's findings."""
        return self._bench.findings

    def look_ahead(self) -> None:
        """Have a database read while its checksum is still being taken; nothing is judged by it yet."""
        bench = self._bench
        if is_readable(bench.file, bench.files):
            bench.reader.begin()

    @cached_property
    def new_references(self) -> tuple[NewReference, ...]:
        """The new references, listed once a run."""
        return new_references(self._bench)

    @cached_property
    def vanished_references(self) -> tuple[VanishedReference, ...]:
        """The references that are no longer billed, listed once a run."""
        return vanished_references(self._bench, self.new_references)

    @cached_property
    def made_ofc(self) -> MadeOfc:
        """The OFC, made once a run."""
        return make_ofc(self._bench)

    def _arrival(self) -> Outcome:
        bench = self._bench
        facts: dict[str, JSON] = {"file": bench.file.name, "bytes": bench.size, "sha256": bench.sha256}
        found = judge_arrival(bench)
        not_made = [] if bench.registry else ["DUP_FILE"]
        try:
            signature = signature_in(bench.file)
        except NoScannerError as error:
            not_made.append("MALWARE")
            facts["scanner"] = str(error)
        else:
            if signature is not None:
                found.append(bench.findings.make("MALWARE", "arrival", {"signature": signature}))
        return Outcome(found, facts, not_made=tuple(not_made))

    def _name(self) -> Outcome:
        parsed = self._bench.parsed_name
        facts: dict[str, JSON] = {"period": parsed.period, "root": parsed.root} if parsed else {}
        return Outcome(judge_name(self._bench), facts)

    def _header(self) -> Outcome:
        bench = self._bench
        facts: dict[str, JSON] = {"content": bench.content.kind}
        if bench.content.code in (None, "ACCDB_NOT_MDB"):
            try:
                header = read_header(bench.file)
            except MdbError as error:
                facts["reader"] = str(error)
            else:
                facts |= {"format": header.format, "code_page": header.code_page, "page_size": header.page_size}
        return Outcome(judge_header(bench), facts)

    def _read(self) -> Outcome:
        bench = self._bench
        facts: dict[str, JSON] = {"fingerprint": bench.reading.fingerprint}
        facts["tables"] = {
            name: {"declared": table.count.declared, "read": table.count.read}
            for name, table in bench.reading.tables.items()
        }
        if bench.reading.linked_tables:
            facts["linked_tables"] = list(bench.reading.linked_tables)
        found = self._read_findings()
        if not self._cross_check:
            return Outcome(found, facts)
        from pipeline.cross_check import cross_check  # noqa: PLC0415 - most checks have no second reader to wait for

        second = cross_check(bench.file, bench.reading, bench.scratch / "second", bench.findings)
        if second.facts:
            facts["cross_check"] = dict(second.facts)
        return Outcome([*found, *second.findings], facts, not_made=() if second.made else ("CROSS_CHECK",))

    def _read_findings(self) -> list[Finding]:
        """Rows that the file declares and that are not there; damage says where. A page past the end means a cut."""
        found: list[Finding] = []
        pages = self._bench.size // read_header(self._bench.file).page_size
        for table in self._bench.reading.tables.values():
            evidence: dict[str, str | int] = {
                "table": table.name,
                "declared": table.count.declared,
                "read": table.count.read,
            }
            if any(at.page >= pages for at in table.damage):
                found.append(self._bench.findings.make("MDB_TRUNCATED", "read", evidence))
            elif table.damage:
                first = table.damage[0]
                evidence |= {"page": first.page, "reason": first.reason, "places": len(table.damage)}
                found.append(self._bench.findings.make("MDB_CORRUPT", "read", evidence, variant="rows"))
            elif table.count.read != table.count.declared:
                found.append(self._bench.findings.make("MDB_TRUNCATED", "read", evidence))
        return found

    def _schema(self) -> Outcome:
        bench = self._bench
        found = list(bench.schema_findings)
        facts: dict[str, JSON] = {"fingerprint": bench.reading.fingerprint, "mapping": mapping_id(bench)}
        if not any(finding.stops for finding in found):
            found += mapping.data_findings(bench.database, bench.findings)
            found += judge_text(bench.database, schema.text_columns(bench.source_tables), bench.findings)
            facts["rows"] = {view: bench.database.count(view) for view in VIEWS}
            # What follows reads the canonical tables; a check of the pack's own may still ask for the operator's.
            bench.reading.let_go()
            if self._integrates and not any(finding.stops for finding in found):
                make_ahead(bench)
        return Outcome(found, facts)

    def _identity(self) -> Outcome:
        bench = self._bench
        found = identity.judge_identity(
            bench.database,
            bench.pack,
            bench.client,
            bench.findings,
            name_period=bench.name_period,
            today=bench.now().date(),
        )
        # Nothing public tells a FacTel file by its structure.
        not_made = ["FIXED_LINE_TOOL"]
        if bench.client is None:
            not_made += ["WRONG_CLIENT", "MULTI_CLIENT"]
        if bench.database.value("SELECT count(partial) FROM canonical.header") == 0:
            not_made.append("PARTIAL_SUBSOPORTE")
        facts: dict[str, JSON] = {"period": bench.period, "invoices": len(bench.invoices)}
        return Outcome(found, facts, not_made=tuple(not_made))

    def _duplicates(self) -> Outcome:
        bench = self._bench
        found = controls.run_shared(bench.database, "duplicates", bench.findings)
        if bench.registry is None:
            return Outcome(found, not_made=history.DUPLICATE_CODES)
        found += history.judge_history(
            bench.invoices, bench.month, bench.registry, bench.findings, replacing=bench.replacing
        )
        ignored: list[JSON] = [invoice.number for invoice in bench.invoices if invoice.already_loaded]
        return Outcome(found, {"already_loaded": ignored})

    def _totals(self) -> Outcome:
        bench = self._bench
        found = controls.run_shared(bench.database, "totals", bench.findings)
        found += controls.run_pack(bench.database, bench.pack.checks, "totals", bench.findings)
        not_made: list[str] = []
        if bench.registry is None:
            not_made.append("VARIATION")
        else:
            found += history.judge_variation(bench.month, bench.registry, bench.findings)
        if not bench.files.tax:
            not_made.append("TAX_RATE")
        if bench.database.value("SELECT count(*) FROM canonical.header") == 0:
            not_made.append("SUM_HEADER")
        if bench.database.value("SELECT count(net) FROM canonical.usage_sum") == 0:
            not_made += ["CDR_ABOVE_CHARGES", "CDR_BELOW_CHARGES"]
        totals = bench.totals
        facts: dict[str, JSON] = {
            "invoices": len(bench.invoices),
            "net": f"{totals.net:.4f}",
            "tax": f"{totals.tax:.4f}",
            "out_of_tax": f"{totals.out_of_tax:.4f}",
            "gross": f"{totals.gross:.2f}",
            **breakdown(bench.database),
            "differing": differing(bench.database, found),
        }
        return Outcome(found, facts, not_made=tuple(not_made))

    def _output(self) -> Outcome:
        bench = self._bench
        found = judge_output(bench)
        if any(finding.stops for finding in found):
            return Outcome(found)
        if self._integrates:
            make_ahead(bench)
        files = write_output(bench, bench.out)
        facts: dict[str, JSON] = {"mapping": mapping_id(bench), "files": {one.name: one.sha256 for one in files}}
        return Outcome(found, facts, outputs=tuple(files))

    def _integration(self) -> Outcome:
        bench = self._bench
        found: list[Finding] = []
        if bench.registry is not None:
            # Another file may have been integrated since the duplicates were looked for.
            changed = history.judge_changed(
                bench.invoices, bench.registry, bench.findings, "integration", replacing=bench.replacing
            )
            found = [finding for finding in changed if finding.stops]
        if found:
            return Outcome(found)
        files = integrate(bench)
        registered = [one for one in bench.invoices if not one.already_loaded]
        replaced: list[JSON] = [one.number for one in registered if history.key_of(one) in bench.replacing]
        facts: dict[str, JSON] = {
            "period": bench.period,
            "tail": OutputNames.of(bench).tail,
            "invoices": [one.number for one in registered],
            "replaced": replaced,
            "rows": {one.name: one.rows for one in files},
        }
        return Outcome([], facts, outputs=tuple(files))

    def _references(self) -> Outcome:
        bench = self._bench
        facts: dict[str, JSON] = {"charge_codes": charge_codes(bench)}
        if bench.client is None or bench.client.inventory is None:
            return Outcome([], facts, not_made=("NEW_REFS",))
        files = [write_references(bench, self.new_references)]
        if self.vanished_references:
            files.append(write_vanished(bench, self.vanished_references))
        return Outcome(judge_references(bench, self.new_references), facts, outputs=tuple(files))

    def _ofc(self) -> Outcome:
        made = self.made_ofc
        facts: dict[str, JSON] = {one.name: one.sha256 for one in made.files}
        return Outcome(list(made.findings), {"files": facts}, outputs=made.files)

    def _deliver(self) -> Outcome:
        if self._delivery is None:
            return Outcome([], not_made=("OFC_DELIVERY",))
        if self.made_ofc.findings:
            return Outcome(list(self.made_ofc.findings))
        found, delivered = deliver(self._bench, self.made_ofc.files, self._delivery)
        return Outcome(found, {"delivered": delivered})
