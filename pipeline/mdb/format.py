"""The file format's constants, and what the first page says of a database.

Facts of the format: mdbtools' HACKING document; domain, section 5.4 (the password test).
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.mdb.errors import FileEmpty, NotAccess, Truncated

FormatName = Literal["JET3", "JET4", "ACE12", "ACE14", "ACE15", "ACE16", "ACE17"]

SIGNATURES = (b"Standard Jet DB\0", b"Standard ACE DB\0")
VERSIONS: dict[int, FormatName] = {
    0: "JET3",
    1: "JET4",
    2: "ACE12",
    3: "ACE14",
    4: "ACE15",
    5: "ACE16",
    6: "ACE17",
}

# The header's own mask, the same in every file, from 0x18 on: what RC4 gives for the key C7 DA 39 6B.
HEADER_MASK = bytes.fromhex(
    "b56f03626108c255eba96772433f009c7a9f90ff809a31c579baed30bcdfcc9d63d9e4c37b42fb8abc4e86fbec375d44"
    "9cfac65e28e613b68a6054947b36f572dfb177f41343cfafb1333461795b92b57c2a05f17c99011b98fd124f4a946c3e"
    "60265f95f8d089248567c61f2744d2eecf65edff07c746a178160cede92d62d4"
)
MASKED_FROM = 0x18
CODE_PAGE, DATABASE_KEY, PASSWORD, CREATED = 0x3C, 0x3E, 0x42, 0x72
SHORTEST_PAGE = 2048


@dataclass(frozen=True)
class DefinitionLayout:
    """Where things are in a table's definition and in one column's entry of it; offsets and sizes in bytes."""

    rows: int
    columns: int
    indexes: int
    usage: int
    entries: int
    index_size: int
    entry_size: int
    name_length_size: int
    entry_number: int
    entry_variable: int
    entry_precision: int
    entry_flags: int
    entry_more_flags: int | None
    entry_offset: int
    entry_length: int


@dataclass(frozen=True)
class PageLayout:
    """Where things are on the pages of one version, offsets in bytes from the page's start.

    ``width`` is the size of the counts and offsets within a row. Where it is 1 a row longer than 256 bytes carries a
    table of jumps, which tell where 256 is to be added.
    """

    page_size: int
    row_count: int
    row_offsets: int
    width: Literal[1, 2]
    definition: DefinitionLayout


JET3 = PageLayout(
    page_size=2048,
    row_count=0x08,
    row_offsets=0x0A,
    width=1,
    definition=DefinitionLayout(
        rows=12,
        columns=21,
        indexes=31,
        usage=35,
        entries=43,
        index_size=8,
        entry_size=18,
        name_length_size=1,
        entry_number=1,
        entry_variable=3,
        entry_precision=11,
        entry_flags=13,
        entry_more_flags=None,
        entry_offset=14,
        entry_length=16,
    ),
)
JET4 = PageLayout(
    page_size=4096,
    row_count=0x0C,
    row_offsets=0x0E,
    width=2,
    definition=DefinitionLayout(
        rows=16,
        columns=41,
        indexes=51,
        usage=55,
        entries=63,
        index_size=12,
        entry_size=25,
        name_length_size=2,
        entry_number=5,
        entry_variable=7,
        entry_precision=11,
        entry_flags=15,
        entry_more_flags=16,
        entry_offset=21,
        entry_length=23,
    ),
)


@dataclass(frozen=True)
class Header:
    """What the first page tells. ``size`` is the file's, in bytes; ``code_page`` 0 where the version keeps none."""

    format: FormatName
    page_size: int
    code_page: int
    has_password: bool
    encoded: bool
    size: int
    key: bytes = b"\0\0\0\0"

    @property
    def is_encrypted(self) -> bool:
        """Tell whether the pages can be read with the password alone: from ACE on a key means real encryption."""
        return self.encoded and self.format.startswith("ACE")

    @property
    def layout(self) -> PageLayout:
        """Where things are on this version's pages."""
        return JET3 if self.format == "JET3" else JET4


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
    page_size = (JET3 if version == "JET3" else JET4).page_size
    if size < page_size or len(page) < SHORTEST_PAGE:
        raise Truncated(f"The file has {size} bytes, less than its first page.")
    masked = 126 if version == "JET3" else 128
    hidden = page[MASKED_FROM : MASKED_FROM + masked]
    clear = page[:MASKED_FROM] + bytes(byte ^ mask for byte, mask in zip(hidden, HEADER_MASK, strict=False))
    (code_page,) = struct.unpack_from("<H", clear, CODE_PAGE)
    key = clear[DATABASE_KEY : DATABASE_KEY + 4]
    return Header(
        format=version,
        page_size=page_size,
        code_page=code_page,
        has_password=_has_password(clear, version),
        encoded=any(key),
        size=size,
        key=key,
    )


def _has_password(clear: bytes, version: FormatName) -> bool:
    if version == "JET3":
        return any(clear[PASSWORD : PASSWORD + 20])
    password = clear[PASSWORD : PASSWORD + 40]
    (created,) = struct.unpack_from("<d", clear, CREATED)
    # From Jet 4 on the password is masked by the day of the database's creation.
    day = int(created) if -(2**31) <= created < 2**31 else 0
    mask = struct.pack("<i", day)
    return any(byte ^ mask[position % 4] for position, byte in enumerate(password))
