"""The second reading of an untrusted database, run as a process of its own: ``python -m pipeline.cross_check_child``.

mdbtools reads, pandas-access takes what it prints. Standard input: ``{"path", "scratch", "tables": {name: [columns]}}``
as JSON, the columns being those whose sum is wanted. Standard output: ``{"tool", "tables": {name: {"rows", "sums":
{column: decimal text}}}}`` with every user table of the file, or ``{"error": {"code", "reason"}}``.

The limits of ``pipeline.read_child`` hold for this process and for mdbtools; what mdbtools may write is less.

What pandas-access 0.0.1 does wrong, and what is done about it here:

- its types need a name that NumPy 2 has no more, and fail on NULL in a Long: every cell is read as text;
- it forgets mdb-export's process, and with it the exit status: it is given our way to start one, which remembers;
- it lists tables split at spaces: mdb-tables is asked for one a line;
- a column whose name has a comma breaks the header line: the cells are parted by a character that no name has;
- a row of one empty cell is an empty line, which pandas leaves out unless told otherwise.
"""

import decimal
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Self

import pandas as pd
import pandas_access

from pipeline.read_child import MIB, confine

ROWS_AT_ONCE = 20_000
DELIMITER = "\x1f"
# More digits than a sum of any number of Currency or Numeric values can have.
EXACT_DIGITS = 100
LONGEST_REASON = 200


class ToolFailed(Exception):
    """mdbtools could not read the file, or its output cannot be understood; the reason in words."""


def main() -> None:
    """Read what standard input asks for."""
    asked = json.load(sys.stdin)
    path, scratch = Path(asked["path"]), Path(asked["scratch"])
    confine(path.stat().st_size)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
    answer: dict[str, Any]
    try:
        with Mdbtools(path, scratch) as tools:
            answer = {"tool": tools.version()}
            answer["tables"] = {name: tools.read(name, asked["tables"].get(name, ())) for name in tools.tables()}
    except ToolFailed as failed:
        answer = {"error": {"code": "tool", "reason": str(failed)[:LONGEST_REASON]}}
    except MemoryError:
        answer = {"error": {"code": "limits", "reason": "more memory needed than a file of this size should"}}
    json.dump(answer, sys.stdout)


class Mdbtools:
    """mdbtools over one file. Whatever it says on its standard error, or a status other than 0, is a failure."""

    def __init__(self, path: Path, scratch: Path) -> None:
        self._path = path
        self._complaints: IO[bytes] = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed by __exit__
        self._running: subprocess.Popen[bytes] | None = None
        # The library starts its process by this name of its module and keeps no hold of it.
        pandas_access.subprocess = SimpleNamespace(PIPE=subprocess.PIPE, Popen=self._start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._complaints.close()

    def version(self) -> str:
        """Return what mdbtools calls itself."""
        return self._output(["mdb-export", "--version"]).strip()[:LONGEST_REASON]

    def tables(self) -> list[str]:
        """Return the names of the user tables; as our reader does, without those that only Access uses."""
        names = self._output(["mdb-tables", "--single-column", "--", str(self._path)]).splitlines()
        return [name for name in names if name and not name.startswith("MSys")]

    def read(self, table: str, money: Sequence[str]) -> dict[str, Any]:
        """Count a table's rows and sum its money columns, a bounded number of rows at a time. Raises ToolFailed."""
        rows, sums = 0, dict.fromkeys(money, Decimal())
        # One column is enough to count rows by.
        columns: list[str] | list[int] = list(money) or [0]
        try:
            with pandas_access.read_table(
                str(self._path),
                table,
                converters_from_schema=False,
                dtype=str,
                sep=DELIMITER,
                usecols=columns,
                index_col=False,
                na_filter=False,
                skip_blank_lines=False,
                encoding_errors="replace",
                chunksize=ROWS_AT_ONCE,
            ) as chunks:
                for chunk in chunks:
                    rows += len(chunk)
                    for column in money:
                        sums[column] = added(sums[column], chunk[column])
            self._judge_end(f"mdb-export of the table {table}", self._ended())
        except pd.errors.EmptyDataError as nothing:
            self._judge_end(f"mdb-export of the table {table}", self._ended())
            raise ToolFailed(f"mdb-export printed nothing for the table {table}") from nothing
        except ArithmeticError as odd:
            raise ToolFailed(f"mdb-export printed what is no amount in a money column of the table {table}") from odd
        except ValueError as odd:
            raise ToolFailed(f"what mdb-export printed for the table {table} cannot be read: {odd}") from odd
        finally:
            self._stop()
        return {"rows": rows, "sums": {column: f"{total:f}" for column, total in sums.items()}}

    def _start(self, command: Sequence[str], stdout: int) -> subprocess.Popen[bytes]:
        """Start what the library wants to start, with options of ours; a name that begins with a dash is no option."""
        options = [f"--delimiter={DELIMITER}", "--bin=strip", "--"]
        self._running = subprocess.Popen(  # noqa: S603 - a fixed program, no shell
            [command[0], *options, *command[1:]], stdin=subprocess.DEVNULL, stdout=stdout, stderr=self._complaints
        )
        return self._running

    def _ended(self) -> int:
        assert self._running is not None
        return self._running.wait()

    def _stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            if self._running.stdout is not None:
                self._running.stdout.close()

    def _output(self, command: Sequence[str]) -> str:
        done = subprocess.run(  # noqa: S603 - fixed programs, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._complaints, check=False
        )
        self._judge_end(command[0], done.returncode)
        return done.stdout.decode(errors="replace")

    def _judge_end(self, what: str, status: int) -> None:
        """Raise ToolFailed where mdbtools complained or did not end well."""
        self._complaints.seek(0)
        said = self._complaints.read(LONGEST_REASON).decode(errors="replace").strip().splitlines()
        if said:
            raise ToolFailed(f"{what} says: {said[0]}")
        if status:
            raise ToolFailed(f"{what} ended with the status {status}")


def added(total: Decimal, amounts: Iterable[str]) -> Decimal:
    """Return the total with the amounts added, exactly; empty cells are NULL. Raises ArithmeticError for no number."""
    with decimal.localcontext(decimal.Context(prec=EXACT_DIGITS, traps=[decimal.Inexact, decimal.InvalidOperation])):
        return sum(map(Decimal, filter(None, amounts)), total)


if __name__ == "__main__":
    main()
