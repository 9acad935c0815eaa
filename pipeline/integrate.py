"""Integration: the month's rows as Parquet and its Output, in the root's folder of that month.

The bot registers the invoices (ChainResult.invoices) in its own database; nothing here does.
"""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.output import OutputNames, finished_output
from pipeline.partfile import sha256_of, written_whole
from pipeline.result import OutputFile
from pipeline.workbench import Workbench

FOLDER = "integrated"
# An order of their own, so that the same file gives the same bytes.
ORDERS = {
    "invoice": "supplier_tax_id, number",
    "tax": "invoice_number, regime, rate",
    "line": "invoice_number, ref",
    "charge": "length(id), id",
    "usage": "length(id), id",
}


def integrate(bench: Workbench) -> list[OutputFile]:
    """Write ``integrated/<YYYYMM>/<tail>/<view>.parquet`` and a copy of the Output. Raises OSError."""
    names = OutputNames.of(bench)
    output = finished_output(bench, bench.out)
    folder = Path(FOLDER) / bench.period / names.tail
    files = []
    for view, order in ORDERS.items():
        rows = bench.database.arrow(f"SELECT * FROM canonical.{view} ORDER BY {order}")  # noqa: S608 - our own names
        name = f"{view}.parquet"
        with written_whole(bench.out / folder / name) as file:
            sink = pa.BufferOutputStream()
            pq.write_table(rows, sink, compression="zstd")
            file.write(memoryview(sink.getvalue()))
        files.append(OutputFile("integrated", name, folder / name, rows.num_rows, file.sha256, file.size))
    files.append(_copy(output.path, bench.out, folder / names.output, int(str(output.manifest["rows"]))))
    return files


def _copy(source: Path, out: Path, target: Path, rows: int) -> OutputFile:
    with source.open("rb") as original, written_whole(out / target) as file:
        shutil.copyfileobj(original, file)
    assert file.sha256 == sha256_of(source)
    return OutputFile("integrated", target.name, target, rows, file.sha256, file.size)
