"""The reader of Microsoft Access databases (Jet 4), straight to Arrow, with nothing lost in silence.

Money is decimal from the page on. What cannot be read is told: as an error for the whole file, as damage for a row.
"""

from pipeline.mdb.database import Damage, Database, TableRead, open_database
from pipeline.mdb.definition import ColumnDefinition, TableDefinition
from pipeline.mdb.errors import Corrupt, Encoded, FileEmpty, MdbError, NotAccess, Truncated, UnreadableVersion
from pipeline.mdb.format import FormatName, Header, read_header

__all__ = [
    "ColumnDefinition",
    "Corrupt",
    "Damage",
    "Database",
    "Encoded",
    "FileEmpty",
    "FormatName",
    "Header",
    "MdbError",
    "NotAccess",
    "TableDefinition",
    "TableRead",
    "Truncated",
    "UnreadableVersion",
    "open_database",
    "read_header",
]
