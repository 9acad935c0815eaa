"""An unknown database described: format, tables, columns, counts, days. No value of a cell is ever part of it.

Inspection
└── TableSummary            a user table, with the places that could not be read
    └── ColumnSummary
UnreadableFile(Exception)   the file is no database, or one that cannot be read; carries the finding
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from checklists.model import Stage
from pipeline.content import content_of, was_text_mode_transfer
from pipeline.findings import Finding, Findings
from pipeline.mdb import Header, MdbError, read_header
from pipeline.partfile import sha256_of
from pipeline.reader_process import ReadingError
from pipeline.reading import ReadDamage, ReadTable, read_tables
from pipeline.result import TableRows

# The codes that the reader may give a file as a whole; anything else that it says is damage.
READER_CODES = frozenset({"FILE_EMPTY", "NOT_ACCESS", "MDB_PASSWORD", "MDB_TRUNCATED"})


@dataclass(frozen=True)
class ColumnSummary:
    """A column. Beside a pack's types there are ``complex`` and ``calculated``, whose cells hold no plain values.

    ``nulls`` is None where the values were not looked at (memo, binary, guid), the days where there are none.
    """

    name: str
    type: str
    nulls: int | None = None
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True)
class TableSummary:
    """A user table. Damage has a reason for a whole page only: that of a row may quote what stands in it."""

    name: str
    columns: tuple[ColumnSummary, ...]
    rows: TableRows
    damage: tuple[ReadDamage, ...]

    @property
    def is_whole(self) -> bool:
        """Tell whether every declared row was read."""
        return not self.damage and self.rows.read == self.rows.declared


@dataclass(frozen=True)
class Inspection:
    """A readable database. ``linked_tables`` have their rows in another file."""

    file: str
    size: int
    sha256: str
    header: Header
    fingerprint: str
    tables: tuple[TableSummary, ...]
    linked_tables: tuple[str, ...]


class UnreadableFile(Exception):
    """The file cannot be read; ``finding`` says why and what to do, ``header`` what its first page told."""

    def __init__(self, finding: Finding, header: Header | None = None) -> None:
        super().__init__(finding.code)
        self.finding = finding
        self.header = header


def inspect_file(file: Path, scratch: Path) -> Inspection:
    """Read a database in the child process and sum it up. Raises UnreadableFile, and OSError for the file itself.

    ``scratch`` is a folder for the reading; nothing is left in it.
    """
    content = content_of(file)
    if file.stat().st_size and content.code not in (None, "ACCDB_NOT_MDB"):
        raise UnreadableFile(_finding(content.code, "header", file, kind=content.kind))
    header: Header | None = None
    try:
        header = read_header(file)
        if was_text_mode_transfer(file, header.page_size):
            raise UnreadableFile(_finding("ASCII_MODE", "header", file), header)
        reading = read_tables(file, {}, scratch, facts=True)
    except MdbError as error:
        raise UnreadableFile(_refused(error.code, str(error), file), header) from error
    except ReadingError as error:
        raise UnreadableFile(_refused(error.code, error.reason, file), header) from error
    return Inspection(
        file=file.name,
        size=file.stat().st_size,
        sha256=sha256_of(file),
        header=header,
        fingerprint=reading.fingerprint,
        tables=tuple(_summary(table) for table in reading.tables.values()),
        linked_tables=reading.linked_tables,
    )


def printable(name: str) -> str:
    """Return a name from a file with every character that does not print written as its escape.

    A table may be called anything: a line break in a comment, or a terminal's control sequence.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in name
    )


def _summary(table: ReadTable) -> TableSummary:
    columns = tuple(
        ColumnSummary(name, kind, facts["nulls"], facts["first"], facts["last"])
        if (facts := table.facts.get(name))
        else ColumnSummary(name, kind)
        for name, kind in table.columns
    )
    damage = tuple(replace(at, reason=at.reason if at.row is None else "") for at in table.damage)
    return TableSummary(table.name, columns, table.count, damage)


def _refused(code: str, reason: str, file: Path) -> Finding:
    known = code if code in READER_CODES else "MDB_CORRUPT"
    variant = "file" if known == "MDB_TRUNCATED" else None
    return _finding(known, "read", file, variant=variant, reason=reason.rstrip("."))


def _finding(code: str, stage: Stage, file: Path, *, variant: str | None = None, **seen: str) -> Finding:
    """Return a finding that blocks: here a file is read or it is not."""
    evidence: Mapping[str, str | int] = {"name": file.name, "size": file.stat().st_size, **seen}
    return replace(Findings().make(code, stage, evidence, variant=variant), severity="block")
