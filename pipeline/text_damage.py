"""Text that was decoded in the wrong code page: the replacement character, or UTF-8 read as Windows-1252."""

from collections.abc import Iterable

import pyarrow as pa

from pipeline.database import Database, quoted
from pipeline.findings import Finding, Findings

# What the bytes 0x80 to 0xBF look like in Windows-1252. After Ã or Â they are UTF-8 read in the wrong code page; no
# Spanish or Portuguese word has such a pair.
TRAIL = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
DAMAGED = f"[ÃÂ][{TRAIL}]|\ufffd"
# Damage has one of these in it. Almost no column does, and to look for bytes is many times as fast as for a pattern.
TRACES = ("Ã".encode(), "Â".encode(), "\ufffd".encode())


def judge_text(
    database: Database, columns: Iterable[tuple[str, str, pa.ChunkedArray]], findings: Findings
) -> list[Finding]:
    """Look at the operator's text columns: (table, column, values). One finding a column, the values counted."""
    found: list[Finding] = []
    for table, column, values in columns:
        if not _has_traces(values):
            continue
        text = quoted(column)
        rows = database.rows(
            f"SELECT count(*) AS count, min(row) AS row FROM (SELECT {text}, row_number() OVER () AS row"  # noqa: S608
            f" FROM source.{quoted(table)}) WHERE regexp_matches({text}, $damaged)",
            {"damaged": DAMAGED},
        )[0]
        if rows["count"]:
            evidence: dict[str, str | int] = {
                "view": table,
                "column": column,
                "count": int(str(rows["count"])),
                "row": int(str(rows["row"])),
            }
            found.append(findings.make("ENCODING", "schema", evidence))
    return found


def _has_traces(values: pa.ChunkedArray) -> bool:
    texts = [chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk for chunk in values.chunks]
    # The chunks of a column may have the same dictionary.
    buffers = {one.address: one for one in (text.buffers()[2] for text in texts) if one}
    return any(trace in content for content in (one.to_pybytes() for one in buffers.values()) for trace in TRACES)
