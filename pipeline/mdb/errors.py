"""Why a file cannot be read as an Access database.

::

    MdbError                code
    ├── FileEmpty           FILE_EMPTY      no bytes at all
    ├── NotAccess           NOT_ACCESS      no Jet or ACE signature
    ├── UnreadableVersion   JET_VERSION     a version that this reader does not speak
    ├── Encoded             MDB_ENCODED     encoded pages
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


class UnreadableVersion(MdbError):
    """An Access database of a version that this reader does not speak."""

    code = "JET_VERSION"


class Encoded(MdbError):
    """The pages are encoded with the database's key."""

    code = "MDB_ENCODED"


class Truncated(MdbError):
    """The file ends before its pages do."""

    code = "MDB_TRUNCATED"


class Corrupt(MdbError):
    """A structure of the file cannot be right."""

    code = "MDB_CORRUPT"
