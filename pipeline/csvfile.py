"""CSV from a table of the database, built by the database itself: no Python loop over rows.

RFC 4180: quotes only where needed, doubled inside; NULL is the empty cell. Text that a spreadsheet would take for a
formula gets an apostrophe in front (OWASP: = + - @, tab, carriage return); numbers, dates and telephone numbers do not.
"""

import codecs
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from pipeline.ahead import ahead
from pipeline.database import Database, quoted
from pipeline.partfile import PartFile, written_whole

# Few enough lines to stay in the processor's cache while they are counted, hashed and written.
ROWS_AT_ONCE = 20_000
Kind = Literal["plain", "decimal", "text", "phone", "verbatim"]


@dataclass(frozen=True)
class CsvFormat:
    """How cells become bytes. ``encoding`` is a Python codec's name; ``bom`` counts for UTF-8 alone."""

    separator: str = ";"
    decimal: Literal[".", ","] = "."
    quote: str = '"'
    line_ending: str = "\r\n"
    encoding: str = "utf-8"
    bom: bool = False

    @property
    def is_utf8(self) -> bool:
        """Tell whether the database's own bytes can be written as they are."""
        return codecs.lookup(self.encoding).name == "utf-8"


@dataclass(frozen=True)
class CsvColumn:
    """A cell of each row: ``source`` is the table's column, None for an empty cell.

    ``plain`` needs no quoting (closed lists, dates, counts); ``verbatim`` is quoted where needed but never guarded.
    """

    name: str
    source: str | None
    kind: Kind


@dataclass(frozen=True)
class WrittenCsv:
    """What was written: rows without the header line."""

    rows: int
    bytes: int
    sha256: str


class UnencodableTextError(Exception):
    """A character that the wanted encoding does not have."""

    def __init__(self, character: str, encoding: str) -> None:
        super().__init__(f"{character!r} does not exist in {encoding}")
        self.character = character
        self.encoding = encoding


class _NotPlainError(Exception):
    """A cell needs quotes."""


def write_csv(
    database: Database, table: str, columns: Sequence[CsvColumn], layout: CsvFormat, path: Path
) -> WrittenCsv:
    """Write a table of the schema ``canonical`` in its own order. Raises UnencodableTextError, OSError.

    Hardly any file has a cell that needs quotes, and to look at each cell costs more than all the rest: the lines are
    made without, and their separators counted. Where one is too many the file is made again, every cell looked at.
    """
    guarded = _cells_to_guard(database, table, columns)
    try:
        return _write(database, _lines(table, columns, layout, guarded, quoting=False), columns, layout, path)
    except _NotPlainError:
        return _write(database, _lines(table, columns, layout, guarded, quoting=True), columns, layout, path)


def _write(
    database: Database, lines: "_Lines", columns: Sequence[CsvColumn], layout: CsvFormat, path: Path
) -> WrittenCsv:
    rows = 0
    with written_whole(path) as file:
        if layout.bom and layout.is_utf8:
            file.write(codecs.BOM_UTF8)
        header = layout.separator.join(_header_cell(column.name, layout) for column in columns)
        file.write(_encoded(header + layout.line_ending, layout))
        # A cell that needs quotes ends the loop early: the thread has let go of the rows before they are closed.
        with database.batches(lines.select, ROWS_AT_ONCE) as batches, closing(ahead(batches)) as taken:
            for batch in taken:
                rows += batch.num_rows
                _append(file, batch.column(0), layout, expected=None if lines.quoting else len(columns))
        return WrittenCsv(rows, file.size, file.sha256)


def _cells_to_guard(database: Database, table: str, columns: Sequence[CsvColumn]) -> frozenset[str]:
    """Return the source columns in which some cell may begin as a formula does; none of the others is looked at again.

    The condition is wider than the guard's own, and compares first characters only.
    """
    sources = [column.source for column in columns if column.source and column.kind in ("text", "phone")]
    if not sources:
        return frozenset()
    suspicious = "{0} < '0' OR ({0} >= '=' AND {0} < '>') OR ({0} >= '@' AND {0} < 'A')"
    conditions = ", ".join(f"bool_or({suspicious.format(quoted(source))})" for source in sources)
    select = f"SELECT {conditions} FROM canonical.{database.standing_for(table)}"  # noqa: S608 - our own names
    (found,) = database.tuples(select)
    return frozenset(source for source, is_suspicious in zip(sources, found, strict=True) if is_suspicious)


