"""Reads a database in a child process with limits, and takes its rows back as Arrow without copying them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.column_facts import Facts
from pipeline.result import TableRows

WALL_SECONDS = 60
WALL_SECONDS_PER_100_MIB = 60


@dataclass(frozen=True)
class ReadDamage:
    """A place that could not be read; ``row`` is None for a whole page."""

    page: int
    row: int | None
    reason: str


@dataclass(frozen=True)
class ReadTable:
    """A table of the file. ``rows`` is None where only a count was asked; columns are (name, type).

    ``facts`` describes columns of such a table, where that was asked too.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    count: TableRows
    damage: tuple[ReadDamage, ...]
    rows: pa.Table | None
    facts: Mapping[str, Facts] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """A read file: its user tables under their own names, and the fingerprint of its structure."""

    tables: Mapping[str, ReadTable]
    fingerprint: str
    linked_tables: tuple[str, ...] = ()


class ReadingError(Exception):
    """The file could not be read at all; ``code`` is the reader's, or ``limits`` when its process was stopped."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read_tables(path: Path, wanted: Mapping[str, Sequence[str]], scratch: Path, *, facts: bool = False) -> Reading:
    """Read the wanted columns of the wanted tables; of the others the rows are counted. Raises ReadingError.

    ``scratch`` holds the Arrow files for as long as the rows are used. ``facts``: describe the columns of the others.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    asked = {
        "path": str(path.resolve()),
        "scratch": str(scratch),
        "tables": {k: list(v) for k, v in wanted.items()},
        "facts": facts,
    }
    answer = _ask(asked, WALL_SECONDS + WALL_SECONDS_PER_100_MIB * (path.stat().st_size // (100 << 20)))
    if "error" in answer:
        raise ReadingError(answer["error"]["code"], answer["error"]["reason"])
    tables = {name: _table(name, table, scratch) for name, table in answer["tables"].items()}
    return Reading(tables, answer["fingerprint"], tuple(answer["linked"]))


def child_environment(path: str = os.defpath) -> dict[str, str]:
    """Return what a reading process gets: no variable of ours that could hold a secret, one thread per library.

    ``path`` is where it finds the programs that it runs.
    """
    return {
        "PATH": path,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


def _ask(asked: Mapping[str, Any], seconds: int) -> dict[str, Any]:
    """Run the child."""
    command = [sys.executable, "-P", "-m", "pipeline.read_child"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, the file's path goes through standard input
            command,
            input=json.dumps(asked).encode(),
            capture_output=True,
            env=child_environment(),
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ReadingError("limits", f"reading took more than {seconds} seconds") from error
    if done.returncode < 0:
        raise ReadingError("limits", f"the reader was stopped by signal {-done.returncode}")
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise ReadingError("reader", last[0] if last else f"the reader ended with {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _table(name: str, answer: Mapping[str, Any], scratch: Path) -> ReadTable:
    rows = None
    if answer["arrow"] is not None:
        with pa.memory_map(str(scratch / answer["arrow"])) as source:
            rows = pa.ipc.open_file(source).read_all()
    damage = tuple(ReadDamage(at["page"], at["row"], at["reason"]) for at in answer["damage"])
    columns = tuple((column, kind) for column, kind in answer["columns"])
    return ReadTable(name, columns, TableRows(answer["declared"], answer["read"]), damage, rows, answer["facts"])
