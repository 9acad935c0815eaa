"""Integration: the month's rows as Parquet and its Output, in the root's folder of that month.

The bot registers the invoices (ChainResult.invoices) in its own database; nothing here does.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.ahead import ahead
from pipeline.canonical import VIEWS
from pipeline.database import Database, quoted
from pipeline.output import OutputNames, finished_output, put_in_order
from pipeline.partfile import sha256_of, written_whole
from pipeline.result import JSON, OutputFile
from pipeline.workbench import Workbench

FOLDER = "integrated"
SUPERSEDED = "superseded.json"
# An order of their own, so that the same file gives the same bytes.
SOURCES = {
    "invoice": "canonical.invoice ORDER BY supplier_tax_id, number",
    "tax": "canonical.tax ORDER BY invoice_number, regime, rate",
    "line": "canonical.line ORDER BY invoice_number, ref",
    "charge": "canonical.charge ORDER BY length(id), id",
    "usage": "canonical.usage_in_order",
}
ROWS_AT_ONCE = 200_000


@dataclass(frozen=True)
class MadeParquet:
    """A Parquet file that is not on disk yet."""

    rows: int
    content: pa.Buffer


def make_ahead(bench: Workbench) -> None:
    """Begin to make the call details' Parquet beside the checks; nothing of it is on disk before its turn.

    Once more does nothing.
    """
    if bench.usage_parquet is None and _is_kept_in_order(bench.database):
        bench.usage_parquet = bench.background.submit(_of_kept, bench.database.kept["usage"])


def integrate(bench: Workbench) -> list[OutputFile]:
    """Write ``integrated/<YYYYMM>/<tail>/<view>.parquet`` and a copy of the Output. Raises OSError."""
    names = OutputNames.of(bench)
    output = finished_output(bench, bench.out)
    folder = Path(FOLDER) / bench.period / names.tail
    put_in_order(bench.database)
    files = []
    for view in SOURCES:
        made, target = _parquet(bench, view), folder / f"{view}.parquet"
        with written_whole(bench.out / target) as file:
            file.write(memoryview(made.content))
        files.append(OutputFile("integrated", target.name, target, made.rows, file.sha256, file.size))
    files.append(_copy(output.path, bench.out, folder / names.output, int(str(output.manifest["rows"]))))
    return files


def _parquet(bench: Workbench, view: str) -> MadeParquet:
    if view == "usage" and bench.usage_parquet is not None:
        return bench.usage_parquet.result()
    if view == "usage" and _is_kept_in_order(bench.database):
        return _of_kept(bench.database.kept[view])
    select = f"SELECT {', '.join(map(quoted, VIEWS[view].columns))} FROM {SOURCES[view]}"  # noqa: S608 - our own names
    with bench.database.batches(select, ROWS_AT_ONCE) as batches, closing(ahead(batches)) as taken:
        return _made(batches.schema, (pa.Table.from_batches([batch]) for batch in taken))


def _is_kept_in_order(database: Database) -> bool:
    return "usage" in database.kept and bool(database.value("SELECT is_strict FROM canonical.usage_order"))


def _of_kept(usage: pa.Table) -> MadeParquet:
    """The kept call details, put into parts that do not depend on how they came."""
    table = usage.select(list(VIEWS["usage"].columns))
    starts = range(0, table.num_rows, ROWS_AT_ONCE)
    return _made(table.schema, (table.slice(first, ROWS_AT_ONCE).combine_chunks() for first in starts))


def _made(schema: pa.Schema, parts: Iterable[pa.Table]) -> MadeParquet:
    sink = pa.BufferOutputStream()
    rows = 0
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)]
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=1,
        # An id is in the file once: no dictionary of ids is shorter than they are.
        use_dictionary=[name for name in texts if name != "id"],
        write_statistics=[name for name in schema.names if name not in texts],
        # Text is text to every reader, however it lay in memory here.
        store_schema=False,
    ) as writer:
        for part in parts:
            rows += part.num_rows
            writer.write_table(part, ROWS_AT_ONCE)
    return MadeParquet(rows, sink.getvalue())


def note_superseded(out: Path, source_sha256: str, invoices: Sequence[Mapping[str, JSON]]) -> Path | None:
    """Write ``superseded.json`` into the folder of a file some of whose invoices were replaced; return where.

    The rows stay as they were integrated: whoever reads several files of a month leaves these invoices out. None when
    nothing of that file is integrated here. Raises OSError.
    """
    for manifest in sorted(out.glob(f"OUTPUT_*_ALL_{source_sha256[:8]}.manifest.json")):
        if json.loads(manifest.read_text(encoding="utf-8")).get("source_sha256") != source_sha256:
            continue
        tail = manifest.name.removeprefix("OUTPUT_").removesuffix(".manifest.json")
        for folder in sorted((out / FOLDER).glob(f"*/{tail}")):
            content = {"source_sha256": source_sha256, "invoices": [dict(invoice) for invoice in invoices]}
            with written_whole(folder / SUPERSEDED) as file:
                file.write(json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n")
            return folder / SUPERSEDED
    return None


def _copy(source: Path, out: Path, target: Path, rows: int) -> OutputFile:
    with source.open("rb") as original, written_whole(out / target) as file:
        shutil.copyfileobj(original, file)
    assert file.sha256 == sha256_of(source)
    return OutputFile("integrated", target.name, target, rows, file.sha256, file.size)
