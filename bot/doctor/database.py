"""The database: which it is, of what version, whether its tables are this version's; the folder that workers share."""

from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError

from bot.doctor.finding import Finding, bad, good, said, warn
from bot.locales import say
from bot.onboarding.errors import SettingsError
from bot.onboarding.installation import FOLDER_ID, Installation, require_not_moved
from bot.onboarding.store import Store
from bot.settings import Settings


def database(settings: Settings) -> Iterator[Finding]:
    """Look at DATABASE_URL and DATA_DIR."""
    try:
        store = Store(settings.database)
    except SettingsError as wrong:
        yield said("database", str(wrong), say("doctor.database_wrong.do"), "database")
        return
    try:
        current = store.schema_is_current()
        if current:
            require_not_moved(store)
        kind = "SQLite" if store.on_sqlite else "Postgres"
        key = "database_ready" if current else "database_empty"
        yield good("database", key, "database", kind=kind, version=_version(store), name=store.name)
        if store.on_sqlite:
            yield warn("production", "sqlite", "database")
        elif current:
            yield from _shared_folder(settings, Installation(store))
    except SettingsError as wrong:
        yield said("database", str(wrong), say("doctor.database_refused.do"), "database")
    except Exception as wrong:  # noqa: BLE001 - a driver's own errors have no common base
        yield bad("database", "database_away", "database", what=type(wrong).__name__)
    finally:
        store.close()


def _version(store: Store) -> str:
    question = "SELECT sqlite_version()" if store.on_sqlite else "SHOW server_version"
    try:
        with store.reading() as session:
            return str(session.connection().exec_driver_sql(question).scalar_one())
    except DBAPIError:
        return "?"


def _shared_folder(settings: Settings, installation: Installation) -> Iterator[Finding]:
    if installation.get(FOLDER_ID) is None:
        yield good("shared folder", "folder_unclaimed", "folder")
        return
    try:
        installation.require_folder(settings.data_dir)
    except SettingsError as wrong:
        yield said("shared folder", str(wrong), say("doctor.folder_wrong.do"), "folder", needed=False)
    else:
        yield good("shared folder", "folder_shared", "folder", folder=settings.data_dir.resolve())
