"""The OFC: what the partner receives. By default a byte copy of the Output, else the same rows as its form asks.

Source: domain facts 2.2 and 4; the procedure says that the OFC has the Output's format.
"""

import gzip
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeVar

import pyarrow as pa
from pyarrow import csv

from pipeline.csvfile import CsvColumn, CsvFormat, UnencodableTextError, write_csv
from pipeline.errors import ConfigurationError
from pipeline.findings import Finding
from pipeline.output import FinishedOutput, OutputNames, file_name_part, finished_output, root_of, write_manifest
from pipeline.output_layout import output_columns, output_format
from pipeline.partfile import written_whole
from pipeline.result import JSON, OutputFile
from pipeline.workbench import Workbench

ALLOWED_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
NUMBERED = re.compile(r"_(\d{2})\.[A-Za-z]+$")
ENCODINGS = {"UTF-8": "utf-8", "CP1252": "cp1252", "ISO-8859-15": "iso-8859-15"}
SEPARATORS = {"TAB": "\t", "\\t": "\t"}
LINE_ENDINGS = {"CRLF": "\r\n", "LF": "\n"}
Compression = Literal["NONE", "ZIP", "GZIP"]
T = TypeVar("T")


@dataclass(frozen=True)
class OfcOptions:
    """What the partner's form asks of the OFC. ``pattern`` takes {root} {operator} {period} {invoice} {ts} {seq}."""

    layout: CsvFormat
    pattern: str | None = None
    compression: Compression = "NONE"
    manifest: bool = True
    marker: bool = False

    @classmethod
    def of(cls, form: Mapping[str, JSON], output: CsvFormat) -> "OfcOptions":
        """Read the form's ofc_* fields; what it leaves open is as in the Output. Raises ConfigurationError."""
        if _choice(form, "ofc_encryption", {"NONE": False, "PGP": True}, False):
            raise ConfigurationError("ofc_encryption: PGP is not supported; the OFC is not sent in the clear instead")
        bom = form.get("ofc_bom")
        layout = CsvFormat(
            separator=_separator(form, output.separator),
            decimal=_choice(form, "ofc_decimal", {".": ".", ",": ","}, output.decimal),
            quote=_choice(form, "ofc_quote", {'"': '"', "'": "'"}, output.quote),
            line_ending=_choice(form, "ofc_line_ending", LINE_ENDINGS, output.line_ending),
            encoding=_choice(form, "ofc_encoding", ENCODINGS, output.encoding),
            bom=output.bom if bom is None else bool(bom),
        )
        if layout.separator == layout.decimal:
            raise ConfigurationError("ofc_separator and ofc_decimal are the same character", value=layout.separator)
        pattern = form.get("ofc_filename_pattern")
        return cls(
            layout=layout,
            pattern=str(pattern) if pattern else None,
            compression=_choice(form, "ofc_compression", {"NONE": "NONE", "ZIP": "ZIP", "GZIP": "GZIP"}, "NONE"),
            manifest=form.get("ofc_manifest") is not False,
            marker=form.get("ofc_done_marker") is True,
        )


def _choice(form: Mapping[str, JSON], field: str, known: Mapping[str, T], default: T) -> T:
    value = form.get(field)
    if value is None or value == "":
        return default
    if str(value) not in known:
        raise ConfigurationError(f"{field}: {value!r} is none of {', '.join(known)}", column=field, value=str(value))
    return known[str(value)]


def _separator(form: Mapping[str, JSON], default: str) -> str:
    value = str(form.get("ofc_separator") or default)
    separator = SEPARATORS.get(value, value)
    if separator not in (";", ",", "\t", "|"):
        raise ConfigurationError(f"ofc_separator: {value!r} is none of ; , tab |", column="ofc_separator", value=value)
    return separator


@dataclass(frozen=True)
class MadeOfc:
    """The OFC and what is delivered after it, in the order of delivery; or the findings why there is none."""

    files: tuple[OutputFile, ...] = ()
    findings: tuple[Finding, ...] = ()


