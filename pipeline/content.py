"""What a file is by its first bytes, whatever its name says. Nothing is opened, unpacked or run."""

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

JET = b"Standard Jet DB"
ACE = b"Standard ACE DB"
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ARCHIVES = (
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"MSCF", "CAB"),
)
# An OpenXML or OpenDocument sheet is a ZIP whose first entry says so.
SHEET_ENTRIES = (b"[Content_Types].xml", b"_rels/", b"xl/", b"docProps/", b"mimetypeapplication/vnd.oasis")
UTF8_BOM = b"\xef\xbb\xbf"
SNIFFED_BYTES = 8192
# A binary page holds line feeds by chance; so many without one exception are no chance.
LINE_FEEDS_ALL_PRECEDED = 16
LINE_FEEDS_NONE_PRECEDED = 2048

ContentCode = Literal[
    "EXE_UPLOADED",
    "ARCHIVE_UPLOADED",
    "PDF_OR_XML_UPLOADED",
    "XLS_CSV_UPLOADED",
    "ACCDB_NOT_MDB",
    "NOT_ACCESS",
]


@dataclass(frozen=True)
class Content:
    """``code`` is the finding that the content deserves, None for a Jet database; ``kind`` names the format."""

    code: ContentCode | None
    kind: str

    @property
    def is_other_file(self) -> bool:
        """Tell whether the content is known to be something else, so that renaming would not help."""
        return self.code not in (None, "NOT_ACCESS")


def content_of(path: Path) -> Content:
    """Say what the file is. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(SNIFFED_BYTES)
    return _database(head) or _binary(head) or _document(head) or Content("NOT_ACCESS", "unknown")


def _database(head: bytes) -> Content | None:
    if head[4 : 4 + len(JET)] == JET:
        return Content(None, "Jet")
    if head[4 : 4 + len(ACE)] == ACE:
        return Content("ACCDB_NOT_MDB", "ACE")
    return None


def _binary(head: bytes) -> Content | None:
    if head.startswith(b"MZ"):
        return Content("EXE_UPLOADED", "EXE")
    if head.startswith(OLE2):
        return Content("XLS_CSV_UPLOADED", "XLS")
    if head.startswith(b"PK\x03\x04") and head[30:].startswith(SHEET_ENTRIES):
        return Content("XLS_CSV_UPLOADED", "XLSX")
    for magic, kind in ARCHIVES:
        if head.startswith(magic):
            return Content("ARCHIVE_UPLOADED", kind)
    if head[257:262] == b"ustar":
        return Content("ARCHIVE_UPLOADED", "tar")
    return None


def _document(head: bytes) -> Content | None:
    if b"%PDF-" in head[:1024]:
        return Content("PDF_OR_XML_UPLOADED", "PDF")
    text = head
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", errors="replace").encode()
    text = text.removeprefix(UTF8_BOM).lstrip()
    if text.startswith(b"<?xml") or b"facturae" in text[:1024].lower():
        return Content("PDF_OR_XML_UPLOADED", "XML")
    if _looks_like_csv(text):
        return Content("XLS_CSV_UPLOADED", "CSV")
    return None


def _looks_like_csv(text: bytes) -> bool:
    """Two lines or more of printable text with the same number of separators."""
    if not text or b"\0" in text:
        return False
    if sum(byte < 32 and byte not in b"\t\r\n" for byte in text):
        return False
    lines = [line for line in text.splitlines() if line.strip()]
    if len(text) >= SNIFFED_BYTES - len(UTF8_BOM):
        lines = lines[:-1]  # the last one was cut
    if len(lines) < 2:
        return False
    first, second = lines[0], lines[1]
    return any(0 < first.count(separator) <= second.count(separator) for separator in (b";", b"\t", b","))


def was_text_mode_transfer(path: Path, page_size: int) -> bool:
    """Tell whether the file went through a text-mode transfer. Heuristic: its size is no whole number of pages,
    and either every LF has a CR before it (LF became CR LF), or none of very many has one (CR LF became LF)."""
    size = path.stat().st_size
    if size == 0 or size % page_size == 0:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        feeds, pairs = _count(view, b"\n"), _count(view, b"\r\n")
    if feeds == pairs:
        return feeds >= LINE_FEEDS_ALL_PRECEDED
    return pairs == 0 and feeds >= LINE_FEEDS_NONE_PRECEDED


def _count(view: mmap.mmap, pattern: bytes) -> int:
    """Count occurrences by blocks of 1 MiB that overlap by one byte less than the pattern."""
    block, overlap = 1 << 20, len(pattern) - 1
    return sum(view[start : start + block + overlap].count(pattern) for start in range(0, len(view), block))
