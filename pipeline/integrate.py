"""Integration: the month's rows as Parquet and its Output, in the root's folder of that month.

The bot registers the invoices (ChainResult.invoices) in its own database; nothing here does.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.ahead import ahead
from pipeline.canonical import VIEWS
from pipeline.database import quoted
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


def integrate(bench: Workbench) -> list[OutputFile]:
    """Write ``integrated/<YYYYMM>/<tail>/<view>.parquet`` and a copy of the Output. Raises OSError."""
    names = OutputNames.of(bench)
    output = finished_output(bench, bench.out)
    folder = Path(FOLDER) / bench.period / names.tail
    put_in_order(bench.database)
    files = [_parquet(bench, view, bench.out, folder / f"{view}.parquet") for view in SOURCES]
    files.append(_copy(output.path, bench.out, folder / names.output, int(str(output.manifest["rows"]))))
    return files


def _parquet(bench: Workbench, view: str, out: Path, target: Path) -> OutputFile:
    """Write a canonical view's columns, a part at a time."""
    select = f"SELECT {', '.join(map(quoted, VIEWS[view].columns))} FROM {SOURCES[view]}"  # noqa: S608 - our own names
    sink = pa.BufferOutputStream()
    rows = 0
    with written_whole(out / target) as file:
        with bench.database.batches(select, ROWS_AT_ONCE) as batches:
            texts = [field.name for field in batches.schema if pa.types.is_string(field.type)]
            with (
                pq.ParquetWriter(
                    sink,
                    batches.schema,
                    compression="zstd",
                    compression_level=1,
                    # An id is in the file once: no dictionary of ids is shorter than they are.
                    use_dictionary=[name for name in texts if name != "id"],
                    write_statistics=[name for name in batches.schema.names if name not in texts],
                ) as writer,
                closing(ahead(batches)) as taken,
            ):
                for batch in taken:
                    rows += batch.num_rows
                    writer.write_batch(batch)
        file.write(memoryview(sink.getvalue()))
    return OutputFile("integrated", target.name, target, rows, file.sha256, file.size)


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
