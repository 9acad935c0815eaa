"""What the database's driver complains of, in words: what was seen, why it matters, what to do."""

import sqlite3

from sqlalchemy.exc import DBAPIError

from bot.onboarding.errors import DatabaseBroken, SettingsError

# SQLite's own names of what went wrong, by how they begin (SQLITE_IOERR has a dozen kinds).
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_READ_ONLY = ("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")
_FULL = ("SQLITE_FULL", "SQLITE_IOERR")
_LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")

RESTORE = "Put a backup back (`onboarding-bot restore FILE`, docs/backup.md)"


def is_damage(error: BaseException | None) -> bool:
    """Tell whether SQLite says that the file is damaged, or no database at all."""
    return isinstance(error, sqlite3.Error) and _name(error).startswith(_DAMAGED)


def damaged(name: str, seen: str) -> DatabaseBroken:
    """Return the error for a damaged file. ``name`` is the address as people may see it."""
    return DatabaseBroken(
        f"DATABASE_URL: the database {name} is damaged ({seen}). Nothing more is written to it, so that what it "
        f"still holds is kept. {RESTORE}, or look at a copy of the file with sqlite3's .recover."
    )


def in_words(shown: str, error: DBAPIError) -> SettingsError:
    """Return what a driver's error means for whoever starts the bot. ``shown`` is its address without a password."""
    seen = " ".join(str(error.orig).split())
    name = _name(error.orig)
    if is_damage(error.orig):
        if name.startswith("SQLITE_NOTADB"):
            return DatabaseBroken(
                f"DATABASE_URL: {shown} is not a database ({seen}). Give the right file; a new one is made where none "
                f"is. {RESTORE} if this one was overwritten."
            )
        return damaged(shown, seen)
    if name.startswith(_READ_ONLY):
        return SettingsError(
            f"DATABASE_URL: the database {shown} cannot be written ({seen}). Give this account the right to write the "
            "file and its folder."
        )
    if name.startswith(_FULL):
        return SettingsError(
            f"DATABASE_URL: the disk does not take what is written to the database {shown} ({seen}). Make room on it; "
            "nothing is lost."
        )
    if name.startswith(_LOCKED):
        return SettingsError(
            f"DATABASE_URL: another program keeps the database {shown} locked ({seen}). Let it end, then start again."
        )
    return SettingsError(
        f"DATABASE_URL: the database {shown} cannot be opened ({seen}). Check that it runs, and that this account may "
        "create tables in it."
    )


def _name(error: BaseException | None) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
