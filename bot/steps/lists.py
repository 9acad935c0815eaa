"""Lists for people as CSV files in the client's root: what a message shows the first entries of.

UTF-8 with BOM and ``;`` between columns, as spreadsheets take it. A file's name ends with its content's checksum: the
same list is the same file however often a step runs, and a name never means two contents.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from bot.locales import say
from bot.onboarding.outcomes import SHOWN_ENTRIES, Evidence, Fact, FileEvidence, number
from checklists.model import Language
from pipeline.partfile import written_whole

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Return a text that a spreadsheet does not run; not for amounts and references, which may begin with a sign."""
    return f"'{text}" if text.startswith(FORMULA) else text


def keep_list(
    home: Path, stem: str, kind: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, count: int
) -> FileEvidence:
    """Write ``<stem>_<first 8 of its sha256>.csv``; ``count`` is what the list is about. Raises OSError."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    content = text.getvalue().encode("utf-8-sig")
    digest = sha256(content).hexdigest()
    path = home / f"{stem}_{digest[:8]}.csv"
    if not path.is_file() or path.read_bytes() != content:
        with written_whole(path) as file:
            file.write(content)
    return FileEvidence(path.name, kind, str(path), len(content), digest, count)


def first_entries(entries: Sequence[Fact], file: FileEvidence, language: Language) -> Evidence:
    """Return the first entries of a list as evidence, how many more there are, and the file with all of them."""
    shown = list(entries[:SHOWN_ENTRIES])
    if len(entries) > len(shown):
        more = say("list.more_in_file", count=number(len(entries) - len(shown)), file=file.name)
        shown.append(Fact(say("fact.more"), more.text(language)))
    return Evidence(facts=tuple(shown), files=(file,))
