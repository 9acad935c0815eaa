"""The reading of one untrusted database, run as a process of its own: ``python -m pipeline.read_child``.

Standard input: ``{"path", "scratch", "tables": {name: [columns]}, "facts": bool}`` as JSON; of a table that is not
listed only the rows are counted, and with ``facts`` its columns described (``pipeline.column_facts``). Standard output:
one JSON object as ``pipeline.reading`` takes it. Rows go to ``scratch`` as Arrow streams, one a table; in a table of
many rows each distinct text stands once in a block, which its rows point at. The limits are set before the file is
opened: memory about 4 times the file and 300 MiB above what the interpreter has by then, processor time, the size of
what is written, no core file.
"""

import json
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.column_facts import column_facts, described
from pipeline.mdb import Database, MdbError, open_database

MIB = 1 << 20
CPU_SECONDS = 30
CPU_SECONDS_PER_100_MIB = 30
# A table that says it has fewer keeps its texts as they are.
MANY_ROWS = 50_000


def main() -> None:
    """Read what standard input asks for."""
    asked = json.load(sys.stdin)
    path, scratch = Path(asked["path"]), Path(asked["scratch"])
    confine(path.stat().st_size)
    try:
        with open_database(path) as database:
            answer = read(database, asked["tables"], scratch, facts=asked["facts"])
    except MdbError as error:
        answer = {"error": {"code": str(error.code), "reason": str(error)}}
    except MemoryError:
        answer = {"error": {"code": "limits", "reason": "more memory needed than a file of this size should"}}
    json.dump(answer, sys.stdout)


def confine(file_bytes: int) -> None:
    """Set this process's limits for a file of this size. They cannot be raised again."""
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    seconds = CPU_SECONDS + CPU_SECONDS_PER_100_MIB * (file_bytes // (100 * MIB))
    for limit, value in (
        (resource.RLIMIT_AS, mapped + 4 * file_bytes + 300 * MIB),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 4 * file_bytes + 64 * MIB),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def read(
    database: Database, wanted: Mapping[str, Sequence[str]], scratch: Path, *, facts: bool = False
) -> dict[str, Any]:
    """Read the wanted columns into Arrow files, block by block; count the rows of the other tables, or describe them.

    A column that holds no plain values is not read: its type says so.
    """
    tables: dict[str, Any] = {}
    columns_of = {name.casefold(): {column.casefold() for column in wanted[name]} for name in wanted}
    for number, (name, definition) in enumerate(database.tables.items()):
        asked = columns_of.get(name.casefold())
        chosen = [
            column.name
            for column in definition.columns
            if asked and column.is_readable and column.name.casefold() in asked
        ]
        looked_at = described(definition.columns) if asked is None and facts else chosen
        is_large = definition.declared_rows >= MANY_ROWS
        scan = database.scan(name, looked_at, distinct=asked is not None and is_large)
        arrow, found = None, None
        if asked is None:
            found = column_facts(scan.schema, scan)
        else:
            arrow = f"table_{number}.arrow"
            with pa.OSFile(str(scratch / arrow), "wb") as sink, pa.ipc.new_stream(sink, scan.schema) as stream:
                for batch in scan:
                    stream.write_batch(batch)
        tables[name] = {
            "columns": [[column.name, column.type] for column in definition.columns],
            "declared": scan.declared_rows,
            "read": scan.read_rows,
            "damage": [{"page": at.page, "row": at.row, "reason": at.reason} for at in scan.damage],
            "arrow": arrow,
            "facts": found or {},
        }
    return {
        "fingerprint": database.fingerprint(),
        "linked": [str(name) for name in database.linked_tables],
        "tables": tables,
    }


if __name__ == "__main__":
    main()
