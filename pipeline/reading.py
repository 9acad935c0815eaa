"""Reads a database in a child process with limits, and takes its rows back as Arrow without copying them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.reader_process import ReaderProcess
from pipeline.result import TableRows

if TYPE_CHECKING:  # the child makes them; here they are only passed on
    from pipeline.column_facts import Facts

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
    facts: "Mapping[str, Facts]" = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """A read file: its user tables under their own names, and the fingerprint of its structure."""

    tables: Mapping[str, ReadTable]
    fingerprint: str
    linked_tables: tuple[str, ...] = ()


class FileReader:
    """Reads one file in a process: ``begin`` starts it, ``reading`` waits for what it read."""

    def __init__(
        self,
        path: Path,
        wanted: Mapping[str, Sequence[str]],
        scratch: Path,
        *,
        process: ReaderProcess | None = None,
        facts: bool = False,
    ) -> None:
        """``wanted`` gives the columns to read by table; of the other tables the rows are counted.

        ``scratch`` holds the Arrow files for as long as the rows are used. ``process``: one that is started already.
        ``facts``: describe the columns of the other tables.
        """
        self._path = path
        self._wanted = wanted
        self._scratch = scratch
        self._process = process
        self._facts = facts

    def begin(self) -> None:
        """Have the file read, without waiting for it; once more does nothing."""
        if self._process is not None and self._process.has_begun:
            return
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._process = self._process or ReaderProcess()
        self._process.begin(
            {
                "path": str(self._path.resolve()),
                "scratch": str(self._scratch),
                "tables": {name: list(columns) for name, columns in self._wanted.items()},
                "facts": self._facts,
            }
        )

    def reading(self) -> Reading:
        """Wait for the rows. Raises ReadingError."""
        self.begin()
        assert self._process is not None
        seconds = WALL_SECONDS + WALL_SECONDS_PER_100_MIB * (self._path.stat().st_size // (100 << 20))
        try:
            answer = self._process.answer(seconds)
        finally:
            self.close()
        tables = {name: _table(name, table, self._scratch) for name, table in answer["tables"].items()}
        return Reading(tables, answer["fingerprint"], tuple(answer["linked"]))

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.close()


def read_tables(path: Path, wanted: Mapping[str, Sequence[str]], scratch: Path, *, facts: bool = False) -> Reading:
    """Read the wanted columns of the wanted tables; of the others the rows are counted. Raises ReadingError."""
    return FileReader(path, wanted, scratch, facts=facts).reading()


def _table(name: str, answer: Mapping[str, Any], scratch: Path) -> ReadTable:
    rows = None
    if answer["arrow"] is not None:
        with pa.memory_map(str(scratch / answer["arrow"])) as source:
            rows = pa.ipc.open_file(source).read_all()
    damage = tuple(ReadDamage(at["page"], at["row"], at["reason"]) for at in answer["damage"])
    columns = tuple((column, kind) for column, kind in answer["columns"])
    return ReadTable(name, columns, TableRows(answer["declared"], answer["read"]), damage, rows, answer["facts"])
