"""What all processes of one installation on Postgres must agree on: the key of the links, and the shared folder.

Received files, the clients' roots and attached files lie in DATA_DIR. Workers on several machines therefore need one
folder that all of them mount, and since evidence names files by their whole paths, each must reach it under the same
path. The folder carries an identity (``installation.id``) that the database knows as well.
"""

import os
import secrets
from pathlib import Path

from sqlmodel import Session

from bot.onboarding.errors import SettingsError
from bot.onboarding.models import InstallationFact
from bot.onboarding.store import Store, insert_once

IDENTITY = "installation.id"
FOLDER_ID, FOLDER_PATH, LINKS_KEY, MOVED_TO = "folder_id", "folder_path", "links_key", "moved_to"
# Who the bot is in Jira: what a webhook says of its own writes is ignored.
JIRA_ACCOUNT = "jira_account"


class Installation:
    """The table of what must be the same everywhere."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> str | None:
        """Return what is agreed; None while nothing is."""
        with self._store.reading() as session:
            fact = session.get(InstallationFact, name)
            return None if fact is None else fact.value

    def agree(self, name: str, proposed: str) -> str:
        """Propose a value; return the one that counts, which is the first that was proposed."""
        with self._store.transaction() as session:
            insert_once(session, InstallationFact, name=name, value=proposed)
        agreed = self.get(name)
        assert agreed is not None
        return agreed

    def links_key(self) -> str:
        """Return the key that signs links, made at the first call."""
        return self.get(LINKS_KEY) or self.agree(LINKS_KEY, secrets.token_urlsafe(48))

    def require_folder(self, data_dir: Path) -> None:
        """Make sure that DATA_DIR is the folder of every other process. Raises SettingsError."""
        folder = data_dir.resolve()
        known = self.get(FOLDER_ID)
        found = _identity(folder)
        if found is None and known is None:
            found = _identify(folder)
        if found is None or self.agree(FOLDER_ID, found) != found:
            raise SettingsError(
                f"DATA_DIR: {folder} is not the folder of the other processes on this database, which is "
                f"{self.get(FOLDER_PATH)}. Workers share their files: mount one folder on every machine. "
                f"(A folder is known by its file {IDENTITY}, and this one "
                + (f"says {found}." if found else f"has none; if only that file was lost, write {known} into it.")
                + ")"
            )
        path = Path(self.agree(FOLDER_PATH, str(folder)))
        if path.resolve() != folder:
            raise SettingsError(
                f"DATA_DIR: the files of this database are kept by their paths below {path}, and that does not lead to "
                f"{folder} on this machine. Mount the folder at {path}, or make {path} a symbolic link to it."
            )


def require_not_moved(store: Store) -> None:
    """Raise SettingsError when everything in this database has been moved to another one."""
    moved = Installation(store).get(MOVED_TO)
    if moved is not None:
        raise SettingsError(
            f"DATABASE_URL: everything in {store.name} was moved to {moved}. Set DATABASE_URL to that address "
            "(docs/postgres.md says how to go back)."
        )


def mark_moved(session: Session, to: str) -> None:
    """Keep in the old database that the new one counts from now on."""
    insert_once(session, InstallationFact, name=MOVED_TO, value=to)


def _identity(folder: Path) -> str | None:
    try:
        return (folder / IDENTITY).read_text("ascii").strip() or None
    except FileNotFoundError:
        return None


def _identify(folder: Path) -> str | None:
    """Give the folder an identity. Of two processes the first one wins, and no half-written file is ever read."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{IDENTITY}.{secrets.token_hex(8)}"
    aside.write_text(f"{secrets.token_hex(16)}\n", "ascii")
    try:
        os.link(aside, folder / IDENTITY)
    except FileExistsError:
        return _identity(folder)
    finally:
        aside.unlink()
    return _identity(folder)
