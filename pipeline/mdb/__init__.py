"""The reader of Microsoft Access databases (Access 97 to 2019), straight to Arrow, with nothing lost in silence.

Money is decimal from the page on. What cannot be read is told: as an error for the whole file, as damage for a row.
"""

from pipeline.mdb.database import Damage, Database, TableRead, TableScan, open_database
from pipeline.mdb.definition import ColumnDefinition, TableDefinition
from pipeline.mdb.errors import Corrupt, Encrypted, FileEmpty, MdbError, NotAccess, Truncated, Unsupported
from pipeline.mdb.format import FormatName, Header, read_header

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
