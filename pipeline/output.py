"""The Output: one row per charge, the usage file beside it, and the manifest that comes last.

Source: domain facts 2.2. The rows are sql/output_rows.sql; the file must add up to the invoices exactly.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.client import REFERENCE_KINDS, Inventory
from pipeline.controls import evidence_of
from pipeline.csvfile import UnencodableTextError, WrittenCsv, write_csv
from pipeline.database import Database
from pipeline.errors import ConfigurationError
from pipeline.findings import Finding, Findings
from pipeline.identity import header_period
from pipeline.output_layout import output_columns, output_format, usage_columns
from pipeline.partfile import sha256_of, written_whole
from pipeline.result import JSON, OutputFile
from pipeline.sql import statement
from pipeline.workbench import Workbench

DISTRIBUTION = "onboarding-bot"


@dataclass(frozen=True)
class OutputNames:
    """The names of a source file's Output and of what goes with it, all with the same tail."""

    tail: str

    @classmethod
    def of(cls, bench: Workbench) -> "OutputNames":
        """``<ROOT>_<OPERATOR>_<YYYYMM>_ALL_<first 8 of the source's sha256>``."""
        root = file_name_part(root_of(bench))
        operator = file_name_part(bench.pack.operator_code)
        return cls(f"{root}_{operator}_{file_name_part(bench.period)}_ALL_{bench.sha256[:8]}")

    @property
    def output(self) -> str:
        """The Output's name."""
        return f"OUTPUT_{self.tail}.csv"

    @property
    def usage(self) -> str:
        """The usage file's name."""
        return f"OUTPUT-CDR_{self.tail}.csv"

    @property
    def manifest(self) -> str:
        """The manifest's name."""
        return f"OUTPUT_{self.tail}.manifest.json"

    @property
    def ofc(self) -> str:
        """The OFC's name where the form gives no pattern."""
        return f"OFC_{self.tail}.csv"


def root_of(bench: Workbench) -> str:
    """The client's root; without a client the one in the file's name."""
    if bench.client is not None:
        return bench.client.root
    said = bench.parsed_name.root if bench.parsed_name else None
    return said or "UNKNOWN"


def file_name_part(text: str) -> str:
    """Return the text in capitals with every other character than A-Z 0-9 - as a hyphen."""
    return "".join(one if one.isascii() and (one.isalnum() or one == "-") else "-" for one in text.upper())


def make_rows(bench: Workbench) -> Database:
    """Make ``output_row`` and ``usage_row`` in the run's database, once a run."""
    database = bench.database
    if not database.has("output_row"):
        run = {
            "root": root_of(bench),
            "partner": bench.client.partner if bench.client else None,
            "operator": bench.operator_name,
            "country": bench.pack.checklist.operator.country,
            "period": header_period(database),
            "source_file": bench.file.name,
            "source_sha256": bench.sha256,
            "mapping_id": mapping_id(bench),
        }
        build_rows(database, run, bench.client.inventory if bench.client else None)
    return database


def build_rows(database: Database, run: Mapping[str, str | None], inventory: Inventory | None) -> None:
    """Make ``output_row`` and ``usage_row`` from the canonical tables; ``run`` says whose file it is and which."""
    refs = [(kind, ref) for kind in REFERENCE_KINDS for ref in (inventory.refs(kind) if inventory else ())]
    database.make("known_ref", {"kind": "VARCHAR", "ref": "VARCHAR"}, refs)
    columns = {**dict.fromkeys(run, "VARCHAR"), "has_inventory": "BOOLEAN"}
    database.make("run", columns, [[*run.values(), inventory is not None]])
    database.execute(statement("normalised_tax_id"))
    database.execute(f"CREATE TABLE canonical.output_row AS {statement('output_rows')}")
    make_usage_rows(database)


def make_usage_rows(database: Database) -> None:
    """Make ``usage_row``, and what stands for it where something stands for the call details."""
    put_in_order(database)
    rows = statement("usage_rows")
    database.execute(f"CREATE VIEW canonical.usage_row AS {rows}")
    small = database.standing_for("usage")
    if small != "usage":
        # Each column of the usage file comes from one of the call details.
        database.execute(f"CREATE VIEW canonical.usage_row_values AS {rows.replace('usage_in_order', small)}")
        database.stand_for("usage_row", "usage_row_values")


def put_in_order(database: Database) -> None:
    """Make ``usage_in_order``: the call details in the order of their ids, which is mostly how they stand already."""
    if not database.has("usage_in_order"):
        order = "" if database.value("SELECT is_strict FROM canonical.usage_order") else " ORDER BY length(id), id"
        select = f"SELECT * FROM canonical.usage{order}"  # noqa: S608 - one of two constants
        database.execute(f"CREATE VIEW canonical.usage_in_order AS {select}")


def mapping_sha256(bench: Workbench) -> str:
    """The checksum of mapping.sql: a corrected guide or text of the pack changes no byte of an Output."""
    return hashlib.sha256((bench.pack.mapping_sql or "").encode()).hexdigest()


def mapping_id(bench: Workbench) -> str:
    """The pack, its version and the first 12 of the mapping's checksum: which mapping made the rows."""
    return f"{bench.pack.id}-v{bench.pack.checklist.version}-{mapping_sha256(bench)[:12]}"


def judge_output(bench: Workbench) -> list[Finding]:
    """Compare the Output's rows with the invoices: base, out of base, tax and total, exactly."""
    return judge_rows(make_rows(bench), bench.findings)


