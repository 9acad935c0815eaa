"""``make bench``: reading and the whole chain as ratios to mdb-export, each a process of its own, in one run.

``python -m tests.bench.chain [LARGE.mdb]`` takes another file than the medium one that comes with the repository.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from pipeline.mdb import open_database

DATA = Path(__file__).parents[1] / "data" / "telefonica_es"
MEDIUM = DATA / "medium" / "202610_GRUPO-MERIDIANO_SOFIA.mdb.zst"
RUNS = 3

READ = """
import sys
from pathlib import Path
from pipeline.mdb import open_database
with open_database(Path(sys.argv[1])) as database:
    for name in database.tables:
        database.read(name)
"""
CHAIN = """
import sys
from pathlib import Path
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from checklists.model import STAGES
from pipeline.chain import Chain
pack = load_pack(builtin_packs() / "telefonica_es", parameter_models())
Chain(Path(sys.argv[1]), pack, out=Path(sys.argv[2])).run([stage for stage in STAGES if stage != "delivery"])
"""


def main() -> None:
    """Measure and print the table."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        file = Path(sys.argv[1]) if len(sys.argv) > 1 else _medium(Path(scratch))
        with open_database(file) as database:
            tables = list(database.tables)
        commands: dict[str, Sequence[str]] = {
            "our reader, all columns": [sys.executable, "-c", READ, str(file)],
            "whole chain without delivery": [sys.executable, "-c", CHAIN, str(file), f"{scratch}/out"],
        }
        peer = "mdb-export, all tables"
        if shutil.which("mdb-export"):
            export = "; ".join(f"mdb-export '{file}' '{name}' > /dev/null" for name in tables)
            commands = {peer: ["sh", "-c", export], **commands}
        else:
            console.print("[yellow]mdbtools is not installed: no ratios.[/]")
        found = {name: _measure(command) for name, command in commands.items()}
        table = Table("what", "seconds", "ratio", title=f"{file.name}, median of {RUNS}")
        base = found.get(peer)
        for name, seconds in found.items():
            table.add_row(name, f"{seconds:.2f}", f"{seconds / base:.2f}" if base else "-")
        console.print(table)


def _medium(scratch: Path) -> Path:
    file = scratch / MEDIUM.stem
    with pa.OSFile(str(MEDIUM)) as packed, pa.CompressedInputStream(packed, "zstd") as content:
        file.write_bytes(content.read())
    return file


def _measure(command: Sequence[str]) -> float:
    """Return the median wall time of a command's runs, in seconds."""
    seconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
