"""A copy of the SQLite database while the bot serves, and the way back. Postgres has its own tools (docs/backup.md)."""

import os
import shutil
import sqlite3
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog
from pydantic import SecretStr

from bot import app as application
from bot.engine.lock import database_lock, sole_runner
from bot.onboarding.database_errors import damaged
from bot.onboarding.errors import DatabaseBroken, SettingsError
from bot.onboarding.restoring import mark_restored
from bot.onboarding.store import Store
from bot.preflight import check_pages
from bot.settings import Settings

log = structlog.stdlib.get_logger()

# Pages that are copied at a time: the bot writes between two such portions.
PORTION = 2_000


def back_up(settings: Settings, target: Path) -> int:
    """Copy the database as it stands to a new file, while the bot may serve; return the copy's size in bytes.

    The copy is whole or not there. Raises SettingsError: on Postgres, where the file exists or cannot be written, and
    where the database is damaged.
    """
    source = _file_of(settings, "pg_dump --format=custom --file=FILE DATABASE")
    if target.exists():
        raise SettingsError(f"{target} is there already; a backup overwrites nothing. Give another name.")
    if not source.exists():
        raise SettingsError(f"DATABASE_URL: there is no database {source} yet.")
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, aside)
        aside.rename(target)
    except OSError as refused:
        raise SettingsError(f"{target} cannot be written ({refused.strerror}).") from refused
    except sqlite3.Error as refused:
        raise _unreadable(source, refused) from refused
    finally:
        aside.unlink(missing_ok=True)
    return target.stat().st_size


def restore(settings: Settings, backup: Path | None) -> tuple[int, Path | None]:
    """Put a backup in the place of the database, and have its open onboardings look outside before they write.

    Returns how many onboardings are open, and where the database that was there was put. Nothing is changed before the
    copy has been checked, brought to this version and marked; then it takes the place in one step. On Postgres
    ``backup`` must be None: the database was put back with pg_restore, and is marked here. Raises SettingsError.
    """
    if backup is None:
        return _mark(settings), None
    file = _file_of(settings, "pg_restore, then `onboarding-bot restore` without a file")
    if not backup.is_file():
        raise SettingsError(f"{backup} is not there, or no file.")
    with ExitStack() as held:
        held.enter_context(sole_runner(database_lock(file), setting="DATABASE_URL", of=file))
        held.enter_context(sole_runner(settings.data_dir / "serve.lock"))
        fresh = file.with_name(f".{file.name}.restored")
        try:
            _remove(fresh)
            _copy(backup, fresh)
            _check(fresh, backup)
            number = _mark(settings.model_copy(update={"database_url": SecretStr(f"sqlite:///{fresh}")}), instead=file)
            _fold(fresh)
            old = _put_aside(file)
            fresh.replace(file)
        except OSError as refused:
            raise SettingsError(f"{file} cannot be written ({refused.strerror}).") from refused
        except sqlite3.Error as refused:
            raise _unreadable(backup, refused) from refused
        finally:
            _remove(fresh)
    return number, old


def _file_of(settings: Settings, instead: str) -> Path:
    store = Store(settings.database)
    store.close()
    if store.file is None:
        raise SettingsError(f"DATABASE_URL: this is no SQLite file. On Postgres use {instead} (docs/backup.md).")
    return store.file


def _copy(source: Path, target: Path) -> None:
    """Copy a database with SQLite's own backup: a consistent moment, whoever writes meanwhile."""
    with closing(_readable(source)) as held, closing(_made(target)) as copy:
        held.backup(copy, pages=PORTION)
        # One file, which can be moved and kept as such.
        copy.execute("PRAGMA journal_mode=DELETE")
    with target.open("rb") as written:
        os.fsync(written.fileno())


def _readable(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)


def _made(target: Path) -> sqlite3.Connection:
    target.touch(mode=0o600)
    return sqlite3.connect(target)


def _check(copy: Path, backup: Path) -> None:
    store = Store(f"sqlite:///{copy}")
    try:
        check_pages(store)
        with closing(sqlite3.connect(copy)) as opened:
            tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "onboarding", "event"} <= tables:
            raise SettingsError(f"{backup} is a database, but not of onboarding-bot.")
        store.schema_is_current()
    except DatabaseBroken as broken:
        raise SettingsError(f"{backup}: this backup is damaged; take another one. ({broken})") from broken
    finally:
        store.close()


def _mark(settings: Settings, *, instead: Path | None = None) -> int:
    built = application.build(settings)
    try:
        return mark_restored(built.store, built.flow, built.clock, highest_id=_highest_id(instead))
    finally:
        built.close()


def _highest_id(file: Path | None) -> int | None:
    """Ask the database that is to be replaced for the highest onboarding; None when it cannot tell."""
    if file is None or not file.exists():
        return None
    try:
        with closing(_readable(file)) as old:
            return int(old.execute("SELECT coalesce(max(id), 0) FROM onboarding").fetchone()[0])
    except sqlite3.Error:
        return None


def _fold(file: Path) -> None:
    """Bring what is in the write-ahead log into the file itself."""
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        opened.execute("PRAGMA journal_mode=DELETE")


def _put_aside(file: Path) -> Path | None:
    if not file.exists():
        return None
    with suppress(sqlite3.Error):
        _fold(file)
    old = file.with_name(f"{file.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    # The file stays where it is until the new one takes its place: at no moment is there none.
    try:
        os.link(file, old)
    except OSError:
        shutil.copyfile(file, old)
    for ending in ("-wal", "-shm"):
        left = file.with_name(file.name + ending)
        if left.exists():
            left.rename(old.with_name(old.name + ending))
    return old


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _unreadable(file: Path, refused: sqlite3.Error) -> SettingsError:
    if str(getattr(refused, "sqlite_errorname", "")).startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return damaged(f"sqlite:///{file}", str(refused))
    return SettingsError(f"{file} cannot be copied ({refused}).")