def make_ofc(bench: Workbench) -> MadeOfc:
    """Write the OFC, its manifest and its marker into the out folder. Raises ConfigurationError, OSError."""
    output_layout = output_format(bench.pack.output)
    options = OfcOptions.of(bench.form, output_layout)
    name = ofc_name(bench, options)
    if not ALLOWED_NAME.fullmatch(name) or name.startswith("."):
        return MadeOfc(findings=(bench.findings.make("OFC_DELIVERY", "ofc", {"name": name}, variant="name"),))
    output = finished_output(bench, bench.out)
    try:
        plain = _plain(bench, output, options.layout, output_layout)
    except UnencodableTextError as error:
        evidence = {"name": name, "encoding": error.encoding, "character": error.character}
        return MadeOfc(findings=(bench.findings.make("OFC_DELIVERY", "ofc", evidence, variant="encoding"),))
    rows = int(str(output.manifest["rows"]))
    ofc = _pack(plain, bench.out / name, options.compression, rows)
    files = [ofc]
    if options.manifest:
        content = {key: value for key, value in output.manifest.items() if key != "usage"}
        content |= {"file": name, "bytes": ofc.bytes, "sha256": ofc.sha256}
        content["generated_at"] = bench.now().isoformat(timespec="seconds")
        files.append(write_manifest(bench.out, f"{Path(name).stem}.manifest.json", content))
    if options.marker:
        files.append(_marker(bench.out, ofc))
    return MadeOfc(files=tuple(files))


def ofc_name(bench: Workbench, options: OfcOptions) -> str:
    """The OFC's file name: the form's pattern filled in, else ``OFC_<tail>.csv``; with its compression's ending."""
    name = OutputNames.of(bench).ofc
    if options.pattern is not None:
        numbers = [invoice.number for invoice in bench.invoices]
        numbered = NUMBERED.search(bench.file.name)
        values = {
            "root": file_name_part(root_of(bench)),
            "operator": file_name_part(bench.pack.operator_code),
            "period": bench.period,
            "invoice": file_name_part(numbers[0]) if len(numbers) == 1 else "ALL",
            "ts": bench.now().strftime("%Y%m%d%H%M%S"),
            "seq": numbered.group(1) if numbered else "01",
        }
        name = PLACEHOLDER.sub(lambda match: values.get(match.group(1), match.group(0)), options.pattern)
    ending = {"NONE": "", "ZIP": ".zip", "GZIP": ".gz"}[options.compression]
    return name if name.lower().endswith(ending) else name + ending


def _plain(bench: Workbench, output: FinishedOutput, wanted: CsvFormat, written: CsvFormat) -> Path:
    """Return the uncompressed OFC: the Output itself, or its cells written again in another layout."""
    if wanted == written:
        return output.path
    columns = output_columns(bench.pack.output)
    names = [f"c{number}" for number in range(len(columns))]
    cells = csv.read_csv(
        output.path,
        read_options=csv.ReadOptions(encoding=written.encoding, column_names=names, skip_rows=1),
        parse_options=csv.ParseOptions(delimiter=written.separator, quote_char=written.quote, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False
        ),
    )
    if written.decimal == ",":
        for number, column in enumerate(columns):
            if column.kind == "decimal":
                # Imported here: an OFC in another layout than the Output is rare, and every check waits for the import.
                from pyarrow import compute  # noqa: PLC0415

                dotted = compute.replace_substring(cells.column(number), ",", ".")
                cells = cells.set_column(number, names[number], dotted)
    bench.database.add("canonical", "ofc_row", cells)
    # The Output's text is already guarded against formulas: its cells go over as they are.
    rewritten = [
        CsvColumn(column.name, name, "decimal" if column.kind == "decimal" else "verbatim")
        for name, column in zip(names, columns, strict=True)
    ]
    path = bench.scratch / "ofc.csv"
    write_csv(bench.database, "ofc_row", rewritten, wanted, path)
    return path


def _pack(plain: Path, target: Path, compression: Compression, rows: int) -> OutputFile:
    """Write the OFC under its name; compressed files carry no time, so the same rows give the same bytes."""
    with plain.open("rb") as source, written_whole(target) as file:
        if compression == "GZIP":
            packed = BytesIO()
            with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as stream:
                shutil.copyfileobj(source, stream)
            file.write(packed.getvalue())
        elif compression == "ZIP":
            packed = BytesIO()
            inside = target.stem if target.stem.endswith(".csv") else f"{target.stem}.csv"
            entry = zipfile.ZipInfo(inside, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr(entry, source.read())
            file.write(packed.getvalue())
        else:
            shutil.copyfileobj(source, file)
    return OutputFile("ofc", target.name, Path(target.name), rows, file.sha256, file.size)


def _marker(folder: Path, ofc: OutputFile) -> OutputFile:
    """A small file that comes last and says that the OFC is complete: its checksum, as sha256sum writes it."""
    name = f"{ofc.name}.done"
    with written_whole(folder / name) as file:
        file.write(f"{ofc.sha256}  {ofc.name}\n".encode())
    return OutputFile("marker", name, Path(name), 0, file.sha256, file.size)