def _append(file: PartFile, lines: pa.Array, layout: CsvFormat, *, expected: int | None) -> None:
    """Append a column of lines: its value buffer is the lines one after the other.

    Raises _NotPlainError where ``expected`` cells a line are not what is there.
    """
    _, offsets, values = lines.buffers()
    if values is None or not len(lines):
        return
    limits = memoryview(offsets).cast("q" if pa.types.is_large_string(lines.type) else "i")
    chunk = memoryview(values)[limits[lines.offset] : limits[lines.offset + len(lines)]]
    if expected is not None and not _is_plain(chunk, len(lines), expected, layout):
        raise _NotPlainError
    file.write(chunk if layout.is_utf8 else _encoded(str(chunk, "utf-8"), layout))


def _is_plain(chunk: memoryview, rows: int, cells: int, layout: CsvFormat) -> bool:
    """Tell whether separators, quotes and line ends are as many as lines without quotes have."""
    content = np.frombuffer(chunk, np.uint8)
    wanted = {layout.separator: rows * (cells - 1), layout.quote: 0}
    wanted |= {end: rows * layout.line_ending.count(end) for end in "\r\n"}
    return all(np.count_nonzero(content == ord(one)) == count for one, count in wanted.items())


def _encoded(text: str, layout: CsvFormat) -> bytes:
    try:
        return text.encode(layout.encoding)
    except UnicodeEncodeError as error:
        raise UnencodableTextError(text[error.start], layout.encoding) from error


def _header_cell(name: str, layout: CsvFormat) -> str:
    if any(character in name for character in (layout.separator, layout.quote, "\r", "\n")):
        return layout.quote + name.replace(layout.quote, layout.quote * 2) + layout.quote
    return name


@dataclass(frozen=True)
class _Lines:
    select: str
    quoting: bool


def _lines(
    table: str, columns: Sequence[CsvColumn], layout: CsvFormat, guarded: frozenset[str], *, quoting: bool
) -> _Lines:
    """The SELECT of the file's lines: cells as text, then quoted where needed, then joined (NULL joins as nothing).

    In three steps because each cell is looked at several times: written as one expression, planning it took longer
    than running it.
    """
    texts = ", ".join(f"{_text(column, layout, guarded)} AS c{number}" for number, column in enumerate(columns))
    cells = ", ".join(
        f"{_cell(f'c{number}', column, layout) if quoting else f'c{number}'} AS c{number}"
        for number, column in enumerate(columns)
    )
    joined = f", {_literal(layout.separator)}, ".join(f"c{number}" for number in range(len(columns)))
    select = (
        f"WITH texts AS (SELECT {texts} FROM canonical.{table}), cells AS (SELECT {cells} FROM texts)"  # noqa: S608
        f" SELECT concat({joined}, {_literal(layout.line_ending)}) AS line FROM cells"
    )
    return _Lines(select, quoting)


def _text(column: CsvColumn, layout: CsvFormat, guarded: frozenset[str]) -> str:
    """A cell's text, guarded against being taken for a formula where that can happen."""
    if column.source is None:
        return "CAST(NULL AS VARCHAR)"
    source = quoted(column.source)
    match column.kind:
        case "plain":
            return f"CAST({source} AS VARCHAR)"
        case "decimal":
            text = f"CAST({source} AS VARCHAR)"
            return f"replace({text}, '.', ',')" if layout.decimal == "," else text
        case "text" if column.source in guarded:
            return _guarded(source, "true")
        case "phone" if column.source in guarded:
            # A number may begin with +; what is no number is text like any other.
            return _guarded(source, f"NOT regexp_full_match({source}, '[+]?[0-9 *#]+')")
        case _:
            return source


def _guarded(source: str, condition: str) -> str:
    suspicious = f"substr({source}, 1, 1) IN ('=', '+', '-', '@', chr(9), chr(13))"
    return f"CASE WHEN {suspicious} AND {condition} THEN '''' || {source} ELSE {source} END"


def _cell(text: str, column: CsvColumn, layout: CsvFormat) -> str:
    if column.kind == "plain" or (column.kind == "decimal" and layout.separator != layout.decimal):
        return text
    quote = _literal(layout.quote)
    special = (_literal(layout.separator), quote, "chr(13)", "chr(10)")
    needed = " OR ".join(f"contains({text}, {one})" for one in special)
    doubled = f"replace({text}, {quote}, {_literal(layout.quote * 2)})"
    return f"CASE WHEN {needed} THEN {quote} || {doubled} || {quote} ELSE {text} END"


def _literal(text: str) -> str:
    """An SQL string, control characters as chr()."""
    parts = [f"chr({ord(one)})" if ord(one) < 32 else "'" + one.replace("'", "''") + "'" for one in text]
    return f"({' || '.join(parts)})"
