"""Text that was decoded in the wrong code page: the replacement character, or UTF-8 read as Windows-1252."""

from pipeline.database import Database, quoted
from pipeline.findings import Finding, Findings

# What the bytes 0x80 to 0xBF look like in Windows-1252. After Ã or Â they are UTF-8 read in the wrong code page; no
# Spanish or Portuguese word has such a pair.
TRAIL = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
DAMAGED = f"[ÃÂ][{TRAIL}]|\ufffd"


def judge_text(database: Database, columns: list[tuple[str, str]], findings: Findings) -> list[Finding]:
    """Look at the operator's text columns, (table, column). One finding a column, the values counted."""
    found: list[Finding] = []
    for table, column in columns:
        text = quoted(column)
        # Three plain searches first: they are many times as fast as the pattern and almost always enough.
        rows = database.rows(
            f"SELECT count(*) AS count, min(row) AS row FROM (SELECT {text}, row_number() OVER () AS row"  # noqa: S608
            f" FROM source.{quoted(table)}) WHERE (contains({text}, 'Ã') OR contains({text}, 'Â')"
            f" OR contains({text}, '\ufffd')) AND regexp_matches({text}, $damaged)",
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