def judge_rows(database: Database, findings: Findings) -> list[Finding]:
    """Judge ``output_row``: exact sums, and no ROUNDING row beyond its tolerance."""
    rows = database.rows(statement("output_differs"))
    found = findings.of_rows("SUM_TOTAL", "output", [evidence_of(row) for row in rows], variant="output")
    for code in ("SUM_LINES", "SUM_TAX", "SUM_TOTAL"):
        beyond = [evidence_of(row) for row in database.rows(statement("rounding_beyond"), {"code": code})]
        found += findings.of_rows(code, "output", beyond, variant="rounding")
    return found


def write_output(bench: Workbench, folder: Path) -> list[OutputFile]:
    """Write the usage file, the Output, then the manifest.

    Raises OSError, and ConfigurationError where the pack's encoding lacks a character of the file.
    """
    try:
        return _write_output(bench, folder)
    except UnencodableTextError as error:
        raise ConfigurationError(f"output.yaml: {error}", view="output", value=error.character) from error


def _write_output(bench: Workbench, folder: Path) -> list[OutputFile]:
    database = make_rows(bench)
    names = OutputNames.of(bench)
    files: list[OutputFile] = []
    usage: WrittenCsv | None = None
    layout = output_format(bench.pack.output)
    if database.count("usage"):
        usage = write_csv(database, "usage_row", usage_columns(), layout, folder / names.usage)
        files.append(OutputFile("usage", names.usage, Path(names.usage), usage.rows, usage.sha256, usage.bytes))
    columns = output_columns(bench.pack.output)
    output = write_csv(database, "output_row", columns, layout, folder / names.output)
    files.append(OutputFile("output", names.output, Path(names.output), output.rows, output.sha256, output.bytes))
    content = manifest_of(bench, names.output, output)
    if usage is not None:
        content["usage"] = {
            "file": names.usage,
            "bytes": usage.bytes,
            "sha256": usage.sha256,
            "rows": usage.rows,
        }
    files.append(write_manifest(folder, names.manifest, content))
    return files


def manifest_of(bench: Workbench, name: str, written: WrittenCsv) -> dict[str, JSON]:
    """The manifest's content: control totals live here, not in a trailer of the file."""
    sums = make_rows(bench).rows(
        "SELECT coalesce(sum(amount_net), 0) AS net, coalesce(sum(amount_tax), 0) AS tax,"
        " coalesce(sum(amount_gross), 0) AS gross,"
        " coalesce(sum(amount_net) FILTER (tax_regime = 'NONE'), 0) AS out_of_tax FROM canonical.output_row"
    )[0]
    amounts = {key: format(Decimal(str(value)), ".4f") for key, value in sums.items()}
    invoices: list[JSON] = [
        {
            "number": invoice.number,
            "net": f"{invoice.net:.4f}",
            "tax": f"{invoice.tax:.4f}",
            "out_of_tax": f"{invoice.out_of_tax:.4f}",
            "gross": f"{invoice.gross:.2f}",
            "currency": invoice.currency,
        }
        for invoice in bench.invoices
    ]
    currencies: list[JSON] = list(dict.fromkeys(invoice.currency for invoice in bench.invoices))
    return {
        "file": name,
        "bytes": written.bytes,
        "sha256": written.sha256,
        "rows": written.rows,
        "invoices": invoices,
        # All rows' net; the part of it that lies outside the tax base is told apart.
        "sum_net": amounts["net"],
        "sum_out_of_tax": amounts["out_of_tax"],
        "sum_tax": amounts["tax"],
        "sum_gross": amounts["gross"],
        "currency": currencies[0] if len(currencies) == 1 else currencies,
        "source_file": bench.file.name,
        "source_sha256": bench.sha256,
        "mapping_id": mapping_id(bench),
        "mapping_sha256": mapping_sha256(bench),
        "tool_version": tool_version(),
        "generated_at": bench.now().isoformat(timespec="seconds"),
    }


def write_manifest(folder: Path, name: str, content: Mapping[str, JSON]) -> OutputFile:
    """Write a manifest; it is the mark that what it names is complete, so it comes last."""
    with written_whole(folder / name) as file:
        file.write(json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n")
    return OutputFile("manifest", name, Path(name), 0, file.sha256, file.size)


def tool_version() -> str:
    """The product's version, or ``source`` when it runs from a checkout."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "source"


@dataclass(frozen=True)
class FinishedOutput:
    """An Output on disk with the manifest that vouches for it."""

    path: Path
    manifest: Mapping[str, JSON]


def finished_output(bench: Workbench, folder: Path) -> FinishedOutput:
    """Return the Output that an earlier run left in the folder, else make it.

    An Output is taken over as it is: its column ``is_new_ref`` shows the inventory of its day, and the OFC must have
    the same bytes. Its manifest must vouch for it and for this source file.
    """
    names = OutputNames.of(bench)
    output, manifest = folder / names.output, folder / names.manifest
    content = _vouched(output, manifest, bench.sha256)
    if content is None:
        write_output(bench, folder)
        content = json.loads(manifest.read_text(encoding="utf-8"))
    return FinishedOutput(output, content)


def _vouched(output: Path, manifest: Path, source_sha256: str) -> dict[str, JSON] | None:
    if not (output.is_file() and manifest.is_file()):
        return None
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except ValueError:
        return None  # cut while it was written by something else than this module: the Output is made again
    whole = content.get("sha256") == sha256_of(output) and content.get("source_sha256") == source_sha256
    return content if whole else None
