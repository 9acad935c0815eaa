"""The second opinion on a file: another reader must count the same rows and sum the same money.

The other reader is pandas-access over mdbtools, in a process of its own (``pipeline.cross_check_child``). Rows of every
user table are compared, and the exact sum of every Currency and Numeric column that the first reader read.

A file that the second reader cannot read is no difference: it complains, ends badly or takes too long where the first
reader does not, and then there is no second opinion. Fewer rows without a complaint are one. Nor is it asked about a
file that the first reader found damaged: such a file goes no further anyway.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow.compute as pc

from pipeline.findings import Finding, Findings
from pipeline.reader_process import child_environment
from pipeline.reading import Reading, ReadTable
from pipeline.result import JSON

TOOLS = ("mdb-export", "mdb-tables")
MONEY = frozenset({"currency", "decimal"})
WALL_SECONDS = 60
WALL_SECONDS_PER_100_MIB = 60
# Stands in a finding for what one of the readers does not have.
NOTHING = "—"

Missing = Literal["damaged", "limits", "tool"]


@dataclass(frozen=True)
class CrossCheck:
    """What came of it. Not ``made``: there was no second opinion; the facts say why, unless mdbtools is not there."""

    findings: list[Finding] = field(default_factory=list)
    facts: Mapping[str, JSON] = field(default_factory=dict)
    made: bool = True


@dataclass(frozen=True)
class SecondReading:
    """Rows by table, sums by table and column, as the second reader has them; ``tool`` is its name and version."""

    tool: str
    rows: Mapping[str, int]
    sums: Mapping[tuple[str, str], Decimal]


class SecondReaderError(Exception):
    """There is no second opinion; ``code`` says of which kind the reason is."""

    def __init__(self, code: Missing, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def cross_check(path: Path, reading: Reading, scratch: Path, findings: Findings) -> CrossCheck:
    """Read the file a second time and compare. ``scratch`` is a folder for the second reader's own files."""
    if any(shutil.which(tool) is None for tool in TOOLS):
        return CrossCheck(made=False)
    if any(table.damage or table.count.read != table.count.declared for table in reading.tables.values()):
        return _not_made("damaged", "the first reader found the file damaged")
    try:
        second = second_reading(path, {name: _money_columns(table) for name, table in reading.tables.items()}, scratch)
    except SecondReaderError as error:
        return _not_made(error.code, error.reason)
    return _compared(reading, second, findings)


def second_reading(path: Path, wanted: Mapping[str, Sequence[str]], scratch: Path) -> SecondReading:
    """Count the rows of all tables and sum the wanted columns, given by table. Raises SecondReaderError."""
    scratch.mkdir(parents=True, exist_ok=True)
    asked = {"path": str(path.resolve()), "scratch": str(scratch), "tables": wanted}
    answer = _ask(asked, WALL_SECONDS + WALL_SECONDS_PER_100_MIB * (path.stat().st_size // (100 << 20)))
    if "error" in answer:
        raise SecondReaderError(answer["error"]["code"], answer["error"]["reason"])
    tables: Mapping[str, Any] = answer["tables"]
    return SecondReading(
        tool=answer["tool"],
        rows={name: table["rows"] for name, table in tables.items()},
        sums={
            (name, column): Decimal(total) for name, table in tables.items() for column, total in table["sums"].items()
        },
    )


def _ask(asked: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Run the child; when its time is over, or ours, it goes with everything that it started."""
    command = [sys.executable, "-P", "-m", "pipeline.cross_check_child"]
    with subprocess.Popen(  # noqa: S603 - our own module, the file's path goes through standard input
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(os.environ.get("PATH", os.defpath)),
        start_new_session=True,
    ) as process:
        try:
            said, complaints = process.communicate(json.dumps(asked).encode(), timeout=seconds)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise SecondReaderError("limits", f"it took more than {seconds} seconds") from error
            raise
    if process.returncode < 0:
        raise SecondReaderError("limits", f"it was stopped by signal {-process.returncode}")
    if process.returncode:
        last = complaints.decode(errors="replace").strip().splitlines()[-1:]
        raise SecondReaderError("tool", last[0] if last else f"it ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(said)
    return answer


def _compared(reading: Reading, second: SecondReading, findings: Findings) -> CrossCheck:
    rows = {name: table.count.read for name, table in reading.tables.items()}
    sums = {
        (name, column): _sum(table, column)
        for name, table in reading.tables.items()
        for column in _money_columns(table)
    }
    rows_differ = list(_row_differences(rows, second.rows))
    sums_differ = list(_sum_differences(sums, second.sums))
    return CrossCheck(
        findings=[
            *findings.of_rows("CROSS_CHECK", "read", rows_differ),
            *findings.of_rows("CROSS_CHECK", "read", sums_differ, variant="sum"),
        ],
        facts={
            "tool": second.tool,
            "tables": len(rows),
            "rows": sum(rows.values()),
            "columns": len(sums),
            "differences": len(rows_differ) + len(sums_differ),
        },
    )


def _not_made(code: Missing, reason: str) -> CrossCheck:
    return CrossCheck(facts={"not_made": code, "reason": reason}, made=False)


def _money_columns(table: ReadTable) -> list[str]:
    read = set(table.rows.column_names) if table.rows is not None else set()
    return [column for column, kind in table.columns if kind in MONEY and column in read]


def _sum(table: ReadTable, column: str) -> Decimal:
    """Add a column up as Arrow does, in 128 bits; NULL adds nothing."""
    assert table.rows is not None
    total: Decimal | None = pc.sum(table.rows.column(column)).as_py()
    return total or Decimal()


def _row_differences(first: Mapping[str, int], second: Mapping[str, int]) -> Iterator[dict[str, str | int]]:
    for table in dict.fromkeys([*first, *second]):
        if first.get(table) != second.get(table):
            yield {"table": table, "first": first.get(table, NOTHING), "second": second.get(table, NOTHING)}


def _sum_differences(
    first: Mapping[tuple[str, str], Decimal], second: Mapping[tuple[str, str], Decimal]
) -> Iterator[dict[str, str | int]]:
    """Differing sums of the tables that both have; a table of one reader alone is told with its rows."""
    for key, total in first.items():
        if key in second and second[key] != total:
            table, column = key
            yield {"table": table, "column": column, "first": f"{total:f}", "second": f"{second[key]:f}"}
