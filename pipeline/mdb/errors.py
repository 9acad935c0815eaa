"""Why a file cannot be read as an Access database.

::

    MdbError                code
    ├── FileEmpty           FILE_EMPTY      no bytes at all
    ├── NotAccess           NOT_ACCESS      no Jet or ACE signature
    ├── Encrypted           MDB_PASSWORD    pages that need a password
    ├── Unsupported         UNKNOWN_SCHEMA  a column or table of a kind that holds no plain values here
    ├── Truncated           MDB_TRUNCATED   pages are missing
    └── Corrupt             MDB_CORRUPT     a structure that cannot be right
"""


class MdbError(Exception):
    """The base: ``code`` is the finding's code, the message says what was seen."""

    code = "MDB_CORRUPT"


class FileEmpty(MdbError):
    """The file has no bytes."""

    code = "FILE_EMPTY"


class NotAccess(MdbError):
    """The file does not begin as an Access database does."""

    code = "NOT_ACCESS"


class Encrypted(MdbError):
    """The pages cannot be read without the password."""

    code = "MDB_PASSWORD"


class Unsupported(MdbError):
    """A column whose cells hold no plain value, or a table whose rows are in another file."""

    code = "UNKNOWN_SCHEMA"


class Truncated(MdbError):
    """The file ends before its pages do."""

    code = "MDB_TRUNCATED"


class Corrupt(MdbError):
    """A structure of the file cannot be right."""

    code = "MDB_CORRUPT"
