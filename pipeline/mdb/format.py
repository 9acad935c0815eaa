"""The file format's constants, and what the first page says of a database.

Facts of the format: mdbtools' HACKING document; domain, section 5.4 (the password test).
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.mdb.errors import FileEmpty, NotAccess, Truncated

FormatName = Literal["JET3", "JET4", "ACE12", "ACE14", "ACE15", "ACE16"]

SIGNATURES = (b"Standard Jet DB\0", b"Standard ACE DB\0")
VERSIONS: dict[int, FormatName] = {0: "JET3", 1: "JET4", 2: "ACE12", 3: "ACE14", 4: "ACE15", 5: "ACE16"}

# The header's own fixed mask: RC4 with this key from 0x18 on.
HEADER_KEY = b"\xc7\xda\x39\x6b"
MASKED_FROM = 0x18
SHORTEST_PAGE = 2048


@dataclass(frozen=True)
class PageLayout:
    """Where things are on the pages of one version; offsets in bytes from the page's start."""

    page_size: int
    row_count: int
    row_offsets: int


JET4 = PageLayout(page_size=4096, row_count=0x0C, row_offsets=0x0E)


@dataclass(frozen=True)
class Header:
    """What the first page tells. ``size`` is the file's, in bytes; ``code_page`` 0 where the version keeps none."""

    format: FormatName
    page_size: int
    code_page: int
    has_password: bool
    encoded: bool
    size: int


def read_header(path: Path) -> Header:
    """Read the first page alone. Raises FileEmpty, NotAccess or Truncated."""
    size = path.stat().st_size
    if size == 0:
        raise FileEmpty("The file is empty.")
    with path.open("rb") as file:
        page = file.read(SHORTEST_PAGE)
    if page[4:20] not in SIGNATURES:
        raise NotAccess("The file does not begin as an Access database does.")
    version = VERSIONS.get(page[0x14]) if len(page) > 0x14 else None
    if version is None:
        raise NotAccess("The file has the signature of an Access database and a version that nobody has seen.")
    page_size = 2048 if version == "JET3" else 4096
    if size < page_size or len(page) < SHORTEST_PAGE:
        raise Truncated(f"The file has {size} bytes, less than its first page.")
    masked = 126 if version == "JET3" else 128
    clear = page[:MASKED_FROM] + rc4(HEADER_KEY, page[MASKED_FROM : MASKED_FROM + masked])
    (code_page,) = struct.unpack_from("<H", clear, 0x3C)
    return Header(
        format=version,
        page_size=page_size,
        code_page=code_page,
        has_password=_has_password(clear, version),
        encoded=clear[0x3E:0x42] != b"\0\0\0\0",
        size=size,
    )


def rc4(key: bytes, data: bytes) -> bytes:
    """Apply RC4: the header's mask is its own inverse."""
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _has_password(clear: bytes, version: FormatName) -> bool:
    if version == "JET3":
        return any(clear[0x42:0x56])
    password = clear[0x42 : 0x42 + 40]
    (created,) = struct.unpack_from("<d", clear, 0x72)
    # From Jet 4 on the password is masked by the day of the database's creation.
    day = int(created) if -(2**31) <= created < 2**31 else 0
    mask = struct.pack("<i", day)
    return any(byte ^ mask[position % 4] for position, byte in enumerate(password))
