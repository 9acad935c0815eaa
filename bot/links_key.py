"""The key that signs the links in mails."""

import os
import secrets

import structlog
from pydantic import SecretStr

from bot.onboarding.installation import LINKS_KEY, Installation
from bot.onboarding.store import Store
from bot.settings import Settings

log = structlog.stdlib.get_logger()


def secret_key(settings: Settings, store: Store) -> SecretStr:
    """Return the key that signs links; where none is set, one is made and kept.

    It is kept where every process finds it: in the data directory, or on Postgres in the database.
    """
    if settings.web.secret_key is not None:
        return settings.web.secret_key
    if not store.on_sqlite:
        return SecretStr(Installation(store).links_key())
    file = settings.data_dir / "links.key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        aside = file.with_name(f"{file.name}.{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_urlsafe(48), "ascii")
        try:
            # A link, not a rename: the first of two processes wins, and no half-written key is ever read.
            os.link(aside, file)
        except FileExistsError:
            log.info("links_key_kept")
        finally:
            aside.unlink()
    return SecretStr(file.read_text("ascii").strip())


def kept_key(settings: Settings) -> SecretStr | None:
    """Return the key that signs links where there is one already, and make none."""
    if settings.web.secret_key is not None:
        return settings.web.secret_key
    store = Store(settings.database)
    try:
        if not store.on_sqlite:
            found = Installation(store).get(LINKS_KEY)
            return None if found is None else SecretStr(found)
    finally:
        store.close()
    file = settings.data_dir / "links.key"
    return SecretStr(file.read_text("ascii").strip()) if file.exists() else None
