"""Reads a database in a child process with limits, and takes its rows back as Arrow without copying them."""

import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checklists.model import Files
from pipeline.content import content_of
from pipeline.reader_process import ReaderProcess
from pipeline.result import TableRows

if TYPE_CHECKING:
    # Loaded when rows come back: a reading can begin before.
    import pyarrow as pa

    # The child makes them; here they are only passed on.
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

    ``facts`` describes columns of such a table, where that was asked too. ``mapped`` is the file that the rows lie in.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    count: TableRows
    damage: tuple[ReadDamage, ...]
    rows: "pa.Table | None"
    facts: "Mapping[str, Facts]" = field(default_factory=dict)
    mapped: mmap.mmap | None = None


@dataclass(frozen=True)
class Reading:
    """A read file: its user tables under their own names, and the fingerprint of its structure."""

    tables: Mapping[str, ReadTable]
    fingerprint: str
    linked_tables: tuple[str, ...] = ()

    def let_go(self) -> None:
        """Free the memory of the rows: whoever asks for them again has them from their file."""
        for table in self.tables.values():
            if table.mapped is not None:
                table.mapped.madvise(mmap.MADV_DONTNEED)


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
        # What is done with the rows needs it, and here there is mostly nothing to do but wait.
        import pyarrow.compute  # noqa: F401, PLC0415 - see above

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


def is_readable(path: Path, files: Files) -> bool:
    """Tell whether a file looks like a database that the pack's reader can be asked to read. Raises OSError."""
    return content_of(path).code in (None, "ACCDB_NOT_MDB") and path.stat().st_size <= files.max_bytes


def wanted_columns(files: Files) -> dict[str, tuple[str, ...]]:
    """The columns to read, by table: those that files.yaml names."""
    return {name: tuple(table.columns) for name, table in files.tables.items()}


def read_tables(path: Path, wanted: Mapping[str, Sequence[str]], scratch: Path, *, facts: bool = False) -> Reading:
    """Read the wanted columns of the wanted tables; of the others the rows are counted. Raises ReadingError."""
    return FileReader(path, wanted, scratch, facts=facts).reading()


def _table(name: str, answer: Mapping[str, Any], scratch: Path) -> ReadTable:
    import pyarrow as pa  # noqa: PLC0415 - see above

    rows = mapped = None
    if answer["arrow"] is not None:
        with (scratch / answer["arrow"]).open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # Each block has the texts that it met: from here on they are the table's, in the order of its rows.
        rows = pa.ipc.open_stream(pa.py_buffer(mapped)).read_all().unify_dictionaries()
    damage = tuple(ReadDamage(at["page"], at["row"], at["reason"]) for at in answer["damage"])
    columns = tuple((column, kind) for column, kind in answer["columns"])
    count = TableRows(answer["declared"], answer["read"])
    return ReadTable(name, columns, count, damage, rows, answer["facts"], mapped)
