"""What a spreadsheet's archive may be, seen before anything in it is unpacked or read as XML.

A file from outside may be anything: too big, packed a thousand times, with macros, encrypted, or no spreadsheet at all.
"""

import re
import zipfile
from pathlib import Path

from bot.locales import say
from checklists.model import Localized

# The template has some 20 KB; with every answer at its longest it stays below a megabyte.
MOST_BYTES = 2_000_000
MOST_UNPACKED = 20_000_000
MOST_PARTS = 200
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*["\']([A-Z]{1,3}[0-9]{1,7}(?::[A-Z]{1,3}[0-9]{1,7})?)')


class SheetRefused(Exception):
    """The whole file is refused; ``text`` says what was seen and what to do."""

    def __init__(self, key: str, /, **values: object) -> None:
        self.text: Localized = say(f"sheet.refused.{key}", **values)
        super().__init__(self.text.en)


def require_spreadsheet(path: Path) -> list[str]:
    """Make sure that a file is a spreadsheet that is safe to read; return the merged ranges of its sheets.

    Raises SheetRefused.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as content:
            beginning = content.read(8)
    except OSError as away:
        raise SheetRefused("unreadable", reason=away.strerror or type(away).__name__) from away
    if size > MOST_BYTES:
        raise SheetRefused("too_big", size=f"{size:,}", limit=f"{MOST_BYTES:,}")
    if beginning == _OLE:
        raise SheetRefused("old_or_locked")
    if not zipfile.is_zipfile(path):
        raise SheetRefused("no_spreadsheet")
    try:
        with zipfile.ZipFile(path) as archive:
            return _look_through(archive)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as broken:
        raise SheetRefused("broken") from broken
    except Exception as broken:  # zlib's own errors have no common base with the others
        if isinstance(broken, SheetRefused):
            raise
        raise SheetRefused("broken") from broken


def _look_through(archive: zipfile.ZipFile) -> list[str]:
    parts = archive.infolist()
    # A part is never unpacked beyond the size that the directory gives, so the sum of them bounds what there is.
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise SheetRefused("bomb")
    names = {part.filename for part in parts}
    types = archive.read("[Content_Types].xml") if "[Content_Types].xml" in names else b""
    if any("vbaproject" in name.lower() for name in names) or b"macroEnabled" in types:
        raise SheetRefused("macros")
    if "xl/workbook.xml" not in names:
        raise SheetRefused("no_spreadsheet")
    merged: list[str] = []
    for part in parts:
        if not part.filename.lower().endswith((".xml", ".rels")):
            continue
        content = archive.read(part)
        # An entity can be a bomb of its own, and a spreadsheet never has any.
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content or content[:2] in _BOMS:
            raise SheetRefused("broken")
        if part.filename.startswith("xl/worksheets/"):
            merged += [found.decode("ascii") for found in _MERGED.findall(content)]
    return merged
