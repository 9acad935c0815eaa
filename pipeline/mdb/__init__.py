"""The reader of Microsoft Access databases (Access 97 to 2019), straight to Arrow, with nothing lost in silence.

Money is decimal from the page on. What cannot be read is told: as an error for the whole file, as damage for a row.
"""

from typing import TYPE_CHECKING, Any

from pipeline.mdb.errors import Corrupt, Encrypted, FileEmpty, MdbError, NotAccess, Truncated, Unsupported
from pipeline.mdb.format import FormatName, Header, read_header

if TYPE_CHECKING:
    from pipeline.mdb.database import Damage, Database, TableRead, TableScan, open_database
    from pipeline.mdb.definition import ColumnDefinition, TableDefinition

__all__ = [
    "ColumnDefinition",
    "Corrupt",
    "Damage",
    "Database",
    "Encrypted",
    "FileEmpty",
    "FormatName",
    "Header",
    "MdbError",
    "NotAccess",
    "TableDefinition",
    "TableRead",
    "TableScan",
    "Truncated",
    "Unsupported",
    "open_database",
    "read_header",
]


def __getattr__(name: str) -> Any:
    """Load what reads rows when it is first asked for: whoever looks at a header alone does not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline.mdb import database, definition  # noqa: PLC0415 - see above

    return getattr(definition if name.endswith("Definition") else database, name)
